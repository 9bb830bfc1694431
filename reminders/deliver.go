package reminders

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// maxAttempts is how often a message is tried in all before it counts as failed.
const maxAttempts = 5

// deliver claims and sends until nothing of this priority is due or ctx is done.
func (e *Engine) deliver(ctx context.Context, maxPriority int, counts *Counts) error {
	for stale := 0; ctx.Err() == nil; {
		// Before every batch, not only before the first: a large one takes an hour, in which people say STOP.
		looked := e.Now()
		deaf, err := e.listen(ctx, counts)
		if err != nil {
			return err
		}
		if err := e.catchUpNow(ctx, counts); err != nil {
			return err
		}
		now := e.Now()
		if now.Sub(looked) > lease { // suspended since: a STOP may have been written meanwhile. What is claimed has its lease.
			if stale++; stale < staleLooks {
				continue
			}
			return nil // the next tick tries again
		}
		// From the claim on only waiting is interrupted: what is in hand is sent or given back. A commit that is cut
		// short may have happened.
		claims, optedOut, err := e.Store.Claim(context.WithoutCancel(ctx), ClaimQuery{
			Worker: e.Worker, Now: now, Lease: lease, Limit: e.claimLimit(), MaxPriority: maxPriority})
		if err != nil {
			return err
		}
		counts.Claimed += len(claims)
		counts.Skipped += optedOut
		if len(claims) == 0 && optedOut == 0 {
			return nil
		}
		if err := e.handle(ctx, now, claims, deaf, counts); err != nil {
			return err
		}
	}
	return nil
}

// staleLooks is how often in a row a look at what people wrote may take longer than a lease before a tick gives up.
const staleLooks = 3

// claimLimit is how many messages are claimed at once: no more than can be sent well within a lease.
func (e *Engine) claimLimit() int {
	limit := claimBatch
	for _, channel := range []string{SMS, Slack, Email} {
		if every := e.Desk.Every(channel); every > 0 {
			limit = min(limit, max(1, int(lease/3/every)))
		}
	}
	return limit
}

// handle decides about each claim, writes down what is not sent, and sends the rest in small batches until stop
// is done; then it gives back what it has not begun.
func (e *Engine) handle(stop context.Context, now time.Time, claims []Claim, deaf map[string]bool, counts *Counts) error {
	ctx := context.WithoutCancel(stop)
	halted, err := e.Store.Halted(ctx)
	if err != nil {
		return err
	}
	workspaces, err := e.Store.Workspaces(ctx)
	if err != nil {
		return err
	}
	stops := stops{halted, lostWorkspaces(workspaces), deaf}
	var changes []Change
	var ready []Verdict
	for i := range claims {
		c := &claims[i]
		v, err := e.decide(ctx, now, c, stops)
		if err == nil && v.Do == DoSend {
			c.ValidUntil = v.Valid
			v.Out, err = e.Desk.Compose(ctx, *c)
			v.Out.Workspace = c.Workspace
			if ErrorCode(err) == ENOTFOUND {
				e.Log.Error("a text is missing", "message", c.ID, "step", c.Step, "error", err)
				v, err = skip(ReasonNoText), nil
			}
		}
		if err != nil {
			// This message waits for its lease to end; the others go on.
			e.Log.Error("deciding about a message", "message", c.ID, "step", c.Step, "error", err)
			continue
		}
		v.Claim = *c
		if e.Trace != nil {
			e.Trace(v)
		}
		switch v.Do {
		case DoSend:
			ready = append(ready, v)
		case DoSkip:
			counts.Skipped++
			changes = append(changes, Change{ID: c.ID, Worker: e.Worker, From: Claimed, To: Skipped, Reason: v.Reason})
		case DoWait:
			counts.Postponed++
			changes = append(changes, Change{ID: c.ID, Worker: e.Worker, From: Claimed, To: Planned, Reason: v.Reason, RunAt: v.Until, ValidUntil: v.Valid})
		}
	}
	if err := e.Store.Record(ctx, now, changes); err != nil {
		return err
	}
	byChannel := map[string][]Verdict{}
	for _, v := range ready {
		byChannel[v.Out.Channel] = append(byChannel[v.Out.Channel], v)
	}
	for _, channel := range slices.Sorted(maps.Keys(byChannel)) {
		verdicts := byChannel[channel]
		for len(verdicts) > 0 {
			n := min(e.sendLimit(channel), len(verdicts))
			rest, stopped, err := e.send(stop, channel, verdicts[:n], counts)
			if err != nil {
				return err
			}
			verdicts = verdicts[n:]
			if stopped.why != "" || stop.Err() != nil { // nothing more can leave here now
				if err := e.giveBack(ctx, append(rest, verdicts...), stopped); err != nil {
					return err
				}
				break
			}
		}
	}
	return nil
}

