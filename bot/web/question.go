package web

import (
	"context"
	"sync"
	"time"
)

// question is asked of a database that may not answer. lib/pq goes on reading from a connection whose other end
// is gone, whatever its context says, until the connection gives up by itself; who asks here waits no longer
// than told. One question is open at a time, whoever asks meanwhile shares its answer: asked every second for
// half an hour, a dead database keeps one goroutine and one connection waiting.
type question[T any] struct {
	mu   sync.Mutex
	open *answer[T]
}

type answer[T any] struct {
	given chan struct{} // closed once value and err are there
	value T
	err   error
}

// ask puts the question by calling do, unless it is being put already, and waits for its answer, within at most.
func (q *question[T]) ask(ctx context.Context, within time.Duration, do func(context.Context) (T, error)) (T, error) {
	ctx, stop := context.WithTimeout(ctx, within)
	defer stop()
	q.mu.Lock()
	a := q.open
	if a == nil {
		a = &answer[T]{given: make(chan struct{})}
		q.open = a
		own, cancel := context.WithTimeout(context.WithoutCancel(ctx), within) // not only for who asked first
		go func() {
			defer cancel()
			a.value, a.err = do(own)
			q.mu.Lock()
			q.open = nil
			q.mu.Unlock()
			close(a.given)
		}()
	}
	q.mu.Unlock()
	select {
	case <-a.given:
		return a.value, a.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
