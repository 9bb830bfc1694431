package main

import (
	"context"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"efterkurs/bot/providertest"
	"efterkurs/reminders"
	"efterkurs/store/storetest"
)

const firstPhone = "+4520115000"

// A STOP whose webhook never came is honoured before the next text leaves, and taken in once. It fails where the
// clockwork sends before it has asked the provider what people wrote.
func TestAStopWrittenWhileNobodyListenedIsHonouredFirst(t *testing.T) {
	eachDatabase(t, func(t *testing.T, database string) {
		a, clock, tw := twilioApp(t, database, 2)
		a.ticks(t, clock, "2031-09-02 12:00")
		clock.set(time.Date(2031, 9, 5, 3, 0, 0, 0, danish))
		tw.Receive("SM00000000000000000000000000000001", firstPhone, tw.Number, "stop det her")
		if counts := a.ticks(t, clock, "2031-09-09 12:30"); counts.Swept != 1 {
			t.Errorf("the tick after counts %+v", counts)
		}
		if got := sentTo(tw, firstPhone); len(got) != 1 {
			t.Errorf("after STOP came %q", got[1:])
		}
		if got := sentTo(tw, "+4520115001"); len(got) != 2 { // welcome and exercise: whoever stopped is nobody's buddy
			t.Errorf("the other one got %q", got)
		}
		if counts := a.ticks(t, clock, "2031-09-09 12:32"); counts.Swept != 0 {
			t.Errorf("it was taken in again: %+v", counts)
		}
	})
}