// sendLimit is how many messages are handed over at once: what leaves in a second at the channel's rate, so that
// a rate is held from second to second.
func (e *Engine) sendLimit(channel string) int {
	if every := e.Desk.Every(channel); every > 0 {
		return min(sendBatch, max(1, int(time.Second/every)))
	}
	return sendBatch
}

// stopped is why nothing more leaves on a channel now, and when to come back; the zero value: it does.
type stopped struct {
	why   string
	until time.Time
}

// giveBack returns what was claimed and will not be sent by this worker now.
func (e *Engine) giveBack(ctx context.Context, verdicts []Verdict, because stopped) error {
	now := e.Now()
	at := now
	if because.until.After(now) {
		at = because.until
	}
	changes := make([]Change, len(verdicts))
	for i, v := range verdicts {
		changes[i] = Change{ID: v.Claim.ID, Worker: e.Worker, From: Claimed, To: Planned, Reason: because.why, RunAt: at, ValidUntil: v.Valid}
	}
	return e.Store.Record(context.WithoutCancel(ctx), now, changes)
}

// linePatience is how long a worker waits for its place in a line; what is further off is given back until then.
const linePatience = 20 * time.Second

// send hands one batch to its channel: wait for a place in the line, commit the intent, call the provider,
// record what came of it. again is set where nothing more can leave on the channel now, because it was halted or
// slowed down; rest is what is still claimed then, and where stop is done before its turn.
func (e *Engine) send(stop context.Context, channel string, verdicts []Verdict, counts *Counts) (rest []Verdict, again stopped, err error) {
	if stop.Err() != nil {
		return verdicts, again, nil
	}
	ctx := context.WithoutCancel(stop)
	now := e.Now()
	place, err := e.Store.Reserve(ctx, channel, now, now.Add(linePatience), len(verdicts), e.Desk.Every(channel))
	if err != nil {
		return nil, again, err
	}
	if wait := place.Sub(now); wait > linePatience {
		return verdicts, stopped{ReasonSlowed, place}, nil
	} else if sleep(stop, wait) != nil {
		return verdicts, again, nil
	}
	begun, held, changes, err := e.begin(ctx, verdicts, counts)
	if err != nil {
		return nil, again, err
	}
	if len(held) > 0 { // the next claim finds out for how long
		again = stopped{ReasonSlowed, e.Now().Add(linePatience)}
	}
	results := make([]Change, len(begun))
	var wg sync.WaitGroup
	for _, lane := range lanes(begun) {
		wg.Go(func() {
			for _, i := range lane {
				results[i] = e.try(ctx, begun[i])
			}
		})
	}
	wg.Wait()

	for i, change := range results {
		e.Log.Debug("tried", "message", begun[i].Claim.ID, "step", begun[i].Claim.Step, "channel", channel, "outcome", change.Result.Outcome, "code", change.Result.Code)
	}
	changes = append(changes, results...)
	for _, change := range changes {
		e.count(counts, change)
	}
	if err := e.record(stop, changes); err != nil {
		return held, again, err
	}
	for i, change := range results {
		switch r := change.Result; {
		case r.Outcome == OutcomeHalt && begun[i].Out.Workspace != "":
			// Its channel has written down that the workspace is lost: the others go on.
			e.Log.Error("workspace lost", "workspace", begun[i].Out.Workspace, "reason", r.Detail, "code", r.Code)
		case r.Outcome == OutcomeHalt:
			again = stopped{ReasonHalted, e.Now().Add(RetryLater)}
			e.Log.Error("channel halted", "channel", channel, "reason", r.Detail, "code", r.Code)
			if err := e.Store.Halt(ctx, e.Now(), channel, r.Code, r.Detail); err != nil {
				return held, again, err
			}
		case r.ThrottleAll: // the whole sender, not this worker alone
			again = stopped{ReasonSlowed, change.RunAt}
			if longest := e.Now().Add(LongestPause); again.until.After(longest) {
				again.until = longest
			}
			e.Log.Warn("channel slowed down", "channel", channel, "until", again.until, "code", r.Code)
			if err := e.Store.Throttle(ctx, channel, again.until); err != nil {
				return held, again, err
			}
		}
	}
	return held, again, nil
}

