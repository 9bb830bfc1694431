package store_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"efterkurs/reminders"
	"efterkurs/store"
	"efterkurs/store/storetest"
)

// series is a table of the numbers 1 to n.
func series(s *store.Store, n int) string {
	if s.Dialect() == store.SQLite {
		return fmt.Sprintf(`(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < %d) SELECT n FROM s) AS s`, n)
	}
	return fmt.Sprintf(`generate_series(1, %d) AS s(n)`, n)
}

// crowd makes people: of five in turn one has e-mail, two SMS, one Slack, one e-mail; of a hundred one has opted out.
func crowd(t testing.TB, s *store.Store, people int) {
	t.Helper()
	if err := store.Exec(ctx, s, `INSERT INTO persons (id, person_key, name, name_key, phone, email, slack_id, channel, opted_out_at, created_at, updated_at)
		SELECT n, 'tel:' || n, 'P ' || n, 'p ' || n, CASE WHEN n % 5 < 4 THEN '+45' || (20000000 + n) ELSE '' END,
			CASE WHEN n % 5 IN (0, 4) THEN 'p' || n || '@x.dk' ELSE '' END, CASE WHEN n % 5 = 3 THEN 'U' || n ELSE '' END,
			CASE n % 5 WHEN 0 THEN 'email' WHEN 3 THEN 'slack' ELSE '' END, CASE WHEN n % 100 = 1 THEN 1 ELSE 0 END, 1, 1 FROM `+series(s, people)); err != nil {
		t.Fatal(err)
	}
}

// history makes a million messages, 600,000 tries and 200,000 replies; 10,000 of 200,000 planned messages are due.
func history(t testing.TB, s *store.Store) {
	t.Helper()
	crowd(t, s, 50_000)
	far := start.AddDate(5, 0, 0).UnixMilli()
	for _, statement := range []string{
		fmt.Sprintf(`INSERT INTO messages (id, subject, step, kind, person_id, priority, due_at, run_at, valid_until, state, channel, attempts, body, created_at, updated_at)
			SELECT n, 'enrolment/' || n, 'exercise-1', 'exercise', 1 + n %% 50000, 2, %[1]d, CASE WHEN n <= 50000 THEN %[2]d ELSE %[1]d END, %[1]d,
				CASE WHEN n %% 5 < 3 THEN CASE n %% 7 WHEN 0 THEN 'sent' WHEN 1 THEN 'failed' ELSE 'delivered' END ELSE CASE n %% 5 WHEN 3 THEN 'planned' ELSE 'skipped' END END,
				CASE WHEN n %% 5 < 3 THEN 'sms' ELSE '' END, CASE WHEN n %% 5 < 3 THEN 1 ELSE 0 END, CASE WHEN n %% 5 < 3 THEN '%[3]s' ELSE '' END, 1, 1 FROM `,
			far, start.UnixMilli(), strings.Repeat("en tekst som folk får ", 6)) + series(s, 1_000_000),
		`INSERT INTO attempts (message_id, number, worker, started_at, ended_at, outcome)
			SELECT id, 1, 'worker-4711-0123abcd', 1, 2, CASE state WHEN 'failed' THEN 'failed' ELSE 'accepted' END FROM messages WHERE attempts = 1`,
		`INSERT INTO replies (channel, provider_id, from_address, body, at, state, kind)
			SELECT 'sms', 'IN' || n, '+4520', 'ja', 1, 'handled', CASE n % 3 WHEN 0 THEN 'text' ELSE 'answer' END FROM ` + series(s, 200_000),
	} {
		if err := store.Exec(ctx, s, statement); err != nil {
			t.Fatal(err)
		}
	}
	if s.Dialect() == store.Postgres {
		if err := store.Exec(ctx, s, `ANALYZE`); err != nil {
			t.Fatal(err)
		}
	}
}

