package bot_test

import (
	"slices"
	"testing"

	"efterkurs/bot"
	"efterkurs/reminders"
)

func TestWordsOnAnOpenQuestionAreKeptAndAskedAboutOnce(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-15")
		heard := w.writes("Maja", "Tavlen ved porten er grøn")
		want := w.said("did-you-mean") + "\n1 = Ja\n2 = Delvist\n3 = Ikke endnu"
		w.equal("heard", heard, want)
		w.filed("Maja", reminders.ReplyHandled, reminders.ReplyText)
		for _, more := range []string{"Tapen er gul", "Mester sidder på kontoret"} {
			w.hears("Maja", more, "")
			w.filed("Maja", reminders.ReplyInbox, reminders.ReplyText)
		}
		w.equal("answers", w.answers("Maja"), "exercise-2=", "exercise-2=", "exercise-2=")
		w.counts("Maja", "exercise-2", "")
		w.hears("Maja", "2", w.said("thanks-partly-3")) // what was asked about once can still be answered
		w.counts("Maja", "exercise-2", "2")
		w.hears("Maja", "Det ligner en legeplads", w.said("saved"))
		w.filed("Maja", reminders.ReplyHandled, reminders.ReplyText)
	})
}

func TestDidYouMeanComesOnceAQuestionWhateverComesAtOnce(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-15")
		w.unread("Maja")
		w.later(1)
		for _, text := range []string{"tavlen ved porten er grøn", "og den er stor", "og rund"} { // before anything could be said back
			w.ok(w.bot.Receive(ctx, w.inbound("Maja", text)))
		}
		w.tick()
		if heard := w.unread("Maja"); len(heard) != 1 || heard[0].Step != "did-you-mean" {
			t.Fatalf("heard %q", bodies(heard))
		}
		w.until("2026-09-17") // the reminder asks the same thing
		w.unread("Maja")
		w.hears("Maja", "tapen er gul", "")
		w.until("2026-09-22") // another question may be asked about again
		w.unread("Maja")
		if heard := w.writes("Maja", "vi gik en tur"); len(heard) != 1 {
			t.Fatalf("heard %q", heard)
		}
	})
}

func TestAReminderThatIsAskedAboutIsAnsweredThroughItsExercise(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja", on(reminders.Slack)), row("Bo"))
		w.until("2026-09-17")
		w.writes("Maja", "tavlen ved porten er grøn")
		ask := w.messages("Maja")[0]
		if ask.Step != "did-you-mean" || len(ask.Choices) != 3 {
			t.Fatalf("asked %s with %d choices", ask.Step, len(ask.Choices))
		}
		w.hears("Maja", "1", w.said("thanks-yes-3"), question(ask.ID))
		w.counts("Maja", "exercise-2", "1")
	})
}

func TestWhatWaitsForAPerson(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
		change           func(*bot.Inbound)
		answers          []string
	}{
		{"a question of theirs", "Hvor får jeg tape?", "asked", keep, []string{"exercise-2="}},
		{"a picture", "", "only-text", picture("https://api.twilio.com/Media/ME1"), nil},
		{"a picture with words", "sådan ser det ud", "only-text", picture("https://api.twilio.com/Media/ME1"), []string{"exercise-2="}},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(w *world) {
				w.enrol(row("Maja"), row("Bo"))
				w.until("2026-09-15")
				w.hears("Maja", c.text, w.said(c.want), c.change)
				w.filed("Maja", reminders.ReplyInbox, reminders.ReplyText)
				w.equal("answers", w.answers("Maja"), c.answers...)
			})
		})
	}
}

func TestAPictureBesideAnAnswerWaitsForAPersonAndTheAnswerCounts(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-15")
		w.hears("Maja", "1", w.said("thanks-yes-3"), picture("https://api.twilio.com/Media/ME1"))
		w.filed("Maja", reminders.ReplyInbox, reminders.ReplyAnswer)
		w.counts("Maja", "exercise-2", "1")
		if r := w.reply("Maja"); !slices.Equal(r.Media, []string{"https://api.twilio.com/Media/ME1"}) {
			t.Fatalf("kept %q", r.Media)
		}
	})
}

func TestADigitThatIsNoChoice(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-15")
		if heard := w.writes("Maja", "7"); len(heard) != 1 || w.messages("Maja")[0].Step != "did-you-mean" {
			t.Fatalf("heard %q", heard)
		}
		w.hears("Maja", "9", "")
		w.filed("Maja", reminders.ReplyInbox, reminders.ReplyText)
		w.hears("Maja", "1", w.said("thanks-yes-3"))
		w.hears("Maja", "8", w.said("saved"))
		w.filed("Maja", reminders.ReplyInbox, reminders.ReplyText)
		w.equal("answers", w.answers("Maja"), "exercise-2=1")
	})
}

func TestWordsThatBelongToNoQuestionWaitForAPerson(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-02") // the welcome asks nothing
		w.hears("Maja", "Vi har fået en ny maskine i hallen", w.said("saved"))
		w.filed("Maja", reminders.ReplyInbox, reminders.ReplyText)
		w.hears("Maja", "Hvornår starter det?", w.said("asked"))
		w.filed("Maja", reminders.ReplyInbox, reminders.ReplyText)
		w.hears("Maja", "1", w.said("saved"))
		w.filed("Maja", reminders.ReplyInbox, reminders.ReplyText)
		w.equal("answers", w.answers("Maja"))
	})
}
