package reminders

import (
	"context"
	"time"
)

// Verdict is what was decided about a claimed message.
type Verdict struct {
	Claim  Claim
	Do     string // send, skip, wait
	Reason string
	Until  time.Time // wait: not before
	Valid  time.Time // send and wait: the end of the window
	Out    Outgoing  // send
}

// Verbs of a Verdict.
const (
	DoSend = "send"
	DoSkip = "skip"
	DoWait = "wait"
)

func skip(reason string) Verdict { return Verdict{Do: DoSkip, Reason: reason} }

// stops is what keeps messages from leaving now.
type stops struct {
	halted map[string]string // channels
	lost   map[string]bool   // workspaces
	deaf   map[string]bool   // sources whose texts are not all in
}

// decide says what is to become of a claimed message now.
func (e *Engine) decide(ctx context.Context, now time.Time, c *Claim, stops stops) (Verdict, error) {
	stranger := c.Person == nil && c.User == nil
	if stranger && (c.Kind != KindReply && c.Kind != KindNote || c.Address == "") { // somebody nobody knows may be answered
		switch c.Kind {
		case KindBrief, KindStaffReminder, KindStaffBooked, KindStaffCancelled, KindStaffUrgent:
			return skip(ReasonNoConsultant), nil
		}
		return skip(ReasonNoContact), nil
	}
	channel, address, workspace := Email, "", ""
	switch {
	case stranger:
		channel, address, workspace = c.Channel, c.Address, c.Workspace
	case c.User != nil:
		address = c.User.Email
	default:
		if !c.Person.OptedOutAt.IsZero() {
			return skip(ReasonOptedOut), nil
		}
		channel, address, workspace = c.way()
		if c.Kind == KindVisitInvitation { // calendars are filled by mail
			channel, address, workspace = Email, c.Person.Email, ""
		}
		if address == "" {
			return skip(ReasonNoAddress), nil
		}
		if c.Kind == KindVisitLetter && c.Person.Email != "" && e.Desk.On(Email) { // a letter, where they can get one
			channel, address, workspace = Email, c.Person.Email, ""
		}
		switch {
		case c.Channel != "" && c.Priority == PriorityReply: // answered where it was asked: that address is a good one
			channel, address, workspace = c.Channel, c.Address, c.Workspace
		case channel == Slack && c.Person.Faulty(Slack) && !c.Person.Faulty(SMS):
			return e.later(now, c, ReasonWrongAddress), nil // they left, and have no other: somebody asks for one
		case c.Person.Faulty(channel):
			return skip(ReasonWrongAddress), nil
		}
		if now.Before(c.Person.PausedUntil) && c.Priority == PriorityBulk {
			return skip(ReasonPaused), nil
		}
		if c.Kind == KindReply && !c.Person.MutedAt.IsZero() {
			return skip(ReasonMachine), nil
		}
	}
	inDoubt := c.Person != nil && !c.Person.DoubtAt.IsZero() && c.Kind != KindReply && c.Kind != KindNote
	if c.Kind == KindBuddyGroup {
		recipients, team, why := e.together(c)
		if why != "" {
			return skip(why), nil
		}
		channel, address, workspace = Slack, addresses(recipients), team
	}
	c.Channel, c.Address, c.Workspace = channel, address, workspace

	if v := e.due(now, c); v.Do != "" {
		return v, nil
	}
	v := e.window(now, c)
	if v.Do != DoSend {
		return v, nil
	}
	if inDoubt {
		return e.later(now, c, ReasonDoubt), nil
	}
	if !e.Desk.On(channel) || !e.Desk.Reaches(channel, workspace) {
		return e.later(now, c, ReasonChannelOff), nil
	}
	if stops.lost[workspace] {
		return e.later(now, c, ReasonLost), nil
	}
	if _, ok := stops.halted[channel]; ok && workspace == "" {
		return e.later(now, c, ReasonHalted), nil
	}
	if stops.deaf[Source(channel, workspace)] {
		return e.later(now, c, ReasonDeaf), nil
	}
	if c.Kind == KindVisitProposal {
		ok, err := e.propose(ctx, now, c)
		if err != nil {
			return Verdict{}, err
		}
		if !ok {
			return skip(ReasonNoVisit), nil
		}
	}
	switch c.Kind {
	case KindVisitLetter, KindVisitAgreed, KindVisitFollowup:
		outcome, err := e.Store.Outcome(ctx, c.VisitID)
		if err != nil {
			return Verdict{}, err
		}
		if !outcome.Held || c.Kind == KindVisitAgreed && !outcome.Tell || c.Kind == KindVisitFollowup && len(outcome.Steps) == 0 {
			return skip(ReasonSuperseded), nil
		}
		c.Outcome = &outcome
	}
	if c.Kind == KindBrief || c.Kind == KindVisitLetter || c.Kind == KindVisitFollowup {
		brief, err := e.Store.Brief(ctx, c.Visit.ID)
		if err != nil {
			return Verdict{}, err
		}
		c.Brief = &brief
	}
	return v, nil
}

