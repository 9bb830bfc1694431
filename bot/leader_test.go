package bot_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"efterkurs/reminders"
)

// visit is the one at a company.
func (w *world) visit(company string) reminders.Visit {
	w.Helper()
	companies, err := w.store.Companies(ctx, 0)
	w.ok(err)
	for _, c := range companies {
		if c.Name == company {
			visits, err := w.store.Visits(ctx, reminders.VisitFilter{CompanyID: c.ID})
			w.ok(err)
			if len(visits) == 1 {
				return visits[0]
			}
			w.Fatalf("%s has %d visits", company, len(visits))
		}
	}
	w.Fatalf("there is no company %s", company)
	return reminders.Visit{}
}

// moment is a time as Danish texts say it.
func (w *world) moment(at time.Time) string {
	at = at.In(copenhagen(w))
	return w.bot.Texts.FormatDate("da", at) + " " + w.bot.Texts.FormatTime("da", at)
}

// booked is what a leader hears who chose at.
func (w *world) booked(at time.Time) string {
	local := at.In(copenhagen(w))
	return w.said("visit-booked", "date", w.bot.Texts.FormatDate("da", local), "time", w.bot.Texts.FormatTime("da", local))
}

// times is a text that offers slots.
func (w *world) times(key string, slots []time.Time) string {
	text := w.said(key)
	for i, slot := range slots {
		text += fmt.Sprintf("\n%d = %s", i+1, w.moment(slot))
	}
	return text
}

func TestALeadersDigitBooksTheVisit(t *testing.T) {
	for i, digit := range []string{"1", "2", "3"} {
		t.Run(digit, func(t *testing.T) {
			each(t, func(w *world) {
				w.enrol(row("Maja"), row("Bo"))
				w.until("2026-09-29")
				before := w.visit("Smed & Søn")
				if before.State != reminders.VisitProposed || len(before.Slots) != 3 {
					t.Fatalf("the visit is %s with %d times", before.State, len(before.Slots))
				}
				chosen := before.Slots[i]
				w.hears("Lis", digit, w.booked(chosen))
				v := w.visit("Smed & Søn")
				if v.State != reminders.VisitBooked || !v.Start.Equal(chosen) || v.End.Sub(v.Start) != reminders.VisitLength {
					t.Fatalf("the visit is %s at %s, want %s", v.State, v.Start, chosen)
				}
				if v.UID != before.UID || v.UID == "" || v.Sequence != before.Sequence+1 {
					t.Fatalf("UID %q, sequence %d; before %q, %d", v.UID, v.Sequence, before.UID, before.Sequence)
				}
				w.tick()
				w.staffIsTold(v)
				for _, step := range []string{"visit-reminder-7-contact", "visit-reminder-1-contact"} {
					if m := w.message("Lis", step); m.State != reminders.Planned || !m.DueAt.Before(v.Start) {
						t.Errorf("%s is %s for %s", step, m.State, m.DueAt)
					}
				}
				if m := w.message("Lis", "visit-proposal-again"); m.State != reminders.Skipped {
					t.Errorf("the reminder to choose is %s", m.State)
				}
				w.hears("Lis", "2", w.said("contact-thanks")) // a change of mind is for people to settle
				w.filed("Lis", reminders.ReplyInbox, reminders.ReplyAnswer)
				if now := w.visit("Smed & Søn"); !now.Start.Equal(chosen) || now.Sequence != v.Sequence {
					t.Fatalf("the visit moved to %s", now.Start)
				}
			})
		})
	}
}

// staffIsTold fails unless consultant and teacher have been told of v, and will be reminded and briefed.
func (w *world) staffIsTold(v reminders.Visit) {
	w.Helper()
	for who, id := range map[string]int64{"consultant": v.ConsultantID, "teacher": v.TeacherID} {
		all, err := w.store.Messages(ctx, reminders.MessageFilter{UserID: id})
		w.ok(err)
		state := map[string]reminders.State{}
		for _, m := range all {
			state[m.Step] = m.State
		}
		want := map[string]reminders.State{fmt.Sprintf("visit-staff-booked-%d-%s", v.Sequence, who): reminders.Delivered,
			"visit-staff-reminder-7-" + who: reminders.Planned, "visit-staff-reminder-1-" + who: reminders.Planned, "visit-brief-2-" + who: reminders.Planned}
		for step, s := range want {
			if state[step] != s {
				w.Errorf("%s of the %s is %q, want %s", step, who, state[step], s)
			}
		}
	}
}

func TestNyOffersTimesNeverOfferedBefore(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-29")
		offered := map[time.Time]bool{}
		round := 0
		for ; w.visit("Smed & Søn").State == reminders.VisitProposed; round++ {
			v := w.visit("Smed & Søn")
			for _, slot := range v.Slots {
				if offered[slot] {
					t.Fatalf("%s is offered again in round %d", slot, round)
				}
				offered[slot] = true
			}
			if len(v.Slots) != 3 || round > 20 {
				t.Fatalf("round %d has %d times", round, len(v.Slots))
			}
			heard := w.writes("Lis", []string{"NY", "ny.", "andre tider"}[round%3])
			next := w.visit("Smed & Søn")
			want := w.said("contact-thanks")
			if next.State == reminders.VisitProposed {
				want = w.times("visit-new", next.Slots)
			}
			w.equal("heard", heard, want)
		}
		if v := w.visit("Smed & Søn"); v.State != reminders.VisitUnplaced || round < 5 {
			t.Fatalf("after %d rounds the visit is %s", round, v.State)
		}
		w.filed("Lis", reminders.ReplyInbox, reminders.ReplyCommand)
	})
}

func TestTheLatestTimesAreTheOnesChosenFrom(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-29")
		w.writes("Lis", "ny")
		second := w.visit("Smed & Søn").Slots
		w.hears("Lis", "2", w.booked(second[1]))
	})
}

