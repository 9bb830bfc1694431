package reminders

import (
	"fmt"
	"slices"
	"time"
)

// Exercises is how many weeks the programme has.
const Exercises = 6

// Days of the programme, counted from the last day of the class unless said otherwise.
const (
	leaderDay       = 5
	proposalDay     = 28
	proposalAgain   = 5 // after the proposal
	nudgeAfter      = 2 // after the exercise
	checkinAfter    = 3 // after the exercise
	visitMonths     = 2
	maxLate         = 3  // days a step may be late and still be sent
	visitSearchDays = 10 // working days after the two-month date in which the visit is sought
)

// buddyDelay keeps the introduction from arriving in the same second as exercise 1.
const buddyDelay = 10 * time.Minute

// checkinWeeks are the exercises after which a pair is asked whether it talked.
var checkinWeeks = []int{2, 4, 6}

// Step names.
const (
	StepWelcome       = "welcome"
	StepBuddy         = "buddy"
	StepVisitDay      = "visit-day"
	StepLeader        = "leader"
	StepVisitProposal = "visit-proposal"
	StepVisitAgain    = "visit-proposal-again"
)

func ExerciseStep(week int) string     { return fmt.Sprintf("exercise-%d", week) }
func NudgeStep(week int) string        { return fmt.Sprintf("nudge-%d", week) }
func CheckinStep(week int) string      { return fmt.Sprintf("checkin-%d", week) }
func CheckinAgainStep(week int) string { return fmt.Sprintf("checkin-%d-again", week) }

// QuestionStep is the step of the same subject that a message of kind k reminds of; "" = none.
func QuestionStep(k Kind, week int) string {
	switch k {
	case KindNudge:
		return ExerciseStep(week)
	case KindCheckinAgain:
		return CheckinStep(week)
	case KindVisitAgain:
		if week > 0 { // of a visit that was given back: its Sequence then
			return fmt.Sprintf("%s-%d-contact", KindVisitProposal, week)
		}
		return StepVisitProposal
	case KindBuddyJoined, KindBuddyLeft:
		return StepBuddy
	}
	return ""
}

// Subjects.

func EnrolmentSubject(id int64) string { return fmt.Sprintf("enrolment/%d", id) }

// BuddyGroupSubject is that of the one text to a whole buddy group.
func BuddyGroupSubject(id int64) string { return fmt.Sprintf("buddy-group/%d", id) }

func CompanySubject(classID, companyID int64) string {
	return fmt.Sprintf("class/%d/company/%d", classID, companyID)
}
func VisitSubject(id int64) string   { return fmt.Sprintf("visit/%d", id) }
func ReplySubject(id int64) string   { return fmt.Sprintf("reply/%d", id) }
func MessageSubject(id int64) string { return fmt.Sprintf("message/%d", id) }

// dates are the days of a programme after weekends, holidays and closed weeks have moved them.
type dates struct {
	welcome  Date
	exercise [Exercises + 1]Date // by week; 0 unused
	leader   Date
	proposal Date
	visit    Date // the earliest day of the visit
}

// dates computes the programme of a class for a company. A day in a closed week moves by whole weeks, and
// all after it with it; a weekend or a holiday moves one day only, to the next working day.
func (c *Calendar) dates(class Class, closed ClosedWeeks) dates {
	shift := 0
	place := func(nominal Date) Date {
		for {
			d := c.NextWorking(nominal.AddDays(shift), nil)
			if !closed.Contains(nominal.AddDays(shift)) && !closed.Contains(d) {
				return d
			}
			shift += 7
		}
	}
	var out dates
	out.welcome = place(class.End)
	out.leader = place(class.End.AddDays(leaderDay))
	for week := 1; week <= Exercises; week++ {
		nominal := class.End.AddDays(7 * week)
		if class.Weekday != time.Sunday {
			monday := nominal.AddDays(-(int(nominal.Weekday()) + 6) % 7)
			nominal = monday.AddDays(int(class.Weekday) - 1)
		}
		out.exercise[week] = place(nominal)
		if 7*week == proposalDay {
			out.proposal = place(class.End.AddDays(proposalDay))
		}
	}
	out.visit = place(class.End.AddMonths(visitMonths))
	return out
}

// planner holds what one plan is made of.
type planner struct {
	calendar *Calendar
	now      time.Time
	subject  PlanSubject
	existing map[string]Message // by subject and step
	plan     Plan
}

// Plan says which steps s needs that are not there, and which planned ones have another time now.
// Planning the same subject again yields nothing.
func (c *Calendar) Plan(now time.Time, s PlanSubject) Plan {
	p := planner{calendar: c, now: now, subject: s, existing: map[string]Message{}}
	p.plan = Plan{EnrolmentID: s.Enrolment.ID, Version: s.Version}
	for _, m := range s.Steps {
		p.existing[m.Subject+" "+m.Step] = m
	}
	d := c.dates(s.Class, s.Company.ClosedWeeks)
	p.participant(d)
	p.company(d)
	p.visit(d)
	return p.plan
}

