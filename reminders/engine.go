package reminders

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Desk is what the clockwork needs of the conversation and its channels.
type Desk interface {
	// Compose writes the text of a message for its reader. ENOTFOUND: the templates have no such text.
	Compose(ctx context.Context, claim Claim) (Outgoing, error)
	// Send makes one try. It returns when the outcome is known, or unknown for good.
	Send(ctx context.Context, out Outgoing) Result
	// Find asks the provider about a message whose outcome nobody saw; ErrNoRecord where it cannot be asked. Records
	// of which known says that another message of ours has them are passed over.
	Find(ctx context.Context, out Outgoing, since time.Time, known func(providerID string) bool) (result Result, found bool, err error)
	// Sweeps says whether a source's provider can be asked what people wrote, and how often it is while all is well.
	Sweeps(source string) (every time.Duration, ok bool)
	// Sweep asks it, and with left also what left in our name. What was read is returned also beside an error.
	Sweep(ctx context.Context, source string, since time.Time, left bool, conversations func(context.Context) ([]string, error)) (Seen, error)
	// TakeIn takes in what somebody wrote as a webhook would; fresh is false for a text that is there already. With
	// later all but a STOP is only stored, for CatchUp to interpret.
	TakeIn(ctx context.Context, in Inbound, later bool) (fresh bool, err error)
	// On says whether a channel is configured.
	On(channel string) bool
	// Reaches says whether a channel that is on writes into a workspace, "" = the single one.
	Reaches(channel, workspace string) bool
	// Every is the time between two messages on a channel, over all workers together; 0 = no limit.
	Every(channel string) time.Duration
	// Forget deletes a provider's copy. EUNAVAILABLE: not yet; ErrNoRecord: the provider keeps none that could be.
	Forget(ctx context.Context, copied Erasure) error
	// CatchUp interprets replies that were stored but not interpreted, and says how many.
	CatchUp(ctx context.Context) (int, error)
}

// ErrNoRecord says that a channel's provider keeps no record that could be asked.
var ErrNoRecord = errors.New("the provider keeps no record that can be asked")

// Engine is the clockwork. Any number of engines may run over one Store.
type Engine struct {
	Store    Store
	Desk     Desk
	Diaries  Diaries // nil = nobody's calendar is fetched
	Calendar *Calendar
	Now      func() time.Time
	Log      *slog.Logger
	Worker   string                            // this process, unique among those alive
	Trace    func(Verdict)                     // told every decision, if not nil
	Jitter   func(time.Duration) time.Duration // of a pause before a retry, up to its argument; nil = random

	listening sync.Mutex
	listened  map[string]bool // sources that this process has asked once; guarded by listening
	deferred  bool            // what people wrote waits for the next tick; guarded by listening
}

const (
	planBatch    = 500             // enrolments planned in one transaction
	claimBatch   = 100             // messages claimed in one transaction
	sendBatch    = 10              // messages in a provider's hands at once; all that a kill can leave unknown
	lease        = 3 * time.Minute // longer than a batch can take, waiting for its place in line included
	sendTimeout  = 30 * time.Second
	unknownGrace = 2 * time.Minute
	unknownLimit = 15 * time.Minute // then the provider's silence counts

	// DraftAhead is how long before exercise 1 groups are drafted, PublishAhead how long before it they publish themselves.
	DraftAhead   = 6 * 24 * time.Hour
	PublishAhead = 24 * time.Hour

	// LongestPause is how long a provider's wish for a pause is heeded. One that wants more will say so again, and
	// a pause that seems longer was noted by a clock that was wrong.
	LongestPause = 15 * time.Minute
)

// Tick does everything that is due now, and returns when nothing is left or ctx is done. What is being
// sent when ctx is done is finished first. A stage that fails does not keep the others from their work.
func (e *Engine) Tick(ctx context.Context) (Counts, error) {
	started := e.Now()
	var counts Counts
	var errs []error
	for _, stage := range []func(context.Context, *Counts) error{
		e.catchUpFirst, e.hear, e.planAll, e.pairAll, e.closeVisits, e.deliverAll, e.reconcile, e.rescue, e.forget, e.diaries,
	} {
		if ctx.Err() != nil {
			break
		}
		if err := stage(ctx, &counts); err != nil && ctx.Err() == nil {
			errs = append(errs, err)
		}
	}
	err := errors.Join(errs...)
	tick := Tick{StartedAt: started, Took: e.Now().Sub(started), Worker: e.Worker, Counts: counts}
	if err != nil {
		tick.Error = err.Error()
	}
	// The record of a tick that was told to stop is worth the moment it takes.
	return counts, errors.Join(err, e.Store.SaveTick(context.WithoutCancel(ctx), tick))
}

