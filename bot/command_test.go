package bot_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"efterkurs/reminders"
)

func TestHelpSaysWhoWritesAndWhatCanBeWritten(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-08")
		for _, text := range []string{"HJÆLP", "hjaelp", "help", "Hvem er det?", "?"} {
			w.hears("Maja", text, w.said("help"))
			w.filed("Maja", reminders.ReplyHandled, reminders.ReplyCommand)
		}
		w.hears("Maja", "HELP", "", optOut("HELP")) // the provider has answered by itself
		w.counts("Maja", "exercise-1", "")
	})
}

func TestBuddyNamesTheOthersOfTheGroup(t *testing.T) {
	for _, c := range []struct {
		name   string
		people []string
		want   string
	}{
		{"alone", []string{"Maja"}, ""},
		{"a pair", []string{"Maja", "Bo Berg"}, "Bo"},
		{"a trio", []string{"Maja", "Bo Berg", "Eva Ek"}, "Bo og Eva"},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(w *world) {
				var rows []reminders.RosterRow
				for _, name := range c.people {
					rows = append(rows, row(name))
				}
				w.enrol(rows...)
				w.hears("Maja", "makker", w.said("buddy-none")) // groups are made the day before exercise 1
				w.until("2026-09-08")
				want := w.said("buddy-none")
				if c.want != "" {
					want = w.said("buddy-who-share", "buddy", c.want) + "\n1 = Ja\n2 = Nej"
				}
				for _, text := range []string{"MAKKER", "Hvem er min makker?", "buddy"} {
					w.hears("Maja", text, want)
				}
			})
		})
	}
}

func TestAPauseSkipsWhatFallsIntoItAndNothingAfterIt(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-08")
		w.hears("Maja", "Pause 2", w.said("paused", "weeks", "2"))
		w.until("2026-09-21")
		if came := steps(w.unread("Maja")); len(came) != 0 {
			t.Fatalf("during the pause came %q", came)
		}
		for _, step := range []string{"exercise-2", "checkin-2"} {
			if m := w.message("Maja", step); m.State != reminders.Skipped || m.Reason != reminders.ReasonPaused {
				t.Errorf("%s is %s (%s)", step, m.State, m.Reason)
			}
		}
		// Two weeks after a Tuesday is a Tuesday, whatever the hour of the text: the exercise of that day comes.
		w.until("2026-10-20")
		came := steps(w.unread("Maja"))
		for _, step := range []string{"exercise-3", "exercise-4", "checkin-4", "exercise-5", "exercise-6"} {
			if !slices.Contains(came, step) {
				t.Errorf("%s did not come after the pause", step)
			}
		}
	})
}

func TestStartEndsAPause(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-08")
		w.writes("Maja", "pause 4")
		w.until("2026-09-14")
		w.hears("Maja", "start", w.said("started"))
		w.until("2026-09-15")
		if came := steps(w.unread("Maja")); !slices.Contains(came, "exercise-2") {
			t.Fatalf("after START came %q", came)
		}
	})
}

func TestLanguageIsChangedFromTheNextTextOn(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-08")
		english := func(key string) string {
			m, err := w.bot.Texts.Message("en", key)
			w.ok(err)
			return m.SMS
		}
		w.hears("Maja", "SPROG engelsk", english("language-set"))
		w.until("2026-09-15")
		course, err := w.bot.Texts.Course("5s", "en")
		w.ok(err)
		exercise := w.message("Maja", "exercise-2")
		if !strings.HasPrefix(exercise.Body, course.Exercises[1].SMS) {
			t.Fatalf("exercise 2 reads %q", exercise.Body)
		}
		if heard := w.writes("Maja", "not yet"); len(heard) != 1 || !strings.HasPrefix(heard[0], english("why-not")) {
			t.Fatalf("heard %q", heard)
		}
		w.hears("Maja", "language dansk", w.said("language-set"))
	})
}

// Nobody is erased by a slip: it is asked once. After the answer nothing of them is left, and the address stays
// silent for who has it.
func TestDeleteAsksOnceAndErasesEverything(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-08")
		w.hears("Maja", "SLET", w.asked("erase-sure"))
		w.hears("Maja", "nej", w.said("going-on"))
		id := w.person("Maja").ID
		w.hears("Maja", "slet mine data", w.asked("erase-sure"))
		w.later(time.Minute)
		w.ok(w.bot.Receive(ctx, w.inbound("Maja", "1")))
		if found, err := w.store.FindPersons(ctx, "Maja"); err != nil || len(found) != 0 {
			t.Errorf("she is still found: %+v, %v", found, err)
		}
		replies, err := w.store.Replies(ctx, reminders.ReplyFilter{PersonID: id})
		w.ok(err)
		for _, r := range replies {
			if r.Text != "" || r.From != "" && r.From == phone("Maja") {
				t.Errorf("kept %q from %s", r.Text, r.From)
			}
		}
		w.until("2026-09-16")
		if n := len(w.messages("Bo")); n == 0 {
			t.Error("the other one gets nothing")
		}
	})
}

func TestCommandsAreForEverybodyOfferedThem(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-08")
		// A leader has no exercises, no buddy and no pause: what they hear fits them.
		w.hears("Lis", "hjælp", w.said("contact-help"))
		w.hears("Lis", "makker", w.said("contact-help"))
		w.hears("Lis", "start", w.said("contact-help"))
		w.hears("Lis", "pause 2", w.said("contact-thanks"))
		w.filed("Lis", reminders.ReplyInbox, reminders.ReplyCommand)
		if !w.person("Lis").PausedUntil.IsZero() {
			t.Error("a leader's pause would hide visits")
		}
		// NY means something to who was asked for a time only.
		if heard := w.writes("Maja", "ny"); len(heard) != 1 || w.messages("Maja")[0].Step != "did-you-mean" {
			t.Fatalf("heard %q", heard)
		}
	})
}

func TestACommandIsOneOnEveryChannel(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja", on(reminders.Slack)), row("Eva", on(reminders.Email)))
		w.until("2026-09-08")
		for _, name := range []string{"Maja", "Eva"} {
			w.hears(name, "hjælp", w.said("help"))
			said := w.messages(name)[0]
			if channel, address := w.person(name).Address(); said.Channel != channel || said.Address != address {
				t.Errorf("%s wrote by %s and was answered by %s at %s", name, channel, said.Channel, said.Address)
			}
		}
	})
}

// Whoever must be called, their consultant hears of it at once, and from which company they are.
func TestWhoeverMustBeCalledTheirConsultantIsMailedAtOnce(t *testing.T) {
	for name, text := range map[string]string{"Maja": "Ring til mig", "Bo": "Jeg er kommet til skade", "Lis": "Ring til mig"} {
		t.Run(name+" "+text, func(t *testing.T) {
			each(t, func(w *world) {
				w.enrol(row("Maja"), row("Bo"))
				w.until("2026-09-29")
				w.writes(name, text)
				r := w.reply(name)
				if !r.Urgent || r.State != reminders.ReplyInbox {
					w.Fatalf("it is %s, urgent %v", r.State, r.Urgent)
				}
				mails, err := w.store.Messages(ctx, reminders.MessageFilter{UserID: w.visit("Smed & Søn").ConsultantID})
				w.ok(err)
				var told []string
				for _, m := range mails {
					if m.Step == "urgent" && m.State.HasLeft() {
						told = append(told, m.Body)
					}
				}
				if len(told) != 1 || !strings.Contains(told[0], "Smed & Søn") {
					w.Fatalf("the consultant hears %q", told)
				}
			})
		})
	}
}
