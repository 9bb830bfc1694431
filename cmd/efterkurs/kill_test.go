package main

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"efterkurs/bot/providertest"
	"efterkurs/reminders"
	"efterkurs/store/storetest"
)

// killWorld is a roster of people whose welcome is due, at a provider that keeps the programme's time.
func killWorld(t *testing.T, database string, people int) (*world, *handClock) {
	w := newWorld(t, database)
	clock := &handClock{}
	clock.set(time.Date(2031, 9, 2, 12, 0, 0, 0, danish))
	w.twilio.SetNow(clock.Now)
	csv := "name,company,course,start,end,phone\n"
	for i := range people {
		csv += fmt.Sprintf("Person%d Dahl,Firma %d,5s,2031-09-01,2031-09-02,+4520116%03d\n", i, i%7, i)
	}
	w.run("import", w.file("roster.csv", csv))
	return w, clock
}

func (w *world) startTick(clock *handClock) *exec.Cmd {
	w.t.Helper()
	cmd := exec.Command(binary, "tick", "--as-of", clock.Now().Format(time.RFC3339))
	cmd.Env, cmd.Dir = w.env, w.dir
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	return cmd
}

func (w *world) welcomes() map[string]int {
	got := map[string]int{}
	for _, m := range w.twilio.Messages() {
		if m.Direction == "outbound-api" && strings.Contains(m.Body, "STOP") {
			got[m.To]++
		}
	}
	return got
}

// The real binary is killed with SIGKILL while it sends, again and again, each time after another number of
// texts. In the end everybody has had the welcome, and nobody twice. It fails where the intent is not
// committed before the provider is called, and where an unknown outcome is simply sent again.
func TestKilledTicksLoseNothingAndDoubleNothing(t *testing.T) {
	const people, kills = 200, 16
	for _, db := range []string{"sqlite", "postgres"} {
		t.Run(db, func(t *testing.T) {
			database := "sqlite:kill.db"
			if db == "postgres" {
				database = storetest.Postgres(t)
			}
			w, clock := killWorld(t, database, people)
			killed, unknown := 0, 0
			for range kills {
				// The provider is the trigger: the process dies while this request is being answered.
				reached, release := make(chan struct{}), make(chan struct{})
				fatal := w.twilio.Posts() + rand.IntN(12)
				w.twilio.Script(func(n int, _ url.Values) providertest.Behaviour {
					if n == fatal {
						close(reached)
						return providertest.Behaviour{Hold: release}
					}
					return providertest.Behaviour{}
				})
				cmd := w.startTick(clock)
				exited := make(chan error, 1)
				go func() { exited <- cmd.Wait() }()
				select {
				case <-reached:
					_ = cmd.Process.Kill()
					<-exited
					killed++
				case err := <-exited: // nothing was left to kill it at
					if err != nil {
						t.Errorf("a tick ended with %v", err)
					}
				}
				close(release)
				clock.set(clock.Now().Add(4 * time.Minute)) // the lease is over
				for _, l := range w.statusOf() {
					for _, s := range l.Steps {
						if s.State == string(reminders.Sending) || s.State == string(reminders.Unknown) {
							unknown++
						}
					}
				}
			}
			w.twilio.Script(nil)
			for range 12 { // rescue, ask the provider, send what was proved unsent
				clock.set(clock.Now().Add(5 * time.Minute))
				w.run("tick", "--as-of", clock.Now().Format(time.RFC3339))
			}
			if killed < 3 || unknown == 0 {
				t.Errorf("%d kills left %d outcomes open: the test proves too little", killed, unknown)
			}
			got := w.welcomes()
			for i := range people {
				if n := got[fmt.Sprintf("+4520116%03d", i)]; n != 1 {
					t.Errorf("person %d got %d welcomes", i, n)
				}
			}
			for _, l := range w.statusOf() {
				if s := l.Steps[0]; s.Step != "welcome" || !reminders.State(s.State).HasLeft() {
					t.Errorf("%s: %s is %s (%s)", l.Name, s.Step, s.State, s.Reason)
				}
			}
			t.Logf("%d kills, %d outcomes left open on the way, %d people", killed, unknown, people)
		})
	}
}

// SIGTERM stops claiming and lets what is being sent finish: nothing is left half-done.
func TestSIGTERMLeavesNothingHalfDone(t *testing.T) {
	w, clock := killWorld(t, "sqlite:term.db", 60)
	reached, release := make(chan struct{}), make(chan struct{})
	w.twilio.Script(func(n int, _ url.Values) providertest.Behaviour {
		if n == 15 {
			close(reached)
			return providertest.Behaviour{Hold: release}
		}
		return providertest.Behaviour{}
	})
	cmd := w.startTick(clock)
	<-reached
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	close(release)
	if err := cmd.Wait(); err != nil {
		t.Errorf("the tick ended with %v", err)
	}
	sent := 0
	for _, l := range w.statusOf() {
		for _, s := range l.Steps {
			switch state := reminders.State(s.State); {
			case state.HasLeft():
				sent++
			case state != reminders.Planned:
				t.Errorf("%s: %s is %s (%s)", l.Name, s.Step, s.State, s.Reason)
			}
		}
	}
	if got := len(w.welcomes()); got != sent || sent >= 60 || sent < 15 {
		t.Errorf("%d are recorded as sent, the provider has %d of 60", sent, got)
	}
}
