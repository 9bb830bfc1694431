package store_test

import (
	"testing"
	"time"

	"efterkurs/reminders"
	"efterkurs/store"
	"efterkurs/store/storetest"
)

func heard(t *testing.T, s *store.Store) reminders.Listening {
	t.Helper()
	return must[reminders.Listening](t)(s.Listening(ctx, reminders.Slack))
}

// How far a channel is listened to only grows by what was taken in without a break, or looked up. It fails where a break
// is bridged by the next sign of life, and where what is missed during a look is taken for found by it.
func TestHowFarAChannelIsListenedTo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := open(t)
		if l := heard(t, s); l != (reminders.Listening{}) {
			t.Fatalf("before anybody is known: %+v", l)
		}
		imported(t, s, row(1))
		if l := heard(t, s); !l.Until.Equal(start) || !l.MissedSince.IsZero() {
			t.Fatalf("nobody wrote before the first was known: %+v", l)
		}
		at := func(d time.Duration) time.Time { return start.Add(d) }
		ok(t, s.Swept(ctx, reminders.Slack, at(time.Minute), time.Time{}))
		ok(t, s.Heard(ctx, reminders.Slack, at(2*time.Minute), 90*time.Second))
		if l := heard(t, s); !l.Until.Equal(at(2 * time.Minute)) {
			t.Fatalf("without a break: %+v", l)
		}
		ok(t, s.Heard(ctx, reminders.Slack, at(5*time.Minute), 90*time.Second))
		if l := heard(t, s); !l.Until.Equal(at(2 * time.Minute)) {
			t.Fatalf("after a break of three minutes: %+v", l)
		}
		ok(t, s.Swept(ctx, reminders.Slack, at(6*time.Minute), time.Time{}))
		ok(t, s.Missed(ctx, reminders.Slack, at(6*time.Minute)))
		ok(t, s.Missed(ctx, reminders.Slack, at(7*time.Minute)))
		ok(t, s.Heard(ctx, reminders.Slack, at(7*time.Minute), 90*time.Second))
		if l := heard(t, s); !l.Until.Equal(at(6*time.Minute)) || !l.MissedSince.Equal(at(6*time.Minute)) {
			t.Fatalf("with something missed: %+v", l)
		}
		ok(t, s.Swept(ctx, reminders.Slack, at(8*time.Minute), at(5*time.Minute))) // a look that began before it was missed
		if l := heard(t, s); l.MissedSince.IsZero() {
			t.Fatalf("missed during the look: %+v", l)
		}
		ok(t, s.Swept(ctx, reminders.Slack, at(9*time.Minute), at(6*time.Minute)))
		if l := heard(t, s); !l.Until.Equal(at(9*time.Minute)) || !l.MissedSince.IsZero() {
			t.Fatalf("looked up: %+v", l)
		}
	})
}

// What left and no message knows of is kept without address or text, given to one message only, and to none that was
// due after it. It fails where a stray is taken twice, or by a later text with the same words.
func TestAStrayIsOneMessages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.Store) {
		s := enrolled(t, open(t), 1)
		due := start.Add(3 * time.Hour)
		c := claim(t, s, "w", due, 1)[0]
		in := intent(c)
		left := func(id string, at time.Time) reminders.Left {
			return reminders.Left{Channel: in.Channel, Address: in.Address, Text: in.Body, At: at,
				Result: reminders.Result{Outcome: reminders.OutcomeAccepted, ProviderID: id}}
		}
		later := due.Add(time.Hour)
		n := must[int](t)(s.KeepStrays(ctx, later, []reminders.Left{left("SM1", c.DueAt.Add(-time.Hour)), left("SM2", c.DueAt.Add(time.Minute)), left("SM3", later)}))
		if n != 2 {
			t.Fatalf("%d are kept: one so young may be about to be recorded", n)
		}
		if n := must[int](t)(s.KeepStrays(ctx, later, []reminders.Left{left("SM2", c.DueAt.Add(time.Minute))})); n != 0 {
			t.Errorf("%d are kept again", n)
		}
		if fate := begin(t, s, due, c)[c.ID]; fate != reminders.LeftBefore {
			t.Fatalf("the message is %s", fate)
		}
		if m := state(t, s, c.ID, reminders.Accepted); m.ProviderID != "SM2" || !m.SentAt.Equal(c.DueAt.Add(time.Minute)) {
			t.Errorf("it left as %s at %s", m.ProviderID, m.SentAt)
		}
	})
}
