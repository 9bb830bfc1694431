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
	// says that the provider does not show it (yet): how fast its list is, is undocumented. known says of a
	// provider's id whether another message of ours already has it: such a record is passed over where the
	// provider's record bears no id of ours. nil = none is known.
	Find(ctx context.Context, out reminders.Outgoing, since time.Time, known func(providerID string) bool) (result reminders.Result, found bool, err error)
}

// Sweeper is a Channel whose provider can be asked what people wrote and what left since an instant: texts
// that came while nobody listened are taken in from there.
type Sweeper interface {
	// Sweep reads the provider's record since since. conversations lists the addresses that were written to, for a
	// provider that keeps one record a person; it is called only there. What was read is returned also beside an error (EUNAVAILABLE).
	Sweep(ctx context.Context, since time.Time, left bool, conversations func(context.Context) ([]string, error)) (reminders.Seen, error)
}

// Workspaced is a Channel that is many: one for each workspace that the app is installed into.
type Workspaced interface {
	// In is the channel into a workspace, "" = the single one that is configured. ENOTFOUND where there is none, or
	// it is lost; EINVALID where its token cannot be opened.
	In(ctx context.Context, workspace string) (Channel, error)
	// Reaches says whether workspaces can be written to: the single one, or those that are installed into.
	Reaches(workspace string) bool
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
