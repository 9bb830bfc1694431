package bot_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"efterkurs/bot"
	"efterkurs/reminders"
)

// quit fails unless nothing leaves to name until the programme is over, and all of it ends as skipped.
func (w *world) quit(names ...string) {
	w.Helper()
	for _, name := range names {
		if heard := bodies(w.unread(name)); len(heard) != 0 {
			w.Fatalf("%s said STOP and heard %q", name, heard)
		}
		if w.person(name).OptedOutAt.IsZero() {
			w.Fatalf("%s said STOP and is not opted out", name)
		}
		for _, m := range w.messages(name) {
			if m.State.Open() || m.State == reminders.Skipped && m.Reason != reminders.ReasonOptedOut {
				w.Fatalf("%s said STOP, and %s is %s (%s)", name, m.Step, m.State, m.Reason)
			}
		}
	}
	w.until("2026-10-20")
	for _, name := range names {
		if heard := bodies(w.unread(name)); len(heard) != 0 {
			w.Fatalf("%s said STOP and was sent %q", name, heard)
		}
	}
}

func TestStopInEverySpellingEndsEverything(t *testing.T) {
	spellings := []string{"STOP", "stop", " Stop! ", "STOP.", "stopall", "UNSUBSCRIBE", "cancel", "end", "quit", "revoke", "optout",
		"afmeld", "AFMELD", "Frameld", "slut", "Stop nu!", "stop det her", "stop med det her", "stop tak", "stop sms", "afmeld mig", "Frameld mig.",
		"hold op", "Lad mig være", "lad mig være i fred", "ikke flere beskeder", "leave me alone", "nej tak, stop"}
	each(t, func(w *world) {
		var rows []reminders.RosterRow
		var names []string
		for i := range spellings {
			names = append(names, fmt.Sprintf("Nr%02d", i))
			rows = append(rows, row(names[i]))
		}
		w.enrol(rows...)
		w.until("2026-09-08")
		for i, text := range spellings {
			w.hears(names[i], text, "")
			w.filed(names[i], reminders.ReplyHandled, reminders.ReplyStop)
		}
		w.quit(names...)
	})
}

func TestStopCoversAllCoursesAndAllChannels(t *testing.T) {
	everywhere := func(course string) func(*reminders.RosterRow) {
		return func(r *reminders.RosterRow) {
			r.Person.Email, r.Person.SlackID, r.Class.Course = "maja@smed.dk", "UMAJA", course
		}
	}
	for _, c := range []struct{ channel, from string }{
		{reminders.SMS, phone("Maja")}, {reminders.Slack, "UMAJA"}, {reminders.Email, "Maja@smed.dk"},
	} {
		t.Run(c.channel, func(t *testing.T) {
			each(t, func(w *world) {
				w.enrol(row("Maja", everywhere("5s")), row("Maja", everywhere("smed")), row("Bo"))
				w.until("2026-09-08")
				w.hears("Maja", "STOP", "", func(in *bot.Inbound) { in.Channel, in.From = c.channel, c.from })
				w.quit("Maja")
			})
		})
	}
}

func TestWhatTheProviderTookForStopIsOne(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-08")
		w.hears("Maja", "jeg vil ikke mere", "", optOut("STOP"))
		w.quit("Maja")
	})
}

func TestWhatIsOnItsWayWhenSomebodySaysStopDoesNotLeave(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-08")
		w.later(1)
		// Both texts are stored before anything is said back: the answer's thank-you is planned when STOP comes.
		w.ok(w.bot.Receive(ctx, w.inbound("Maja", "1")))
		w.unread("Maja")
		w.ok(w.bot.Receive(ctx, w.inbound("Maja", "STOP")))
		w.tick()
		w.counts("Maja", "exercise-1", "1")
		w.quit("Maja")
	})
}

func TestTextsThatOnlyMentionStoppingAreNoStop(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-08")
		for _, text := range []string{"maskinen stoppede", "vi stoppede spildet", "nødstop virker ikke", "jeg nåede til slutningen", "2 linjen stod stille, stop"} {
			w.writes("Maja", text)
			if !w.person("Maja").OptedOutAt.IsZero() {
				t.Fatalf("%q was taken for a STOP", text)
			}
		}
	})
}

func TestTextsOfSomebodyOptedOutAreKeptAndNotAnswered(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-08")
		w.writes("Maja", "STOP")
		for _, text := range []string{"1", "Hvorfor skriver I?", "hjælp", "pause 2", "sprog engelsk", "👍"} {
			w.hears("Maja", text, "")
			if r := w.reply("Maja"); r.State != reminders.ReplyInbox || r.Text != text {
				t.Fatalf("%q is in %s", text, r.State)
			}
		}
		if p := w.person("Maja"); p.Language != "da" || !p.PausedUntil.IsZero() {
			t.Fatalf("a command was carried out: %+v", p)
		}
		w.hears("Maja", "STOP", "") // once more is no reason to answer
		w.counts("Maja", "exercise-1", "")
		w.quit("Maja")
	})
}

func TestStartBringsBackWhatIsStillToCome(t *testing.T) {
	for name, start := range map[string]func(w *world){
		"the word":         func(w *world) { w.hears("Maja", "START", w.said("started")) },
		"the provider's":   func(w *world) { w.hears("Maja", "YES", w.said("started"), optOut("START")) },
		"the Danish words": func(w *world) { w.hears("Maja", "tilmeld mig", w.said("started")) },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(w *world) {
				w.enrol(row("Maja"), row("Bo"))
				w.until("2026-09-08")
				w.writes("Maja", "STOP")
				w.until("2026-09-25")
				start(w)
				w.until("2026-10-20")
				came := steps(w.unread("Maja"))
				for _, step := range []string{"exercise-4", "exercise-5", "checkin-4", "exercise-6", "checkin-6"} {
					if !slices.Contains(came, step) {
						t.Errorf("%s did not come after START", step)
					}
				}
				for _, step := range []string{"exercise-2", "exercise-3"} {
					if m := w.message("Maja", step); m.State != reminders.Skipped {
						t.Errorf("%s is %s, though its time was over", step, m.State)
					}
				}
			})
		})
	}
}

func TestTheProvidersStartIsAnAnswerFromWhoNeverStopped(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-08")
		w.hears("Maja", "YES", w.said("thanks-plan-2"), optOut("START"))
		w.counts("Maja", "exercise-1", "1")
	})
}

func TestStopOfALeaderEndsWhatLeadersGet(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-08")
		w.unread("Lis")
		w.hears("Lis", "Stop.", "")
		w.quit("Lis")
		if steps := strings.Join(steps(w.unread("Maja")), " "); !strings.Contains(steps, "exercise-6") {
			t.Errorf("the participants lost theirs: %s", steps)
		}
	})
}
