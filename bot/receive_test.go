package bot_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"efterkurs/reminders"
)

func TestATextDeliveredTwiceIsOneReplyAndOneAnswer(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-08")
		w.unread("Maja")
		in := w.inbound("Maja", "1")
		for range 3 {
			w.ok(w.bot.Receive(ctx, in))
			w.tick()
		}
		if got := w.unread("Maja"); len(got) != 1 || got[0].Kind != reminders.KindReply {
			t.Fatalf("heard %q", bodies(got))
		}
		w.equal("answers", w.answers("Maja"), "exercise-1=1")
		replies, err := w.store.Replies(ctx, reminders.ReplyFilter{})
		w.ok(err)
		if len(replies) != 1 {
			t.Fatalf("%d replies are stored", len(replies))
		}
	})
}

// interrupted makes the bot's work end between reading a reply and applying it, as a shutdown would.
func (w *world) interrupted(name, text string) {
	w.Helper()
	dying, cancel := context.WithCancel(ctx)
	b, _ := w.machine("dying")
	b.Now = func() time.Time { cancel(); return w.clock.Now() } // asked for once the reply's context is read
	w.later(time.Minute)
	w.ok(b.Receive(dying, w.inbound(name, text)))
	waiting, err := w.store.PendingReplies(ctx, 0, 10)
	w.ok(err)
	if len(waiting) == 0 || waiting[len(waiting)-1].Text != text {
		w.Fatalf("%q is not waiting", text)
	}
}

func TestWhatCouldNotBeInterpretedIsCaughtUpByTheNextTick(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-08")
		w.unread("Maja")
		w.interrupted("Maja", "1")
		w.equal("answers before", w.answers("Maja"))
		w.tick()
		w.equal("answers", w.answers("Maja"), "exercise-1=1")
		w.equal("heard", bodies(w.unread("Maja")), w.said("thanks-plan-2"))
	})
}

func TestTextsOfOnePersonAreInterpretedInTheOrderTheyCame(t *testing.T) {
	for _, c := range []struct{ first, then, digit string }{
		{"1", "2", "2"},
		{"STOP", "START", ""},
	} {
		t.Run(c.first+" "+c.then, func(t *testing.T) {
			each(t, func(w *world) {
				w.enrol(row("Maja"), row("Bo"))
				w.until("2026-09-08")
				w.interrupted("Maja", c.first)
				w.writes("Maja", c.then)
				w.tick()
				w.counts("Maja", "exercise-1", c.digit)
				if at := w.person("Maja").OptedOutAt; !at.IsZero() {
					t.Fatalf("opted out at %s, though the last word was %s", at, c.then)
				}
			})
		})
	}
}

func TestTwentyAtOnceApplyAReplyOnce(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		w.until("2026-09-08")
		w.unread("Maja")
		in := w.inbound("Maja", "1 nøglen får en krog")
		var wg sync.WaitGroup
		errs := make(chan error, 40)
		for range 20 {
			wg.Go(func() { errs <- w.bot.Receive(ctx, in) })
			wg.Go(func() { _, err := w.bot.CatchUp(ctx); errs <- err })
		}
		wg.Wait()
		close(errs)
		for err := range errs {
			w.ok(err)
		}
		w.tick()
		w.equal("answers", w.answers("Maja"), "exercise-1=1")
		w.equal("heard", bodies(w.unread("Maja")), w.said("thanks-plan-2"))
		waiting, err := w.store.PendingReplies(ctx, 0, 10)
		w.ok(err)
		if len(waiting) != 0 {
			t.Fatalf("%d replies are left", len(waiting))
		}
	})
}

// Who we do not know is asked once who they are; what they write waits for a person.
func TestAnUnknownSenderIsAskedOnceWhoTheyAre(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		for _, text := range []string{"Hvad er det her?", "Ole fra Tand A/S", "hallo?"} {
			in := w.inbound("Maja", text)
			in.From = "+4599999999"
			w.ok(w.bot.Receive(ctx, in))
			w.later(time.Minute)
			w.tick()
		}
		replies, err := w.store.Replies(ctx, reminders.ReplyFilter{State: reminders.ReplyInbox})
		w.ok(err)
		if len(replies) != 3 || replies[0].Kind != reminders.ReplyUnknown || replies[0].PersonID != 0 {
			t.Fatalf("the inbox has %+v", replies)
		}
		all, err := w.store.Messages(ctx, reminders.MessageFilter{})
		w.ok(err)
		var said []string
		for _, m := range all {
			if m.Kind == reminders.KindReply {
				said = append(said, m.Address+" "+m.Body)
			}
		}
		w.equal("said", said, "+4599999999 "+w.said("who-are-you"))
		in := w.inbound("Maja", "stop") // whoever it is
		in.From = "+4588888888"
		w.ok(w.bot.Receive(ctx, in))
		in = w.inbound("Maja", "hvem er det")
		in.From = "+4588888888"
		w.ok(w.bot.Receive(ctx, in))
		w.tick()
		all, err = w.store.Messages(ctx, reminders.MessageFilter{})
		w.ok(err)
		for _, m := range all {
			if m.Address == "+4588888888" {
				t.Errorf("after STOP came %q", m.Body)
			}
		}
	})
}
