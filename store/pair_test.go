package store_test

import (
	"sync"
	"testing"

	"efterkurs/reminders"
	"efterkurs/store"
	"efterkurs/store/storetest"
)

func toPair(t *testing.T, s *store.Store) []reminders.PairSubject {
	t.Helper()
	return must[[]reminders.PairSubject](t)(s.CompaniesToPair(ctx, start.AddDate(0, 0, 8), day("2026-10-01")))
}

func TestWhoNeedsABuddy(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		imported(t, s, append(rows(5), row(6, func(r *reminders.RosterRow) { r.Company = "Alene" }))...)
		planAll(t, s, start)
		if early := must[[]reminders.PairSubject](t)(s.CompaniesToPair(ctx, start, day("2026-10-01"))); len(early) != 0 {
			t.Fatalf("%d companies before exercise 1 is near", len(early))
		}
		stop(t, s, status(t, s)[1].Person.ID, start)
		subjects := toPair(t, s)
		if len(subjects) != 2 {
			t.Fatalf("%d companies", len(subjects))
		}
		for _, subject := range subjects {
			want := 4 // of five, one said STOP
			if subject.Company.Name == "Alene" {
				want = 1
			}
			if len(subject.Candidates) != want {
				t.Fatalf("%d candidates at %s, want %d", len(subject.Candidates), subject.Company.Name, want)
			}
			groups, say := reminders.Pair(subject, start)
			published(t, s, start, groups, say)
		}
		// A late joiner makes a trio, and the two are told.
		imported(t, s, row(7))
		planAll(t, s, start)
		for _, subject := range toPair(t, s) {
			if subject.Company.Name == "Alene" {
				continue
			}
			if len(subject.Candidates) != 1 || len(subject.Groups) != 2 || len(subject.Members) != 4 || len(subject.Past) != 2 {
				t.Fatalf("%d candidates, %d groups, %d members, %d past", len(subject.Candidates), len(subject.Groups), len(subject.Members), len(subject.Past))
			}
			groups, say := reminders.Pair(subject, start)
			if len(groups) != 1 || len(say) != 2 {
				t.Fatalf("%d groups, %d say", len(groups), len(say))
			}
			ok(t, s.SaveGroups(ctx, start, groups, say))
			code(t, s.SaveGroups(ctx, start, groups, say), reminders.ECONFLICT)
		}
		for _, st := range status(t, s) {
			if st.Person.Name == "Deltager 7" && (len(st.Buddies) != 2 || st.Group == 0 || len(st.Peers) != 2) {
				t.Fatalf("buddies: %+v", st.Buddies)
			}
		}
	})
}

func TestTwoWorkersMakeOneSetOfGroups(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		stores := []*store.Store{enrolled(t, open(t), 9), open(t)}
		groups, say := reminders.Pair(toPair(t, stores[0])[0], start)
		errs := make([]error, 4)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() { errs[i] = stores[i%2].SaveGroups(ctx, start, groups, say) })
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
				continue
			}
			code(t, err, reminders.ECONFLICT)
		}
		if won != 1 {
			t.Fatalf("%d won: %v", won, errs)
		}
		if left := toPair(t, stores[0]); len(left) != 0 {
			t.Fatalf("somebody is left: %+v", left)
		}
	})
}
