package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"efterkurs/bot/handset"
	"efterkurs/reminders"
	"efterkurs/reminders/roster"
)

// handClock is a clock that a test sets.
type handClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *handClock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = t.UTC()
}

// handsetApp is the whole program on an embedded database, with simulated phones for all channels.
func handsetApp(t *testing.T, now func() time.Time) *app {
	t.Helper()
	database := "sqlite:" + filepath.Join(t.TempDir(), "efterkurs.db")
	p := &program{stdout: t.Output(), stderr: t.Output(), env: func(name string) string {
		switch name {
		case "DATABASE_URL":
			return database
		case "EFTERKURS_LOG":
			return slog.LevelWarn.String()
		}
		return ""
	}}
	a, err := p.open(t.Context(), now, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.close)
	for _, channel := range []string{reminders.SMS, reminders.Slack, reminders.Email} {
		a.bot.Channels[channel] = handset.New(channel)
	}
	return a
}

func (a *app) take(t *testing.T, csv string) {
	t.Helper()
	read, err := roster.Read(strings.NewReader(csv), "roster.csv", roster.Options{DefaultRegion: "DK"})
	if err != nil || len(read.Faults) > 0 {
		t.Fatalf("%v %v", err, read.Faults)
	}
	rows := make([]reminders.RosterRow, len(read.Rows))
	for i, r := range read.Rows {
		if rows[i], err = rosterRow(r); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.store.Import(t.Context(), a.now(), rows); err != nil {
		t.Fatal(err)
	}
}

// windTo ticks at every instant at which something is due, and at least every step, until end.
func (a *app) windTo(t *testing.T, clock *handClock, end time.Time, step time.Duration) {
	t.Helper()
	for {
		if _, err := a.engine.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		now := clock.Now()
		if !now.Before(end) {
			return
		}
		next := now.Add(step)
		if due, ok, err := a.store.NextDue(t.Context()); err != nil {
			t.Fatal(err)
		} else if ok && due.After(now) && due.Before(next) {
			next = due
		}
		clock.set(next)
	}
}

// TestSeasons runs whole programmes in virtual time across both clock changes, Christmas, Easter and the
// summer shutdown: everybody gets six exercises, inside their window, on days on which they are at work.
func TestSeasons(t *testing.T) {
	for name, c := range map[string]struct {
		end   string
		weeks int
		first map[string]string // some days worth naming
	}{
		"autumn: the clock goes back on 26 October":  {"2031-09-30", 11, map[string]string{"exercise-4": "2031-10-28"}},
		"spring: the clock goes forward, and Easter": {"2031-02-27", 11, map[string]string{"exercise-5": "2031-04-03", "exercise-6": "2031-04-15"}},
		"Christmas":                       {"2031-11-27", 13, map[string]string{"exercise-4": "2031-12-29", "exercise-5": "2032-01-02"}},
		"summer: weeks 29 to 31":          {"2031-06-24", 16, map[string]string{"exercise-2": "2031-07-08", "exercise-3": "2031-08-05"}},
		"the clock goes forward at night": {"2031-03-18", 11, map[string]string{"exercise-1": "2031-03-25", "exercise-2": "2031-04-01"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := &handClock{}
			end, err := reminders.ParseDate(c.end)
			if err != nil {
				t.Fatal(err)
			}
			clock.set(end.At(8*60, danish))
			a := handsetApp(t, clock.Now)
			csv := "name,company,course,start,end,phone,shift,contact,contact_phone,consultant\n"
			for i, shift := range []string{"day", "evening", "night", ""} {
				csv += fmt.Sprintf("Person%d Dahl,Nordfald,5s,%s,%s,+4520113%03d,%s,Leder Berg,+4520119999,k@skolen.example\n", i, end.AddDays(-1), end, i, shift)
			}
			a.take(t, csv)
			a.windTo(t, clock, end.AddDays(7*c.weeks).At(20*60, danish), 6*time.Hour)
			checkSeason(t, a, c.first)
		})
	}
}

func checkSeason(t *testing.T, a *app, days map[string]string) {
	t.Helper()
	all, err := a.store.Status(t.Context(), reminders.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 4 {
		t.Fatalf("%d people", len(all))
	}
	for _, s := range all {
		window := reminders.WindowOf(s.Person, s.Company)
		previous := reminders.Date{}
		for _, step := range s.Steps {
			if step.SentAt.IsZero() {
				if step.Kind == reminders.KindExercise || step.Kind == reminders.KindWelcome {
					t.Errorf("%s: %s is %s (%s)", s.Person.Name, step.Step, step.State, step.Reason)
				}
				continue
			}
			sent := step.SentAt.In(danish)
			day := reminders.DateOf(sent)
			if !window.Contains(reminders.MinuteOf(sent)) {
				t.Errorf("%s: %s was sent at %s, outside %s", s.Person.Name, step.Step, sent, window)
			}
			if !a.calendar.Working(day) || s.Company.ClosedWeeks.Contains(day) {
				t.Errorf("%s: %s was sent on %s, when nobody is at work", s.Person.Name, step.Step, day)
			}
			if want := days[step.Step]; want != "" && day.String() != want {
				t.Errorf("%s: %s was sent on %s, expected %s", s.Person.Name, step.Step, day, want)
			}
			if step.Kind == reminders.KindExercise {
				if day == previous {
					t.Errorf("%s: two exercises on %s", s.Person.Name, day)
				}
				previous = day
			}
		}
		exercises := slices.DeleteFunc(slices.Clone(s.Steps), func(st reminders.StepStatus) bool { return st.Kind != reminders.KindExercise })
		if len(exercises) != reminders.Exercises {
			t.Errorf("%s has %d exercises", s.Person.Name, len(exercises))
		}
	}
}

// TestCronWakesTheTick runs the real worker, cron and all, in virtual time: two days of minutes. What is
// due in the morning's window has left when it is over, and every minute has had its tick. It fails where
// Recover stands outside SkipIfStillRunning and a tick panics: then no further one comes.
func TestCronWakesTheTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Date(2031, 9, 2, 8, 0, 0, 0, danish)
		offset := time.Until(start)
		a := handsetApp(t, func() time.Time { return time.Now().Add(offset).UTC() })
		a.take(t, "name,company,course,start,end,phone\nAli Dahl,Nordfald,5s,2031-09-01,2031-09-02,+4520113001\n")
		ctx, cancel := context.WithCancel(t.Context())
		panicked := false
		a.engine.Trace = func(reminders.Verdict) {
			if !panicked { // the first decision of all fails hard
				panicked = true
				panic("a fault in a tick")
			}
		}
		w := newWorker(a)
		done := make(chan struct{})
		go func() { defer close(done); w.run(ctx) }()
		time.Sleep(9 * time.Hour)
		synctest.Wait()
		cancel()
		<-done
		all, err := a.store.Status(t.Context(), reminders.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all[0].Steps {
			if s.Step == reminders.StepWelcome && s.SentAt.IsZero() {
				t.Errorf("the welcome is %s (%s) at the end of the day", s.State, s.Reason)
			}
		}
		if !panicked {
			t.Error("no tick panicked: the test proves nothing")
		}
		last, err := a.store.LastTick(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if age := a.now().Sub(last.StartedAt); age > 2*time.Minute {
			t.Errorf("the last tick was %s before the end", age)
		}
	})
}
