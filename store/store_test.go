package store_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"efterkurs/reminders"
	"efterkurs/store"
	"efterkurs/store/storetest"
)

func TestAWrongAddressIsToldInOneSentenceWithoutThePassword(t *testing.T) {
	dir := t.TempDir()
	picture := filepath.Join(dir, "picture.db")
	ok(t, os.WriteFile(picture, []byte("\x89PNG\r\n\x1a\n"+strings.Repeat("not a database ", 100)), 0o600))
	for _, test := range []struct{ url, code, says string }{
		{"", reminders.EINVALID, "sqlite:"},
		{"mysql://root:hemmelig@localhost/x", reminders.EINVALID, "postgres://"},
		{"sqlite:", reminders.EINVALID, "no file"},
		{"sqlite::memory:", reminders.EINVALID, "must name a file"},
		{"sqlite:" + dir, reminders.EINVALID, "is a folder"},
		{"sqlite:" + dir + "/no/such/folder.db", reminders.EUNAVAILABLE, "its folder"},
		{"sqlite:" + picture, reminders.EINVALID, "not a database"},
		{"postgres://", reminders.EINVALID, "not an address"},
		{"postgres://efter:hemmelig@127.0.0.1:1/kurs?sslmode=disable", reminders.EUNAVAILABLE, "127.0.0.1:1/kurs cannot be reached"},
		{"postgres://efter:hem%20melig@127.0.0.1:1/kurs?sslmode=hemmelig", reminders.EINVALID, ""},
		{"postgres://efter:hemmelig%@127.0.0.1:1/kurs", reminders.EINVALID, "not an address"},
	} {
		s, err := store.Open(ctx, store.Config{URL: test.url})
		if err == nil {
			s.Close()
			t.Errorf("%s was opened", test.url)
			continue
		}
		if got := reminders.ErrorCode(err); got != test.code && test.says != "" {
			t.Errorf("%s: code %s, want %s", test.url, got, test.code)
		}
		if text := err.Error(); !strings.Contains(text, test.says) || strings.Contains(text, ":hemmelig") || strings.Contains(text, "hem melig") || strings.Contains(text, "\n") {
			t.Errorf("%s: %q does not say %q", test.url, text, test.says)
		}
	}
}

func TestSixProcessesMigrateAtOnce(t *testing.T) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			address := url(t)
			errs := make([]error, 6)
			applied := make([]int, 6)
			var wg sync.WaitGroup
			for i := range errs {
				wg.Go(func() {
					s, err := store.Open(ctx, store.Config{URL: address})
					if err != nil {
						errs[i] = err
						return
					}
					defer s.Close()
					names, err := s.Migrate(ctx)
					applied[i] = len(names)
					if err == nil {
						err = s.CheckVersion(ctx)
					}
					errs[i] = err
				})
			}
			wg.Wait()
			sum := 0
			for i, err := range errs {
				if err != nil {
					t.Errorf("process %d: %v", i, err)
				}
				sum += applied[i]
			}
			s := storetest.Open(t, address)
			all := must[[]store.Migration](t)(s.MigrationStatus(ctx))
			if sum != len(all) {
				t.Errorf("%d migrations applied in all, of %d", sum, len(all))
			}
			for _, m := range all {
				if m.AppliedAt.IsZero() || m.Name == "" {
					t.Errorf("migration %+v", m)
				}
			}
		})
	}
}

func TestADatabaseOfAnotherVersionIsRefused(t *testing.T) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			s, err := store.Open(ctx, store.Config{URL: url(t)})
			ok(t, err)
			defer s.Close()
			err = s.CheckVersion(ctx)
			code(t, err, reminders.EUNAVAILABLE)
			if !strings.Contains(err.Error(), "needs migrating") {
				t.Errorf("says %q", err)
			}
			if all := must[[]store.Migration](t)(s.MigrationStatus(ctx)); len(all) == 0 || !all[0].AppliedAt.IsZero() || all[0].Name != "init" {
				t.Errorf("status of an empty database: %+v", all)
			}
			_, err = s.Migrate(ctx)
			ok(t, err)
			ok(t, s.CheckVersion(ctx))
			ok(t, store.Pretend(ctx, s, 4711))
			for _, err := range []error{s.CheckVersion(ctx), errOf(s.Migrate(ctx))} {
				code(t, err, reminders.ECONFLICT)
				if !strings.Contains(err.Error(), "newer than this binary (database at migration 4711, binary knows") {
					t.Errorf("says %q", err)
				}
			}
		})
	}
}

// The line gives every place once, never two closer than the rate allows, over all workers.
func TestTheLineHoldsTheRateOverAllWorkers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		stores := []*store.Store{open(t), open(t)}
		const every = 100 * time.Millisecond
		var mu sync.Mutex
		taken := map[int64]bool{}
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				for range 5 {
					place, err := stores[w%2].Reserve(ctx, reminders.SMS, start, start.Add(time.Hour), 3, every)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					for i := range 3 {
						at := place.Add(time.Duration(i) * every).UnixMilli()
						if taken[at] {
							t.Errorf("the place %d was given twice", at)
						}
						taken[at] = true
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		last := start.Add(59 * every).UnixMilli()
		if len(taken) != 60 || !taken[last] {
			t.Fatalf("%d places, the last one taken: %v", len(taken), taken[last])
		}
	})
}

