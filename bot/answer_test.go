package bot_test

import (
	"testing"

	"efterkurs/bot"
	"efterkurs/reminders"
)

func TestADigitAnswersTheLatestOpenQuestion(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-18") // exercise 2 on Tuesday and the check-in today, both unanswered
		w.hears("Maja", "1", w.said("thanks-checkin-yes-3"))
		w.counts("Maja", "checkin-2", "1")
		w.hears("Maja", "2", w.said("thanks-partly-3"))
		w.counts("Maja", "exercise-2", "2")
		w.counts("Maja", "exercise-1", "")
	})
}

func TestADigitGoesToTheQuestionThatHasIt(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-10-02") // exercise 4 with its eight choices, then a check-in with two
		w.hears("Maja", "5", w.said("help-education"))
		w.counts("Maja", "exercise-4", "5")
		w.counts("Maja", "checkin-4", "")
		w.hears("Maja", "ja", w.said("thanks-checkin-yes-2"))
		w.counts("Maja", "checkin-4", "1")
	})
}

// keep changes nothing.
func keep(*bot.Inbound) {}

func TestAnAnswerToAReminderIsOneToItsExercise(t *testing.T) {
	for name, named := range map[string]bool{"by digit": false, "by button": true} {
		t.Run(name, func(t *testing.T) {
			each(t, func(w *world) {
				w.enrol(row("Maja"), row("Bo"))
				w.until("2026-09-10")
				nudge := w.message("Maja", "nudge-1")
				if !nudge.State.HasLeft() || len(nudge.Choices) == 0 {
					t.Fatalf("the reminder is %s with %d choices", nudge.State, len(nudge.Choices))
				}
				change := keep
				if named {
					change = question(nudge.ID)
				}
				w.hears("Maja", "2", w.asked("why-not"), change)
				w.counts("Maja", "exercise-1", "2")
				w.equal("answers", w.answers("Maja"), "exercise-1=2")
				w.hears("Maja", "1", w.said("changed", "answer", "Ja"), question(w.message("Maja", "exercise-1").ID))
				w.equal("answers", w.answers("Maja"), "exercise-1=2", "exercise-1=1")
			})
		})
	}
}

func TestAnAnsweredExerciseGetsNoReminder(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-08")
		w.writes("Maja", "1")
		w.until("2026-09-11")
		if m := w.message("Maja", "nudge-1"); m.State != reminders.Skipped || m.Reason != reminders.ReasonAnswered {
			t.Fatalf("the reminder is %s (%s)", m.State, m.Reason)
		}
	})
}

func TestAButtonNamesItsOwnQuestion(t *testing.T) {
	for _, channel := range []string{reminders.Slack, reminders.Email} {
		t.Run(channel, func(t *testing.T) {
			each(t, func(w *world) {
				w.enrol(row("Maja", on(channel)), row("Bo"))
				w.until("2026-09-15")
				w.hears("Maja", "2", w.said("thanks-no-2"), question(w.message("Maja", "exercise-1").ID))
				w.counts("Maja", "exercise-1", "2")
				w.counts("Maja", "exercise-2", "")
				w.hears("Maja", "1", w.said("thanks-yes-3"))
				w.counts("Maja", "exercise-2", "1")
			})
		})
	}
}

func TestAReplyThatNamesNoQuestionOfTheirsAnswersNoOther(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja", on(reminders.Slack)), row("Bo"))
		w.until("2026-09-08")
		// A thread under the welcome: nothing was asked there.
		w.hears("Maja", "1", w.said("saved"), question(w.message("Maja", "welcome").ID))
		w.filed("Maja", reminders.ReplyInbox, reminders.ReplyText)
		w.counts("Maja", "exercise-1", "")
	})
}

func TestAChangedAnswerCountsAndAllAreKept(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-15")
		w.hears("Maja", "3", w.asked("why-not"))
		w.hears("Maja", "ja!", w.said("changed", "answer", "Ja"))
		w.counts("Maja", "exercise-2", "1")
		w.hears("Maja", "Delvist", w.said("changed", "answer", "Delvist"))
		w.counts("Maja", "exercise-2", "2")
		w.equal("answers", w.answers("Maja"), "exercise-2=3", "exercise-2=1", "exercise-2=2")
	})
}

func TestAChangedMindIsAboutThisWeekAndNotTheLast(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-22") // exercises 1 and 2 and a check-in are unanswered
		w.hears("Maja", "1", w.said("thanks-yes"))
		w.hears("Maja", "2", w.said("changed", "answer", "Ikke endnu"))
		w.equal("answers", w.answers("Maja"), "exercise-3=1", "exercise-3=2")
	})
}

func TestTheSameAnswerAgainSaysNothing(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-15")
		w.hears("Maja", "1", w.said("thanks-yes-3"))
		for _, same := range []string{"1", "ja", "JA!!", "1."} {
			w.hears("Maja", same, "")
			w.filed("Maja", reminders.ReplyHandled, reminders.ReplyAnswer)
		}
		w.counts("Maja", "exercise-2", "1")
	})
}

func TestANodAfterAnAnswerChangesNothingAndIsNotAnswered(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-15")
		w.hears("Maja", "3", w.asked("why-not"))
		for _, nod := range []string{"👍", "tak", "Ok", "Mange tak!", "🙂", "Tak for det."} {
			w.hears("Maja", nod, "")
			w.filed("Maja", reminders.ReplyHandled, reminders.ReplyText)
		}
		w.counts("Maja", "exercise-2", "3")
	})
}

func TestADigitWithWordsKeepsBoth(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-15")
		w.hears("Maja", "2 vi havde travlt", w.said("thanks-partly-3"))
		w.counts("Maja", "exercise-2", "2")
		visits, err := w.store.Visits(ctx, reminders.VisitFilter{})
		w.ok(err)
		brief, err := w.store.Brief(ctx, visits[0].ID)
		w.ok(err)
		if len(brief.Words) != 1 || brief.Words[0].Text != "vi havde travlt" || brief.Words[0].Week != 2 {
			t.Fatalf("the brief quotes %+v", brief.Words)
		}
	})
}

func TestOnTwoCoursesEachAnswerFindsItsOwn(t *testing.T) {
	other := func(r *reminders.RosterRow) { r.Class.Course = "smed" }
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Maja", other), row("Bo"))
		w.until("2026-09-09") // Tuesday's exercise of one, Wednesday's of the other
		var asked []reminders.Message
		for _, m := range w.unread("Maja") {
			if m.Kind == reminders.KindExercise {
				asked = append(asked, m)
			}
		}
		if len(asked) != 2 || asked[0].ClassID == asked[1].ClassID || !asked[0].SentAt.Before(asked[1].SentAt) {
			t.Fatalf("asked %q", steps(asked))
		}
		w.writes("Maja", "2")
		w.writes("Maja", "1")
		got := map[int64]string{}
		status, err := w.store.Status(ctx, reminders.Filter{PersonID: w.person("Maja").ID})
		w.ok(err)
		for _, s := range status {
			for _, st := range s.Steps {
				got[st.MessageID] = st.Answer
			}
		}
		if got[asked[1].ID] != "2" || got[asked[0].ID] != "1" {
			t.Fatalf("the later question has %q, the earlier %q", got[asked[1].ID], got[asked[0].ID])
		}
	})
}
