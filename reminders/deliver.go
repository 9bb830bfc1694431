package reminders

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// maxAttempts is how often a message is tried in all before it counts as failed.
const maxAttempts = 5

// deliver claims and sends until nothing of this priority is due or ctx is done.
func (e *Engine) deliver(ctx context.Context, maxPriority int, counts *Counts) error {
	for ctx.Err() == nil {
		now := e.Now()
		// From the claim on only waiting is interrupted: what is in hand is sent or given back. A commit that is cut
		// short may have happened.
		claims, optedOut, err := e.Store.Claim(context.WithoutCancel(ctx), ClaimQuery{
			Worker: e.Worker, Now: now, Lease: lease, Limit: claimBatch, MaxPriority: maxPriority})
		if err != nil {
			return err
		}
		counts.Claimed += len(claims)
		counts.Skipped += optedOut
		if len(claims) == 0 && optedOut == 0 {
			return nil
		}
		if err := e.handle(ctx, now, claims, counts); err != nil {
			return err
		}
	}
	return nil
}

// handle decides about each claim, writes down what is not sent, and sends the rest in small batches until stop
// is done; then it gives back what it has not begun.
func (e *Engine) handle(stop context.Context, now time.Time, claims []Claim, counts *Counts) error {
	ctx := context.WithoutCancel(stop)
	halted, err := e.Store.Halted(ctx)
	if err != nil {
		return err
	}
	var changes []Change
	var ready []Verdict
	for i := range claims {
		c := &claims[i]
		v, err := e.decide(ctx, now, c, halted)
		if err == nil && v.Do == DoSend {
			c.ValidUntil = v.Valid
			v.Out, err = e.Desk.Compose(ctx, *c)
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
	for channel, verdicts := range byChannel(ready) {
		for len(verdicts) > 0 {
			n := min(sendBatch, len(verdicts))
			if stop.Err() != nil {
				if err := e.giveBack(ctx, verdicts); err != nil {
					return err
				}
				break // the other channels' too
			}
			on, err := e.send(stop, channel, verdicts[:n], counts)
			if err != nil {
				return err
			}
			verdicts = verdicts[n:]
			if !on {
				if err := e.giveBack(ctx, verdicts); err != nil {
					return err
				}
				break
			}
		}
	}
	return nil
}

func byChannel(verdicts []Verdict) map[string][]Verdict {
	out := map[string][]Verdict{}
	for _, v := range verdicts {
		out[v.Out.Channel] = append(out[v.Out.Channel], v)
	}
	return out
}

// giveBack returns what was claimed and will not be sent by this worker now.
func (e *Engine) giveBack(ctx context.Context, verdicts []Verdict) error {
	now := e.Now()
	changes := make([]Change, len(verdicts))
	for i, v := range verdicts {
		changes[i] = Change{ID: v.Claim.ID, Worker: e.Worker, From: Claimed, To: Planned, RunAt: now, ValidUntil: v.Valid}
	}
	return e.Store.Record(context.WithoutCancel(ctx), now, changes)
}

// send hands one batch to its channel: wait for a place in the line, commit the intent, call the provider,
// record what came of it. on is false where the channel was halted and nothing more can leave on it.
func (e *Engine) send(stop context.Context, channel string, verdicts []Verdict, counts *Counts) (on bool, err error) {
	ctx := context.WithoutCancel(stop)
	if every := e.Desk.Every(channel); every > 0 {
		now := e.Now()
		place, err := e.Store.Reserve(ctx, channel, now, len(verdicts), every)
		if err != nil {
			return false, err
		}
		if err := sleep(stop, place.Sub(now)); err != nil {
			return true, e.giveBack(ctx, verdicts)
		}
	}
	begun, changes, err := e.begin(ctx, verdicts)
	if err != nil {
		return false, err
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

	on = true
	for i, change := range results {
		e.count(counts, change)
		if change.Result.Outcome == OutcomeHalt {
			on = false
			reason := change.Result.Detail
			if err := e.Store.Halt(ctx, e.Now(), channel, reason); err != nil {
				return false, err
			}
			e.Log.Error("channel halted", "channel", channel, "reason", reason, "code", change.Result.Code)
		}
		if r := change.Result; r.ThrottleAll && r.RetryAfter > 0 {
			if err := e.Store.Throttle(ctx, channel, e.Now().Add(min(r.RetryAfter, LongestPause))); err != nil {
				return false, err
			}
		}
		e.Log.Debug("tried", "message", begun[i].Claim.ID, "step", begun[i].Claim.Step, "channel", channel, "outcome", change.Result.Outcome, "code", change.Result.Code)
	}
	for _, change := range changes {
		e.count(counts, change)
	}
	counts.Skipped += len(verdicts) - len(begun) - len(changes) // opted out since they were claimed
	return on, e.Store.Record(ctx, e.Now(), append(changes, results...))
}

// begin commits the intents. It returns what may be sent, and the changes for what turned out not to be.
func (e *Engine) begin(ctx context.Context, verdicts []Verdict) (begun []Verdict, changes []Change, err error) {
	now := e.Now()
	intents := make([]Intent, len(verdicts))
	for i, v := range verdicts {
		intents[i] = Intent{ID: v.Claim.ID, Worker: e.Worker, PersonID: v.Claim.PersonID, Channel: v.Out.Channel, Address: v.Out.To,
			Body: v.Out.Text, Choices: v.Out.Choices, ValidUntil: v.Valid}
		if v.Claim.Kind == KindExercise {
			intents[i].Day = e.Calendar.Today(now)
		}
	}
	fates, err := e.Store.Begin(ctx, now, intents)
	if err != nil {
		return nil, nil, err
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
		case OptedOut, BegunNot:
		}
	}
	return begun, changes, nil
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

// try makes one attempt and says what it changes.
func (e *Engine) try(ctx context.Context, v Verdict) Change {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	result := e.Desk.Send(ctx, v.Out)
	return e.settle(v.Claim, v.Valid, v.Claim.Attempts+1, result, e.Now())
}

// settle turns the result of a try into the change it makes.
func (e *Engine) settle(c Claim, valid time.Time, attempt int, r Result, now time.Time) Change {
	change := Change{ID: c.ID, Worker: e.Worker, From: Sending, Attempt: attempt, Result: r, EndedAt: now, PersonID: c.PersonID, Reason: r.Detail}
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
			wait = backoff(attempt)
		}
		change.To, change.RunAt, change.ValidUntil = Planned, now.Add(wait), valid
		if r.Outcome == OutcomeRetry && attempt >= maxAttempts {
			change.To = Failed
		}
	case OutcomeFailed:
		change.To = Failed
		if r.OptOut {
			change.To, change.Reason = Skipped, ReasonOptedOut
		}
	default:
		change.To, change.Reason = Unknown, "the channel gave no outcome"
		e.Log.Error("a channel gave no outcome", "message", c.ID, "channel", c.Channel)
	}
	return change
}

// backoff doubles from half a minute, with jitter so that what failed together does not return together.
func backoff(attempt int) time.Duration {
	base := 30 * time.Second << min(attempt-1, 6)
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