func (p *planner) participant(d dates) {
	s := p.subject
	window := WindowOf(s.Person, s.Company)
	closed := s.Company.ClosedWeeks
	base := Message{Subject: EnrolmentSubject(s.Enrolment.ID), PersonID: s.Person.ID, EnrolmentID: s.Enrolment.ID,
		CompanyID: s.Company.ID, ClassID: s.Class.ID, Priority: PriorityBulk}
	put := func(step string, kind Kind, week int, day Date, delay time.Duration) {
		m := base
		m.Step, m.Kind, m.Week = step, kind, week
		from, to := p.calendar.Span(day, window)
		if at := from.Add(delay); at.Before(to) {
			from = at
		}
		p.put(m, from, to)
	}

	// Who comes late is told first of all who writes and how to stop: the welcome waits for nobody's
	// last course day but goes out in the first window after the roster came.
	joined := p.calendar.Today(s.Enrolment.CreatedAt)
	over := joined.After(d.exercise[Exercises])
	welcome := d.welcome
	if joined.After(welcome) && !over {
		from, _ := p.calendar.NextSpan(s.Enrolment.CreatedAt, window, closed)
		welcome = p.calendar.Today(from)
	}
	put(StepWelcome, KindWelcome, 0, welcome, 0)

	taken := map[Date]bool{}
	for _, day := range s.Exercises {
		taken[day] = true
	}
	var day [Exercises + 2]Date
	for week := 1; week <= Exercises; week++ {
		day[week] = d.exercise[week]
		for taken[day[week]] { // never two exercises on one day, on however many courses
			day[week] = p.calendar.NextWorking(day[week].AddDays(1), closed)
		}
		taken[day[week]] = true
		put(ExerciseStep(week), KindExercise, week, day[week], 0)
		if week == 1 {
			put(StepBuddy, KindBuddy, 0, day[week], buddyDelay)
		}
	}
	for week := 1; week <= Exercises; week++ {
		nudge := p.calendar.NextWorking(day[week].AddDays(nudgeAfter), closed)
		// After a holiday the next exercise can be so near that a reminder of the last one would meet it.
		if next := day[week+1]; !next.IsZero() && !nudge.Before(next) {
			nudge = p.calendar.PreviousWorking(next.AddDays(-1))
		}
		if nudge.After(day[week]) {
			put(NudgeStep(week), KindNudge, week, nudge, 0)
		} else {
			p.skip(base, NudgeStep(week), KindNudge, week, day[week], window)
		}
		if slices.Contains(checkinWeeks, week) {
			put(CheckinStep(week), KindCheckin, week, p.calendar.NextWorking(day[week].AddDays(checkinAfter), closed), 0)
		}
	}

	// Until a visit is booked its reminder stands after the last day it could be on: it only ever moves
	// forward in the queue, and where no visit comes about it ends there as skipped.
	visitDay := d.visit
	for range visitSearchDays + maxLate {
		visitDay = p.calendar.NextWorking(visitDay.AddDays(1), closed)
	}
	step := StepVisitDay
	if v := s.Visit; v != nil && v.State == VisitBooked {
		visitDay = p.calendar.PreviousWorking(p.calendar.Today(v.Start).AddDays(-1))
		from, _ := p.calendar.Span(visitDay, window)
		step = p.again(base.Subject, step, v.Sequence, from)
	}
	put(step, KindVisitDay, 0, visitDay, 0)
}

// company plans what the company's contact gets, once for all its participants on the class.
func (p *planner) company(d dates) {
	s := p.subject
	base := Message{Subject: CompanySubject(s.Class.ID, s.Company.ID), PersonID: s.Company.ContactID,
		CompanyID: s.Company.ID, ClassID: s.Class.ID, Priority: PriorityVisit}
	if s.Visit != nil {
		base.VisitID = s.Visit.ID
	}
	window := s.Company.Window
	if window.IsZero() {
		window = DefaultWindow
	}
	put := func(step string, kind Kind, day Date) {
		m := base
		m.Step, m.Kind = step, kind
		from, to := p.calendar.Span(day, window)
		p.put(m, from, to)
	}
	closed := s.Company.ClosedWeeks
	put(StepLeader, KindLeader, d.leader)
	put(StepVisitProposal, KindVisitProposal, d.proposal)
	put(StepVisitAgain, KindVisitAgain, p.calendar.NextWorking(d.proposal.AddDays(proposalAgain), closed))

	visit := Visit{ClassID: s.Class.ID, CompanyID: s.Company.ID, ConsultantID: s.Company.ConsultantID,
		TeacherID: s.Class.TeacherID, State: VisitPlanned, Earliest: d.visit}
	if v := s.Visit; v != nil && v.Sequence > 0 { // given to somebody by hand
		visit.ConsultantID, visit.TeacherID = v.ConsultantID, v.TeacherID
	}
	if v := s.Visit; v == nil || v.State == VisitPlanned &&
		(v.Earliest != visit.Earliest || v.ConsultantID != visit.ConsultantID || v.TeacherID != visit.TeacherID) {
		p.plan.Visit = &visit
	}
}

