package bot_test

import (
	"testing"

	"efterkurs/reminders"
)

// checkin is what the pair of name is said to have done about week 2.
func (w *world) checkin(name string) string {
	w.Helper()
	status, err := w.store.Status(ctx, reminders.Filter{})
	w.ok(err)
	for _, v := range reminders.Views(status, w.clock.Now()) {
		for _, c := range v.Checkins {
			if v.Person.Name == name && c.Step == "checkin-2" {
				return c.State
			}
		}
	}
	w.Fatalf("%s has no check-in", name)
	return ""
}

func TestACheckinIsWhatThePairSays(t *testing.T) {
	yes, no := "thanks-checkin-yes-3", "thanks-checkin-no-3"
	type line struct{ who, text, key, state string }
	for _, c := range []struct {
		name  string
		lines []line
	}{
		{"both say yes", []line{{"Maja", "1", yes, "half"}, {"Bo", "ja", yes, "confirmed"}}},
		{"one says yes", []line{{"Maja", "1", yes, "half"}, {"Bo", "2", no, "half"}}},
		{"none says yes", []line{{"Maja", "2", no, "not_yet"}, {"Bo", "nej", no, "not_yet"}}},
		{"a mind is changed", []line{{"Maja", "2", no, "not_yet"}, {"Bo", "1", yes, "half"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(w *world) {
				w.enrol(row("Maja"), row("Bo"))
				w.until("2026-09-18")
				for _, line := range c.lines {
					w.hears(line.who, line.text, w.said(line.key))
					if got := w.checkin("Maja"); got != line.state {
						t.Fatalf("after %q of %s the check-in is %s, want %s", line.text, line.who, got, line.state)
					}
				}
			})
		})
	}
}

// askedAgain fails unless the check-in of name is asked again on day.
func (w *world) askedAgain(name, day string) {
	w.Helper()
	w.unread(name)
	w.until(day)
	for _, m := range w.unread(name) {
		if m.Step == "checkin-2-again" {
			if got := m.SentAt.In(copenhagen(w)).Format("2006-01-02"); got != day {
				w.Fatalf("asked again on %s, want %s", got, day)
			}
			return
		}
	}
	w.Fatalf("%s was not asked again by %s", name, day)
}

func TestNotYetIsAskedOnceMoreTwoDaysLater(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-18")
		w.writes("Bo", "1")
		w.writes("Maja", "ikke endnu")
		w.askedAgain("Maja", "2026-09-21") // two days after Friday is a Sunday
		w.hears("Maja", "1", w.said("thanks-checkin-yes-3"))
		if got := w.checkin("Maja"); got != "confirmed" {
			t.Fatalf("the check-in is %s", got)
		}
		w.counts("Maja", "checkin-2", "1")
		for _, m := range w.messages("Bo") {
			if m.Step == "checkin-2-again" {
				t.Error("Bo had said yes")
			}
		}
	})
}

func TestACheckinAskedAgainTakesAChangedAnswer(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-15")
		w.writes("Maja", "1")
		w.until("2026-09-18")
		w.writes("Bo", "1")
		w.writes("Maja", "2")
		w.askedAgain("Maja", "2026-09-21")
		w.hears("Maja", "2", w.said("thanks-checkin-no-3"))
		w.hears("Maja", "1", w.said("changed", "answer", "Ja"))
		if got := w.checkin("Maja"); got != "confirmed" {
			t.Fatalf("the check-in is %s", got)
		}
	})
}

func TestAYesBeforeItIsAskedAgainSparesTheQuestion(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-15")
		w.writes("Maja", "1") // the exercise, so that it does not stand open behind the check-in
		w.until("2026-09-18")
		w.writes("Maja", "2")
		w.hears("Maja", "1", w.said("changed", "answer", "Ja"))
		w.until("2026-09-23")
		if m := w.message("Maja", "checkin-2-again"); m.State != reminders.Skipped || m.Reason != reminders.ReasonAnswered {
			t.Fatalf("asked again: %s (%s)", m.State, m.Reason)
		}
	})
}

func TestAYesTakenBackIsAskedOnceMore(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-15")
		w.writes("Maja", "1")
		w.until("2026-09-18")
		w.writes("Maja", "1")
		w.hears("Maja", "2", w.said("changed", "answer", "Ikke endnu"))
		w.askedAgain("Maja", "2026-09-21")
	})
}
