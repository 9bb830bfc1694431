package web

import (
	"context"
	"sync"
	"time"
)

// errands are what a webhook leaves to do after it was acknowledged: Slack waits three seconds, whatever its own API or
// the database takes. What matters is stored before; an errand that is lost with the process costs nobody an answer.
type errands struct {
	wg     *sync.WaitGroup
	places chan struct{}
}

const (
	// errandsAtOnce keeps what follows a burst of webhooks from keeping the rest of the burst waiting: on SQLite all that
	// writes stands in one line.
	errandsAtOnce = 4
	errandLimit   = time.Minute
	// errandGrace is how long a webhook waits for its own errand: nearly always it is done by then, and whoever asks
	// next finds what they said a moment ago.
	errandGrace = time.Second
)

func newErrands() errands {
	return errands{wg: &sync.WaitGroup{}, places: make(chan struct{}, errandsAtOnce)}
}

// run does it in its turn, and returns a channel that is closed when it is done.
func (e errands) run(do func(ctx context.Context)) <-chan struct{} {
	done := make(chan struct{})
	e.wg.Go(func() {
		defer close(done)
		e.places <- struct{}{}
		defer func() { <-e.places }()
		ctx, cancel := context.WithTimeout(context.Background(), errandLimit)
		defer cancel()
		do(ctx)
	})
	return done
}

// inMoment waits for what is done, but not for long.
func inMoment(done <-chan struct{}) {
	timer := time.NewTimer(errandGrace)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

// Finish waits for the errands under way, as long as ctx is not done.
func (s *Server) Finish(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		s.errands.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}