// due says whether the step still makes sense; the zero Verdict says yes.
func (e *Engine) due(now time.Time, c *Claim) Verdict {
	switch c.Kind {
	case KindNudge, KindCheckinAgain, KindVisitAgain:
		switch {
		case c.Question == nil:
			return skip(ReasonNotAsked)
		case c.Question.Answer != "" || c.Kind == KindVisitAgain && c.Visit != nil && c.Visit.State != VisitProposed:
			if c.Kind == KindCheckinAgain && c.Question.Meaning == "no" {
				break // "not yet" is why it asks again
			}
			return skip(ReasonAnswered)
		case c.Question.State.Open():
			return e.later(now, c, ReasonNotAsked)
		case !c.Question.State.HasLeft():
			return skip(ReasonNotAsked)
		case e.Calendar.Today(c.Question.SentAt) == e.Calendar.Today(now):
			return e.later(now, c, ReasonNotAsked) // it was late itself: not twice on one day
		}
	case KindBuddyJoined, KindBuddyLeft:
		if c.Question == nil || !c.Question.State.HasLeft() {
			return skip(ReasonSuperseded) // the introduction itself names all three
		}
	}
	if c.overtaken() {
		return skip(ReasonSuperseded)
	}
	switch c.Kind {
	case KindBuddy, KindCheckin, KindCheckinAgain, KindBuddyShare:
		if len(c.Buddies) == 0 {
			return skip(ReasonNoBuddy)
		}
	case KindVisitProposal:
		if c.Visit != nil && (c.Visit.State == VisitBooked || c.Visit.State == VisitHeld || c.Visit.State == VisitCancelled) {
			return skip(ReasonSuperseded)
		}
	case KindVisitReminder, KindStaffReminder, KindStaffBooked, KindBrief, KindVisitDay, KindVisitMoved, KindVisitInvitation:
		switch {
		case TakenOut(c.Message):
		case c.Visit == nil || c.Visit.State != VisitBooked:
			return skip(ReasonNoVisit)
		case !now.Before(c.Visit.Start):
			return skip(ReasonTooLate)
		}
	}
	return Verdict{}
}

// awake is how long after writing somebody is taken to be up: what could not be answered until then waits for
// their window, like anything else.
const awake = time.Hour

// window says whether the recipient may be written to now: send, or wait for the next window, or skip
// what would then be more than maxLate days late.
func (e *Engine) window(now time.Time, c *Claim) Verdict {
	if c.ValidUntil.IsZero() && now.Sub(c.DueAt) <= awake {
		return Verdict{Do: DoSend} // said back to somebody who wrote just now
	}
	window, closed := e.windowOf(c)
	from, to := e.Calendar.NextSpan(now, window, closed)
	if e.tooLate(c, from) {
		return skip(ReasonTooLate)
	}
	if now.Before(from) {
		return Verdict{Do: DoWait, Until: from, Valid: to}
	}
	return Verdict{Do: DoSend, Valid: to}
}

