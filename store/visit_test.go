package store_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"efterkurs/reminders"
	"efterkurs/store"
	"efterkurs/store/storetest"
)

// twoVisits are visits of one consultant at two companies, and their contacts.
func twoVisits(t *testing.T, s *store.Store) (visits []reminders.Visit, contacts []int64) {
	t.Helper()
	imported(t, s, row(1), row(2, func(r *reminders.RosterRow) {
		r.Company, r.Contact = "Nabo A/S", reminders.Person{Name: "Bo Nabo", Phone: "+4528888888"}
	}))
	planAll(t, s, start)
	visits = must[[]reminders.Visit](t)(s.Visits(ctx, reminders.VisitFilter{}))
	if len(visits) != 2 || visits[0].ConsultantID == 0 || visits[0].ConsultantID != visits[1].ConsultantID || visits[0].UID == visits[1].UID {
		t.Fatalf("visits: %+v", visits)
	}
	for _, v := range visits {
		company := must[reminders.Company](t)(s.Company(ctx, v.CompanyID))
		contacts = append(contacts, company.ContactID)
	}
	return visits, contacts
}

var nine = time.Date(2027, 1, 26, 8, 0, 0, 0, time.UTC)

// It breaks where the look for a clash and the booking are not one after the other for one consultant.
func TestOfTwoBookingsThatOverlapExactlyOneWins(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		stores := []*store.Store{open(t), open(t)}
		visits, contacts := twoVisits(t, stores[0])
		for round := range 5 {
			at := nine.AddDate(0, 0, round)
			errs := make([]error, 2)
			ids := []int64{wrote(t, stores[0], contacts[0], "1", due), wrote(t, stores[0], contacts[1], "2", due)}
			var wg sync.WaitGroup
			for i := range 2 {
				wg.Go(func() {
					from := at.Add(time.Duration(i) * 30 * time.Minute)
					_, errs[i] = stores[i].ApplyReply(ctx, start, reminders.Effects{ReplyID: ids[i], State: reminders.ReplyHandled, PersonID: contacts[i],
						Book: &reminders.Booking{VisitID: visits[i].ID, Span: reminders.Span{From: from, To: from.Add(time.Hour)}}})
				})
			}
			wg.Wait()
			lost := 0
			for i, err := range errs {
				if err == nil {
					continue
				}
				code(t, err, reminders.ECONFLICT)
				lost++
				// Nothing of it was applied: the reply is still to be interpreted.
				rc := must[reminders.ReplyContext](t)(stores[0].ReplyContext(ctx, ids[i]))
				if rc.Reply.State != reminders.ReplyReceived {
					t.Fatalf("the reply that lost is %s", rc.Reply.State)
				}
			}
			if lost != 1 {
				t.Fatalf("round %d: %d lost (%v)", round, lost, errs)
			}
			booked := must[[]reminders.Visit](t)(stores[0].Visits(ctx, reminders.VisitFilter{States: []string{reminders.VisitBooked}}))
			for i := range booked {
				for _, o := range booked[:i] {
					if (reminders.Span{From: o.Start, To: o.End}).Overlaps(reminders.Span{From: booked[i].Start, To: booked[i].End}) {
						t.Fatalf("round %d: visits %d and %d overlap", round, o.ID, booked[i].ID)
					}
				}
			}
		}
	})
}

