package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"efterkurs/bot/providertest"
	"efterkurs/reminders"
	"efterkurs/store/storetest"
)

// twilioApp is the whole program in this process, sending to a Twilio on loopback, at a time a test sets.
func twilioApp(t *testing.T, database string, people int) (*app, *handClock, *providertest.Twilio) {
	t.Helper()
	tw := providertest.NewTwilio(t)
	clock := &handClock{}
	clock.set(time.Date(2031, 9, 2, 8, 0, 0, 0, danish))
	tw.SetNow(clock.Now)
	env := map[string]string{"DATABASE_URL": database, "EFTERKURS_SECRET": worldSecret, "PUBLIC_URL": "http://127.0.0.1:9", "EFTERKURS_LOG": "error",
		"TWILIO_ACCOUNT_SID": tw.AccountSID, "TWILIO_AUTH_TOKEN": tw.AuthToken, "TWILIO_FROM": tw.Number, "TWILIO_BASE_URL": tw.URL, "TWILIO_RATE": "5000"}
	p := &program{stdout: t.Output(), stderr: t.Output(), env: func(name string) string { return env[name] }}
	a, err := p.open(t.Context(), clock.Now, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.close)
	csv := "name,company,course,start,end,phone\n"
	for i := range people {
		csv += fmt.Sprintf("Person%d Dahl,Nordfald,5s,2031-09-01,2031-09-02,+4520115%03d\n", i, i)
	}
	if people > 0 {
		a.take(t, csv)
	}
	return a, clock, tw
}

// eachDatabase runs a test on SQLite and on PostgreSQL.
func eachDatabase(t *testing.T, test func(t *testing.T, database string)) {
	eachDatabaseInTurn(t, func(t *testing.T, database string) {
		t.Parallel()
		test(t, database)
	})
}

// eachDatabaseInTurn is for what is measured by the clock, or shares something.
func eachDatabaseInTurn(t *testing.T, test func(t *testing.T, database string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, "sqlite:"+filepath.Join(t.TempDir(), "efterkurs.db")) })
	t.Run("postgres", func(t *testing.T) { test(t, storetest.Postgres(t)) })
}

