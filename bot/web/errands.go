package web

import (
	"context"
	"sync"
	"time"
)

// errands are what a webhook leaves to do after it was acknowledged: Slack waits three seconds, whatever its own API or
// the database takes. What matters is stored before; an errand that is lost with the process costs nobody an answer.
type errands struct {
	wg      *sync.WaitGroup
	reads   chan struct{} // places for those that read what was written
	calls   chan struct{} // … and for those that call Slack: one that hangs keeps no text from being read
	storing *storing
}

const (
	// readsAtOnce keeps what follows a burst of webhooks from keeping the rest of the burst waiting: on SQLite all that
	// writes stands in one line.
	readsAtOnce = 4
	callsAtOnce = 16
	// standBackLimit is how long an errand lets webhooks go first that are not stored yet.
	standBackLimit = 5 * time.Second
	errandLimit    = time.Minute
	// errandGrace is how long a webhook waits for its own errand: nearly always it is done by then, and whoever asks
	// next finds what they said a moment ago.
	errandGrace = 500 * time.Millisecond
)

func newErrands() errands {
	return errands{wg: &sync.WaitGroup{}, reads: make(chan struct{}, readsAtOnce), calls: make(chan struct{}, callsAtOnce), storing: &storing{}}
}

// storing counts the webhooks that are not acknowledged yet.
type storing struct {
	mu   sync.Mutex
	n    int
	none chan struct{} // closed when n is 0 again
}

// begin counts one in, until it is called back.
func (s *storing) begin() (end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n++; s.n == 1 {
		s.none = make(chan struct{})
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.n--; s.n == 0 {
			close(s.none)
		}
	}
}

func (s *storing) any() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n > 0
}

// standBack waits until none is being stored, for a time: in a flood that does not end, texts are read all the same.
func (s *storing) standBack(longest time.Duration) {
	timer := time.NewTimer(longest)
	defer timer.Stop()
	for {
		s.mu.Lock()
		n, none := s.n, s.none
		s.mu.Unlock()
		if n == 0 {
			return
		}
		select {
		case <-none:
		case <-timer.C:
			return
		}
	}
}

// read reads what was written, in its turn; call calls Slack. Both let webhooks go first that are not stored yet. Each returns a channel that is closed when it is done.
func (e errands) read(do func(ctx context.Context)) <-chan struct{} { return e.run(e.reads, do) }
func (e errands) call(do func(ctx context.Context)) <-chan struct{} { return e.run(e.calls, do) }

func (e errands) run(places chan struct{}, do func(ctx context.Context)) <-chan struct{} {
	done := make(chan struct{})
	e.wg.Go(func() {
		defer close(done)
		e.storing.standBack(standBackLimit)
		places <- struct{}{}
		defer func() { <-places }()
		ctx, cancel := context.WithTimeout(context.Background(), errandLimit)
		defer cancel()
		do(ctx)
	})
	return done
}

// inMoment waits for what is done, but not for long, and not at all while others wait to be stored.
func (e errands) inMoment(done <-chan struct{}) {
	if e.storing.any() {
		return
	}
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
