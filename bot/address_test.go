package bot_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"efterkurs/bot"
	"efterkurs/reminders"
)

func from(channel, address string) func(*bot.Inbound) {
	return func(in *bot.Inbound) { in.Channel, in.From = channel, address }
}

// STOP is honoured whoever says it. It fails where a STOP that names no person only waits in the inbox, and
// where the roster's import does not ask for suppressed addresses.
func TestStopFromANumberNobodyHasHoldsForWhoGetsItLater(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Bo"))
		w.hears("Bo", "afmeld", "", from(reminders.SMS, phone("Maja")))
		if replies, err := w.store.Replies(ctx, reminders.ReplyFilter{State: reminders.ReplyInbox}); err != nil || len(replies) != 1 || replies[0].Kind != reminders.ReplyStop {
			t.Fatalf("the consultant sees %+v, %v", replies, err)
		}
		w.enrol(row("Maja"))
		w.until("2026-10-20")
		if heard := bodies(w.unread("Maja")); len(heard) != 0 {
			t.Errorf("the number said STOP and was sent %q", heard)
		}
		if p := w.person("Bo"); !p.OptedOutAt.IsZero() {
			t.Error("somebody else was opted out")
		}
	})
}

// An address that several share tells nobody apart: STOP from it holds for all of them. It fails where a
// sender who cannot be told apart is taken for nobody.
func TestStopFromASharedAddressHoldsForAllWhoHaveIt(t *testing.T) {
	each(t, func(w *world) {
		shared := func(r *reminders.RosterRow) { r.Person.Email = "linje3@smed.dk" }
		w.enrol(row("Maja", shared), row("Bo", shared), row("Ib"))
		w.until("2026-09-08")
		w.unread("Maja")
		w.unread("Bo")
		w.hears("Ib", "STOP", "", from(reminders.Email, "Linje3@smed.dk"))
		if p := w.person("Ib"); !p.OptedOutAt.IsZero() {
			t.Error("somebody without that address was opted out")
		}
		w.quit("Maja", "Bo")
	})
}

// A Slack user whom the roster knows by e-mail only is that person. It fails where only the user's id is looked up.
func TestStopOfASlackUserKnownByEmailCoversTheEmail(t *testing.T) {
	each(t, func(w *world) {
		shared := func(r *reminders.RosterRow) { r.Person.Email = "linje3@smed.dk" }
		w.enrol(row("Maja", shared), row("Bo", shared))
		w.until("2026-09-08")
		w.unread("Maja")
		w.unread("Bo")
		w.hears("Maja", "stop", "", from(reminders.Slack, "UNYLIG"), func(in *bot.Inbound) { in.Attributes = map[string]string{"email": "LINJE3@smed.dk"} })
		w.quit("Maja", "Bo")
	})
}

// What was skipped while a leader had said STOP comes after all when they start again, as it does for a
// participant. It fails where only a participant's own enrolments are planned anew.
func TestALeaderWhoStartsAgainGetsWhatIsStillInTime(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-04")
		w.writes("Lis", "STOP")
		w.until("2026-09-07") // the leader's nudge, due on the 7th, is skipped
		if m := w.message("Lis", reminders.StepLeader); m.State != reminders.Skipped || m.Reason != reminders.ReasonOptedOut {
			t.Fatalf("the nudge is %s (%s)", m.State, m.Reason)
		}
		w.hears("Lis", "START", w.said("contact-help"))
		w.until("2026-10-10")
		if came := steps(w.unread("Lis")); !slices.Contains(came, reminders.StepLeader) || !slices.Contains(came, reminders.StepVisitProposal) {
			t.Errorf("after START came %q", came)
		}
	})
}

// Who writes from an address has it: a mark that it is wrong goes, the text is answered, and what the mark held
// back comes. It fails where the mark is asked for before answering, or stays.
func TestWhoWritesFromAMarkedAddressIsAnsweredAndWrittenToAgain(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-08")
		m := w.message("Maja", "exercise-1")
		w.ok(w.store.Report(ctx, w.clock.Now(), reminders.StatusReport{MessageID: m.ID, ProviderID: m.ProviderID, State: reminders.Failed, Code: "30005", BadAddress: true}))
		w.until("2026-09-10")
		if n := w.message("Maja", reminders.NudgeStep(1)); n.Reason != reminders.ReasonWrongAddress && n.Reason != reminders.ReasonNotAsked {
			t.Fatalf("the reminder is %s (%s)", n.State, n.Reason)
		}
		w.later(time.Hour)
		w.hears("Maja", "hjælp", w.said("help"))
		if p := w.person("Maja"); p.AddressFault != "" {
			t.Errorf("the address is still marked: %s", p.AddressFault)
		}
		w.until("2026-09-15")
		if came := steps(w.unread("Maja")); !slices.Contains(came, "exercise-2") {
			t.Errorf("afterwards came %q", came)
		}
	})
}

// A reply that cannot be interpreted keeps nobody waiting, however many there are. It fails where catching up looks at the
// oldest batch only.
func TestHundredsThatCannotBeInterpretedKeepNobodyWaiting(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-08")
		stuck := *w.bot
		stuck.Store = brokenFor{w.store, phone("Bo")}
		for range 205 {
			_, _, err := w.store.SaveReply(ctx, w.inbound("Bo", "1"))
			w.ok(err)
		}
		_, _, err := w.store.SaveReply(ctx, w.inbound("Maja", "STOP"))
		w.ok(err)
		_, err = stuck.CatchUp(ctx)
		w.ok(err)
		if w.person("Maja").OptedOutAt.IsZero() {
			t.Error("the STOP is still waiting")
		}
	})
}

// brokenFor is a store that cannot read what belongs to the replies of one sender.
type brokenFor struct {
	bot.Store
	from string
}

func (b brokenFor) ReplyContext(c context.Context, id int64) (reminders.ReplyContext, error) {
	rc, err := b.Store.ReplyContext(c, id)
	if err == nil && rc.Reply.From == b.from {
		return rc, reminders.Errorf(reminders.EINTERNAL, "a row cannot be read")
	}
	return rc, err
}