func TestAButtonOfAnOldProposalNeverBooksAnotherTimeThanItShows(t *testing.T) {
	slack := func(r *reminders.RosterRow) { r.Contact.Channel, r.Contact.SlackID = reminders.Slack, "ULIS" }
	each(t, func(w *world) {
		w.enrol(row("Maja", slack), row("Bo", slack))
		w.until("2026-09-29")
		old := w.message("Lis", "visit-proposal")
		w.writes("Lis", "ny")
		heard := w.writes("Lis", "1", question(old.ID))
		v := w.visit("Smed & Søn")
		if v.State != reminders.VisitProposed || len(heard) != 1 || heard[0] != w.said("visit-taken") {
			t.Fatalf("the visit is %s at %s, and Lis heard %q", v.State, v.Start, heard)
		}
	})
}

func TestTheReminderToChooseShowsTheTimesThatCanBeChosen(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-29")
		w.writes("Lis", "ny")
		w.until("2026-10-05")
		v := w.visit("Smed & Søn")
		again := w.message("Lis", "visit-proposal-again")
		if !again.State.HasLeft() || !strings.Contains(again.Body, "2 = "+w.moment(v.Slots[1])) {
			t.Fatalf("%s: %q", again.State, again.Body)
		}
		w.hears("Lis", "2", w.booked(v.Slots[1]))
	})
}

func TestOfTwoLeadersOneGetsTheTimeAndTheOtherIsOfferedNewOnes(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"), row("Eva", at("Tand A/S", "Tove")), row("Ib", at("Tand A/S", "Tove")))
		w.until("2026-09-29")
		// Two workers proposed at the same moment: both companies have the same times, and the reminder shows them.
		mine, theirs := w.visit("Smed & Søn"), w.visit("Tand A/S")
		theirs.Slots = mine.Slots
		w.ok(w.store.ProposeVisit(ctx, w.clock.Now(), theirs))
		w.until("2026-10-05")
		second, _ := w.machine("two")
		lis, tove := w.inbound("Lis", "1"), w.inbound("Tove", "1")
		w.unread("Lis")
		w.unread("Tove")
		errs := make(chan error, 2)
		go func() { errs <- w.bot.Receive(ctx, lis) }()
		go func() { errs <- second.Receive(ctx, tove) }()
		w.ok(<-errs)
		w.ok(<-errs)
		w.tick()
		mine, theirs = w.visit("Smed & Søn"), w.visit("Tand A/S")
		winner, loser, unlucky := mine, theirs, "Tove"
		if mine.State != reminders.VisitBooked {
			winner, loser, unlucky = theirs, mine, "Lis"
		}
		if winner.State != reminders.VisitBooked || loser.State != reminders.VisitProposed {
			t.Fatalf("the visits are %s and %s", winner.State, loser.State)
		}
		if slices.ContainsFunc(loser.Slots, winner.Start.Equal) {
			t.Fatalf("%s is offered again", winner.Start)
		}
		w.equal(unlucky+" heard", bodies(w.unread(unlucky)), w.times("visit-taken", loser.Slots))
		w.hears(unlucky, "3", w.booked(loser.Slots[2]))
	})
}

func TestATimeThatHasPassedIsNotBooked(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-29")
		first := w.visit("Smed & Søn").Slots[0]
		w.clock.set(first.Add(time.Hour))
		heard := w.writes("Lis", "1")
		v := w.visit("Smed & Søn")
		if v.State != reminders.VisitProposed || !v.Slots[0].After(w.clock.Now()) {
			t.Fatalf("the visit is %s with %v", v.State, v.Slots)
		}
		w.equal("heard", heard, w.times("visit-taken", v.Slots))
	})
}

func TestWordsOfALeaderWaitForAPersonWithThanks(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		for _, day := range []string{"2026-09-08", "2026-09-29"} { // nothing asked yet; three times to choose from
			w.until(day)
			for _, text := range []string{"Der er kommet en ny chef", "Tavlen ved porten er grøn"} {
				w.hears("Lis", text, w.said("contact-thanks"))
				w.filed("Lis", reminders.ReplyInbox, reminders.ReplyText)
			}
		}
		w.hears("Lis", "1", w.booked(w.visit("Smed & Søn").Slots[0]))
		w.hears("Lis", "Det passer alligevel ikke", w.said("contact-thanks"))
		w.filed("Lis", reminders.ReplyInbox, reminders.ReplyText)
	})
}

func TestALeaderWhoTakesPartAnswersBoth(t *testing.T) {
	taking := func(r *reminders.RosterRow) {
		r.Contact = reminders.Person{Name: "Lis", Phone: phone("Lis"), Channel: reminders.SMS}
	}
	each(t, func(w *world) {
		w.enrol(row("Lis", taking), row("Bo", taking))
		w.until("2026-09-29") // exercise 4, with its eight choices, and the visit's three times on one day
		heard := w.writes("Lis", "ny")
		w.equal("heard", heard, w.times("visit-new", w.visit("Smed & Søn").Slots))
		w.hears("Lis", "5", w.said("help-education")) // no time has that digit
		w.counts("Lis", "exercise-4", "5")
		w.hears("Lis", "2", w.booked(w.visit("Smed & Søn").Slots[1]))
		w.hears("Lis", "3", w.said("contact-thanks")) // about the visit, and no change of the exercise
		w.counts("Lis", "exercise-4", "5")
		w.hears("Lis", "makker", w.said("buddy-none")) // a leader is no buddy of their own people
		w.until("2026-10-06")
		w.hears("Lis", "1", w.said("thanks-yes-3"))
		w.counts("Lis", "exercise-5", "1")
	})
}