// hear takes in what people wrote, also when nothing is to be sent.
func (e *Engine) hear(ctx context.Context, counts *Counts) error {
	_, err := e.listen(ctx, counts)
	return err
}

func (e *Engine) catchUp(ctx context.Context, counts *Counts) error {
	n, err := e.Desk.CatchUp(ctx)
	counts.Replies += n
	return err
}

// catchUpFirst is what a tick begins with: also what an earlier one deferred.
func (e *Engine) catchUpFirst(ctx context.Context, counts *Counts) error {
	e.listening.Lock()
	e.deferred = false
	e.listening.Unlock()
	return e.catchUp(ctx, counts)
}

// planAll plans every enrolment that changed since it was last planned.
func (e *Engine) planAll(ctx context.Context, counts *Counts) error {
	for ctx.Err() == nil {
		subjects, err := e.Store.EnrolmentsToPlan(ctx, planBatch)
		if err != nil || len(subjects) == 0 {
			return err
		}
		now := e.Now()
		plans := make([]Plan, 0, len(subjects))
		days := map[int64][]Date{} // exercises planned in this batch, by person
		for _, s := range subjects {
			s.Exercises = append(s.Exercises, days[s.Person.ID]...)
			p := e.Calendar.Plan(now, s)
			for _, m := range p.Insert {
				if m.Kind == KindExercise {
					days[s.Person.ID] = append(days[s.Person.ID], e.Calendar.Today(m.DueAt))
				}
			}
			counts.Planned += len(p.Insert) + len(p.Revive)
			counts.Moved += len(p.Move)
			plans = append(plans, p)
		}
		if err := e.Store.SavePlans(ctx, now, plans); err != nil {
			return err
		}
		if len(subjects) < planBatch {
			return nil
		}
	}
	return ctx.Err()
}

// pairAll lets go of who is in a group no longer, drafts a buddy for everybody whose exercise 1 comes near, and publishes
// the drafts that are due.
func (e *Engine) pairAll(ctx context.Context, counts *Counts) error {
	now := e.Now()
	over := e.Calendar.Over(now)
	if err := e.Store.LeaveGroups(ctx, now, over); err != nil {
		return err
	}
	subjects, err := e.Store.CompaniesToPair(ctx, now.Add(DraftAhead), over)
	if err != nil {
		return err
	}
	for _, s := range subjects {
		groups, joined := Pair(s, now)
		if len(groups) == 0 {
			continue
		}
		err := e.Store.SaveGroups(ctx, now, groups, joined)
		if ErrorCode(err) == ECONFLICT {
			continue // another worker was first; the next tick sees what it did
		}
		if err != nil {
			return err
		}
		for _, g := range groups {
			for _, m := range g.Members {
				if g.ID == 0 || m.New {
					counts.Paired++
				}
			}
		}
	}
	return e.Store.PublishGroups(ctx, now, now.Add(PublishAhead))
}

// Over is the last course day before which classes are over for buddies.
func (c *Calendar) Over(now time.Time) Date { return c.Today(now).AddDays(-7*Exercises - 7) }

func (e *Engine) closeVisits(ctx context.Context, counts *Counts) error {
	n, err := e.Store.CloseVisits(ctx, e.Now())
	counts.Visits += n
	return err
}

func (e *Engine) rescue(ctx context.Context, counts *Counts) error {
	released, unknown, err := e.Store.Rescue(ctx, e.Now())
	counts.Rescued += released
	counts.Unknown += unknown
	return err
}

func (e *Engine) deliverAll(ctx context.Context, counts *Counts) error {
	return e.deliver(ctx, PriorityBulk, counts)
}

// DeliverReplies sends what is to be said back to people now, without waiting for a bulk that a tick may
// be busy with.
func (e *Engine) DeliverReplies(ctx context.Context) (Counts, error) {
	var counts Counts
	err := e.deliver(ctx, PriorityReply, &counts)
	return counts, err
}
