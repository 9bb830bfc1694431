// Package bot is the conversation: what a reply means, what is said back, and the Channel through
// which both travel. It knows no SQL and no provider; each adapter beside it knows one provider and no rules.
package bot

import (
	"context"
	"time"

	"efterkurs/reminders"
)

// Channel is one way to reach a person. Send never retries by itself: whether a try may be repeated is
// the outbox's decision, made from the Result.
type Channel interface {
	Name() string // sms, slack, email
	Send(ctx context.Context, out reminders.Outgoing) reminders.Result
	// Check tries the configuration without writing to anybody: nil, or an error whose text says in
	// plain words what is missing.
	Check(ctx context.Context) error
}

// Finder is a Channel whose provider can be asked what became of a message whose answer nobody saw.
type Finder interface {
	// Find looks for out at the provider, among what it made since since. found = false with a nil error
	// says that the provider does not show it (yet): how fast its list is, is undocumented.
	Find(ctx context.Context, out reminders.Outgoing, since time.Time) (result reminders.Result, found bool, err error)
}

// Forgetter is a Channel whose provider keeps copies that can be deleted.
type Forgetter interface {
	// Forget deletes the provider's copy. EUNAVAILABLE: not yet, try again later.
	Forget(ctx context.Context, address, providerID string) error
}

// Inbound is one incoming text as a provider delivered it.
type Inbound = reminders.Inbound

// Status is what a provider reports about a message afterwards.
type Status = reminders.StatusReport
