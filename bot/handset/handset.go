// Package handset is the simulated phone of the demo: a channel that takes every message and keeps nothing.
// The page shows what the store has.
package handset

import (
	"context"
	"strconv"

	"efterkurs/bot"
	"efterkurs/reminders"
)

// Channel stands in for one provider.
type Channel struct{ name string }

var _ bot.Channel = (*Channel)(nil)

// New makes a simulated channel that goes by the name channel (sms, slack, email).
func New(channel string) *Channel { return &Channel{name: channel} }

// Name is the channel's.
func (c *Channel) Name() string { return c.name }

// Send delivers at once. Only a context that is over keeps it from that, and then nothing was sent.
func (c *Channel) Send(ctx context.Context, out reminders.Outgoing) reminders.Result {
	if err := ctx.Err(); err != nil {
		return reminders.Result{Outcome: reminders.OutcomeRetry, Code: "cancelled", Detail: err.Error()}
	}
	return reminders.Result{Outcome: reminders.OutcomeAccepted, Delivered: true, Status: "delivered",
		ProviderID: "handset-" + strconv.FormatInt(out.MessageID, 10)}
}

// Check has nothing that could be missing.
func (c *Channel) Check(context.Context) error { return nil }
