package store_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"efterkurs/reminders"
	"efterkurs/store"
	"efterkurs/store/storetest"
)

const halfHour = 30 * time.Minute

// diaryOf gives a new user a calendar.
func diaryOf(t *testing.T, s *store.Store, email, address string) reminders.User {
	t.Helper()
	must[reminders.User](t)(s.SaveUser(ctx, start, reminders.User{Email: email, Name: "Karen", Role: reminders.Consultant, Language: "da"}))
	return must[reminders.User](t)(s.SetDiary(ctx, start, email, nil, nil, &address))
}

func TestOfTwoWorkersOneFetchesACalendar(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		stores := []*store.Store{open(t), open(t)}
		var ids []int64
		for _, email := range []string{"a@skole.dk", "b@skole.dk", "c@skole.dk"} {
			ids = append(ids, diaryOf(t, stores[0], email, "https://x.example/"+email).ID)
		}
		off := diaryOf(t, stores[0], "off@skole.dk", "https://x.example/off")
		ok(t, stores[0].DisableUser(ctx, start, off.Email))
		diaryOf(t, stores[0], "none@skole.dk", "")
		now := start
		for round := range 5 {
			var claimed [2][]reminders.UserDiary
			var errs [2]error
			var wg sync.WaitGroup
			for i, s := range stores {
				wg.Go(func() { claimed[i], errs[i] = s.ClaimDiaries(ctx, now, halfHour, 5) })
			}
			wg.Wait()
			ok(t, errs[0])
			ok(t, errs[1])
			var got []int64
			for _, d := range slices.Concat(claimed[0], claimed[1]) {
				got = append(got, d.UserID)
			}
			slices.Sort(got)
			if !slices.Equal(got, ids) {
				t.Fatalf("round %d: claimed %v of %v", round, got, ids)
			}
			if early := must[[]reminders.UserDiary](t)(stores[0].ClaimDiaries(ctx, now.Add(halfHour-time.Second), halfHour, 5)); len(early) != 0 {
				t.Fatalf("claimed too early: %v", early)
			}
			now = now.Add(halfHour)
		}
		if few := must[[]reminders.UserDiary](t)(stores[0].ClaimDiaries(ctx, now, halfHour, 2)); len(few) != 2 {
			t.Errorf("claimed %v", few)
		}
		// A clock that was a year ahead does not stop them for a year.
		must[[]reminders.UserDiary](t)(stores[0].ClaimDiaries(ctx, now.AddDate(1, 0, 0), halfHour, 5))
		if again := must[[]reminders.UserDiary](t)(stores[0].ClaimDiaries(ctx, now, halfHour, 5)); len(again) != 3 {
			t.Errorf("claimed %v", again)
		}
	})
}

func TestAFailureKeepsTheLastKnownSpans(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		visits, _ := twoVisits(t, s)
		v := visits[0]
		u := must[reminders.User](t)(s.User(ctx, v.ConsultantID))
		address := "https://x.example/1.ics"
		u = must[reminders.User](t)(s.SetDiary(ctx, start, u.Email, nil, nil, &address))
		d := reminders.UserDiary{UserID: u.ID, URL: address}
		spans := []reminders.Span{{From: nine, To: nine.Add(time.Hour)}, {From: nine.Add(2 * time.Hour), To: nine.Add(3 * time.Hour)}}
		holds := func(fault string, want ...reminders.Span) {
			t.Helper()
			a := must[reminders.Agenda](t)(s.Agenda(ctx, v, reminders.Span{From: nine.Add(-time.Hour), To: nine.AddDate(0, 0, 1)}))
			if !slices.EqualFunc(a.Busy, want, func(a, b reminders.Span) bool { return a.From.Equal(b.From) && a.To.Equal(b.To) }) {
				t.Errorf("busy: %v, want %v", a.Busy, want)
			}
			if u := must[reminders.User](t)(s.User(ctx, u.ID)); u.BusyFault != fault {
				t.Errorf("fault: %q, want %q", u.BusyFault, fault)
			}
		}
		ok(t, s.SaveDiary(ctx, d, spans, ""))
		holds("", spans...)
		ok(t, s.SaveDiary(ctx, d, nil, "the calendar's server answers 502"))
		holds("the calendar's server answers 502", spans...)
		ok(t, s.SaveDiary(ctx, d, spans[1:], ""))
		holds("", spans[1:]...)
		// Fetched from an address that is not theirs any more.
		ok(t, s.SaveDiary(ctx, reminders.UserDiary{UserID: u.ID, URL: "https://x.example/old.ics"}, spans, ""))
		holds("", spans[1:]...)
		must[reminders.User](t)(s.SetDiary(ctx, start, u.Email, nil, nil, nil))
		holds("", spans[1:]...)
		none := ""
		must[reminders.User](t)(s.SetDiary(ctx, start, u.Email, nil, nil, &none))
		holds("")
		if left := must[[]reminders.UserDiary](t)(s.ClaimDiaries(ctx, start, halfHour, 5)); len(left) != 0 {
			t.Errorf("still fetched: %v", left)
		}
	})
}
