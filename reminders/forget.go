package reminders

import (
	"context"
	"errors"
	"time"
)

const (
	forgetBatch = 50
	forgetPause = 15 * time.Minute // doubled with every try: Twilio refuses before a message's final state (20009)
	forgetTries = 10               // about ten days
)

// forget deletes providers' copies of what was sent to people who are erased.
func (e *Engine) forget(ctx context.Context, counts *Counts) error {
	now := e.Now()
	pending, err := e.Store.PendingErasures(ctx, now, forgetBatch)
	if err != nil {
		return err
	}
	for _, copied := range pending {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !e.Desk.On(copied.Channel) {
			continue
		}
		asked, cancel := context.WithTimeout(ctx, sendTimeout)
		err := e.Desk.Forget(asked, copied)
		cancel()
		switch {
		case err == nil:
			counts.Forgotten++
			err = e.Store.DoneErasure(ctx, copied.ID)
		case errors.Is(err, ErrNoRecord):
			err = e.Store.DoneErasure(ctx, copied.ID)
		case copied.Tries+1 >= forgetTries:
			e.Log.Error("a provider's copy could not be deleted; delete it there by hand", "channel", copied.Channel, "provider_id", copied.ProviderID, "error", err)
			err = e.Store.DoneErasure(ctx, copied.ID)
		default:
			err = e.Store.DeferErasure(ctx, copied.ID, now.Add(forgetPause<<copied.Tries), err.Error())
		}
		if err != nil {
			return err
		}
	}
	return nil
}