// go test ./store -run=xxx -bench=Health -benchtime=5x
func BenchmarkHealth(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			s := storetest.Open(b, url(b))
			history(b, s)
			for what, do := range map[string]func() error{
				"Health":  func() error { _, err := s.Health(ctx, start); return err },
				"Waiting": func() error { _, err := s.Waiting(ctx, start); return err }, // of 10,000 due
				"Census":  func() error { _, err := s.Census(ctx); return err },
			} {
				b.Run(what, func(b *testing.B) {
					for b.Loop() {
						if err := do(); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		})
	}
}

// What waits is counted for the channel that reminders.Person.Address will choose, for every mixture of what
// somebody asked for and has. It fails where the rule in SQL and the rule in Go differ in one of them, and where
// who opted out, is erased, or has a wrong address is counted.
func TestWaitingGoesByTheChannelThatWillBeChosen(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		want := map[string]int{}
		exec := func(format string, args ...any) {
			t.Helper()
			ok(t, store.Exec(ctx, s, fmt.Sprintf(format, args...)))
		}
		now := start.UnixMilli()
		message := func(id int, person, user string, priority int, channel string) {
			t.Helper()
			exec(`INSERT INTO messages (id, subject, step, kind, person_id, user_id, priority, due_at, run_at, state, channel, created_at, updated_at)
				VALUES (%d, 'x/%d', 'exercise-1', 'exercise', %s, %s, %d, %d, %d, 'planned', '%s', 1, 1)`, id, id, person, user, priority, now, now, channel)
		}
		id := 0
		for _, asked := range []string{"", reminders.SMS, reminders.Slack, reminders.Email} {
			for has := range 8 {
				id++
				p := reminders.Person{Channel: asked}
				if has&1 != 0 {
					p.Phone = fmt.Sprintf("+452000%04d", id)
				}
				if has&2 != 0 {
					p.SlackID = fmt.Sprint("U", id)
				}
				if has&4 != 0 {
					p.Email = fmt.Sprintf("p%d@x.example", id)
				}
				exec(`INSERT INTO persons (id, person_key, name, name_key, phone, email, slack_id, channel, created_at, updated_at) VALUES (%d, 'k%d', 'n', 'n', '%s', '%s', '%s', '%s', 1, 1)`,
					id, id, p.Phone, p.Email, p.SlackID, p.Channel)
				message(id, fmt.Sprint(id), "NULL", 2, "")
				if channel, _ := p.Address(); channel != "" {
					want[channel]++
				}
			}
		}
		if want[reminders.SMS] == 0 || want[reminders.Slack] == 0 || want[reminders.Email] == 0 {
			t.Fatalf("nothing is proven: %v", want)
		}
		message(100, fmt.Sprint(id), "NULL", 0, reminders.Slack) // said back where it was asked
		want[reminders.Slack]++
		exec(`INSERT INTO users (id, email, name, role, calendar_token, created_at, updated_at) VALUES (1, 'u@x.example', 'U', 'consultant', 't', 1, 1)`)
		message(101, "NULL", "1", 1, "")
		want[reminders.Email]++
		for i, column := range []string{"opted_out_at = 1", "erased_at = 1", "address_fault = '21211'"} {
			exec(`INSERT INTO persons (id, person_key, name, name_key, phone, created_at, updated_at) VALUES (%d, 'w%d', 'n', 'n', '+4520999999', 1, 1)`, 200+i, i)
			exec(`UPDATE persons SET %s WHERE id = %d`, column, 200+i)
			message(200+i, fmt.Sprint(200+i), "NULL", 2, "")
		}
		message(300, "2", "NULL", 2, "")
		exec(`UPDATE messages SET due_at = %[1]d, run_at = %[1]d WHERE id = 300`, now+1) // not due yet
		message(301, "2", "NULL", 2, "")
		exec(`UPDATE messages SET run_at = %d, reason = 'channel halted' WHERE id = 301`, now+4*60_000) // put off by the halt alone
		want[reminders.SMS]++
		got := map[string]int{}
		for _, w := range must[[]reminders.Waiting](t)(s.Waiting(ctx, start)) {
			got[w.Channel] += w.Count
		}
		if !maps.Equal(got, want) {
			t.Errorf("waiting are %v, want %v", got, want)
		}
	})
}

