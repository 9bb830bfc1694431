package reminders

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Diaries reads when people are taken from their calendars. Its error is a sentence for people, without the address.
type Diaries interface {
	Busy(ctx context.Context, address string) ([]Span, error)
}

// UserDiary is the calendar that a user has named.
type UserDiary struct {
	UserID int64
	URL    string
}

const (
	diaryEvery = 30 * time.Minute
	diaryBatch = 5 // fetched in one tick, side by side: a slow one holds up the next tick by its own patience only
)

// diaries fetches the calendars whose turn it is. It is the last stage: nothing that is due waits for somebody else's server.
func (e *Engine) diaries(ctx context.Context, _ *Counts) error {
	if e.Diaries == nil {
		return nil
	}
	claimed, err := e.Store.ClaimDiaries(ctx, e.Now(), diaryEvery, diaryBatch)
	if err != nil {
		return err
	}
	errs := make([]error, len(claimed))
	var fetching sync.WaitGroup
	for i, d := range claimed {
		fetching.Go(func() {
			fault := ""
			spans, err := e.Diaries.Busy(ctx, d.URL)
			if err != nil {
				if ctx.Err() != nil {
					return // told to stop: that says nothing of the calendar
				}
				fault = err.Error()
				e.Log.Warn("a calendar cannot be read", "user", d.UserID, "error", fault)
			}
			errs[i] = e.Store.SaveDiary(ctx, d, spans, fault)
		})
	}
	fetching.Wait()
	return errors.Join(errs...)
}
