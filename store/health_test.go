package store_test

import (
	"fmt"
	"testing"
	"time"

	"efterkurs/reminders"
	"efterkurs/store"
	"efterkurs/store/storetest"
)

// crowd fills a database with people, messages and tries, each message with a try where n%5 < 3.
func crowd(t testing.TB, s *store.Store, people, messages int) {
	t.Helper()
	series := func(n int) string {
		if s.Dialect() == store.SQLite {
			return fmt.Sprintf(`(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < %d) SELECT n FROM s) AS s`, n)
		}
		return fmt.Sprintf(`generate_series(1, %d) AS s(n)`, n)
	}
	for _, statement := range []string{
		`INSERT INTO persons (id, person_key, name, name_key, phone, email, slack_id, channel, opted_out_at, created_at, updated_at)
			SELECT n, 'tel:' || n, 'P ' || n, 'p ' || n, CASE WHEN n % 5 < 4 THEN '+45' || (20000000 + n) ELSE '' END,
				CASE WHEN n % 5 IN (0, 4) THEN 'p' || n || '@x.dk' ELSE '' END, CASE WHEN n % 5 = 3 THEN 'U' || n ELSE '' END,
				CASE n % 5 WHEN 0 THEN 'email' WHEN 3 THEN 'slack' ELSE '' END, CASE WHEN n % 100 = 1 THEN 1 ELSE 0 END, 1, 1 FROM ` + series(people),
		fmt.Sprintf(`INSERT INTO messages (id, subject, step, kind, person_id, priority, due_at, run_at, valid_until, state, channel, attempts, created_at, updated_at)
			SELECT n, 'e/' || n, 'exercise-1', 'exercise', 1 + n %% %d, 2, %d, %d, %d,
				CASE WHEN n %% 5 < 3 THEN CASE n %% 7 WHEN 0 THEN 'sent' WHEN 1 THEN 'failed' ELSE 'delivered' END ELSE CASE n %% 5 WHEN 3 THEN 'planned' ELSE 'skipped' END END,
				CASE WHEN n %% 5 < 3 THEN 'sms' ELSE '' END, CASE WHEN n %% 5 < 3 THEN 1 ELSE 0 END, 1, 1 FROM `, people, far, far, far) + series(messages),
		`INSERT INTO attempts (message_id, number, worker, started_at, ended_at, outcome)
			SELECT id, 1, 'w', 1, 2, CASE state WHEN 'failed' THEN 'failed' ELSE 'accepted' END FROM messages WHERE attempts = 1`,
		fmt.Sprintf(`INSERT INTO replies (channel, provider_id, from_address, at, state, kind)
			SELECT 'sms', 'IN' || n, '+4520', 1, 'handled', CASE n %% 3 WHEN 0 THEN 'text' ELSE 'answer' END FROM `) + series(messages/5),
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

// far is when nothing of a crowd is due yet.
var far = start.AddDate(5, 0, 0).UnixMilli()

// Run with -bench=Health -benchtime=5x; EACH=postgres needs the server's binaries.
func BenchmarkHealth(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			s := storetest.Open(b, url(b))
			crowd(b, s, 50_000, 1_000_000)
			if err := store.Exec(ctx, s, fmt.Sprintf(`UPDATE messages SET run_at = %d WHERE id <= 50000 AND state = 'planned'`, start.UnixMilli())); err != nil {
				b.Fatal(err)
			}
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

var _ = reminders.SMS
var _ time.Time