func TestTheLineKeepsThrottleAndForgetsAWrongClock(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		rapid.Check(t, func(rt *rapid.T) {
			trial, rollback, err := s.Trial(ctx)
			ok(t, err)
			defer rollback()
			now, previous, throttled := start, time.Time{}, time.Time{}
			for range rapid.IntRange(1, 12).Draw(rt, "steps") {
				now = now.Add(time.Duration(rapid.IntRange(0, 90_000).Draw(rt, "later")) * time.Millisecond)
				if rapid.IntRange(0, 3).Draw(rt, "throttle") == 0 {
					until := now.Add(time.Duration(rapid.IntRange(1, 300).Draw(rt, "seconds")) * time.Second)
					ok(t, trial.Throttle(ctx, reminders.SMS, until))
					if until.After(throttled) {
						throttled = until
					}
				}
				place, err := trial.Reserve(ctx, reminders.SMS, now, now.Add(time.Hour), 1, time.Second)
				ok(t, err)
				if place.Before(now) || place.Before(throttled) {
					rt.Fatalf("place %s at %s, throttled until %s", place, now, throttled)
				}
				if !previous.IsZero() && place.Sub(previous) < time.Second {
					rt.Fatalf("place %s right after %s", place, previous)
				}
				previous = place
			}
			back := now.Add(-24 * time.Hour) // the clock was a day ahead, and was set right
			if throttled.IsZero() {
				if place, err := trial.Reserve(ctx, reminders.SMS, back, back.Add(time.Hour), 1, time.Second); err != nil || !place.Equal(back) {
					rt.Fatalf("place %s at %s, %v", place, back, err)
				}
			}
		})
	})
}

func TestAHaltLastsUntilResume(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		code(t, s.Resume(ctx, reminders.SMS), reminders.ENOTFOUND)
		ok(t, s.Halt(ctx, start, reminders.SMS, "20003", "wrong credentials"))
		ok(t, s.Halt(ctx, start, reminders.SMS, "20003", "another reason"))
		if halted := must[map[string]string](t)(s.Halted(ctx)); len(halted) != 1 || halted[reminders.SMS] != "wrong credentials" {
			t.Fatalf("halted: %v", halted)
		}
		if h := must[reminders.Health](t)(s.Health(ctx, start)); h.Halted[reminders.SMS] != (reminders.Halt{At: start, Code: "20003", Reason: "wrong credentials"}) {
			t.Fatalf("health: %+v", h)
		}
		ok(t, s.Resume(ctx, reminders.SMS))
		if halted := must[map[string]string](t)(s.Halted(ctx)); len(halted) != 0 {
			t.Fatalf("halted: %v", halted)
		}
	})
}

func TestHealthAndWhatIsDueNext(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		if _, some, err := s.NextDue(ctx); err != nil || some {
			t.Fatalf("in an empty database: %v, %v", some, err)
		}
		imported(t, s, rows(2)...)
		if next, some, err := s.NextDue(ctx); err != nil || !some || next.After(start) {
			t.Fatalf("with something to plan: %s, %v, %v", next, some, err)
		}
		planAll(t, s, start)
		next, some, err := s.NextDue(ctx)
		want := time.Date(2026, 11, 24, 13, 0, 0, 0, time.UTC)
		if err != nil || !some || !next.Equal(want) {
			t.Fatalf("next: %s, %v, %v", next, some, err)
		}
		if h := must[reminders.Health](t)(s.Health(ctx, start)); h.Due != 0 || !h.OldestDue.IsZero() || h.Unknown != 0 {
			t.Fatalf("health before: %+v", h)
		}
		claims := claim(t, s, "w", want.Add(time.Hour), 1)
		wrote(t, s, claims[0].PersonID, "hej", start)
		h := must[reminders.Health](t)(s.Health(ctx, want.Add(time.Hour)))
		if h.Due != 1 || !h.OldestDue.Equal(want) || h.Claimed != 1 || !h.OldestClaimed.Equal(want.Add(time.Hour)) {
			t.Fatalf("health: %+v", h)
		}
	})
}

