package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"efterkurs/store/storetest"
)

// A school that was left by an earlier binary, at each migration there ever was and with a message in every
// state, is upgraded by this one and goes on where it stood: what was due is sent once, what was sent is not
// sent again, what a dead worker had is asked about, and a STOP nobody had read yet is honoured.
//
// It fails where a migration drops or rewrites rows (DELETE FROM messages in the newest one, say), adds a
// column that old rows do not satisfy, or where a migration comes without rows for what it added
// (testdata/upgrade). That an older binary refuses a newer database is in store/store_test.go.
func TestUpgradeFromEveryMigration(t *testing.T) {
	for _, left := range storetest.Migrations(t, storetest.SQLite(t)) {
		t.Run(fmt.Sprint("from ", left), func(t *testing.T) {
			eachDatabase(t, func(t *testing.T, database string) {
				w := newWorld(t, database)
				clock := &warp{}
				clock.set(time.Date(2031, 9, 9, 12, 30, 0, 0, danish))
				w.twilio.SetNow(clock.Now)
				w.leave(database, left)
				w.run("migrate", "up")
				l := w.keepLedger(database)
				for range 8 { // a lease, the provider's list and its quarter of an hour
					w.run("tick", "--as-of", clock.Now().Format(time.RFC3339Nano))
					clock.later(4 * time.Minute)
				}
				w.settle(l, clock)
				l.balance(clock.Now())
				for _, line := range w.statusOf() {
					i := slices.IndexFunc(line.Steps, func(s statusStep) bool { return s.Step == "exercise-1" })
					if i < 0 {
						t.Errorf("%s has no exercise", line.Name)
						continue
					}
					stopped := line.Name == "Dora Dahl" || line.Name == "Eva Dahl"
					if s := line.Steps[i]; stopped != (s.State == "skipped" && s.Reason == "opted out") || !stopped && s.SentAt == nil {
						t.Errorf("%s: the exercise is %s (%s)", line.Name, s.State, s.Reason)
					} else if line.Name == "Gerda Dahl" && (s.Answer == nil || *s.Answer != "1") {
						t.Errorf("Gerda's answer is lost: %+v", s)
					}
				}
				if n := l.count(`SELECT COUNT(*) FROM settings WHERE key = 'kept' AND value = 'as it was'`); n != 1 {
					t.Error("a setting is gone")
				}
				if n := l.count(`SELECT COUNT(*) FROM replies`); n != 2 {
					t.Errorf("%d replies of 2", n)
				}
			})
		})
	}
}

// leave makes the database as the binary of migration number left it, and the provider what it had by then.
func (w *world) leave(database string, number int64) {
	w.t.Helper()
	db := storetest.SQL(w.t, database)
	all := storetest.Migrations(w.t, database)
	for _, n := range all {
		if n > number {
			break
		}
		storetest.MigrateTo(w.t, database, n)
		statements, err := os.ReadFile(filepath.Join("testdata", "upgrade", fmt.Sprintf("%05d.sql", n)))
		if os.IsNotExist(err) && n == all[len(all)-1] {
			break // the newest brings its rows when there is one after it
		}
		if err != nil {
			w.t.Fatalf("migration %d comes without rows for what it added: %v", n, err)
		}
		if _, err := db.Exec(string(statements)); err != nil {
			w.t.Fatalf("the rows of migration %d: %v", n, err)
		}
	}
	// Bo's text, which a dead worker had in its hands, was taken; of Carl's the provider never heard.
	rows, err := db.Query(`SELECT m.id, m.address, m.body, m.state, t.started_at FROM messages AS m JOIN attempts AS t ON t.message_id = m.id
		WHERE m.state IN ('delivered', 'sent', 'sending') ORDER BY m.id`)
	if err != nil {
		w.t.Fatal(err)
	}
	sids := map[int64]string{}
	for rows.Next() {
		var id, at int64
		var to, body, state string
		if err := rows.Scan(&id, &to, &body, &state, &at); err != nil {
			w.t.Fatal(err)
		}
		callback := fmt.Sprintf("%s/webhooks/twilio/status?m=%d", w.public, id)
		sid := w.twilio.Took(time.UnixMilli(at), to, body, callback, "sent")
		if state != "sending" {
			sids[id] = sid
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		w.t.Fatal(err)
	}
	for id, sid := range sids {
		for _, statement := range []string{`UPDATE messages SET provider_id = $1 WHERE id = $2`, `UPDATE attempts SET provider_id = $1 WHERE message_id = $2`} {
			if _, err := db.Exec(statement, sid, id); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}
