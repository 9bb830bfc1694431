package store_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"efterkurs/reminders"
	"efterkurs/store"
	"efterkurs/store/storetest"
)

// changed makes one change, told as the pages tell of it.
func changed(t *testing.T, s *store.Store, c reminders.VisitChange) error {
	t.Helper()
	company := must[reminders.Company](t)(s.Company(ctx, c.Before.CompanyID))
	contact := must[reminders.Person](t)(s.Person(ctx, company.ContactID))
	calendar().Tell(start, &c, company, &contact)
	return s.ChangeVisits(ctx, start, c)
}

func bookedAt(t *testing.T, s *store.Store, v reminders.Visit, at time.Time) reminders.Visit {
	t.Helper()
	ok(t, changed(t, s, must[reminders.VisitChange](t)(reminders.MoveVisit(start, v, at))))
	return must[reminders.Visit](t)(s.Visit(ctx, v.ID))
}

func said(t *testing.T, s *store.Store, visitID int64) map[string]reminders.Message {
	t.Helper()
	out := map[string]reminders.Message{}
	for _, m := range must[[]reminders.Message](t)(s.Messages(ctx, reminders.MessageFilter{})) {
		if m.Subject == reminders.VisitSubject(visitID) {
			out[m.Step] = m
		}
	}
	return out
}

func TestEachChangeOfAVisitIsToldOnceToEachWhomItTouches(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		visits, _ := twoVisits(t, s)
		other := must[reminders.User](t)(s.SaveUser(ctx, start, reminders.User{Email: "ny@skole.dk", Name: "Ny Konsulent", Role: reminders.Consultant}))
		v := bookedAt(t, s, visits[0], nine)
		if v.State != reminders.VisitBooked || v.Sequence != 1 || !v.Start.Equal(nine) || v.UID != visits[0].UID {
			t.Fatalf("booked: %+v", v)
		}
		planAll(t, s, start)
		before := len(said(t, s, v.ID))
		ok(t, changed(t, s, must[reminders.VisitChange](t)(reminders.ReassignVisit(start, v, other.ID))))
		planAll(t, s, start)
		all := said(t, s, v.ID)
		want := map[string]int64{"visit-staff-booked-2-consultant": other.ID, "visit-staff-booked-2-teacher": v.TeacherID, "visit-staff-cancelled-2-consultant": v.ConsultantID,
			"visit-moved-2-contact": 0, "visit-invitation-2-contact": 0}
		for step, user := range want {
			m, there := all[step]
			if !there || m.State != reminders.Planned || m.UserID != user {
				t.Errorf("%s: %+v", step, m)
			}
		}
		if len(all) != before+len(want) {
			t.Errorf("%d messages, %d before", len(all), before)
		}
		// What was planned for the one before goes to who comes now.
		for _, step := range []string{"visit-staff-reminder-7-consultant", "visit-staff-reminder-1-consultant", "visit-brief-2-consultant"} {
			if m := all[step]; m.UserID != other.ID || m.State != reminders.Planned {
				t.Errorf("%s goes to user %d", step, m.UserID)
			}
		}
		v = must[reminders.Visit](t)(s.Visit(ctx, v.ID))
		c := must[reminders.VisitChange](t)(reminders.CancelVisit(start, v, "fabrikken flytter"))
		ok(t, changed(t, s, c))
		code(t, changed(t, s, c), reminders.ECONFLICT) // once
		v = must[reminders.Visit](t)(s.Visit(ctx, v.ID))
		if v.State != reminders.VisitCancelled || v.Sequence != 3 || v.Why != "fabrikken flytter" || !v.Start.Equal(nine) {
			t.Fatalf("called off: %+v", v)
		}
		for step, m := range said(t, s, v.ID) {
			for key, value := range m.Params {
				if value == "fabrikken flytter" {
					t.Errorf("%s holds the reason as %s", step, key)
				}
			}
		}
		_, err := reminders.MoveVisit(start, v, nine)
		code(t, err, reminders.ECONFLICT)
		if n := len(must[[]reminders.Visit](t)(s.Visits(ctx, reminders.VisitFilter{UserID: other.ID, States: []string{reminders.VisitCancelled}}))); n != 1 {
			t.Errorf("the feed has %d visits that were called off", n)
		}
	})
}