func TestABookingPlansItsRemindersAndTakesBackTheReminderOfTheProposal(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		visits, contacts := twoVisits(t, s)
		v := visits[0]
		v.Slots, v.Round, v.State, v.ProposedAt = []time.Time{nine, nine.AddDate(0, 0, 1), nine.AddDate(0, 0, 2)}, 1, reminders.VisitProposed, start
		ok(t, s.ProposeVisit(ctx, start, v))
		within := reminders.Span{From: nine.Add(-time.Hour), To: nine.AddDate(0, 1, 0)}
		if busy := must[reminders.Agenda](t)(s.Agenda(ctx, visits[1], within)).Visits; len(busy) != 3 {
			t.Fatalf("busy while proposed: %v", busy)
		}
		if busy := must[reminders.Agenda](t)(s.Agenda(ctx, v, within)).Visits; len(busy) != 0 {
			t.Fatalf("busy with itself: %v", busy)
		}
		apply(t, s, start, reminders.Effects{ReplyID: wrote(t, s, contacts[0], "1", start), PersonID: contacts[0],
			Book: &reminders.Booking{VisitID: v.ID, Span: reminders.Span{From: nine, To: nine.Add(time.Hour)}}})
		got := must[reminders.Visit](t)(s.Visit(ctx, v.ID))
		if got.State != reminders.VisitBooked || got.Sequence != v.Sequence+1 || got.UID != v.UID || !got.Start.Equal(nine) {
			t.Fatalf("booked: %+v", got)
		}
		if busy := must[reminders.Agenda](t)(s.Agenda(ctx, visits[1], within)).Visits; len(busy) != 1 {
			t.Fatalf("busy when booked: %v", busy)
		}
		if n := dirty(t, s); n != 1 {
			t.Fatalf("%d to plan, want 1", n)
		}
		if planAll(t, s, start) == 0 {
			t.Fatal("no reminders of the visit")
		}
		for _, m := range must[[]reminders.Message](t)(s.Messages(ctx, reminders.MessageFilter{CompanyID: v.CompanyID})) {
			if m.Step == reminders.StepVisitAgain && (m.State != reminders.Skipped || m.Reason != reminders.ReasonSuperseded) {
				t.Fatalf("%s is %s", m.Step, m.State)
			}
		}
		code(t, s.ProposeVisit(ctx, start, v), reminders.ECONFLICT)
		if n := must[int](t)(s.CloseVisits(ctx, nine)); n != 0 {
			t.Fatalf("%d closed while it lasts", n)
		}
		if n := must[int](t)(s.CloseVisits(ctx, nine.Add(time.Hour))); n != 1 {
			t.Fatalf("%d closed", n)
		}
		if got := must[reminders.Visit](t)(s.Visit(ctx, v.ID)); got.State != reminders.VisitHeld {
			t.Fatalf("after it: %s", got.State)
		}
	})
}

func TestAProposalNobodyAnsweredIsUnplacedOnceItsTimesAreOver(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		visits, _ := twoVisits(t, s)
		v := visits[0]
		v.Slots, v.Round, v.State, v.ProposedAt = []time.Time{nine, nine.AddDate(0, 0, 1)}, 1, reminders.VisitProposed, start
		ok(t, s.ProposeVisit(ctx, start, v))
		if n := must[int](t)(s.CloseVisits(ctx, nine.Add(time.Hour))); n != 0 {
			t.Fatal("closed while a time is left")
		}
		if n := must[int](t)(s.CloseVisits(ctx, nine.AddDate(0, 0, 2))); n != 1 {
			t.Fatal("not closed")
		}
		if got := must[reminders.Visit](t)(s.Visit(ctx, v.ID)); got.State != reminders.VisitUnplaced {
			t.Fatalf("it is %s", got.State)
		}
	})
}

func TestTheBriefCountsAndQuotes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		roster := rows(4)
		roster[0].Goal = "rydde op"
		imported(t, s, roster...)
		planAll(t, s, start)
		claims := claim(t, s, "w", due, 1000)
		group := reminders.BuddyGroup{}
		for i, st := range status(t, s) {
			if group.CompanyID = st.Company.ID; i < 2 {
				group.Members = append(group.Members, reminders.BuddyMember{EnrolmentID: st.EnrolmentID, PersonID: st.Person.ID, Starter: i == 0})
			}
		}
		published(t, s, due, []reminders.BuddyGroup{group}, nil)
		for _, c := range claims {
			switch {
			case c.Step == "exercise-1" || c.Step == "exercise-2" || c.Step == "exercise-4" || c.Step == "exercise-6" || c.Step == "checkin-2":
				send(t, s, c, c.Subject+c.Step, due)
			default:
				continue
			}
			name := c.Person.Name
			switch {
			case c.Step == "exercise-1" && name == "Deltager 1":
				answer(t, s, c, "1 jeg maler gulvet", "1", "yes", due)
			case c.Step == "exercise-2" && name == "Deltager 1":
				answer(t, s, c, "2", "2", "partly", due)
			case c.Step == "exercise-4" && name == "Deltager 1":
				answer(t, s, c, "1", "1", "barrier:leadership", due)
				answer(t, s, c, "3", "3", "barrier:economy", due)
			case c.Step == "exercise-6" && name == "Deltager 1":
				answer(t, s, c, "4", "4", "rating", due)
			case c.Step == "checkin-2" && name == "Deltager 2":
				answer(t, s, c, "1", "1", "yes", due)
			}
		}
		v := must[[]reminders.Visit](t)(s.Visits(ctx, reminders.VisitFilter{}))[0]
		b := must[reminders.Brief](t)(s.Brief(ctx, v.ID))
		if b.People != 4 || b.Contact == nil || b.Weeks[0] != (reminders.BriefWeek{Sent: 4, Answered: 1, Yes: 1}) || b.Weeks[1].Partly != 1 || b.Weeks[2].Sent != 0 {
			t.Errorf("weeks: %+v", b.Weeks)
		}
		if len(b.Ratings) != 1 || b.Ratings[0] != 4 || len(b.Barriers) != 1 || b.Barriers["economy"] != 1 {
			t.Errorf("ratings %v, barriers %v", b.Ratings, b.Barriers)
		}
		if len(b.Words) != 1 || b.Words[0] != (reminders.BriefWords{Name: "Deltager 1", Week: 1, Text: "jeg maler gulvet"}) {
			t.Errorf("words: %+v", b.Words)
		}
		if len(b.Goals) != 1 || b.Goals[0].Text != "rydde op" || b.Checkins[reminders.CheckinHalf] != 1 {
			t.Errorf("goals %v, check-ins %v", b.Goals, b.Checkins)
		}
		code(t, errOf(s.Brief(ctx, 404)), reminders.ENOTFOUND)
	})
}

