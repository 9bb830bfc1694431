package store_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"efterkurs/reminders"
	"efterkurs/store"
	"efterkurs/store/storetest"
)

// held is a visit that began an hour ago at now, and somebody who was there.
func heldVisit(t *testing.T, s *store.Store, people ...reminders.RosterRow) (v reminders.Visit, karen int64, now time.Time) {
	t.Helper()
	imported(t, s, people...)
	planAll(t, s, start)
	v = must[[]reminders.Visit](t)(s.Visits(ctx, reminders.VisitFilter{}))[0]
	contact := must[reminders.Company](t)(s.Company(ctx, v.CompanyID)).ContactID
	apply(t, s, start, reminders.Effects{ReplyID: wrote(t, s, contact, "1", due), State: reminders.ReplyHandled, PersonID: contact,
		Book: &reminders.Booking{VisitID: v.ID, Span: reminders.Span{From: nine, To: nine.Add(time.Hour)}}})
	planAll(t, s, start)
	return must[reminders.Visit](t)(s.Visit(ctx, v.ID)), v.ConsultantID, nine.Add(time.Hour)
}

func outcomeOf(v reminders.Visit, by int64) reminders.VisitOutcome {
	return reminders.VisitOutcome{VisitID: v.ID, Held: true, Met: "Deltager 1 og Lis Leder", Used: "Tavlen bruges", Unused: "Standarden hos Deltager 1s hold", Barriers: []string{"daily_run", "product"},
		Steps:       []reminders.AgreedStep{{What: "Kroge til tavlen", Who: "Lis", By: day("2027-02-10")}, {What: "Vise det til natholdet"}},
		NextContact: day("2027-02-23"), Note: "Ring til Deltager 1", Tell: true, Agreed: "Krogene kommer op", SavedBy: by}
}

func after(t *testing.T, s *store.Store, v reminders.Visit, o reminders.VisitOutcome, now time.Time) []reminders.Message {
	t.Helper()
	company := must[reminders.Company](t)(s.Company(ctx, v.CompanyID))
	contact := must[reminders.Person](t)(s.Person(ctx, company.ContactID))
	return calendar().AfterVisit(now, reminders.OutcomeSubject{Visit: v, Company: company, Contact: &contact, Outcome: o,
		People: must[[]reminders.EnrolmentStatus](t)(s.Status(ctx, reminders.Filter{ClassID: v.ClassID, CompanyID: v.CompanyID}))})
}

func TestAnOutcomeIsKeptWholeAndFollowedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		v, karen, now := heldVisit(t, s, row(1), row(2))
		if o := must[reminders.VisitOutcome](t)(s.Outcome(ctx, v.ID)); o.Version != 0 || o.Held {
			t.Fatalf("before anything is saved: %+v", o)
		}
		want := outcomeOf(v, karen)
		_, err := s.SaveOutcome(ctx, v.Start.Add(-time.Minute), want, nil)
		code(t, err, reminders.ECONFLICT) // it has not begun
		saved := must[reminders.VisitOutcome](t)(s.SaveOutcome(ctx, now, want, after(t, s, v, want, now)))
		if saved.Version != 1 || !saved.Same(want) || !saved.SavedAt.Equal(now) {
			t.Fatalf("saved: %+v", saved)
		}
		if got := must[reminders.Visit](t)(s.Visit(ctx, v.ID)); got.State != reminders.VisitHeld {
			t.Errorf("the visit is %s", got.State)
		}
		// The answer to the save was lost on its way, and the button is pressed again.
		if again := must[reminders.VisitOutcome](t)(s.SaveOutcome(ctx, now.Add(time.Minute), want, after(t, s, v, want, now))); again.Version != 1 {
			t.Errorf("the same again is version %d", again.Version)
		}
		want.Version, want.Note = 1, "Ring i marts"
		if saved = must[reminders.VisitOutcome](t)(s.SaveOutcome(ctx, now.Add(time.Hour), want, after(t, s, v, want, now.Add(time.Hour)))); saved.Version != 2 || saved.Note != want.Note {
			t.Errorf("saved again: %+v", saved)
		}
		news := must[reminders.AfterVisit](t)(s.AfterVisit(ctx, v.ID))
		if news.Letter == nil || news.Followup == nil || len(news.Texts) != 2 || news.Answer != "" {
			t.Fatalf("planned: %+v", news)
		}
		if at := calendar().Today(news.Followup.DueAt); at != day("2027-02-23") {
			t.Errorf("the question is due on %s", at)
		}
		_, err = s.SaveOutcome(ctx, now, reminders.VisitOutcome{VisitID: 999}, nil)
		code(t, err, reminders.ENOTFOUND)
	})
}

// It breaks where the visit is not locked first, or the version is not compared.
func TestOfSeveralWhoSaveAnOutcomeAtOnceTheOthersAreToldAndNothingIsLost(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		stores := []*store.Store{open(t), open(t)}
		v, karen, now := heldVisit(t, stores[0], row(1), row(2))
		const writers = 8
		for version := range 6 {
			errs := make([]error, writers)
			ready := make(chan struct{})
			var wg sync.WaitGroup
			for i := range writers {
				wg.Go(func() {
					o := outcomeOf(v, karen)
					o.Version, o.Note = version, fmt.Sprint("skrevet af ", i)
					<-ready
					_, errs[i] = stores[i%2].SaveOutcome(ctx, now, o, nil)
				})
			}
			close(ready)
			wg.Wait()
			winner := -1
			for i, err := range errs {
				if err != nil {
					code(t, err, reminders.ECONFLICT)
					continue
				}
				if winner >= 0 {
					t.Fatalf("version %d: %d and %d have both saved", version, winner, i)
				}
				winner = i
			}
			o := must[reminders.VisitOutcome](t)(stores[0].Outcome(ctx, v.ID))
			if o.Version != version+1 || o.Note != fmt.Sprint("skrevet af ", winner) || len(o.Steps) != 2 {
				t.Fatalf("stored: %+v, winner %d", o, winner)
			}
		}
	})
}

