package web

import (
	"fmt"
	"testing"
	"time"
)

func TestGuessingGetsSlower(t *testing.T) {
	th, now := newThrottle(), time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	for i := range freeTries {
		if wait := th.wait("a", now); wait != 0 {
			t.Fatalf("try %d waits %s", i+1, wait)
		}
	}
	if wait := th.wait("a", now); wait != firstWait {
		t.Errorf("after %d failures: wait %s", freeTries, wait)
	}
	if wait := th.wait("b", now); wait != 0 {
		t.Errorf("somebody else waits %s", wait)
	}
	last := firstWait
	for range 10 {
		now = now.Add(last)
		if wait := th.wait("a", now); wait != 0 {
			t.Fatalf("refused once its wait is over: %s", wait)
		}
		wait := th.wait("a", now)
		if wait < last || wait > longestWait {
			t.Fatalf("waits %s after %s", wait, last)
		}
		last = wait
	}
	if last != longestWait {
		t.Errorf("the longest wait is %s", last)
	}
}

func TestALoginForgivesTheTriesBefore(t *testing.T) {
	th, now := newThrottle(), time.Now()
	for range 3 * freeTries {
		if wait := th.wait("a", now); wait != 0 {
			t.Fatalf("waits %s", wait)
		}
		th.succeeded("a")
	}
}

func TestTriesAreForgottenAfterAnHour(t *testing.T) {
	th, now := newThrottle(), time.Now()
	for range freeTries {
		th.wait("a", now)
	}
	now = now.Add(forgetAfter + time.Second)
	for i := range freeTries {
		if wait := th.wait("a", now); wait != 0 {
			t.Fatalf("try %d of the next hour waits %s", i+1, wait)
		}
	}
}

func TestTheThrottleStaysSmall(t *testing.T) {
	th, now := newThrottle(), time.Now()
	for i := range 3 * throttleKeys {
		th.wait(fmt.Sprint(i), now)
	}
	if len(th.tries) > throttleKeys {
		t.Errorf("%d keys are kept", len(th.tries))
	}
}
