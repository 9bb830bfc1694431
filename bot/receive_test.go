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

func TestAnUnknownSenderIsKeptForAPersonAndNotAnswered(t *testing.T) {
	each(t, func(w *world) {
		w.enrol(row("Maja"), row("Bo"))
		in := w.inbound("Maja", "Hvad er det her?")
		in.From = "+4599999999"
		w.ok(w.bot.Receive(ctx, in))
		w.tick()
		replies, err := w.store.Replies(ctx, reminders.ReplyFilter{State: reminders.ReplyInbox})
		w.ok(err)
		if len(replies) != 1 || replies[0].Kind != reminders.ReplyUnknown || replies[0].PersonID != 0 || replies[0].Text != "Hvad er det her?" {
			t.Fatalf("the inbox has %+v", replies)
		}
		all, err := w.store.Messages(ctx, reminders.MessageFilter{})
		w.ok(err)
		for _, m := range all {
			if m.Kind == reminders.KindReply {
				t.Fatalf("said %q", m.Body)
			}
		}
	})
}
