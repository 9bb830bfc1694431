package main

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"efterkurs/store/storetest"
)

// serve is stopped by SIGTERM and started again, over and over, at any moment of its life and while texts come
// in and go out. Each time it ends with 0 and leaves nothing in anybody's hands; in the end nothing is lost
// and nothing was said twice.
//
// It fails where handle (reminders/deliver.go) lets what comes after the claim be cancelled or no longer gives
// back what it did not begin, where a stop during the start is an error (unlessTold in serve.go), and where
// serve does not wait for its worker.
func TestStoppedAndStartedOverAndOver(t *testing.T) {
	t.Parallel() // it waits more than it works
	eachDatabase(t, func(t *testing.T, database string) {
		times := storetest.Size(t, 8, 30, 100)
		const people = 200
		w, l, office := servedWorld(t, database, people)
		l.behave(slowly(15 * time.Millisecond))
		o := office.press(people, 4)
		busy, slowest := 0, time.Duration(0)
		for i := range times {
			cmd := w.command("serve")
			var log syncBuffer
			cmd.Stdout, cmd.Stderr = &log, &log
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			exited := make(chan error, 1)
			go func() { exited <- cmd.Wait() }()
			before := l.taken()
			if i%2 == 0 { // in the middle of its work; else perhaps while it is starting
				await(t, 30*time.Second, "a text to be answered", func() bool { return l.taken() >= before+2 })
			}
			select {
			case <-time.After(rand.N(150 * time.Millisecond)): // the moment is what is random here
			case err := <-exited:
				t.Fatalf("serve ended by itself: %v\n%s", err, log.String())
			}
			told := time.Now()
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := <-exited; err != nil && (log.String() != "" || l.taken() > before || err.Error() != "signal: terminated") { // else Go itself had not begun
				t.Fatalf("stop %d: serve ended with %v\n%s", i, err, log.String())
			}
			slowest = max(slowest, time.Since(told))
			if n := l.open(); n > 0 {
				t.Fatalf("stop %d left %d messages in somebody's hands", i, n)
			}
			if l.taken() > before {
				busy++
			}
		}
		stop := w.serve()
		o.lift()
		stop()
		l.close(office)
		_, acked, refused, unheard := office.figures()
		t.Logf("%d stops, %d of them of a server that had sent; the slowest took %s; %d texts acknowledged, %d taken (%d refused, %d unanswered)",
			times, busy, slowest.Round(time.Millisecond), acked, l.taken(), refused, unheard)
		if busy < times/2 {
			t.Error("most of the time there was nothing to stop: the test proves too little")
		}
	})
}