// Of two who change one visit at once, one wins, and what the other wanted to say is not said. It breaks where the
// Sequence is not looked at in the statement that changes it.
func TestOfTwoBrowsersThatMoveOneVisitOneWins(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		stores := []*store.Store{open(t), open(t)}
		visits, _ := twoVisits(t, stores[0])
		v := bookedAt(t, stores[0], visits[0], nine)
		for round := range 5 {
			errs := make([]error, 2)
			var wg sync.WaitGroup
			for i := range 2 {
				c := must[reminders.VisitChange](t)(reminders.MoveVisit(start, v, nine.AddDate(0, 0, 2*round+i+1)))
				calendar().Tell(start, &c, reminders.Company{ID: v.CompanyID}, nil)
				wg.Go(func() { errs[i] = stores[i].ChangeVisits(ctx, start, c) })
			}
			wg.Wait()
			if (errs[0] == nil) == (errs[1] == nil) {
				t.Fatalf("round %d: %v", round, errs)
			}
			for i, err := range errs {
				if err != nil {
					code(t, err, reminders.ECONFLICT)
					continue
				}
				v = must[reminders.Visit](t)(stores[0].Visit(ctx, v.ID))
				if !v.Start.Equal(nine.AddDate(0, 0, 2*round+i+1)) {
					t.Fatalf("round %d: browser %d won, and it is at %s", round, i, v.Start)
				}
				m := said(t, stores[0], v.ID)[fmt.Sprintf("visit-staff-booked-%d-consultant", v.Sequence)]
				if m.Params[reminders.ParamWas] == "" {
					t.Fatalf("round %d: it is not told: %+v", round, m)
				}
			}
		}
	})
}

// Two visits that are given to one consultant for the same hour, from two browsers: one of them is. It breaks where the
// consultant who is to come is not locked before the look for a clash.
func TestAConsultantIsGivenOneOfTwoVisitsAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		stores := []*store.Store{open(t), open(t)}
		visits, _ := twoVisits(t, stores[0])
		users := make([]reminders.User, 31)
		for i := range users {
			users[i] = must[reminders.User](t)(stores[0].SaveUser(ctx, start, reminders.User{Email: fmt.Sprintf("k%d@skole.dk", i), Name: "K", Role: reminders.Consultant}))
		}
		for i := range visits { // one hour, two consultants
			visits[i] = bookedAt(t, stores[0], visits[i], nine.AddDate(0, 0, i))
		}
		ok(t, changed(t, stores[0], must[reminders.VisitChange](t)(reminders.ReassignVisit(start, visits[1], users[0].ID))))
		ok(t, changed(t, stores[0], must[reminders.VisitChange](t)(reminders.MoveVisit(start, must[reminders.Visit](t)(stores[0].Visit(ctx, visits[1].ID)), nine))))
		for round, u := range users[1:] {
			errs := make([]error, 2)
			var wg sync.WaitGroup
			both := make(chan struct{})
			for i := range 2 {
				v := must[reminders.Visit](t)(stores[0].Visit(ctx, visits[i].ID))
				c := must[reminders.VisitChange](t)(reminders.ReassignVisit(start, v, u.ID))
				wg.Go(func() {
					<-both
					errs[i] = stores[i].ChangeVisits(ctx, start, c)
				})
			}
			close(both)
			wg.Wait()
			if (errs[0] == nil) == (errs[1] == nil) {
				t.Fatalf("round %d: %v", round, errs)
			}
		}
	})
}

func TestAllVisitsOfADayChangeOrNone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		visits, _ := twoVisits(t, s)
		other := must[reminders.User](t)(s.SaveUser(ctx, start, reminders.User{Email: "ny@skole.dk", Name: "Ny", Role: reminders.Consultant}))
		a, b := bookedAt(t, s, visits[0], nine), bookedAt(t, s, visits[1], nine.Add(3*time.Hour))
		one := must[reminders.VisitChange](t)(reminders.ReassignVisit(start, a, other.ID))
		stale := b
		stale.Sequence--
		two := must[reminders.VisitChange](t)(reminders.ReassignVisit(start, stale, other.ID))
		code(t, s.ChangeVisits(ctx, start, one, two), reminders.ECONFLICT)
		if now := must[reminders.Visit](t)(s.Visit(ctx, a.ID)); now.ConsultantID != a.ConsultantID || now.Sequence != a.Sequence {
			t.Fatalf("half of it was made: %+v", now)
		}
		two = must[reminders.VisitChange](t)(reminders.ReassignVisit(start, b, other.ID))
		ok(t, s.ChangeVisits(ctx, start, one, two))
		if n := len(must[[]reminders.Visit](t)(s.Visits(ctx, reminders.VisitFilter{UserID: other.ID}))); n != 2 {
			t.Fatalf("the colleague has %d visits", n)
		}
	})
}

func TestAReplacedConsultantsCompaniesAndVisitsGoOver(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		visits, _ := twoVisits(t, s)
		next := must[reminders.User](t)(s.SaveUser(ctx, start, reminders.User{Email: "ny@skole.dk", Name: "Ny", Role: reminders.Consultant}))
		v := bookedAt(t, s, visits[0], nine)
		code(t, s.ReplaceUser(ctx, start, v.ConsultantID, next.ID, nil), reminders.ECONFLICT) // a booked one would be left behind
		c := must[reminders.VisitChange](t)(reminders.HandOver(start, v, v.ConsultantID, next.ID))
		ok(t, s.ReplaceUser(ctx, start, v.ConsultantID, next.ID, []reminders.VisitChange{c}))
		planAll(t, s, start)
		for _, visit := range must[[]reminders.Visit](t)(s.Visits(ctx, reminders.VisitFilter{})) {
			if visit.ConsultantID != next.ID {
				t.Errorf("visit %d (%s) is still of user %d", visit.ID, visit.State, visit.ConsultantID)
			}
			if company := must[reminders.Company](t)(s.Company(ctx, visit.CompanyID)); company.ConsultantID != next.ID {
				t.Errorf("company %d is still of user %d", company.ID, company.ConsultantID)
			}
		}
	})
}

