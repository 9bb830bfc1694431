package bot_test

import (
	"strings"
	"testing"
	"time"

	"efterkurs/reminders"
)

// visited is a world in which the visit at Smed & Søn was held, and what came of it is saved.
func (w *world) visited(people []reminders.RosterRow, o reminders.VisitOutcome) reminders.Visit {
	w.Helper()
	w.enrol(people...)
	w.until("2026-09-29")
	w.writes("Lis", "1")
	v := w.visit("Smed & Søn")
	w.until(v.Start.In(copenhagen(w)).Format("2006-01-02"))
	status, err := w.store.Status(ctx, reminders.Filter{Company: "Smed & Søn"})
	w.ok(err)
	lis := w.person("Lis")
	o.VisitID, o.SavedBy = v.ID, v.ConsultantID
	_, err = w.store.SaveOutcome(ctx, w.clock.Now(), o, w.engine.Calendar.AfterVisit(w.clock.Now(),
		reminders.OutcomeSubject{Visit: v, Company: status[0].Company, Contact: &lis, People: status, Outcome: o}))
	w.ok(err)
	w.unread("Lis")
	w.tick()
	return v
}

var agreedHooks = reminders.VisitOutcome{Held: true, Steps: []reminders.AgreedStep{{What: "Maja henter kroge til tavlen."}}, Tell: true, Agreed: "Krogene kommer op"}

func TestALeaderWithOnlyAPhoneGetsTheAgreementAsAShortText(t *testing.T) {
	each(t, func(w *world) {
		w.visited([]reminders.RosterRow{row("Maja"), row("Bo")}, agreedHooks)
		w.equal("heard", bodies(w.unread("Lis")), w.said("visit-letter", "first_name", "Lis", "agreed", "en deltager henter kroge til tavlen"))
		for _, name := range []string{"Maja", "Bo"} {
			if m := w.message(name, "visit-agreed"); m.Body != w.said("visit-agreed", "first_name", name, "agreed", "Krogene kommer op") {
				t.Errorf("%s heard %q", name, m.Body)
			}
		}
	})
}

func TestALetterIsAnEMailAndOfFewPeopleItCountsNothing(t *testing.T) {
	mail := func(r *reminders.RosterRow) { r.Contact.Email = "lis@smed.dk" }
	each(t, func(w *world) {
		w.visited([]reminders.RosterRow{row("Maja", mail), row("Bo", mail)}, agreedHooks)
		m := w.message("Lis", "visit-letter")
		if m.Channel != reminders.Email || m.Address != "lis@smed.dk" || !strings.Contains(m.Body, "- en deltager henter kroge til tavlen.") || strings.Contains(m.Body, "i tal") || strings.Contains(m.Body, "\n\n\n") {
			t.Fatalf("by %s: %q", m.Channel, m.Body)
		}
	})
}

func TestAParticipantIsToldInTheirLanguageAndNotAfterStop(t *testing.T) {
	english := func(r *reminders.RosterRow) { r.Person.Language = "en" }
	each(t, func(w *world) {
		w.enrol(row("Maja", english), row("Bo"))
		w.writes("Bo", "stop")
		w.visited(nil, agreedHooks)
		if m := w.message("Maja", "visit-agreed"); m.Body != "Hi Maja. Agreed at the visit: Krogene kommer op" {
			t.Errorf("Maja heard %q", m.Body)
		}
		if m := w.message("Bo", "visit-agreed"); m.State != reminders.Skipped || m.Reason != reminders.ReasonOptedOut {
			t.Errorf("Bo, who said STOP: %s (%s)", m.State, m.Reason)
		}
	})
}

// What is switched off before it leaves does not leave, and what is on again does.
func TestATextToParticipantsCanBeSwitchedOffAndOnUntilItLeaves(t *testing.T) {
	night := func(r *reminders.RosterRow) { r.Person.Shift = reminders.NightShift } // their window opens at 17
	each(t, func(w *world) {
		v := w.visited([]reminders.RosterRow{row("Maja", night), row("Bo", night)}, agreedHooks)
		status, err := w.store.Status(ctx, reminders.Filter{Company: "Smed & Søn"})
		w.ok(err)
		save := func(version int, tell bool) {
			o := agreedHooks
			o.VisitID, o.SavedBy, o.Version, o.Tell = v.ID, v.ConsultantID, version, tell
			_, err := w.store.SaveOutcome(ctx, w.clock.Now(), o, w.engine.Calendar.AfterVisit(w.clock.Now(), reminders.OutcomeSubject{Visit: v, Company: status[0].Company, People: status, Outcome: o}))
			w.ok(err)
		}
		save(1, false)
		w.clock.set(w.local(v.Start.In(copenhagen(w)).Format("2006-01-02") + " 17:30"))
		w.tick()
		if m := w.message("Maja", "visit-agreed"); m.State != reminders.Skipped {
			t.Fatalf("switched off it is %s", m.State)
		}
		save(2, true)
		w.tick()
		w.tick()
		if n := len(w.unread("Maja")); w.message("Maja", "visit-agreed").State != reminders.Delivered || n == 0 {
			t.Errorf("switched on again it is %s", w.message("Maja", "visit-agreed").State)
		}
	})
}