func (a *app) ticks(t *testing.T, clock *handClock, at string) reminders.Counts {
	t.Helper()
	now, err := time.ParseInLocation("2006-01-02 15:04", at, danish)
	if err != nil {
		t.Fatal(err)
	}
	clock.set(now)
	counts, err := a.engine.Tick(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

// step is a step of the only person on the roster, or of the first.
func (a *app) step(t *testing.T, name string) reminders.StepStatus {
	t.Helper()
	all, err := a.store.Status(t.Context(), reminders.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all[0].Steps {
		if s.Step == name {
			return s
		}
	}
	t.Fatalf("no step %s", name)
	return reminders.StepStatus{}
}

func sentTo(tw *providertest.Twilio, phone string) (bodies []string) {
	for _, m := range tw.Messages() {
		if m.Direction == "outbound-api" && m.To == phone {
			bodies = append(bodies, m.Body)
		}
	}
	return bodies
}

// What the provider took although nobody saw its answer is found in its own list, and not sent again. It
// fails where an unknown outcome is retried like any other error.
func TestAnUnseenOutcomeIsLookedUpAndNeverSentTwice(t *testing.T) {
	for name, behaviour := range map[string]providertest.Behaviour{"the answer is 500": providertest.AcceptedThen500(), "the connection breaks": providertest.AcceptedThenBroken()} {
		t.Run(name, func(t *testing.T) {
			eachDatabase(t, func(t *testing.T, database string) {
				a, clock, tw := twilioApp(t, database, 1)
				tw.Script(func(n int, _ url.Values) providertest.Behaviour {
					if n == 0 {
						return behaviour
					}
					return providertest.Behaviour{}
				})
				if counts := a.ticks(t, clock, "2031-09-02 12:00"); counts.Unknown != 1 || counts.Sent != 0 {
					t.Errorf("the first tick counts %+v", counts)
				}
				if s := a.step(t, reminders.StepWelcome); s.State != reminders.Unknown {
					t.Errorf("the welcome is %s", s.State)
				}
				a.ticks(t, clock, "2031-09-02 12:01")
				if counts := a.ticks(t, clock, "2031-09-02 12:05"); counts.Settled != 1 {
					t.Errorf("the tick after counts %+v", counts)
				}
				a.ticks(t, clock, "2031-09-02 15:00")
				if s := a.step(t, reminders.StepWelcome); s.State != reminders.Accepted {
					t.Errorf("the welcome is %s (%s)", s.State, s.Reason)
				}
				if got := sentTo(tw, "+4520115000"); len(got) != 1 {
					t.Errorf("the phone got %d texts", len(got))
				}
			})
		})
	}
}

// What the provider never took is sent again, but only after its list has been silent long enough.
func TestWhatTheProviderNeverTookIsSentOnce(t *testing.T) {
	eachDatabase(t, func(t *testing.T, database string) {
		a, clock, tw := twilioApp(t, database, 1)
		tw.Script(func(n int, _ url.Values) providertest.Behaviour {
			if n == 0 {
				return providertest.Behaviour{Refuse: true, Reset: true}
			}
			return providertest.Behaviour{}
		})
		a.ticks(t, clock, "2031-09-02 12:00")
		a.ticks(t, clock, "2031-09-02 12:05")
		if got := sentTo(tw, "+4520115000"); len(got) != 0 {
			t.Fatalf("sent again after five minutes: %q", got)
		}
		a.ticks(t, clock, "2031-09-02 12:20")
		a.ticks(t, clock, "2031-09-02 12:21")
		if got := sentTo(tw, "+4520115000"); len(got) != 1 {
			t.Errorf("the phone got %d texts", len(got))
		}
		if s := a.step(t, reminders.StepWelcome); s.State != reminders.Accepted {
			t.Errorf("the welcome is %s (%s)", s.State, s.Reason)
		}
	})
}

// A callback that overtakes the answer is kept, and the late answer does not move the message back.
func TestACallbackMayComeBeforeTheAnswer(t *testing.T) {
	eachDatabase(t, func(t *testing.T, database string) {
		a, clock, tw := twilioApp(t, database, 1)
		a.answers(t, tw)
		var once sync.Once
		tw.Script(func(int, url.Values) providertest.Behaviour {
			return providertest.Behaviour{Stored: func(sid string) {
				once.Do(func() {
					for _, status := range []string{"delivered", "sent", "delivered", "queued"} { // twice, and out of order
						if code, err := tw.Callback(t.Context(), http.DefaultClient, sid, status, ""); err != nil || code >= 300 {
							t.Errorf("callback %s: %d %v", status, code, err)
						}
					}
				})
			}}
		})
		a.ticks(t, clock, "2031-09-02 12:00")
		if s := a.step(t, reminders.StepWelcome); s.State != reminders.Delivered || s.SentAt.IsZero() {
			t.Errorf("the welcome is %s, sent at %s", s.State, s.SentAt)
		}
	})
}

// answers serves the app's webhooks, and has the provider find them at PUBLIC_URL.
func (a *app) answers(t *testing.T, tw *providertest.Twilio) {
	t.Helper()
	server, err := a.server(nil)
	if err != nil {
		t.Fatal(err)
	}
	server.Addr = freeAddress(t)
	go func() { _ = server.ListenAndServe() }() // ends with Close below
	t.Cleanup(func() { _ = server.Close() })
	waitAlive(t, "http://"+server.Addr)
	tw.Route("http://127.0.0.1:9", "http://"+server.Addr)
}

func waitAlive(t *testing.T, address string) {
	t.Helper()
	for t.Context().Err() == nil {
		if res, err := http.Get(address + "/healthz"); err == nil {
			res.Body.Close()
			return
		}
	}
	t.Fatal("the server did not start")
}

// Each refusal does what the error table says.
func TestRefusalsDoWhatTheTableSays(t *testing.T) {
	for _, c := range []struct {
		code   string
		status int
		then   string // what a later tick finds
		state  reminders.State
		reason string
	}{
		{"21610", 400, "the person opted out at the provider", reminders.Skipped, reminders.ReasonOptedOut},
		{"21211", 400, "the number is wrong", reminders.Failed, ""},
		{"21408", 403, "the channel is halted", reminders.Planned, "channel halted"},
		{"20003", 401, "the channel is halted", reminders.Planned, "channel halted"},
		{"99999", 400, "an error nobody knows", reminders.Failed, ""},
		{"20429", 429, "throttled: tried again", reminders.Accepted, ""},
	} {
		t.Run(c.code, func(t *testing.T) {
			a, clock, tw := twilioApp(t, "sqlite:"+filepath.Join(t.TempDir(), "efterkurs.db"), 1)
			tw.Script(func(n int, _ url.Values) providertest.Behaviour {
				if n > 0 {
					return providertest.Behaviour{}
				}
				if c.status == 429 {
					return providertest.Throttled(c.code, "2")
				}
				return providertest.Refused(c.code, c.status)
			})
			a.ticks(t, clock, "2031-09-02 12:00")
			a.ticks(t, clock, "2031-09-02 12:06")
			s := a.step(t, reminders.StepWelcome)
			if s.State != c.state || c.reason != "" && s.Reason != c.reason {
				t.Errorf("%s: the welcome is %s (%s)", c.then, s.State, s.Reason)
			}
			if c.reason != "channel halted" {
				return
			}
			if err := a.store.Resume(t.Context(), reminders.SMS); err != nil {
				t.Fatal(err)
			}
			a.ticks(t, clock, "2031-09-02 12:30")
			if s := a.step(t, reminders.StepWelcome); s.State != reminders.Accepted {
				t.Errorf("after resuming, the welcome is %s (%s)", s.State, s.Reason)
			}
		})
	}
}

// Two workers over one PostgreSQL share what is due: nothing twice, nothing left.
func TestFourWorkersSendEachTextOnce(t *testing.T) {
	const people = 120
	first, clock, tw := twilioApp(t, storetest.Postgres(t), people)
	apps := []*app{first}
	for range 3 {
		p := &program{stdout: t.Output(), stderr: t.Output(), env: func(string) string { return "" }}
		a, err := p.openWith(t.Context(), first.config, clock.Now, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(a.close)
		apps = append(apps, a)
	}
	clock.set(time.Date(2031, 9, 2, 12, 0, 0, 0, danish))
	var wg sync.WaitGroup
	for _, a := range apps {
		wg.Go(func() {
			if _, err := a.engine.Tick(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range people {
		if got := sentTo(tw, fmt.Sprintf("+4520115%03d", i)); len(got) != 1 {
			t.Errorf("person %d got %d texts", i, len(got))
		}
	}
}

// STOP between the plan and the tick is honoured, and says nothing back.
func TestNothingLeavesAfterStop(t *testing.T) {
	eachDatabase(t, func(t *testing.T, database string) {
		a, clock, tw := twilioApp(t, database, 2)
		a.ticks(t, clock, "2031-09-02 12:00")
		if err := a.bot.Receive(t.Context(), reminders.Inbound{Channel: reminders.SMS, ProviderID: "SM1", From: "+4520115000", Text: "Stop nu!", At: clock.Now()}); err != nil {
			t.Fatal(err)
		}
		for d := range 60 {
			a.ticks(t, clock, time.Date(2031, 9, 2+d, 12, 30, 0, 0, danish).Format("2006-01-02 15:04"))
		}
		if got := sentTo(tw, "+4520115000"); len(got) != 1 {
			t.Errorf("after STOP came %q", got[1:])
		}
		if got := sentTo(tw, "+4520115001"); len(got) < 12 {
			t.Errorf("the other one got only %d texts", len(got))
		}
	})
}

// Neither secrets nor numbers nor texts are logged, whatever goes wrong.
func TestLogsHoldNoSecretsNumbersOrTexts(t *testing.T) {
	var log bytes.Buffer
	a, clock, tw := twilioApp(t, "sqlite:"+filepath.Join(t.TempDir(), "efterkurs.db"), 6)
	logger := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	a.log, a.bot.Log, a.engine.Log = logger, logger, logger
	tw.Script(func(n int, _ url.Values) providertest.Behaviour {
		return []providertest.Behaviour{{}, providertest.AcceptedThen500(), providertest.Refused("21211", 400), providertest.Refused("20003", 401)}[n%4]
	})
	for _, at := range []string{"12:00", "12:05", "12:10", "12:40"} {
		a.ticks(t, clock, "2031-09-02 "+at)
	}
	if err := a.bot.Receive(t.Context(), reminders.Inbound{Channel: reminders.SMS, ProviderID: "SM1", From: "+4520115000", Text: "en hemmelighed", At: clock.Now()}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "channel halted") {
		t.Fatalf("nothing went wrong: the test proves nothing\n%s", log.String())
	}
	for _, secret := range []string{tw.AuthToken, worldSecret, "+4520115", "4520115", "Tak for", "en hemmelighed", "Person0"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds %q:\n%s", secret, log.String())
		}
	}
}

// Erasing somebody deletes the provider's copies too, as soon as the provider lets go of them.
func TestErasureReachesTheProvider(t *testing.T) {
	eachDatabase(t, func(t *testing.T, database string) {
		a, clock, tw := twilioApp(t, database, 2)
		a.ticks(t, clock, "2031-09-02 12:00")
		people, err := a.store.FindPersons(t.Context(), "+4520115000")
		if err != nil || len(people) != 1 {
			t.Fatalf("%v, %v", people, err)
		}
		if err := a.store.Erase(t.Context(), clock.Now(), people[0].ID); err != nil {
			t.Fatal(err)
		}
		// The text is still queued: Twilio refuses to delete it (20009), and it is asked again later.
		if counts := a.ticks(t, clock, "2031-09-02 12:01"); counts.Forgotten != 0 {
			t.Errorf("a queued text was deleted: %+v", counts)
		}
		for _, m := range tw.Messages() {
			tw.SetStatus(m.SID, "delivered", 0)
		}
		if counts := a.ticks(t, clock, "2031-09-02 13:00"); counts.Forgotten != 1 {
			t.Errorf("the tick after counts %+v", counts)
		}
		for _, m := range tw.Messages() {
			if m.Deleted != (m.To == "+4520115000") {
				t.Errorf("the text to %s is deleted: %v", m.To, m.Deleted)
			}
		}
	})
}
