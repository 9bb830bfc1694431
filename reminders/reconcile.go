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
	for _, c := range claims {
		if ctx.Err() != nil {
			break
		}
		change, ok, err := e.settleUnknown(ctx, now, c)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		// One by one: of two messages with the same text the second must know which record the first was given.
		if err := e.Store.Record(ctx, now, []Change{change}); err != nil {
			return err
		}
		counts.Settled++
		e.Log.Info("settled an unknown outcome", "message", c.ID, "step", c.Step, "channel", c.Channel, "state", change.To, "decision", change.Decision)
	}
	return nil
}

func (e *Engine) settleUnknown(ctx context.Context, now time.Time, c Claim) (change Change, ok bool, err error) {
	change = Change{ID: c.ID, Worker: e.Worker, From: Unknown, Attempt: c.Attempts, EndedAt: now, PersonID: c.PersonID}
	asked, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	var broken error
	result, found, err := e.Desk.Find(asked, outgoing(c), c.TriedAt, func(providerID string) bool {
		known, err := e.Store.Knows(ctx, c.Channel, providerID)
		broken = errors.Join(broken, err)
		return known
	})
	switch {
	case broken != nil:
		return change, false, broken
	case found:
		change = e.settle(c, c.ValidUntil, c.Attempts, result, now)
		change.From, change.Decision = Unknown, DecisionFound
		return change, true, nil
	case err != nil && !errors.Is(err, ErrNoRecord):
		e.Log.Warn("asking a provider about an unknown outcome", "message", c.ID, "channel", c.Channel, "error", err)
		return change, false, nil
	case c.UpdatedAt.After(now): // the clock has been set back: the provider's silence counts from now
		change.To, change.Reason = Unknown, c.Reason
		return change, true, nil
	case now.Sub(c.UpdatedAt) < unknownLimit:
		return change, false, nil
	}
	if err == nil { // the provider was asked long after, and has never seen it
		change.To, change.RunAt, change.ValidUntil, change.Decision = Planned, now, c.ValidUntil, DecisionUnsent
		return change, true, nil
	}
	switch c.Kind {
	case KindVisitProposal, KindVisitAgain, KindVisitReminder, KindVisitDay, KindBrief, KindVisitLetter, KindVisitFollowup, KindStaffBooked, KindStaffReminder,
		KindVisitInvitation, KindVisitMoved, KindVisitCancelled, KindStaffCancelled:
		// Better twice than a consultant before a closed door; the text says that it may come twice.
		change.To, change.RunAt, change.ValidUntil, change.Resend, change.Decision = Planned, now, c.ValidUntil, true, DecisionAgain
	default:
		change.To, change.Reason, change.Decision = Skipped, ReasonUnknown, DecisionLeft
	}
	return change, true, nil
}

// outgoing is what was handed to the provider, from the committed intent.
func outgoing(c Claim) Outgoing {
	return Outgoing{MessageID: c.ID, Kind: c.Kind, Channel: c.Channel, To: c.Address, Workspace: c.Workspace, Text: c.Body, Choices: c.Choices, ValidUntil: c.ValidUntil}
}
