package bot_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"efterkurs/bot"
	"efterkurs/reminders"
)

// mailed is what an e-mail channel says of a mail beside its text: name, value, …
func mailed(attributes ...string) func(*bot.Inbound) {
	return func(in *bot.Inbound) {
		in.Attributes = map[string]string{}
		for i := 0; i < len(attributes); i += 2 {
			in.Attributes[attributes[i]] = attributes[i+1]
		}
	}
}

var (
	unproven = mailed(bot.AttributeProof, "none")
	machine  = mailed(bot.AttributeAuto, "reply")
)

// Whoever writes somebody's address into From cannot answer, pause, start or book for them: what does not name its
// question by our signature waits for a person, and nothing is said to it. It fails where a From is believed.
func TestAForgedSenderActsForNobody(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Ida", on(reminders.Email)))
		w.until("2026-09-08")
		exercise := w.message("Ida", "exercise-1")
		for _, text := range []string{"1", "ja", "PAUSE 4", "SLET", "START", "HJÆLP", "SPROG en", "hvad laver I?"} {
			w.hears("Ida", text, "", unproven)
			if r := w.reply("Ida"); r.State != reminders.ReplyInbox || r.Kind != reminders.ReplyUnknown || !strings.Contains(r.Why, "forged") {
				t.Fatalf("%q is %s in %s (%s)", text, r.Kind, r.State, r.Why)
			}
		}
		// A signature of ours on somebody else's question, or on none, proves nothing of the sender either.
		w.ok(w.bot.Receive(ctx, w.inbound("Ida", "PAUSE 4", question(1<<40))))
		w.counts("Ida", "exercise-1", "")
		if p := w.person("Ida"); !p.PausedUntil.IsZero() || p.Language != "da" {
			t.Fatalf("a stranger made her %+v", p)
		}
		// The same from somebody who got the question, whatever address they write from; they hear at their own.
		if got := w.writes("Ida", "1", question(exercise.ID), func(in *bot.Inbound) { in.From = "ida.privat@post.dk" }); len(got) != 1 {
			t.Fatalf("Ida heard %q", got)
		}
		w.counts("Ida", "exercise-1", "1")
		for _, m := range w.messages("Ida") {
			if m.Kind == reminders.KindReply && m.Address != strings.ToLower("Ida@smed.dk") {
				t.Errorf("an answer went to %s", m.Address)
			}
		}
	})
}

// STOP in a mail is honoured whoever says that they are its sender, in its text or as the subject of a mail of their own;
// not where it is somebody else's subject.
func TestStopByMailNeedsNoProof(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Ida", on(reminders.Email)), row("Bo", on(reminders.Email)), row("Eva", on(reminders.Email)), row("Per", on(reminders.Email)))
		w.until("2026-09-08")
		w.hears("Ida", "Stop nu!", "", unproven)
		w.filed("Ida", reminders.ReplyHandled, reminders.ReplyStop)
		w.hears("Bo", "vi ses", "", mailed(bot.AttributeProof, "none", bot.AttributeSubject, "Afmeld mig"))
		w.filed("Bo", reminders.ReplyHandled, reminders.ReplyStop)
		w.hears("Eva", "This message was made by a mail program.", "", mailed(bot.AttributeAuto, "reply"), question(w.message("Eva", "exercise-1").ID), optOut("STOP"))
		w.filed("Eva", reminders.ReplyHandled, reminders.ReplyStop)
		w.hears("Per", "vi ses", "", mailed(bot.AttributeProof, "none", "re", "Stop"))
		if !w.person("Per").OptedOutAt.IsZero() {
			t.Error("the subject of what he answers stopped Per")
		}
		w.quit("Ida", "Bo", "Eva")
	})
}

