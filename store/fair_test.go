package store_test

import (
	"fmt"
	"testing"
	"time"

	"efterkurs/reminders"
	"efterkurs/store"
	"efterkurs/store/storetest"
)

// A class of three is through in the first batch, whatever a class of hundreds has due, and whoever came first. It
// fails where the bulk is claimed in one order for all.
func TestALargeClassKeepsNoSmallOneWaiting(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		var all []reminders.RosterRow
		for i := range 400 {
			all = append(all, row(i+1))
		}
		for class := range 3 {
			for i := range 3 {
				all = append(all, row(1000+10*class+i, func(r *reminders.RosterRow) {
					r.Class.Name = fmt.Sprintf("Lille hold %d", class)
				}))
			}
		}
		imported(t, s, all...)
		planAll(t, s, start)
		seen := map[int64]int{}
		for _, c := range claim(t, s, "w", start.Add(3*time.Hour), 40) { // the welcomes
			seen[c.ClassID]++
		}
		small := 0
		for _, n := range seen {
			if n == 3 {
				small++
			}
		}
		if len(seen) != 4 || small != 3 {
			t.Fatalf("the first forty are of the classes %v", seen)
		}
		total := 40
		for range 20 {
			total += len(claim(t, s, "w", start.Add(3*time.Hour), 40))
		}
		if total != 409 {
			t.Errorf("%d of 409 were claimed", total)
		}
	})
}

// Where there are more classes than places in a batch, none is always the last. It fails where every batch begins
// with the same class.
func TestEveryClassHasItsTurn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		var all []reminders.RosterRow
		for i := range 60 {
			all = append(all, row(i+1, func(r *reminders.RosterRow) { r.Class.Name = fmt.Sprintf("Hold %d", i%12) }))
		}
		imported(t, s, all...)
		planAll(t, s, start)
		seen := map[int64]bool{}
		for range 12 {
			for _, c := range claim(t, s, "w", start.Add(3*time.Hour), 3) {
				seen[c.ClassID] = true
			}
		}
		if len(seen) != 12 {
			t.Errorf("after thirty-six of sixty, %d of 12 classes have had a turn", len(seen))
		}
	})
}

// A report that bears our id takes a record back from the message that was given it by its text alone. It fails where a
// record that was found is kept whatever a report says.
func TestAReportTakesARecordBackFromTheWrongMessage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := enrolled(t, open(t), 2)
		claims := claim(t, s, "w", start.Add(3*time.Hour), 2)
		begin(t, s, start.Add(3*time.Hour), claims...)
		later := start.Add(4 * time.Hour)
		_, unknown, err := s.Rescue(ctx, later)
		if ok(t, err); unknown != 2 {
			t.Fatalf("%d are in doubt", unknown)
		}
		wrong, owner := claims[0], claims[1]
		found := accept(wrong, "SM1", later)
		found.From, found.Decision = reminders.Unknown, reminders.DecisionFound
		ok(t, s.Record(ctx, later, []reminders.Change{found}))
		state(t, s, wrong.ID, reminders.Accepted)

		other := accept(owner, "SM1", later) // and nobody else is given it meanwhile
		other.From, other.Decision = reminders.Unknown, reminders.DecisionFound
		ok(t, s.Record(ctx, later, []reminders.Change{other}))
		state(t, s, owner.ID, reminders.Unknown)

		ok(t, s.Report(ctx, later, reminders.StatusReport{Channel: reminders.SMS, MessageID: owner.ID, ProviderID: "SM1", State: reminders.Delivered}))
		if m := state(t, s, owner.ID, reminders.Delivered); m.ProviderID != "SM1" {
			t.Errorf("its record is %q", m.ProviderID)
		}
		if m := state(t, s, wrong.ID, reminders.Unknown); m.ProviderID != "" || !m.SentAt.IsZero() {
			t.Errorf("the other keeps %q of %s", m.ProviderID, m.SentAt)
		}
		if a := must[[]reminders.Attempt](t)(s.Attempts(ctx, owner.ID)); a[0].Decision != reminders.DecisionReported {
			t.Errorf("decided: %+v", a)
		}
	})
}
