package store_test

import (
	"testing"
	"time"

	"efterkurs/reminders"
	"efterkurs/store/storetest"
)

// A STOP that commits while a Begin runs stands before it or after it, never beside it: once it is
// acknowledged, nothing more is begun. It fails where begin (store/claim.go) does not lock everybody it is
// about to write to: it then sees the person as they were and commits after the STOP.
func TestBeginWaitsForAStopThatIsBeingRecorded(t *testing.T) {
	url := storetest.Postgres(t) // on SQLite there is one writer at a time
	s := enrolled(t, storetest.Open(t, url), 1)
	db := storetest.SQL(t, url)
	noon := time.Date(2026, 11, 24, 13, 30, 0, 0, time.UTC)
	c := claim(t, s, "w1", noon, 1)[0]
	if c.Kind == reminders.KindExercise {
		t.Fatal("an exercise's reader is locked for another reason")
	}
	stop, err := db.Begin()
	ok(t, err)
	if _, err := stop.Exec(`UPDATE persons SET opted_out_at = $1 WHERE id = $2`, noon.UnixMilli(), c.PersonID); err != nil {
		t.Fatal(err)
	}
	fate := make(chan reminders.Began, 1)
	go func() {
		fates, err := s.Begin(ctx, noon, []reminders.Intent{intent(c)})
		if err != nil {
			t.Error(err)
		}
		fate <- fates[c.ID]
	}()
	for waiting := 0; waiting == 0; {
		select {
		case got := <-fate:
			t.Fatalf("%s, beside a STOP that was being recorded", got)
		default:
		}
		if err := db.QueryRow(`SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	ok(t, stop.Commit())
	if got := <-fate; got != reminders.OptedOut {
		t.Errorf("%s after the STOP", got)
	}
	state(t, s, c.ID, reminders.Skipped)
}
