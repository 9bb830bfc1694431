package web

import (
	"sync"
	"time"
)

// A throttle slows guessing: after a few failures for one key each further one doubles the wait. It is
// kept in memory; a restart forgives, and several machines each count for themselves.
type throttle struct {
	mu    sync.Mutex
	tries map[string]tries
}

type tries struct {
	failed int
	until  time.Time // refused before
	last   time.Time
}

const (
	freeTries    = 5
	firstWait    = 30 * time.Second
	longestWait  = 15 * time.Minute
	forgetAfter  = time.Hour
	throttleKeys = 10_000 // above that old ones are forgotten first: memory stays bounded
)

func newThrottle() *throttle { return &throttle{tries: map[string]tries{}} }

// wait is how long key is refused yet; 0 = it may try. The try is counted at once, before the password is
// looked at, so that a burst of requests gets no more tries than a sequence.
func (t *throttle) wait(key string, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.tries[key]
	if now.Sub(n.last) > forgetAfter {
		n = tries{}
	}
	if n.until.After(now) {
		return n.until.Sub(now)
	}
	if len(t.tries) >= throttleKeys {
		t.forget(now)
	}
	n.failed, n.last = n.failed+1, now
	if n.failed >= freeTries {
		n.until = now.Add(min(firstWait<<min(n.failed-freeTries, 10), longestWait))
	}
	t.tries[key] = n
	return 0
}

// succeeded forgets the failures of key.
func (t *throttle) succeeded(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.tries, key)
}

// forget drops what is an hour old, or else everything that is not being refused now.
func (t *throttle) forget(now time.Time) {
	for key, n := range t.tries {
		if now.Sub(n.last) > forgetAfter || !n.until.After(now) {
			delete(t.tries, key)
		}
	}
	if len(t.tries) >= throttleKeys {
		clear(t.tries)
	}
}