func TestARenewedCalendarIsNobodysAtItsOldAddress(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		u := must[reminders.User](t)(s.SaveUser(ctx, start, reminders.User{Email: "k@skole.dk", Name: "K", Role: reminders.Consultant}))
		renewed := must[reminders.User](t)(s.RenewCalendar(ctx, start, "K@skole.dk"))
		if renewed.ID != u.ID || renewed.CalendarToken == u.CalendarToken || len(renewed.CalendarToken) < 64 {
			t.Fatalf("renewed: %+v", renewed)
		}
		code(t, errOf(s.UserByCalendarToken(ctx, u.CalendarToken)), reminders.ENOTFOUND)
		must[reminders.User](t)(s.UserByCalendarToken(ctx, renewed.CalendarToken))
		code(t, errOf(s.RenewCalendar(ctx, start, "ingen@skole.dk")), reminders.ENOTFOUND)
	})
}

// A visit that nobody was asked about yet and that is given to another keeps them when it is planned again, and its
// proposal still goes out; one that is booked by hand is proposed to nobody any more.
func TestAVisitGivenAwayBeforeItIsProposedStaysGiven(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		visits, _ := twoVisits(t, s)
		other := must[reminders.User](t)(s.SaveUser(ctx, start, reminders.User{Email: "ny@skole.dk", Name: "Ny", Role: reminders.Consultant}))
		ok(t, changed(t, s, must[reminders.VisitChange](t)(reminders.ReassignVisit(start, visits[0], other.ID))))
		planAll(t, s, start)
		if v := must[reminders.Visit](t)(s.Visit(ctx, visits[0].ID)); v.ConsultantID != other.ID || v.State != reminders.VisitPlanned {
			t.Fatalf("planned again: %+v", v)
		}
		bookedAt(t, s, visits[1], nine)
		planAll(t, s, start)
		for i, want := range []reminders.State{reminders.Planned, reminders.Skipped} {
			for _, m := range must[[]reminders.Message](t)(s.Messages(ctx, reminders.MessageFilter{CompanyID: visits[i].CompanyID})) {
				if m.Step == reminders.StepVisitProposal && m.State != want {
					t.Errorf("visit %d: its proposal is %s, want %s", i, m.State, want)
				}
			}
		}
	})
}

// A wrong e-mail address of a contact who is written to by SMS keeps no SMS from them. It fails where a refused invitation
// stops everything, or hides what is wrong with the phone.
func TestARefusedInvitationStopsNoTexts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		visits, contacts := twoVisits(t, s)
		bookedAt(t, s, visits[0], nine)
		var invitation, moved reminders.Claim
		for _, c := range claim(t, s, "w", start.AddDate(0, 0, 3), 1000) {
			switch {
			case c.PersonID == contacts[0] && c.Kind == reminders.KindVisitInvitation:
				invitation = c
			case c.PersonID == contacts[0] && c.Kind == reminders.KindVisitMoved:
				moved = c
			}
		}
		at := start.AddDate(0, 0, 3)
		refuse := func(c reminders.Claim, channel, address, errorCode string) {
			t.Helper()
			in := intent(c)
			in.Channel, in.Address = channel, address
			must[map[int64]reminders.Began](t)(s.Begin(ctx, at, []reminders.Intent{in}))
			ok(t, s.Record(ctx, at, []reminders.Change{{ID: c.ID, Worker: c.Worker, From: reminders.Sending, To: reminders.Failed, Attempt: 1, PersonID: c.PersonID, EndedAt: at,
				Result: reminders.Result{Outcome: reminders.OutcomeFailed, BadAddress: true, Code: errorCode}}}))
		}
		refuse(invitation, reminders.Email, "lis@smed.dk", "5.1.1")
		p := must[reminders.Person](t)(s.Person(ctx, contacts[0]))
		if p.Faulty(reminders.SMS) || p.Faulty(reminders.Slack) || !p.Faulty(reminders.Email) {
			t.Fatalf("after the mail: %q", p.AddressFault)
		}
		refuse(moved, reminders.SMS, p.Phone, "30005")
		if p = must[reminders.Person](t)(s.Person(ctx, contacts[0])); !p.Faulty(reminders.SMS) {
			t.Fatalf("after the SMS: %q", p.AddressFault)
		}
	})
}
