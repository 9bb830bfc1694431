package store_test

import (
	"testing"
	"time"

	"efterkurs/reminders"
	"efterkurs/store"
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

// A STOP that was stored and acknowledged before the database went away has not been interpreted, and nothing is
// sent to its writer until it is; the others get theirs. It fails where begin does not ask for replies that are only
// stored (unreadOf).
func TestNothingIsBegunForWhoHasWrittenWhatNobodyReadYet(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(t *testing.T) *store.Store) {
		s := enrolled(t, open(t), 2)
		noon := time.Date(2026, 11, 24, 13, 30, 0, 0, time.UTC)
		claims := claim(t, s, "w1", noon, 2)
		id, _, err := s.SaveReply(ctx, reminders.Inbound{Channel: reminders.SMS, ProviderID: "SM1", From: claims[0].Person.Phone, Text: "Stop", At: noon})
		ok(t, err)
		fates := begin(t, s, noon, claims...)
		if fates[claims[0].ID] != reminders.Unread || fates[claims[1].ID] != reminders.Begun {
			t.Errorf("%s for who wrote, %s for the other", fates[claims[0].ID], fates[claims[1].ID])
		}
		state(t, s, claims[0].ID, reminders.Claimed)
		if h := must[reminders.Health](t)(s.Health(ctx, noon)); h.Unread != 1 || !h.OldestUnread.Equal(noon) {
			t.Errorf("health counts %d unread replies, the oldest of %s", h.Unread, h.OldestUnread)
		}
		must[bool](t)(s.ApplyReply(ctx, noon, reminders.Effects{ReplyID: id, State: reminders.ReplyHandled, Kind: reminders.ReplyStop, PersonID: claims[0].PersonID, OptOut: true}))
		if fates := begin(t, s, noon, claims[0]); fates[claims[0].ID] != reminders.OptedOut {
			t.Errorf("%s after it is read", fates[claims[0].ID])
		}
	})
}

// A text to a pair waits where either has written what nobody read yet, or has been asked whether they want to stop,
// and is not sent at all once either has stopped.
func TestATextToAPairWaitsForBoth(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(t *testing.T) *store.Store) {
		s := enrolled(t, open(t), 2)
		noon := time.Date(2026, 11, 24, 13, 30, 0, 0, time.UTC)
		claims := claim(t, s, "w1", noon, 2)
		first, second := claims[0], claims[1].Person
		want := func(fate reminders.Began) {
			t.Helper()
			in := intent(first)
			in.Group = []reminders.Recipient{{PersonID: first.PersonID, Address: first.Person.Phone}, {PersonID: second.ID, Address: second.Phone}}
			if got := must[map[int64]reminders.Began](t)(s.Begin(ctx, noon, []reminders.Intent{in}))[first.ID]; got != fate {
				t.Errorf("%s, want %s", got, fate)
			}
		}
		id := wrote(t, s, second.ID, "Stop det der", noon)
		want(reminders.Unread)
		apply(t, s, noon, reminders.Effects{ReplyID: id, State: reminders.ReplyInbox, Kind: reminders.ReplyDoubt, PersonID: second.ID, Doubt: true})
		want(reminders.InDoubt)
		stop(t, s, second.ID, noon)
		want(reminders.OptedOut)
	})
}