// While nobody can say what people wrote, nothing leaves, health says so, and nothing is lost by it. It fails where a
// look that failed counts as one.
func TestNothingLeavesWhileRepliesCannotBeRead(t *testing.T) {
	eachDatabase(t, func(t *testing.T, database string) {
		a, clock, tw := twilioApp(t, database, 2)
		a.ticks(t, clock, "2031-09-02 11:00")
		tw.ScriptFetch(func(int, *http.Request) providertest.Behaviour {
			return providertest.Behaviour{Refuse: true, Status: http.StatusServiceUnavailable}
		})
		for _, at := range []string{"12:00", "12:01", "12:07"} {
			a.ticks(t, clock, "2031-09-02 "+at)
		}
		if got := sentTo(tw, firstPhone); len(got) != 0 {
			t.Fatalf("sent meanwhile: %q", got)
		}
		health, err := a.store.Health(t.Context(), clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		if found := health.Findings(clock.Now()); len(found) == 0 || found[0].Key != reminders.FoundDeaf || found[0].Level != reminders.Bad {
			t.Errorf("health finds %+v", found)
		}
		tw.ScriptFetch(nil)
		a.ticks(t, clock, "2031-09-02 12:09")
		if got := sentTo(tw, firstPhone); len(got) != 1 {
			t.Errorf("afterwards came %q", got)
		}
	})
}

// A STOP that was stored and cannot be interpreted, because the database refuses to, keeps every text from its
// writer, and from nobody else, until it can be; health says so. It fails where Begin does not ask for such replies.
func TestNothingLeavesToWhoseReplyCannotBeInterpreted(t *testing.T) {
	eachDatabase(t, func(t *testing.T, database string) {
		a, clock, tw := twilioApp(t, database, 2)
		a.ticks(t, clock, "2031-09-02 12:00")
		db := storetest.SQL(t, database)
		refuse := []string{`CREATE TRIGGER refused BEFORE UPDATE ON replies BEGIN SELECT RAISE(ABORT, 'refused'); END`}
		allow := []string{`DROP TRIGGER refused`}
		if strings.HasPrefix(database, "postgres") {
			refuse = []string{`CREATE FUNCTION refused() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$`,
				`CREATE TRIGGER refused BEFORE UPDATE ON replies FOR EACH ROW EXECUTE FUNCTION refused()`}
			allow = []string{`DROP FUNCTION refused CASCADE`}
		}
		run := func(statements []string) {
			for _, statement := range statements {
				if _, err := db.Exec(statement); err != nil {
					t.Fatal(err)
				}
			}
		}
		run(refuse)
		clock.set(time.Date(2031, 9, 9, 11, 50, 0, 0, danish))
		tw.Receive("SM00000000000000000000000000000003", firstPhone, tw.Number, "stop det her")
		for _, at := range []string{"12:30", "12:31", "12:37"} {
			a.ticks(t, clock, "2031-09-09 "+at)
		}
		if got := sentTo(tw, firstPhone); len(got) != 1 {
			t.Errorf("after a STOP nobody could interpret came %q", got[1:])
		}
		if got := sentTo(tw, "+4520115001"); len(got) < 2 {
			t.Errorf("the other one got %q", got)
		}
		if s := a.step(t, reminders.ExerciseStep(1)); s.State != reminders.Planned || s.Reason != reminders.ReasonUnread {
			t.Errorf("the exercise is %s (%s)", s.State, s.Reason)
		}
		health, err := a.store.Health(t.Context(), clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(health.Findings(clock.Now()), func(f reminders.Finding) bool { return f.Key == reminders.FoundUnread && f.Count == 1 }) {
			t.Errorf("health finds %+v", health.Findings(clock.Now()))
		}
		run(allow)
		a.ticks(t, clock, "2031-09-09 12:39")
		if s := a.step(t, reminders.ExerciseStep(1)); s.State != reminders.Skipped || s.Reason != reminders.ReasonOptedOut {
			t.Errorf("afterwards the exercise is %s (%s)", s.State, s.Reason)
		}
		if got := sentTo(tw, firstPhone); len(got) != 1 {
			t.Errorf("afterwards came %q", got[1:])
		}
	})
}

// A database put back from a backup knows nothing of what was sent since: it is found in the provider's list and
// not sent again. It fails where what left is not asked for after an absence, or not compared.
func TestABackupPutBackSendsNothingASecondTime(t *testing.T) {
	a, clock, tw := twilioApp(t, "sqlite:"+filepath.Join(t.TempDir(), "efterkurs.db"), 3)
	a.ticks(t, clock, "2031-09-02 12:00")
	copied := filepath.Join(t.TempDir(), "copy.db")
	if err := a.store.Backup(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	a.ticks(t, clock, "2031-09-09 12:00") // a week's texts, and an answer, of which the copy knows nothing
	a.ticks(t, clock, "2031-09-09 12:15")
	tw.Receive("SM00000000000000000000000000000002", firstPhone, tw.Number, "1")
	a.ticks(t, clock, "2031-09-09 12:20")
	before := len(sentTo(tw, firstPhone))
	if before != 4 { // welcome, exercise, buddy, thanks
		t.Fatalf("before the loss came %q", sentTo(tw, firstPhone))
	}
	env := map[string]string{"DATABASE_URL": "sqlite:" + copied, "EFTERKURS_SECRET": worldSecret, "PUBLIC_URL": "http://127.0.0.1:9", "EFTERKURS_LOG": "error",
		"TWILIO_ACCOUNT_SID": tw.AccountSID, "TWILIO_AUTH_TOKEN": tw.AuthToken, "TWILIO_FROM": tw.Number, "TWILIO_BASE_URL": tw.URL, "TWILIO_RATE": "5000"}
	p := &program{stdout: t.Output(), stderr: t.Output(), env: func(name string) string { return env[name] }}
	back, err := p.open(t.Context(), clock.Now, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(back.close)
	back.ticks(t, clock, "2031-09-09 13:00")
	back.ticks(t, clock, "2031-09-09 13:02")
	if got := sentTo(tw, firstPhone); len(got) != before {
		t.Errorf("sent again: %q", got[before:])
	}
	s := back.step(t, reminders.ExerciseStep(1))
	if s.State != reminders.Accepted || s.Answer != "1" {
		t.Errorf("the exercise is %s, answered %q", s.State, s.Answer)
	}
	if tries, err := back.store.Attempts(t.Context(), s.MessageID); err != nil || len(tries) != 1 || tries[0].Decision != reminders.DecisionEarlier {
		t.Errorf("its tries are %+v, %v", tries, err)
	}
	back.ticks(t, clock, "2031-09-16 12:30")
	if got := sentTo(tw, firstPhone); len(got) <= before {
		t.Error("afterwards nothing comes any more")
	}
}

// reports posts what the provider found out about a text, through the signed webhook.
func (a *app) reports(t *testing.T, tw *providertest.Twilio, sid, status, code string) {
	t.Helper()
	if a.web == nil {
		a.answers(t, tw)
	}
	if got, err := tw.Callback(t.Context(), http.DefaultClient, sid, status, code); err != nil || got >= 300 {
		t.Fatalf("callback %s: %d %v", status, got, err)
	}
}

// Three texts in a row that an operator filtered halt the channel; one that arrives in between begins the count anew,
// and resume goes on from where it stood. It fails where the reports are not counted, or not begun anew.
func TestThreeFilteredTextsInARowHaltTheChannel(t *testing.T) {
	eachDatabase(t, func(t *testing.T, database string) {
		a, clock, tw := twilioApp(t, database, 6)
		a.ticks(t, clock, "2031-09-02 12:00")
		texts := tw.Messages()
		for i, status := range []string{"undelivered", "undelivered", "delivered", "undelivered", "undelivered"} {
			code := map[string]string{"undelivered": "30007"}[status]
			a.reports(t, tw, texts[i].SID, status, code)
			a.reports(t, tw, texts[i].SID, status, code) // the same once more counts for nothing
		}
		if halted, err := a.store.Halted(t.Context()); err != nil || len(halted) != 0 {
			t.Fatalf("halted after two in a row: %v, %v", halted, err)
		}
		a.reports(t, tw, texts[5].SID, "undelivered", "30007")
		if halted, err := a.store.Halted(t.Context()); err != nil || halted[reminders.SMS] == "" {
			t.Fatalf("not halted after three: %v, %v", halted, err)
		}
		a.ticks(t, clock, "2031-09-09 12:30")
		if got := sentTo(tw, firstPhone); len(got) != 1 {
			t.Errorf("while halted came %q", got[1:])
		}
		if err := a.store.Resume(t.Context(), reminders.SMS); err != nil {
			t.Fatal(err)
		}
		a.ticks(t, clock, "2031-09-09 12:40")
		if got := sentTo(tw, firstPhone); len(got) != 3 {
			t.Errorf("after resuming came %q", got[1:])
		}
	})
}

// What the error table says of later reports is done. It fails where a report's retry ignores the window, where a
// suspended account goes on sending, and where a machine is answered.
func TestLaterReportsDoWhatTheTableSays(t *testing.T) {
	t.Run("30008: once more, in the next window", func(t *testing.T) {
		a, clock, tw := twilioApp(t, "sqlite:"+filepath.Join(t.TempDir(), "efterkurs.db"), 1)
		a.ticks(t, clock, "2031-09-02 12:00")
		a.reports(t, tw, tw.Messages()[0].SID, "undelivered", "30008")
		a.ticks(t, clock, "2031-09-02 15:00")
		if got := sentTo(tw, firstPhone); len(got) != 1 {
			t.Fatalf("in the same window came %q", got)
		}
		a.ticks(t, clock, "2031-09-03 12:30")
		if got := sentTo(tw, firstPhone); len(got) != 2 {
			t.Fatalf("in the next window came %q", got)
		}
		a.reports(t, tw, tw.Messages()[1].SID, "undelivered", "30008")
		a.ticks(t, clock, "2031-09-04 12:30")
		if got := sentTo(tw, firstPhone); len(got) != 2 {
			t.Errorf("a third time: %q", got)
		}
	})
	t.Run("30002: the account is suspended", func(t *testing.T) {
		a, clock, tw := twilioApp(t, "sqlite:"+filepath.Join(t.TempDir(), "efterkurs.db"), 1)
		a.ticks(t, clock, "2031-09-02 12:00")
		a.reports(t, tw, tw.Messages()[0].SID, "failed", "30002")
		if halted, err := a.store.Halted(t.Context()); err != nil || halted[reminders.SMS] == "" {
			t.Errorf("not halted: %v, %v", halted, err)
		}
	})
	t.Run("30039: a machine answers", func(t *testing.T) {
		a, clock, tw := twilioApp(t, "sqlite:"+filepath.Join(t.TempDir(), "efterkurs.db"), 2)
		a.ticks(t, clock, "2031-09-02 12:00")
		a.reports(t, tw, tw.Messages()[0].SID, "failed", "30039")
		tw.Receive("SM00000000000000000000000000000003", tw.Messages()[0].To, tw.Number, "hjælp")
		a.ticks(t, clock, "2031-09-02 12:30")
		if got := sentTo(tw, tw.Messages()[0].To); len(got) != 1 {
			t.Errorf("a machine was answered: %q", got[1:])
		}
		a.ticks(t, clock, "2031-09-09 12:30")
		if got := sentTo(tw, tw.Messages()[0].To); len(got) < 2 {
			t.Error("the exercise did not come")
		}
	})
}

// A provider's wish for a pause holds for every worker and every channel's whole line. It fails where the pause is not
// asked for in the commit of the intent, or where one without a Retry-After is none.
func TestAPauseHoldsForEveryWorker(t *testing.T) {
	for name, after := range map[string]string{"with Retry-After": "300", "without": ""} {
		t.Run(name, func(t *testing.T) {
			eachDatabase(t, func(t *testing.T, database string) {
				a, clock, tw := twilioApp(t, database, 30)
				other := &program{stdout: t.Output(), stderr: t.Output(), env: func(string) string { return "" }}
				b, err := other.openWith(t.Context(), a.config, clock.Now, 0)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(b.close)
				tw.Script(func(n int, _ url.Values) providertest.Behaviour {
					if n == 0 {
						return providertest.Throttled("20429", after)
					}
					return providertest.Behaviour{}
				})
				a.ticks(t, clock, "2031-09-02 12:00")
				posts := tw.Posts()
				if posts > 10 {
					t.Errorf("after the wish for a pause %d texts more were handed over", posts-1)
				}
				clock.set(clock.Now().Add(10 * time.Second))
				if _, err := b.engine.Tick(t.Context()); err != nil {
					t.Fatal(err)
				}
				if got := tw.Posts(); got != posts {
					t.Errorf("another worker handed over %d in the pause", got-posts)
				}
				for _, at := range []string{"12:06", "12:12", "12:20"} {
					a.ticks(t, clock, "2031-09-02 "+at)
				}
				if got := len(tw.Messages()); got != 30 {
					t.Errorf("in the end %d of 30 came", got)
				}
			})
		})
	}
}

// Two texts with the same words to one person, both in doubt, of which the provider took one: one is found, the other is
// sent, whichever it was. It fails where a record can be given to both.
func TestOfTwoEqualTextsInDoubtEachGetsARecordOfItsOwn(t *testing.T) {
	for _, taken := range []int{1, 2} { // the posts after the welcome's
		eachDatabase(t, func(t *testing.T, database string) {
			a, clock, tw := twilioApp(t, database, 1)
			a.ticks(t, clock, "2031-09-02 12:00")
			tw.Script(func(n int, _ url.Values) providertest.Behaviour {
				switch {
				case n == taken-1:
					return providertest.AcceptedThenBroken()
				case n < 2:
					return providertest.Behaviour{Refuse: true, Reset: true}
				}
				return providertest.Behaviour{}
			})
			for i, sid := range []string{"SM00000000000000000000000000000004", "SM00000000000000000000000000000005"} {
				clock.set(time.Date(2031, 9, 2, 12, 5+i, 0, 0, danish))
				tw.Receive(sid, firstPhone, tw.Number, "hjælp")
				if _, err := a.engine.Tick(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			for _, at := range []string{"12:10", "12:24", "12:30", "12:32"} {
				a.ticks(t, clock, "2031-09-02 "+at)
			}
			if got := sentTo(tw, firstPhone); len(got) != 3 || got[1] != got[2] {
				t.Errorf("the phone has %q", got)
			}
			messages, err := a.store.Messages(t.Context(), reminders.MessageFilter{States: []reminders.State{reminders.Accepted}})
			if err != nil || len(messages) != 3 {
				t.Errorf("%d messages are accepted, %v", len(messages), err)
			}
		})
	}
}

// suspended is a store whose process sleeps for minutes once an intent is committed, as a virtual machine does that is moved.
type suspended struct {
	reminders.Store
	clock *handClock
}

func (s suspended) Begin(ctx context.Context, now time.Time, intents []reminders.Intent) (map[int64]reminders.Began, error) {
	fates, err := s.Store.Begin(ctx, now, intents)
	s.clock.set(s.clock.Now().Add(4 * time.Minute))
	return fates, err
}

// A worker that slept through its lease does not send what others have begun to ask about. It fails where a lease is not
// looked at between the commit of the intent and the request.
func TestAWorkerThatSleptThroughItsLeaseSendsNothing(t *testing.T) {
	eachDatabase(t, func(t *testing.T, database string) {
		a, clock, tw := twilioApp(t, database, 3)
		awake := a.engine.Store
		a.engine.Store = suspended{awake, clock}
		clock.set(time.Date(2031, 9, 2, 12, 0, 0, 0, danish))
		if _, err := a.engine.DeliverReplies(t.Context()); err != nil { // plans nothing: only listens
			t.Fatal(err)
		}
		counts := a.ticks(t, clock, "2031-09-02 12:00")
		if got := len(tw.Messages()); got != 0 || counts.Sent != 0 {
			t.Errorf("%d texts were sent after the lease, %+v", got, counts)
		}
		a.engine.Store = awake
		for _, at := range []string{"12:10", "12:30", "12:50"} {
			a.ticks(t, clock, "2031-09-02 "+at)
		}
		for _, phone := range []string{firstPhone, "+4520115001", "+4520115002"} {
			if got := sentTo(tw, phone); len(got) != 1 {
				t.Errorf("%s got %d texts", phone, len(got))
			}
		}
	})
}