func (e *Engine) windowOf(c *Claim) (Window, ClosedWeeks) {
	if c.User != nil || c.Person == nil {
		return OfficeWindow, nil
	}
	var company Company
	if c.Company != nil {
		company = *c.Company
	}
	switch {
	case c.Kind == KindBuddyGroup:
		return c.common(), company.ClosedWeeks
	case c.Person == nil:
		return WindowOf(Person{}, company), company.ClosedWeeks
	}
	return WindowOf(*c.Person, company), company.ClosedWeeks
}

// tooLate says whether a step sent at would be more than maxLate days late. The welcome is exempt while
// exercises are still to come: nobody may be written to without having been told who writes and how to stop.
func (e *Engine) tooLate(c *Claim, at time.Time) bool {
	limit := maxLate
	if c.Kind == KindWelcome {
		limit = 7 * Exercises
	}
	return e.Calendar.Today(at).Sub(e.Calendar.Today(c.DueAt)) > limit
}

// RetryLater is how soon a message that nothing keeps but its channel or its question is looked at again;
// deafRetry how soon where only replies could not be fetched, which is tried again every minute; unreadRetry how soon where one
// of theirs has just come in: it is being interpreted, as a rule.
const (
	RetryLater  = 5 * time.Minute
	deafRetry   = time.Minute
	unreadRetry = 5 * time.Second
)

// later puts a message off: a few minutes while the window lasts, else to the next one; where that is too
// late it is skipped for the reason that kept it.
func (e *Engine) later(now time.Time, c *Claim, reason string) Verdict {
	wait := RetryLater
	switch reason {
	case ReasonDeaf:
		wait = deafRetry
	case ReasonUnread:
		wait = unreadRetry
	}
	if c.ValidUntil.IsZero() {
		if now.Sub(c.DueAt) > maxLate*24*time.Hour {
			return skip(reason)
		}
		return Verdict{Do: DoWait, Until: now.Add(wait), Reason: reason}
	}
	window, closed := e.windowOf(c)
	from, to := e.Calendar.NextSpan(now.Add(wait), window, closed)
	if e.tooLate(c, from) {
		return skip(reason)
	}
	if until := now.Add(wait); from.Before(until) {
		from = until
	}
	return Verdict{Do: DoWait, Until: from, Valid: to, Reason: reason}
}

// propose finds three times for the visit of c and stores them; false where there is nobody to hold it or no time left.
func (e *Engine) propose(ctx context.Context, now time.Time, c *Claim) (bool, error) {
	v := c.Visit
	if v == nil {
		return false, Errorf(EINTERNAL, "message %d proposes a visit that is not planned", c.ID)
	}
	if v.State == VisitProposed && len(v.Slots) == slotsProposed {
		return true, nil // proposed by a worker that died before it could say so
	}
	if v.ConsultantID != 0 {
		slots, err := FindSlots(ctx, e.Store, e.Calendar, now, *v, c.Company.ClosedWeeks, 1)
		if err != nil {
			return false, err
		}
		v.Slots = slots
	}
	v.Round, v.State, v.ProposedAt = 1, VisitProposed, now
	if len(v.Slots) < slotsProposed {
		v.State, v.Slots = VisitUnplaced, nil
	}
	if err := e.Store.ProposeVisit(ctx, now, *v); err != nil {
		return false, err
	}
	return v.State == VisitProposed, nil
}

// Diary says when a consultant can visit a company.
type Diary interface {
	Agenda(ctx context.Context, visit Visit, within Span) (Agenda, error)
}

// FindSlots is Calendar.Slots against the consultant's diary. Fewer than three mean that the days are used up.
func FindSlots(ctx context.Context, diary Diary, calendar *Calendar, now time.Time, v Visit, closed ClosedWeeks, round int) ([]time.Time, error) {
	from := v.Earliest.At(0, calendar.Location)
	if from.Before(now) {
		from = now
	}
	agenda, err := diary.Agenda(ctx, v, Span{calendar.Today(from).At(0, calendar.Location), from.AddDate(0, 2, 0)})
	if err != nil {
		return nil, err
	}
	return calendar.Slots(now, v.Earliest, closed, agenda, round), nil
}