func TestALeaderSaysWhetherItIsDone(t *testing.T) {
	for digit, key := range map[string]string{"1": "visit-followup-yes", "2": "visit-followup-partly", "3": "visit-followup-no"} {
		t.Run(digit, func(t *testing.T) {
			each(t, func(w *world) {
				v := w.visited([]reminders.RosterRow{row("Maja"), row("Bo")}, agreedHooks)
				w.until(v.Start.In(copenhagen(w)).AddDate(0, 0, 29).Format("2006-01-02"))
				w.unread("Lis")
				w.hears("Lis", "Krogene er kommet, men vi mangler en stige", w.said("contact-thanks")) // words are for a person
				w.filed("Lis", reminders.ReplyInbox, reminders.ReplyText)
				w.hears("Lis", digit, w.said(key))
				w.hears("Lis", digit, "") // the same again
				w.later(time.Hour)
				news, err := w.store.AfterVisit(ctx, v.ID)
				w.ok(err)
				if want := strings.TrimPrefix(key, "visit-followup-"); news.Answer != want {
					t.Errorf("the answer is %q, want %q", news.Answer, want)
				}
			})
		})
	}
}

func TestALeaderSaysWhetherTheTalkWasHeld(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-08")
		talk := func() string {
			brief, err := w.store.Brief(ctx, w.visit("Smed & Søn").ID)
			w.ok(err)
			return brief.Leader
		}
		if state := talk(); state != reminders.LeaderAsked {
			t.Errorf("before an answer: %q", state)
		}
		w.hears("Lis", "2", w.said("leader-thanks-no"))
		if state := talk(); state != reminders.LeaderNotYet {
			t.Errorf("not yet: %q", state)
		}
		w.hears("Lis", "1", w.said("changed", "answer", "Ja"))
		if state := talk(); state != reminders.LeaderHeld {
			t.Errorf("held: %q", state)
		}
		w.until("2026-09-29") // the visit is proposed: a digit is for that now
		w.hears("Lis", "2", w.booked(w.visit("Smed & Søn").Slots[1]))
		if state := talk(); state != reminders.LeaderHeld {
			t.Errorf("after the booking: %q", state)
		}
	})
}

// A visit that was not held is proposed, reminded of, booked and announced as if it were the first time.
func TestAVisitThatWasNotHeldStartsOver(t *testing.T) {
	each(t, func(w *world) {
		v := w.visited([]reminders.RosterRow{row("Maja"), row("Bo")}, reminders.VisitOutcome{Note: "Porten var låst"})
		again := w.visit("Smed & Søn")
		if again.State != reminders.VisitProposed || len(again.Slots) != 3 {
			t.Fatalf("the visit is %s", again.State)
		}
		if heard := bodies(w.unread("Lis")); len(heard) != 1 || !strings.Contains(heard[0], "1 = "+w.moment(again.Slots[0])) {
			t.Fatalf("Lis heard %q", heard)
		}
		w.until(w.clock.Now().In(copenhagen(w)).AddDate(0, 0, 2).Format("2006-01-02"))
		if heard := bodies(w.unread("Lis")); len(heard) != 1 || !strings.HasPrefix(heard[0], "Hej Lis. Vi mangler en tid") {
			t.Fatalf("after two days without an answer Lis heard %q", heard)
		}
		w.writes("Lis", "ny")
		slot := w.visit("Smed & Søn").Slots[2]
		w.hears("Lis", "3", w.booked(slot))
		for _, name := range []string{"Lis", "Maja"} {
			w.unread(name)
		}
		w.until(slot.In(copenhagen(w)).Format("2006-01-02"))
		if booked := w.visit("Smed & Søn"); booked.UID != v.UID || booked.Sequence <= v.Sequence {
			t.Errorf("booked anew: %+v", booked)
		}
		if heard := strings.Join(bodies(w.unread("Maja")), "|"); strings.Count(heard, "fra skolen kommer") != 1 {
			t.Errorf("Maja heard %q", heard)
		}
		if heard := strings.Join(bodies(w.unread("Lis")), "|"); !strings.Contains(heard, "På gensyn") {
			t.Errorf("Lis heard %q", heard)
		}
		all, err := w.store.Messages(ctx, reminders.MessageFilter{UserID: v.ConsultantID})
		w.ok(err)
		briefs := 0
		for _, m := range all {
			if m.Kind == reminders.KindBrief && m.State.HasLeft() {
				briefs++
			}
		}
		if briefs != 2 {
			t.Errorf("the consultant got %d briefs of 2 visits", briefs)
		}
	})
}
