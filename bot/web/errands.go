package web

import (
	"context"
	"sync"
	"time"
)

// errands are what a webhook leaves to do after it was acknowledged: Slack waits three seconds, whatever its own API or
// the database takes. What matters is stored before; an errand that is lost with the process costs nobody an answer.
type errands struct {
	wg    *sync.WaitGroup
	reads chan struct{} // places for those that read what was written
	calls chan struct{} // … and for those that call Slack: one that hangs keeps no text from being read
}

const (
	// readsAtOnce keeps what follows a burst of webhooks from keeping the rest of the burst waiting: on SQLite all that
	// writes stands in one line.
	readsAtOnce = 4
	callsAtOnce = 16
	errandLimit = time.Minute
	// errandGrace is how long a webhook waits for its own errand: nearly always it is done by then, and whoever asks
	// next finds what they said a moment ago.
	errandGrace = 500 * time.Millisecond
)

func newErrands() errands {
	return errands{wg: &sync.WaitGroup{}, reads: make(chan struct{}, readsAtOnce), calls: make(chan struct{}, callsAtOnce)}
}

// read reads what was written, in its turn; call calls Slack. Each returns a channel that is closed when it is done.
func (e errands) read(do func(ctx context.Context)) <-chan struct{} { return e.run(e.reads, do) }
func (e errands) call(do func(ctx context.Context)) <-chan struct{} { return e.run(e.calls, do) }

func (e errands) run(places chan struct{}, do func(ctx context.Context)) <-chan struct{} {
	done := make(chan struct{})
	e.wg.Go(func() {
		defer close(done)
		places <- struct{}{}
		defer func() { <-places }()
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
