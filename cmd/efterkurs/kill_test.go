package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"efterkurs/reminders"
	"efterkurs/store/storetest"
)

// warp is the programme's time: the machine's, and as far ahead of it as the test has come.
type warp struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *warp) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *warp) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead = time.Until(t)
}

// later winds on by d; past eight in the evening it is half past seven the next morning.
func (c *warp) later(d time.Duration) {
	now := c.Now().Add(d)
	if now.In(danish).Hour() >= 20 {
		c.set(morning(now, 1))
		return
	}
	c.set(now)
}

func morning(t time.Time, days int) time.Time {
	y, m, d := t.In(danish).Date()
	return time.Date(y, m, d+days, 7, 30, 0, 0, danish)
}

// killWorld is a roster of people whose welcome is due, who may be written to all day.
func killWorld(t *testing.T, database string, people, rate int) (*world, *warp) {
	w := newWorld(t, database)
	w.env = append(w.env, fmt.Sprintf("TWILIO_RATE=%d", rate), "EFTERKURS_LOG=error")
	clock := &warp{}
	clock.set(time.Date(2031, 9, 2, 7, 30, 0, 0, danish))
	w.twilio.SetNow(clock.Now)
	csv := "name,company,course,start,end,phone,window\n"
	for i := range people {
		csv += fmt.Sprintf("Person%d Dahl,Firma %d,5s,2031-09-01,2031-09-02,%s,07:00-21:00\n", i, i%7, phoneOf(i))
	}
	w.run("import", w.file("roster.csv", csv))
	return w, clock
}

func phoneOf(i int) string { return fmt.Sprintf("+452012%04d", i) }

// tickProcess is the binary on one tick.
type tickProcess struct {
	cmd    *exec.Cmd
	out    bytes.Buffer
	errs   bytes.Buffer
	exited chan error
}

func (w *world) startTick(at time.Time) *tickProcess {
	w.t.Helper()
	p := &tickProcess{cmd: w.command("tick", "--json", "--as-of", at.Format(time.RFC3339Nano)), exited: make(chan error, 1)}
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.errs
	if err := p.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() { p.exited <- p.cmd.Wait() }()
	return p
}

// killAt kills the process after d, unless it has ended by itself: then counts says what it did.
func (p *tickProcess) killAt(t *testing.T, d time.Duration) (killed bool, counts reminders.Counts) {
	select {
	case err := <-p.exited:
		if err != nil {
			t.Errorf("a tick ended with %v\n%s", err, p.errs.String())
		} else if err := json.Unmarshal(p.out.Bytes(), &counts); err != nil {
			t.Errorf("a tick says %q", p.out.String())
		}
		return false, counts
	case <-time.After(d):
		_ = p.cmd.Process.Kill()
		<-p.exited
		return true, counts
	}
}

// settle ticks without faults until nothing is due, in anybody's hands or unknown.
func (w *world) settle(l *ledger, clock *warp) {
	w.t.Helper()
	for range 60 {
		var counts reminders.Counts
		if err := json.Unmarshal([]byte(w.run("tick", "--json", "--as-of", clock.Now().Format(time.RFC3339Nano))), &counts); err != nil {
			w.t.Fatal(err)
		}
		if counts.Idle() && l.open() == 0 {
			return
		}
		clock.later(4 * time.Minute)
	}
	w.t.Errorf("after four hours %d messages are still in somebody's hands", l.open())
}

