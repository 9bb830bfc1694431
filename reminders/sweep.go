package reminders

import (
	"context"
	"errors"
	"time"
)

// Seen is what a provider's own record shows since some instant.
type Seen struct {
	Inbound []Inbound // what people wrote to us, oldest first; ids and fields as the webhook gives them, so that the same text is known again
	Left    []Left    // what left in our name, oldest first
	More    bool      // not everything was read: ask again, with the same since
}

// Left is a text that a provider took from us, as its own record has it.
type Left struct {
	Channel   string
	Address   string // as the provider has it: E.164, Slack user id
	MessageID int64  // ours, where the record bears it (Slack's metadata); 0 = it does not
	Text      string // what the person reads
	At        time.Time
	Result    Result // as for a message that was just accepted, or refused since
}

// Listening says how far a channel's incoming texts are known to have been taken in.
type Listening struct {
	Until       time.Time // everything written before it is in; zero = nobody has looked yet
	MissedSince time.Time // texts written since then could not be stored; zero = none
}

// How much a channel's silence is trusted.
const (
	// sweepMargin is read again before where the last look ended: clocks disagree, and a list may lag.
	sweepMargin = 5 * time.Minute
	// sweepPatience is how much older than it should be the last look may be while things are still sent. A look
	// that fails is made again every minute.
	sweepPatience = 2 * time.Minute
	// sweepReach is how far back anybody looks: a server that was away longer takes in what this holds.
	sweepReach = 30 * 24 * time.Hour
	// awayFor is how long nobody looked before it is asked what left meanwhile: the database may be a backup that
	// was put back, and knows nothing of it.
	awayFor = 5 * time.Minute
)

// sources are where people may have written: every channel, and of Slack every workspace that lets us in.
func (e *Engine) sources(ctx context.Context) ([]string, error) {
	out := []string{SMS, Slack, Email}
	all, err := e.Store.Workspaces(ctx)
	for _, w := range all {
		if w.LostAt.IsZero() {
			out = append(out, Source(Slack, w.TeamID))
		}
	}
	return out, err
}

// listen takes in what people wrote while no webhook of theirs reached us: the server was away, or the database,
// or the way between the provider and us. It returns the sources of which that is not known: nothing may
// leave on them, since one of those texts may be a STOP.
func (e *Engine) listen(ctx context.Context, counts *Counts) (deaf map[string]bool, err error) {
	e.listening.Lock() // one look at a time in a process
	defer e.listening.Unlock()
	deaf = map[string]bool{}
	sources, err := e.sources(ctx)
	if err != nil {
		return nil, err
	}
	for _, source := range sources {
		every, ok := e.Desk.Sweeps(source)
		if !ok {
			continue
		}
		heard, err := e.Store.Listening(ctx, source)
		if err != nil {
			return nil, err
		}
		now := e.Now()
		age := now.Sub(heard.Until)
		// A new process looks first: whoever was here before may have gone in the middle of anything.
		if e.listened[source] && heard.MissedSince.IsZero() && age >= -time.Minute && age < every {
			continue
		}
		switch err := e.sweep(ctx, source, now, heard, counts); {
		case err == nil:
			if e.listened == nil {
				e.listened = map[string]bool{}
			}
			e.listened[source] = true
		case ctx.Err() != nil:
			return nil, ctx.Err()
		default:
			e.Log.Warn("asking a provider what people wrote", "channel", source, "since", heard.Until, "error", err)
			deaf[source] = !e.listened[source] || !heard.MissedSince.IsZero() || age < -time.Minute || age >= every+sweepPatience
		}
	}
	return deaf, nil
}

// catchUpNow interprets what was stored and not interpreted, before anything more is claimed: one of them may be a STOP. Not
// in the tick that found out that the database had lost something: see sweep.
func (e *Engine) catchUpNow(ctx context.Context, counts *Counts) error {
	e.listening.Lock()
	wait := e.deferred
	e.listening.Unlock()
	if wait {
		return nil
	}
	return e.catchUp(ctx, counts)
}

// errMore says that a provider's record is not read to its end yet.
var errMore = errors.New("not everything is read yet")

// sweep reads a source's record since it was last known to be complete.
func (e *Engine) sweep(ctx context.Context, source string, now time.Time, heard Listening, counts *Counts) error {
	channel, workspace := CutSource(source)
	since := heard.Until
	if !heard.MissedSince.IsZero() && heard.MissedSince.Before(since) {
		since = heard.MissedSince
	}
	if since.IsZero() { // a new installation: what was written before it is not for us
		since = now
	}
	if since.After(now) { // our clock was ahead, and was set right
		since = now.Add(-time.Hour).Truncate(time.Hour)
	}
	if reach := now.Add(-sweepReach); since.Before(reach) {
		e.Log.Warn("nobody listened for longer than is looked back", "channel", source, "since", since)
		since = reach.Truncate(24 * time.Hour)
	}
	left := now.Sub(since) > awayFor
	asked, cancel := context.WithTimeout(ctx, sweepTimeout)
	defer cancel()
	// The same instant until the record is read to its end: a provider that is asked for one conversation after the other
	// goes on from where it was.
	seen, asking := e.Desk.Sweep(asked, source, since.Add(-sweepMargin), left, func(ctx context.Context) ([]string, error) {
		return e.Store.Conversations(ctx, channel, workspace, now.Add(-conversationAge))
	})
	strays := 0
	if left && len(seen.Left) > 0 {
		var err error
		strays, err = e.Store.KeepStrays(ctx, now, seen.Left)
		if err != nil {
			return err
		}
		if strays > 0 {
			e.Log.Warn("the provider has texts of ours that the database does not know of; they are not sent again", "channel", channel, "texts", strays)
		}
	}
	// What was read is taken in, also where something broke on the way. Where the database has lost what left, an answer
	// waits for the next tick: its question will have been found by then. A STOP waits for nothing.
	ids := make([]string, len(seen.Inbound))
	for i, in := range seen.Inbound {
		ids[i] = in.ProviderID
	}
	taken, err := e.Store.Taken(ctx, channel, ids)
	if err != nil {
		return err
	}
	e.deferred = e.deferred || strays > 0
	for _, in := range seen.Inbound {
		if taken[in.ProviderID] { // nearly all: a webhook brought it
			continue
		}
		// Before it is stored: whoever dies in between reports it once more, and reports only move a message forward.
		if in.Report != nil {
			if err := e.Store.Report(ctx, now, *in.Report); err != nil && ErrorCode(err) != ENOTFOUND {
				return err
			}
		}
		fresh, err := e.Desk.TakeIn(ctx, in, strays > 0)
		if err != nil {
			return err
		}
		if fresh {
			counts.Swept++
		}
	}
	switch {
	case asking != nil:
		return asking
	case seen.More:
		return errMore
	}
	return e.Store.Swept(ctx, source, now, heard.MissedSince)
}

const (
	// sweepTimeout is for one look: a long absence is many pages.
	sweepTimeout = 2 * time.Minute
	// conversationAge is how long after the last text to somebody their conversation is still looked at.
	conversationAge = 90 * 24 * time.Hour
)