const (
	recordTries = 30
	recordPause = 2 * time.Second
)

// record writes down what came of tries. It does not give up at once where the database has gone away: what is
// known now would have to be asked of the provider later, and not every provider can be asked. After stop it tries
// once more.
func (e *Engine) record(stop context.Context, changes []Change) error {
	ctx := context.WithoutCancel(stop)
	for try := 1; ; try++ {
		err := e.Store.Record(ctx, e.Now(), changes)
		if ErrorCode(err) != EUNAVAILABLE || try >= recordTries {
			return err
		}
		e.Log.Warn("what was sent cannot be recorded yet", "messages", len(changes), "try", try, "error", err)
		if sleep(stop, recordPause) != nil {
			try = recordTries
		}
	}
}

// begin commits the intents. It returns what may be sent, what is held because the channel was stopped meanwhile,
// and the changes for what turned out not to be for today.
func (e *Engine) begin(ctx context.Context, verdicts []Verdict, counts *Counts) (begun, held []Verdict, changes []Change, err error) {
	now := e.Now()
	intents := make([]Intent, len(verdicts))
	for i, v := range verdicts {
		intents[i] = Intent{ID: v.Claim.ID, Worker: e.Worker, PersonID: v.Claim.PersonID,
			Stranger: v.Claim.PersonID == 0 && v.Claim.UserID == 0, Channel: v.Out.Channel, Address: v.Out.To, Workspace: v.Out.Workspace,
			Kind: v.Claim.Kind, Body: v.Out.Text, Choices: v.Out.Choices, ValidUntil: v.Valid}
		if v.Claim.Kind == KindBuddyGroup {
			intents[i].Group, _, _ = e.together(&v.Claim)
		}
		if v.Claim.Kind == KindExercise {
			intents[i].Day = e.Calendar.Today(now)
		}
	}
	fates, err := e.Store.Begin(ctx, now, intents)
	if err != nil {
		return nil, nil, nil, err
	}
	for _, v := range verdicts {
		switch fates[v.Claim.ID] {
		case Begun:
			begun = append(begun, v)
		case DayTaken:
			// The person has had an exercise today, on another course: tomorrow, then.
			tomorrow := e.Calendar.Today(now).AddDays(1).At(0, e.Calendar.Location)
			window, closed := e.windowOf(&v.Claim)
			from, to := e.Calendar.NextSpan(tomorrow, window, closed)
			change := Change{ID: v.Claim.ID, Worker: e.Worker, From: Claimed, To: Planned, RunAt: from, ValidUntil: to}
			if e.tooLate(&v.Claim, from) {
				change = Change{ID: v.Claim.ID, Worker: e.Worker, From: Claimed, To: Skipped, Reason: ReasonTooLate}
			}
			changes = append(changes, change)
		case Unread, InDoubt:
			reason := ReasonUnread
			if fates[v.Claim.ID] == InDoubt {
				reason = ReasonDoubt
			}
			wait := e.later(now, &v.Claim, reason)
			change := Change{ID: v.Claim.ID, Worker: e.Worker, From: Claimed, To: Planned, Reason: wait.Reason, RunAt: wait.Until, ValidUntil: wait.Valid}
			if wait.Do == DoSkip {
				change = Change{ID: v.Claim.ID, Worker: e.Worker, From: Claimed, To: Skipped, Reason: wait.Reason}
			}
			changes = append(changes, change)
		case Held:
			held = append(held, v)
		case OptedOut:
			counts.Skipped++
		case LeftBefore:
			counts.Settled++
		case BegunNot:
		}
	}
	return begun, held, changes, nil
}

