package handset_test

import (
	"context"
	"testing"

	"efterkurs/bot/handset"
	"efterkurs/reminders"
)

func TestEveryTextArrives(t *testing.T) {
	phone := handset.New(reminders.Slack)
	if phone.Name() != reminders.Slack {
		t.Errorf("the name is %q", phone.Name())
	}
	if err := phone.Check(t.Context()); err != nil {
		t.Errorf("check: %v", err)
	}
	got := phone.Send(t.Context(), reminders.Outgoing{MessageID: 42, To: "U1", Text: "Hej"})
	if got.Outcome != reminders.OutcomeAccepted || !got.Delivered || got.ProviderID != "handset-42" {
		t.Errorf("got %+v", got)
	}
}

func TestNothingIsSentOnceTheContextIsOver(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := handset.New(reminders.SMS).Send(ctx, reminders.Outgoing{MessageID: 1}); got.Outcome != reminders.OutcomeRetry || got.Delivered {
		t.Errorf("got %+v", got)
	}
}