// A machine's mail is kept with the person it is of, is shown as what it is, and is answered by nothing: not by an answer to
// the digits in it, nor by a STOP that it speaks of, nor by words back.
func TestAMachinesMailIsKeptAndNeverAnswered(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Ida", on(reminders.Email)))
		w.until("2026-09-08")
		exercise := w.message("Ida", "exercise-1")
		for _, text := range []string{"Jeg holder ferie. Ring 1 for vagten.", "1", "STOP", ""} {
			w.hears("Ida", text, "", machine, question(exercise.ID))
			w.filed("Ida", reminders.ReplyHandled, reminders.ReplyAuto)
		}
		w.hears("Ida", "1", "", mailed(bot.AttributeAuto, "perhaps"), question(exercise.ID))
		w.filed("Ida", reminders.ReplyHandled, reminders.ReplyAuto)
		w.counts("Ida", "exercise-1", "")
		if !w.person("Ida").OptedOutAt.IsZero() {
			t.Fatal("a machine stopped her")
		}
		// Only its subject says that it is a machine's, and it says STOP: that is somebody's.
		w.hears("Ida", "STOP", "", mailed(bot.AttributeAuto, "perhaps"), question(exercise.ID))
		w.filed("Ida", reminders.ReplyHandled, reminders.ReplyStop)
		// From nobody that is known: kept, and nobody's business.
		w.ok(w.bot.Receive(ctx, bot.Inbound{Channel: reminders.Email, ProviderID: "<n@x>", From: "nyt@reklame.dk", Text: "Stop spild!", At: w.clock.Now(),
			Attributes: map[string]string{bot.AttributeAuto: "bulk", bot.AttributeProof: "none"}}))
		all, err := w.store.Replies(ctx, reminders.ReplyFilter{Limit: 1})
		w.ok(err)
		if all[0].Kind != reminders.ReplyAuto || all[0].State != reminders.ReplyHandled || all[0].PersonID != 0 {
			t.Errorf("a newsletter is %+v", all[0])
		}
	})
}

// sweeping is an e-mail channel whose mailbox holds what the test puts there.
type sweeping struct {
	bot.Channel
	mails *[]bot.Inbound
}

// Send leaves it at what a mail server says: that it has taken the mail.
func (s sweeping) Send(_ context.Context, out reminders.Outgoing) reminders.Result {
	return reminders.Result{Outcome: reminders.OutcomeAccepted, ProviderID: fmt.Sprintf("<%d@skole.dk>", out.MessageID)}
}

func (s sweeping) Sweep(context.Context, time.Time, bool, func(context.Context) ([]string, error)) (reminders.Seen, error) {
	return reminders.Seen{Inbound: *s.mails}, nil
}

// A mail that came back stops its address once: what a person mended since is not broken again by the same mail, which
// every look at the mailbox shows again. It fails where a report goes with each look.
func TestAReturnedMailStopsItsAddressOnce(t *testing.T) {
	each(t, func(w *world) {
		var mails []bot.Inbound
		w.bot.Channels[reminders.Email] = sweeping{w.bot.Channels[reminders.Email], &mails}
		w.enrol(row("Ida", on(reminders.Email)))
		w.until("2026-09-08")
		exercise := w.message("Ida", "exercise-1")
		mails = []bot.Inbound{{Channel: reminders.Email, ProviderID: "<bounce@x>", From: "mailer-daemon@smed.dk", QuestionID: exercise.ID, Text: "User unknown", At: w.clock.Now(),
			Attributes: map[string]string{bot.AttributeAuto: "bounce"},
			Report:     &reminders.StatusReport{MessageID: exercise.ID, Channel: reminders.Email, State: reminders.Undelivered, Code: "5.1.1", BadAddress: true}},
			{Channel: reminders.Email, ProviderID: "<other@x>", QuestionID: 1 << 40, At: w.clock.Now(), Attributes: map[string]string{bot.AttributeAuto: "bounce"},
				Report: &reminders.StatusReport{MessageID: 1 << 40, Channel: reminders.Email, State: reminders.Undelivered, Code: "5.1.1", BadAddress: true}}}
		w.later(time.Minute)
		w.tick()
		if m := w.message("Ida", "exercise-1"); m.State != reminders.Undelivered || m.ErrorCode != "5.1.1" {
			t.Fatalf("the exercise is %s (%s)", m.State, m.ErrorCode)
		}
		if p := w.person("Ida"); p.AddressFault != "5.1.1" {
			t.Fatalf("her address is %q", p.AddressFault)
		}
		w.filed("Ida", reminders.ReplyHandled, reminders.ReplyAuto)
		_, err := w.store.Import(ctx, w.clock.Now(), []reminders.RosterRow{row("Ida", on(reminders.Email), func(r *reminders.RosterRow) { r.Line, r.Person.Email = 2, "ida.ny@smed.dk" })})
		w.ok(err)
		mails = append(mails, bot.Inbound{Channel: reminders.Email, ProviderID: "<stop@x>", From: "ida.ny@smed.dk", Text: "STOP", At: w.clock.Now(), Attributes: map[string]string{bot.AttributeProof: "none"}})
		w.later(time.Minute)
		w.tick()
		w.filed("Ida", reminders.ReplyHandled, reminders.ReplyStop) // a minute later the mailbox was looked at again
		if fault := w.person("Ida").AddressFault; fault != "" {
			t.Errorf("the new address is at fault as well: %s", fault)
		}
	})
}