// bookings books visits at what times, by the contacts' replies, and returns the errors.
func bookings(t *testing.T, s *store.Store, visits []reminders.Visit, contacts []int64, at ...time.Time) (errs []error) {
	t.Helper()
	for i, from := range at {
		_, err := s.ApplyReply(ctx, start, reminders.Effects{ReplyID: wrote(t, s, contacts[i], "1", due), State: reminders.ReplyHandled, PersonID: contacts[i],
			Book: &reminders.Booking{VisitID: visits[i].ID, Span: reminders.Span{From: from, To: from.Add(reminders.VisitLength)}}})
		errs = append(errs, err)
	}
	return errs
}

// Within one town the drive is short, and a roster that names no postcode does not take it away.
func TestThePostcodeOfTheRosterShortensTheDrive(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		visits, contacts := visitsOfOneConsultant(t, s, 2)
		for i := range visits {
			imported(t, s, row(i+1, func(r *reminders.RosterRow) { r.Company, r.Postcode = fmt.Sprint("Firma ", i), "7400" }))
			imported(t, s, row(i+1, func(r *reminders.RosterRow) { r.Company = fmt.Sprint("Firma ", i) }))
			if c := must[reminders.Company](t)(s.Company(ctx, visits[i].CompanyID)); c.Postcode != "7400" {
				t.Fatalf("company %d has postcode %q", c.ID, c.Postcode)
			}
		}
		ok(t, errors.Join(bookings(t, s, visits, contacts, nine, nine.Add(90*time.Minute))...))
	})
}

func visitsOfOneConsultant(t *testing.T, s *store.Store, n int) (visits []reminders.Visit, contacts []int64) {
	t.Helper()
	var roster []reminders.RosterRow
	for i := range n {
		roster = append(roster, row(i+1, func(r *reminders.RosterRow) {
			r.Company, r.Contact = fmt.Sprint("Firma ", i), reminders.Person{Name: fmt.Sprint("Leder ", i), Phone: fmt.Sprintf("+452888880%d", i)}
		}))
	}
	imported(t, s, roster...)
	planAll(t, s, start)
	visits = must[[]reminders.Visit](t)(s.Visits(ctx, reminders.VisitFilter{}))
	if len(visits) != n {
		t.Fatalf("%d visits of %d", len(visits), n)
	}
	for _, v := range visits {
		contacts = append(contacts, must[reminders.Company](t)(s.Company(ctx, v.CompanyID)).ContactID)
	}
	return visits, contacts
}

func TestABookingIsRefusedWhereTheDayIsFull(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		visits, contacts := visitsOfOneConsultant(t, s, 3)
		errs := bookings(t, s, visits, contacts, nine, nine.Add(4*time.Hour), nine.Add(8*time.Hour))
		ok(t, errs[0])
		ok(t, errs[1])
		code(t, errs[2], reminders.ECONFLICT)
		ok(t, bookings(t, s, visits[2:], contacts[2:], nine.AddDate(0, 0, 1))[0]) // the next day is free
	})
}

func TestABookingIsRefusedWhereThereIsNoTimeForTheDrive(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		visits, contacts := visitsOfOneConsultant(t, s, 2)
		errs := bookings(t, s, visits, contacts, nine, nine.Add(90*time.Minute))
		ok(t, errs[0])
		code(t, errs[1], reminders.ECONFLICT)
		ok(t, bookings(t, s, visits[1:], contacts[1:], nine.Add(2*time.Hour))[0])
	})
}