// Ten thousand due are counted, by channel, and said to be through when the rate says so. The time it takes is
// in the log: some 30 ms on either database.
func TestTenThousandWaiting(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		crowd(t, s, 10_000)
		ok(t, store.Exec(ctx, s, fmt.Sprintf(`INSERT INTO messages (subject, step, kind, person_id, priority, due_at, run_at, valid_until, state, created_at, updated_at)
			SELECT 'e/' || n, 'exercise-1', 'exercise', n, 2, %[1]d, %[1]d, %[2]d, 'planned', 1, 1 FROM `, start.UnixMilli(), start.Add(2*time.Hour).UnixMilli())+series(s, 10_000)))
		began := time.Now()
		h, err := reminders.Examine(ctx, s, paces{reminders.SMS: 100 * time.Millisecond, reminders.Email: 0, reminders.Slack: 2 * time.Second}, start)
		ok(t, err)
		t.Logf("examined %d due messages in %s", h.Due, time.Since(began).Round(time.Millisecond))
		want := []reminders.Line{
			{Channel: reminders.Email, Due: 4000},
			{Channel: reminders.Slack, Due: 2000, Every: 2 * time.Second, Through: start.Add(2 * 1999 * time.Second)},
			{Channel: reminders.SMS, Due: 3900, Every: 100 * time.Millisecond, Through: start.Add(3899 * 100 * time.Millisecond)},
		}
		if h.Due != 10_000 || !slices.Equal(h.Lines, want) {
			t.Errorf("due are %d, in %+v", h.Due, h.Lines)
		}
	})
}

// paces are channels that are on, with the time between two messages.
type paces map[string]time.Duration

func (p paces) On(channel string) bool             { _, on := p[channel]; return on }
func (p paces) Every(channel string) time.Duration { return p[channel] }

// A worker within a long tick shows that it lives by what it holds, and between two batches by its place in the
// line. It fails where readiness goes by the last tick that ended: a bulk of ten thousand is one tick of a
// quarter of an hour.
func TestAWorkerInALongTickIsAlive(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		imported(t, s, rows(2)...)
		planAll(t, s, start)
		ok(t, s.SaveTick(ctx, reminders.Tick{StartedAt: due.Add(-time.Hour)}))
		level := func(now time.Time) reminders.Level {
			return reminders.Worst(must[reminders.Health](t)(s.Health(ctx, now)).Findings(now))
		}
		if level(due) != reminders.Bad {
			t.Error("an hour after the last tick it is not late")
		}
		claim(t, s, "w", due, 1)
		if level(due.Add(time.Minute)) == reminders.Bad {
			t.Error("with a claim a minute old the worker is late")
		}
		if level(due.Add(10*time.Minute)) != reminders.Bad {
			t.Error("a claim ten minutes old is a sign of life")
		}
		must[time.Time](t)(s.Reserve(ctx, reminders.SMS, due.Add(10*time.Minute), due.Add(time.Hour), 10, time.Second))
		if level(due.Add(12*time.Minute)) == reminders.Bad {
			t.Error("with a place in the line just taken the worker is late")
		}
		if level(due.Add(20*time.Minute)) != reminders.Bad {
			t.Error("a place taken ten minutes ago is a sign of life")
		}
	})
}

// A census counts what is settled, and its counts only rise. It fails where a try that nobody saw the outcome of
// is counted twice: as unknown, and later as what it was.
func TestTheCensusOnlyRises(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		imported(t, s, rows(2)...)
		planAll(t, s, start)
		tries := func() map[string]int {
			out := map[string]int{}
			for _, n := range must[reminders.Census](t)(s.Census(ctx)).Attempts {
				out[n.Channel+" "+n.What] = n.Count
			}
			return out
		}
		c := claim(t, s, "w", due, 1)[0]
		fates := must[map[int64]reminders.Began](t)(s.Begin(ctx, due, []reminders.Intent{{ID: c.ID, Worker: "w", PersonID: c.PersonID, Channel: reminders.SMS, Address: "+4520", Body: "hej"}}))
		if fates[c.ID] != reminders.Begun || len(tries()) != 0 {
			t.Fatalf("%v, tries %v", fates, tries())
		}
		ok(t, s.Record(ctx, due, []reminders.Change{{ID: c.ID, Worker: "w", From: reminders.Sending, To: reminders.Unknown, Attempt: 1, EndedAt: due, Result: reminders.Result{Outcome: reminders.OutcomeUnknown}}}))
		if n := tries(); len(n) != 0 {
			t.Errorf("what nobody saw is counted: %v", n)
		}
		ok(t, s.Report(ctx, due, reminders.StatusReport{MessageID: c.ID, ProviderID: "SM1", State: reminders.Delivered, Raw: "delivered"}))
		if n := tries(); len(n) != 1 || n["sms accepted"] != 1 {
			t.Errorf("once settled: %v", n)
		}
	})
}