func TestAVisitThatWasNotHeldIsProposedAnew(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		v, karen, now := heldVisit(t, s, row(1), row(2))
		o := reminders.VisitOutcome{VisitID: v.ID, Note: "Porten var låst", SavedBy: karen}
		say := after(t, s, v, o, now)
		saved := must[reminders.VisitOutcome](t)(s.SaveOutcome(ctx, now, o, say))
		got := must[reminders.Visit](t)(s.Visit(ctx, v.ID))
		if got.State != reminders.VisitPlanned || !got.Start.IsZero() || got.Sequence != v.Sequence+1 || got.UID != v.UID || saved.Held {
			t.Fatalf("the visit: %+v", got)
		}
		found := 0
		for _, m := range must[[]reminders.Message](t)(s.Messages(ctx, reminders.MessageFilter{})) {
			if m.Subject == say[0].Subject && m.State == reminders.Planned && m.VisitID == v.ID {
				found++
			}
		}
		if found != 2 {
			t.Errorf("%d messages propose it anew, want the proposal and its reminder", found)
		}
		_, err := s.SaveOutcome(ctx, now, reminders.VisitOutcome{VisitID: v.ID, Version: 1, Held: true, SavedBy: karen}, nil)
		code(t, err, reminders.ECONFLICT) // it has no time now
	})
}

func TestWhatIsNotDoneIsSomebodysTaskUntilTheyWriteAboutIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		v, karen, now := heldVisit(t, s, row(1), row(2))
		o := outcomeOf(v, karen)
		o = must[reminders.VisitOutcome](t)(s.SaveOutcome(ctx, now, o, after(t, s, v, o, now)))
		question := must[reminders.AfterVisit](t)(s.AfterVisit(ctx, v.ID)).Followup
		says := func(digit, meaning string, at time.Time) {
			apply(t, s, at, reminders.Effects{ReplyID: wrote(t, s, question.PersonID, digit, at), Kind: reminders.ReplyAnswer, State: reminders.ReplyHandled, PersonID: question.PersonID,
				Answers: []reminders.AnswerGiven{{QuestionID: question.ID, Step: question.Step, Digit: digit, Meaning: meaning}}})
		}
		if open := must[map[int64]time.Time](t)(s.NotYetDone(ctx)); len(open) != 0 {
			t.Errorf("before any answer: %v", open)
		}
		later := now.AddDate(0, 0, 28)
		says("3", "no", later)
		if open := must[map[int64]time.Time](t)(s.NotYetDone(ctx)); !open[v.ID].Equal(later) {
			t.Errorf("not yet: %v", open)
		}
		if news := must[reminders.AfterVisit](t)(s.AfterVisit(ctx, v.ID)); news.Answer != "no" || !news.AnsweredAt.Equal(later) {
			t.Errorf("the answer: %+v", news)
		}
		o.Note = "Har ringet"
		must[reminders.VisitOutcome](t)(s.SaveOutcome(ctx, later.Add(time.Hour), o, nil))
		if open := must[map[int64]time.Time](t)(s.NotYetDone(ctx)); len(open) != 0 {
			t.Errorf("somebody has seen to it: %v", open)
		}
		says("3", "no", later.Add(2*time.Hour))
		says("1", "yes", later.Add(3*time.Hour))
		if open := must[map[int64]time.Time](t)(s.NotYetDone(ctx)); len(open) != 0 {
			t.Errorf("done after all: %v", open)
		}
	})
}

func TestErasedPeopleAreInNoOutcome(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		ali := func(r *reminders.RosterRow) { r.Person.Name = "Ali Hassan" }
		v, karen, now := heldVisit(t, s, row(1, ali), row(2))
		o := outcomeOf(v, karen)
		o.Met, o.Used, o.Unused, o.Note, o.Agreed = "Ali og Lis", "Alis tavle", "Alis vogn, Alicante", "Ring til Ali Hassan", "Ali hænger tavlen op"
		o.Steps = []reminders.AgreedStep{{What: "Ali maler gulvet", Who: "Ali"}}
		must[reminders.VisitOutcome](t)(s.SaveOutcome(ctx, now, o, nil))
		var id int64
		for _, st := range status(t, s) {
			if st.Person.Name == "Ali Hassan" {
				id = st.Person.ID
			}
		}
		export := must[store.Export](t)(s.Export(ctx, id))
		if len(export.Visits) != 1 || len(export.Visits[0].Texts) != 7 {
			t.Errorf("the export has %+v", export.Visits)
		}
		ok(t, s.Erase(ctx, now, id))
		got := must[reminders.VisitOutcome](t)(s.Outcome(ctx, v.ID))
		all := strings.Join([]string{got.Met, got.Used, got.Unused, got.Note, got.Agreed, got.Steps[0].What, got.Steps[0].Who}, "|")
		if strings.Contains(strings.ReplaceAll(all, "Alicante", ""), "Ali") || strings.Contains(all, "Hassan") || !strings.Contains(all, "Lis") || !strings.Contains(all, "Alicante") {
			t.Errorf("left: %s", all)
		}
	})
}
