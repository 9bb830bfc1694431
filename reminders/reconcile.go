package reminders

import (
	"context"
	"errors"
	"time"
)

// reconcile settles messages whose outcome nobody saw. A callback may have done it already; else the
// provider is asked; where its silence has lasted unknownLimit, or it cannot be asked, the step's own
// policy decides. Every decision is written on the message.
func (e *Engine) reconcile(ctx context.Context, counts *Counts) error {
	now := e.Now()
	claims, err := e.Store.Unknowns(ctx, now.Add(-unknownGrace), claimBatch)
	if err != nil {
		return err
	}
	var changes []Change
	for _, c := range claims {
		if ctx.Err() != nil {
			break
		}
		if change, ok := e.settleUnknown(ctx, now, c); ok {
			changes = append(changes, change)
			counts.Settled++
			e.Log.Info("settled an unknown outcome", "message", c.ID, "step", c.Step, "channel", c.Channel, "state", change.To, "reason", change.Reason)
		}
	}
	return e.Store.Record(ctx, now, changes)
}

func (e *Engine) settleUnknown(ctx context.Context, now time.Time, c Claim) (Change, bool) {
	change := Change{ID: c.ID, Worker: e.Worker, From: Unknown, Attempt: c.Attempts, EndedAt: now, PersonID: c.PersonID}
	asked, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	result, found, err := e.Desk.Find(asked, outgoing(c), c.TriedAt)
	switch {
	case found:
		change.To, change.Result, change.Reason = Accepted, result, "found in the provider's own list"
		if result.Delivered {
			change.To = Delivered
		}
		return change, true
	case err != nil && !errors.Is(err, ErrNoRecord):
		e.Log.Warn("asking a provider about an unknown outcome", "message", c.ID, "channel", c.Channel, "error", err)
		return change, false
	case c.UpdatedAt.After(now): // the clock has been set back: the provider's silence counts from now
		change.To, change.Reason = Unknown, c.Reason
		return change, true
	case now.Sub(c.UpdatedAt) < unknownLimit:
		return change, false
	}
	if err == nil { // the provider was asked long after, and has never seen it
		change.To, change.RunAt, change.ValidUntil, change.Reason = Planned, now, c.ValidUntil, "proved unsent by the provider's own list"
		return change, true
	}
	switch c.Kind {
	case KindVisitProposal, KindVisitAgain, KindVisitReminder, KindVisitDay, KindBrief, KindStaffBooked, KindStaffReminder:
		// Better twice than a consultant before a closed door; the text says that it may come twice.
		change.To, change.RunAt, change.ValidUntil, change.Resend = Planned, now, c.ValidUntil, true
		change.Reason = "outcome unknown, sent again"
	default:
		change.To, change.Reason = Skipped, ReasonUnknown
	}
	return change, true
}

// outgoing is what was handed to the provider, from the committed intent.
func outgoing(c Claim) Outgoing {
	return Outgoing{MessageID: c.ID, Kind: c.Kind, Channel: c.Channel, To: c.Address, Text: c.Body, Choices: c.Choices, ValidUntil: c.ValidUntil}
}