func TestUsersSessionsSettings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		imported(t, s, row(1))
		named := must[reminders.User](t)(s.UserByEmail(ctx, "Karen.Konsulent@skole.dk"))
		if named.Name != "Karen Konsulent" || named.Role != reminders.Consultant || named.PasswordHash != "" || len(named.CalendarToken) < 32 {
			t.Fatalf("named in a roster: %+v", named)
		}
		saved := must[reminders.User](t)(s.SaveUser(ctx, start, reminders.User{Email: "karen.konsulent@skole.dk ", Name: "Karen K", Role: reminders.Admin, PasswordHash: "x"}))
		if saved.ID != named.ID || saved.CalendarToken != named.CalendarToken || saved.Role != reminders.Admin {
			t.Fatalf("saved: %+v", saved)
		}
		if again := must[reminders.User](t)(s.SaveUser(ctx, start, reminders.User{Email: saved.Email, Role: reminders.Admin})); again.PasswordHash != "x" {
			t.Fatal("the password went")
		}
		if got := must[reminders.User](t)(s.UserByCalendarToken(ctx, saved.CalendarToken)); got.ID != saved.ID {
			t.Fatal("another user's feed")
		}
		ok(t, s.DisableUser(ctx, start, "Karen.Konsulent@skole.dk"))
		code(t, errOf(s.UserByCalendarToken(ctx, saved.CalendarToken)), reminders.ENOTFOUND)
		code(t, s.DisableUser(ctx, start, "ukendt@skole.dk"), reminders.ENOTFOUND)
		code(t, errOf(s.User(ctx, 404)), reminders.ENOTFOUND)
		if users := must[[]reminders.User](t)(s.Users(ctx)); len(users) != 2 || users[1].DisabledAt.IsZero() {
			t.Fatalf("users: %+v", users)
		}

		now := start
		sessions := store.Sessions{Store: s, Now: func() time.Time { return now }}
		ok(t, sessions.CommitCtx(ctx, "token", []byte{0, 1, 255}, start.Add(time.Hour)))
		ok(t, sessions.CommitCtx(ctx, "token", []byte{0, 2, 255}, start.Add(time.Hour)))
		if data, found, err := sessions.FindCtx(ctx, "token"); err != nil || !found || string(data) != "\x00\x02\xff" {
			t.Fatalf("session: %v, %v, %v", data, found, err)
		}
		now = start.Add(time.Hour)
		if _, found, err := sessions.FindCtx(ctx, "token"); err != nil || found {
			t.Fatalf("a session that is over: %v, %v", found, err)
		}
		ok(t, sessions.DeleteCtx(ctx, "token"))
		ok(t, sessions.DeleteCtx(ctx, "token"))

		if v := must[string](t)(s.Setting(ctx, "x")); v != "" {
			t.Fatal("a setting nobody set")
		}
		ok(t, s.SetSetting(ctx, "x", "1"))
		ok(t, s.SetSetting(ctx, "x", "2"))
		if v := must[string](t)(s.Setting(ctx, "x")); v != "2" {
			t.Fatalf("setting %q", v)
		}
	})
}

func TestWhoSeesWhat(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		imported(t, s, row(1), row(2, func(r *reminders.RosterRow) {
			r.Company, r.ConsultantEmail, r.TeacherEmail = "Nabo", "anden@skole.dk", "tredje@skole.dk"
			r.Class.Name = "Hold 2"
		}))
		karen := must[reminders.User](t)(s.UserByEmail(ctx, "karen.konsulent@skole.dk"))
		third := must[reminders.User](t)(s.UserByEmail(ctx, "tredje@skole.dk"))
		for _, test := range []struct {
			viewer int64
			n      int
		}{{0, 2}, {karen.ID, 1}, {third.ID, 1}, {4711, 0}} {
			classes := must[[]reminders.Class](t)(s.Classes(ctx, test.viewer))
			companies := must[[]reminders.Company](t)(s.Companies(ctx, test.viewer))
			people := must[[]reminders.EnrolmentStatus](t)(s.Status(ctx, reminders.Filter{UserID: test.viewer}))
			if len(classes) != test.n || len(companies) != test.n || len(people) != test.n {
				t.Errorf("viewer %d: %d classes, %d companies, %d people, want %d", test.viewer, len(classes), len(companies), len(people), test.n)
			}
		}
		code(t, errOf(s.Class(ctx, 404)), reminders.ENOTFOUND)
		code(t, errOf(s.Person(ctx, 404)), reminders.ENOTFOUND)
	})
}

func TestBackupWhileInUse(t *testing.T) {
	s := enrolled(t, storetest.Open(t, storetest.SQLite(t)), 3)
	file := filepath.Join(t.TempDir(), "copy.db")
	ok(t, s.Backup(ctx, file))
	copied := storetest.Open(t, "sqlite:"+file)
	if len(status(t, copied)) != 3 {
		t.Fatal("the copy is not whole")
	}
	code(t, s.Backup(ctx, file), reminders.EINVALID)
	code(t, s.Backup(ctx, filepath.Join(t.TempDir(), "no", "copy.db")), reminders.EINVALID)
	pg := storetest.Open(t, storetest.Postgres(t))
	err := pg.Backup(ctx, filepath.Join(t.TempDir(), "copy.db"))
	code(t, err, reminders.EINVALID)
	if !strings.Contains(err.Error(), "pg_dump") {
		t.Fatalf("says %q", err)
	}
}

func TestAClosedDatabaseIsUnavailableAndACancelledCallIsCancelled(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		ok(t, s.Ping(ctx))
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		if err := s.SaveTick(cancelled, reminders.Tick{}); err == nil || reminders.ErrorCode(err) == reminders.EUNAVAILABLE {
			t.Fatalf("cancelled: %v", err)
		}
		ok(t, s.Close())
		if err := s.SaveTick(ctx, reminders.Tick{}); err == nil {
			t.Fatal("wrote to a closed database")
		}
	})
}