// lanes groups what is to be sent by recipient: to one person one text after the other, in order.
func lanes(verdicts []Verdict) [][]int {
	index := map[[2]int64]int{}
	var out [][]int
	for i, v := range verdicts {
		key := [2]int64{v.Claim.PersonID, v.Claim.UserID}
		lane, ok := index[key]
		if !ok {
			lane = len(out)
			index[key] = lane
			out = append(out, nil)
		}
		out[lane] = append(out[lane], i)
	}
	return out
}

// leaseMargin is how long before its end a lease is not used any more.
const leaseMargin = 15 * time.Second

// try makes one attempt and says what it changes. A process that was suspended between the commit of the intent
// and here may find that its lease is over and that others have begun to ask what became of the message: it no longer sends it.
func (e *Engine) try(ctx context.Context, v Verdict) Change {
	limit := min(sendTimeout, v.Claim.LeaseUntil.Add(-leaseMargin).Sub(e.Now()))
	result := Result{Outcome: OutcomeRetry, Detail: "not sent: the worker came too late"}
	if limit > 0 {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		result = e.Desk.Send(ctx, v.Out)
	}
	return e.settle(v.Claim, v.Valid, v.Claim.Attempts+1, result, e.Now())
}

// settle turns the result of a try into the change it makes.
func (e *Engine) settle(c Claim, valid time.Time, attempt int, r Result, now time.Time) Change {
	change := Change{ID: c.ID, Worker: e.Worker, From: Sending, Attempt: attempt, Result: r, EndedAt: now, PersonID: c.PersonID, Workspace: c.Workspace, Reason: r.Detail}
	switch r.Outcome {
	case OutcomeAccepted:
		change.To, change.Reason = Accepted, ""
		if r.Delivered {
			change.To = Delivered
		}
	case OutcomeUnknown:
		change.To = Unknown
	case OutcomeRetry, OutcomeHalt:
		wait := r.RetryAfter
		if wait == 0 {
			wait = e.backoff(attempt)
		}
		change.To, change.RunAt, change.ValidUntil = Planned, now.Add(wait), valid
		if r.Outcome == OutcomeRetry && attempt >= maxAttempts {
			change.To = Failed
		}
	case OutcomeFailed:
		change.To = Failed
		switch {
		case r.OptOut:
			change.To, change.Reason = Skipped, ReasonOptedOut
		case r.BadAddress && c.Channel == Slack && c.Person != nil && c.Priority != PriorityReply && attempt < maxAttempts:
			// They left the workspace and have read nothing: the next channel has it, or it waits for an address.
			change.To, change.RunAt, change.ValidUntil = Planned, now, valid
		}
	default:
		change.To, change.Reason = Unknown, "the channel gave no outcome"
		e.Log.Error("a channel gave no outcome", "message", c.ID, "channel", c.Channel)
	}
	return change
}

// backoff doubles from half a minute, with jitter so that what failed together does not return together.
func (e *Engine) backoff(attempt int) time.Duration {
	base := 30 * time.Second << min(attempt-1, 6)
	if e.Jitter != nil {
		return base/2 + e.Jitter(base)
	}
	return base/2 + rand.N(base)
}

func (e *Engine) count(counts *Counts, c Change) {
	switch {
	case c.To.HasLeft():
		counts.Sent++
	case c.To == Unknown:
		counts.Unknown++
	case c.To == Failed:
		counts.Failed++
	case c.To == Skipped:
		counts.Skipped++
	case c.To == Planned && c.Attempt > 0:
		counts.Retried++
	case c.To == Planned:
		counts.Postponed++
	}
}

// sleep waits for d, or returns ctx's error at once when ctx is done.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