// flakyServer is `serve --no-worker`, killed and started again until stop is called; then it stays up.
func (w *world) flakyServer() (stop func() (kills int)) {
	quit, done := make(chan struct{}), make(chan int)
	go func() {
		kills := 0
		defer func() { done <- kills }()
		for {
			cmd := w.command("serve", "--no-worker")
			if err := cmd.Start(); err != nil {
				w.t.Error(err)
				return
			}
			select {
			case <-time.After(100*time.Millisecond + rand.N(600*time.Millisecond)):
				kills++
			case <-quit:
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
				return
			}
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}()
	return func() int {
		close(quit)
		kills := <-done
		w.serve("--no-worker")
		return kills
	}
}

// SIGKILL at random moments: one worker on SQLite, four at once on PostgreSQL, and the process that takes in
// webhooks, while texts go out, delivery reports and answers come in and some say STOP. In the end the
// provider's record and the database agree: nothing twice, nothing lost, every row sent or explained;
// every text that was acknowledged is there once; and nobody got what was handed over after their STOP.
//
// It fails where begin (store/claim.go) no longer commits before Desk.Send is called, where rescue makes
// planned of sending instead of unknown, where settleUnknown (reminders/reconcile.go) sends again without
// asking the provider, where SaveReply comes after the acknowledgement, and where begin no longer asks for
// opted_out_at. Where begin does not lock everybody it fails now and then; store/stoprace_test.go, always.
func TestKilledAnywhereNothingIsLostOrTwice(t *testing.T) {
	eachDatabase(t, func(t *testing.T, database string) {
		workers, rate, latest := 1, 120, 450*time.Millisecond
		if !strings.HasPrefix(database, "sqlite:") {
			workers, rate, latest = 4, 200, 600*time.Millisecond
		}
		people := storetest.Size(t, 100, 250, 600)
		kills := storetest.Size(t, 4, 25, 100)
		messages := storetest.Size(t, 200, 600, 2000)
		w, clock := killWorld(t, database, people, rate)
		l := w.keepLedger(database)
		office := w.openPostOffice()
		town := newTown(l, office, people)
		stopKilling := w.flakyServer()
		killed, idle, unknown := 0, 0, 0
		for round := 0; killed < kills || l.taken() < messages; round++ {
			if round > 20*kills+100 {
				t.Fatalf("%d rounds made %d kills and %d messages", round, killed, l.taken())
			}
			at := clock.Now()
			ticks := make([]*tickProcess, workers)
			for i := range ticks {
				ticks[i] = w.startTick(at)
			}
			var wg sync.WaitGroup
			dead, idleNow := make([]bool, workers), make([]bool, workers)
			for i, p := range ticks {
				wg.Go(func() {
					var counts reminders.Counts
					dead[i], counts = p.killAt(t, 20*time.Millisecond+rand.N(latest))
					idleNow[i] = !dead[i] && counts.Idle()
				})
			}
			wg.Wait()
			rest := true
			for i, p := range ticks {
				rest = rest && idleNow[i]
				if !dead[i] {
					continue
				}
				mine := fmt.Sprintf("%%-%d-%%", p.cmd.Process.Pid)
				inHand := l.count(`SELECT COUNT(*) FROM messages WHERE state IN ('claimed', 'sending') AND worker LIKE $1`, mine)
				if inHand > 0 {
					killed++
				} else {
					idle++
				}
				unknown += l.count(`SELECT COUNT(*) FROM messages WHERE state = 'sending' AND worker LIKE $1`, mine)
			}
			if rest && l.open() == 0 {
				clock.set(morning(clock.Now(), 1))
			} else {
				clock.later(4 * time.Minute) // the leases are over
			}
		}
		serverKills := stopKilling()
		town.rest()
		w.settle(l, clock)
		l.balance(clock.Now())
		l.letters(office, l.db, time.Time{}, true)
		town.check()
		_, acked, refused, unheard := office.figures()
		t.Logf("%d kills of a worker with messages in hand (%d more without), %d of the web server; %d outcomes left unknown by them; "+
			"%d messages taken; %d texts of people acknowledged, %d of them STOP (%d requests refused, %d unanswered)",
			killed, idle, serverKills, unknown, l.taken(), acked, town.stopped(), refused, unheard)
		if unknown == 0 || acked == 0 || town.stopped() == 0 {
			t.Error("the kills met too little: the test proves nothing")
		}
	})
}

// SIGTERM stops claiming and lets what is being sent finish: nothing is left half-done. It fails where
// send (reminders/deliver.go) keeps the cancelled context after the intents are committed.
func TestSIGTERMLeavesNothingHalfDone(t *testing.T) {
	database := storetest.SQLite(t)
	w, clock := killWorld(t, database, 60, 2000)
	l := w.keepLedger(database)
	reached, release := make(chan struct{}), make(chan struct{})
	l.behave(onNth(15, func() { close(reached) }, release))
	p := w.startTick(clock.Now())
	<-reached
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	close(release)
	if err := <-p.exited; err != nil {
		t.Errorf("the tick ended with %v\n%s", err, p.errs.String())
	}
	sent := 0
	for _, r := range l.rows() {
		switch state := reminders.State(r.state); {
		case state.HasLeft():
			sent++
		case state != reminders.Planned:
			t.Errorf("message %d (%s) is %s (%s)", r.id, r.step, r.state, r.reason)
		}
	}
	if got := l.taken(); got != sent || sent >= 60 || sent < 15 {
		t.Errorf("%d are recorded as sent, the provider has %d of 60", sent, got)
	}
}