// visit plans what a booked visit brings with it.
func (p *planner) visit(dates) {
	v := p.subject.Visit
	if v == nil || v.State != VisitBooked {
		return
	}
	s := p.subject
	start := p.calendar.Today(v.Start)
	base := Message{Subject: VisitSubject(v.ID), CompanyID: s.Company.ID, ClassID: s.Class.ID, VisitID: v.ID, Priority: PriorityVisit}
	contactWindow := s.Company.Window
	if contactWindow.IsZero() {
		contactWindow = DefaultWindow
	}
	put := func(who string, personID, userID int64, kind Kind, before int, window Window) {
		if personID == 0 && userID == 0 {
			return
		}
		m := base
		m.PersonID, m.UserID, m.Kind, m.Week = personID, userID, kind, before
		from, to := p.calendar.Span(p.calendar.PreviousWorking(start.AddDays(-before)), window)
		m.Step = p.again(m.Subject, fmt.Sprintf("%s-%d-%s", kind, before, who), v.Sequence, from)
		p.put(m, from, to)
	}
	for _, before := range []int{7, 1} {
		put("contact", s.Company.ContactID, 0, KindVisitReminder, before, contactWindow)
		put("consultant", 0, v.ConsultantID, KindStaffReminder, before, OfficeWindow)
		put("teacher", 0, v.TeacherID, KindStaffReminder, before, OfficeWindow)
	}
	put("consultant", 0, v.ConsultantID, KindBrief, 2, OfficeWindow)
	put("teacher", 0, v.TeacherID, KindBrief, 2, OfficeWindow)
	for _, m := range p.calendar.invitations(p.now, *v, s.Company) {
		if old, ok := p.existing[m.Subject+" "+m.Step]; !ok || old.State == Skipped { // one that is planned keeps its time
			p.put(m, m.DueAt, m.ValidUntil)
		}
	}
}

// again is the step under which a reminder of a visit stands. One that was sent of an earlier time counts no more, and
// the visit's Sequence tells the next one from it.
func (p *planner) again(subject, step string, sequence int, from time.Time) string {
	last := step
	for n := 1; n <= sequence; n++ {
		if name := fmt.Sprintf("%s-%d", step, n); p.existing[subject+" "+name].ID != 0 {
			last = name
		}
	}
	if old, ok := p.existing[subject+" "+last]; ok && old.State.HasLeft() && p.calendar.Today(old.DueAt) != p.calendar.Today(from) {
		return fmt.Sprintf("%s-%d", step, sequence)
	}
	return last
}

// put plans m for the window from–to, or moves the row that is there.
func (p *planner) put(m Message, from, to time.Time) {
	m.State = Planned
	m.DueAt, m.RunAt, m.ValidUntil = from.UTC(), from.UTC(), to.UTC()
	old, ok := p.existing[m.Subject+" "+m.Step]
	if !ok {
		p.plan.Insert = append(p.plan.Insert, m)
		return
	}
	moved := !old.DueAt.Equal(m.DueAt) || !old.ValidUntil.IsZero() && old.DueAt.Equal(old.RunAt) && !old.ValidUntil.Equal(m.ValidUntil)
	m.ID = old.ID
	switch {
	case old.State == Planned && (moved || old.PersonID != m.PersonID || old.UserID != m.UserID || old.VisitID != m.VisitID):
		if !moved { // it may be waiting for a later window: that stays
			m.RunAt, m.ValidUntil = old.RunAt, old.ValidUntil
		}
		p.plan.Move = append(p.plan.Move, m)
	case old.State == Skipped && p.revives(m, old.Reason) && m.DueAt.After(p.now.AddDate(0, 0, -maxLate)):
		p.plan.Revive = append(p.plan.Revive, m)
	}
}

// revives says whether what made a step be skipped has gone, so that it may come after all: nothing of
// it was ever sent. A step is planned again only when something about the enrolment changed.
func (p *planner) revives(m Message, reason string) bool {
	// Steps of the company are its contact's; nobody else's are planned here.
	person := &p.subject.Person
	if m.PersonID != person.ID {
		person = p.subject.Contact
	}
	if person == nil || m.PersonID != person.ID {
		person = &Person{}
	}
	switch reason {
	case ReasonTooLate, ReasonNoContact, ReasonNoConsultant, ReasonNoAddress, ReasonChannelOff, ReasonNoBuddy:
		return true
	case ReasonOptedOut:
		return person.ID != 0 && person.OptedOutAt.IsZero()
	case ReasonWrongAddress:
		channel, _ := person.Address()
		return person.ID != 0 && !person.Faulty(channel)
	}
	return false
}

// skip plans a step that can never be due, so that it is not silently absent.
func (p *planner) skip(base Message, step string, kind Kind, week int, day Date, window Window) {
	m := base
	m.Step, m.Kind, m.Week = step, kind, week
	if _, ok := p.existing[m.Subject+" "+step]; ok {
		return
	}
	from, to := p.calendar.Span(day, window)
	m.DueAt, m.RunAt, m.ValidUntil = from.UTC(), from.UTC(), to.UTC()
	m.State, m.Reason = Skipped, ReasonSuperseded
	p.plan.Insert = append(p.plan.Insert, m)
}
