package reminders

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// VisitChange is what becomes of a visit at somebody's hand, and what is said about it. It is made whole or not at all, and
// only while the visit is as it was seen.
type VisitChange struct {
	Before, After Visit
	Say           []Message
}

// What a message about a visit tells of, in Params; without it a visit was booked.
const (
	ParamChange = "change"
	ParamWas    = "was" // the time that the visit had, RFC 3339

	ChangeMoved     = "moved"     // to another time
	ChangeOther     = "other"     // at the same time, with somebody else
	ChangeCancelled = "cancelled" // called off; of an invitation: taken out of the calendar
	ChangeReleased  = "released"  // back to a choice of times
	ChangeUnplaced  = "unplaced"  // back to the consultant's list: there are no times to choose from
)

// open says whether a visit can still be changed.
func (v Visit) open() bool { return v.State != VisitHeld && v.State != VisitCancelled }

// MoveVisit gives a visit a time, or another one; what was not booked is booked by it. EINVALID for a time that is
// over, and where nobody holds the visit.
func MoveVisit(now time.Time, v Visit, start time.Time) (VisitChange, error) {
	if !start.After(now) {
		return VisitChange{}, Errorf(EINVALID, "the new time is over")
	}
	if v.ConsultantID == 0 {
		return VisitChange{}, Errorf(EINVALID, "nobody holds the visit yet")
	}
	return v.becomes(now, func(after *Visit) {
		after.State, after.Start, after.End = VisitBooked, start.UTC(), start.UTC().Add(VisitLength)
	})
}

// CancelVisit calls a visit off. why is for the school alone; EINVALID without one.
func CancelVisit(now time.Time, v Visit, why string) (VisitChange, error) {
	if why = strings.TrimSpace(why); why == "" {
		return VisitChange{}, Errorf(EINVALID, "a reason is missing")
	}
	return v.becomes(now, func(after *Visit) { after.State, after.Why, after.Slots = VisitCancelled, why, nil })
}

// ReleaseVisit makes a choice of times of a visit again; with fewer than three it goes to the consultant's list.
func ReleaseVisit(now time.Time, v Visit, slots []time.Time) (VisitChange, error) {
	return v.becomes(now, func(after *Visit) {
		after.Start, after.End = time.Time{}, time.Time{}
		after.State, after.Slots, after.Round, after.ProposedAt = VisitProposed, slots, v.Round+1, now
		if len(slots) < slotsProposed {
			after.State, after.Slots = VisitUnplaced, nil
		}
	})
}

// ReassignVisit gives a visit to another consultant.
func ReassignVisit(now time.Time, v Visit, consultantID int64) (VisitChange, error) {
	if consultantID == v.ConsultantID {
		return VisitChange{}, Errorf(EINVALID, "the visit is theirs already")
	}
	return v.becomes(now, func(after *Visit) { after.ConsultantID = consultantID })
}

// becomes is the change of v that do makes. ECONFLICT where v is over or called off.
func (v Visit) becomes(now time.Time, do func(*Visit)) (VisitChange, error) {
	if !v.open() || v.State == VisitBooked && !now.Before(v.Start) {
		return VisitChange{}, Errorf(ECONFLICT, "the visit is over or called off")
	}
	after := v
	do(&after)
	after.Sequence, after.UpdatedAt = v.Sequence+1, now
	return VisitChange{Before: v, After: after}, nil
}

// Tell fills in what is said about a change, to each whom it touches once: consultant and teacher, those of before as well,
// and the contact on their channel, by mail beside it for their calendar. contact may be nil.
func (c *Calendar) Tell(now time.Time, change *VisitChange, company Company, contact *Person) {
	t := teller{calendar: c, now: now, visit: change.After, company: company, was: change.Before}
	t.staff()
	if contact != nil {
		t.contact(*contact)
	}
	change.Say = t.say
}

// teller collects what is said about a visit as it is now; was is what it was before, zero where it has just been booked.
type teller struct {
	calendar *Calendar
	now      time.Time
	visit    Visit
	was      Visit
	company  Company
	say      []Message
}

// invitations are what a booking brings with it at once. They have the keys that Tell's have.
func (c *Calendar) invitations(now time.Time, v Visit, company Company) []Message {
	t := teller{calendar: c, now: now, visit: v, company: company}
	t.staff()
	if company.ContactID != 0 {
		t.toContact(KindVisitInvitation, "")
	}
	return t.say
}

func (t *teller) booked() bool { return t.was.State == VisitBooked }

func (t *teller) staff() {
	v, was := t.visit, t.was
	for _, p := range []struct {
		who        string
		before, id int64
	}{{"consultant", was.ConsultantID, v.ConsultantID}, {"teacher", was.TeacherID, v.TeacherID}} {
		if p.who == "teacher" && p.id == v.ConsultantID { // one person, told once
			p.id = 0
		}
		if p.who == "teacher" && p.before == was.ConsultantID {
			p.before = 0
		}
		if v.State == VisitBooked && p.id != 0 {
			change := ""
			if t.booked() && (p.id == was.ConsultantID || p.id == was.TeacherID) {
				change = t.change()
			}
			t.toUser(KindStaffBooked, p.who, p.id, change)
		}
		switch {
		case !t.booked() || p.before == 0:
		case v.State != VisitBooked:
			t.toUser(KindStaffCancelled, p.who, p.before, t.change())
		case p.before != v.ConsultantID && p.before != v.TeacherID:
			t.toUser(KindStaffCancelled, p.who, p.before, ChangeOther)
		}
	}
}

func (t *teller) contact(contact Person) {
	channel, _ := contact.Address()
	change := t.change()
	byMail := channel == Email // then the mail that tells carries what the calendar needs
	switch change {
	case ChangeMoved, ChangeOther, "":
		if t.visit.State != VisitBooked {
			return // they have not chosen yet: nothing is another way for them
		}
		if !byMail {
			t.toContact(KindVisitMoved, change)
		}
		t.toContact(KindVisitInvitation, change)
	case ChangeReleased:
		t.toContact(KindVisitProposal, change)
		t.remindToChoose()
		if t.booked() && !byMail {
			t.toContact(KindVisitInvitation, change)
		}
	case ChangeCancelled, ChangeUnplaced:
		if t.was.State == VisitPlanned {
			return // they have heard of no visit
		}
		if !byMail || !t.booked() {
			t.toContact(KindVisitCancelled, change)
		}
		if t.booked() {
			t.toContact(KindVisitInvitation, change)
		}
	}
}

// change is what happened, in a word; "" = it was booked.
func (t *teller) change() string {
	v, was := t.visit, t.was
	switch {
	case v.State == VisitCancelled:
		return ChangeCancelled
	case v.State == VisitUnplaced && was.State != VisitUnplaced:
		return ChangeUnplaced
	case v.State == VisitProposed && v.Round != was.Round:
		return ChangeReleased
	case t.booked() && !v.Start.Equal(was.Start):
		return ChangeMoved
	case t.booked():
		return ChangeOther
	}
	return ""
}

func (t *teller) toUser(kind Kind, who string, userID int64, change string) {
	t.add(Message{Kind: kind, UserID: userID}, who, change, OfficeWindow, nil)
}

func (t *teller) toContact(kind Kind, change string) {
	window := t.company.Window
	if window.IsZero() {
		window = DefaultWindow
	}
	t.add(Message{Kind: kind, PersonID: t.company.ContactID}, "contact", change, window, t.company.ClosedWeeks)
}

// remindToChoose plans the one reminder of the times just offered.
func (t *teller) remindToChoose() {
	now := t.now
	t.now = t.calendar.NextWorking(t.calendar.Today(now).AddDays(proposalAgain), t.company.ClosedWeeks).At(0, t.calendar.Location)
	t.toContact(KindVisitAgain, ChangeReleased)
	t.say[len(t.say)-1].Week = t.visit.Sequence
	t.now = now
}

func (t *teller) add(m Message, who, change string, window Window, closed ClosedWeeks) {
	v := t.visit
	m.Subject, m.CompanyID, m.ClassID, m.VisitID = VisitSubject(v.ID), v.CompanyID, v.ClassID, v.ID
	m.Step = fmt.Sprintf("%s-%d-%s", m.Kind, v.Sequence, who) // a visit changed anew is told anew
	m.Priority, m.State = PriorityVisit, Planned
	from, to := t.calendar.NextSpan(t.now, window, closed)
	m.DueAt, m.RunAt, m.ValidUntil = from.UTC(), from.UTC(), to.UTC()
	if change != "" {
		m.Params = map[string]string{ParamChange: change}
		if t.booked() {
			m.Params[ParamWas] = t.was.Start.UTC().Format(time.RFC3339)
		}
	}
	t.say = append(t.say, m)
}

// VisitSequence is the Sequence of the visit that a message tells of; 0 = it tells of none in particular.
func VisitSequence(m Message) int {
	number, _, _ := strings.Cut(strings.TrimPrefix(m.Step, string(m.Kind)+"-"), "-")
	n, _ := strconv.Atoi(number)
	return n
}

// TakenOut says whether a message takes a visit out of its reader's calendar.
func TakenOut(m Message) bool {
	switch m.Kind {
	case KindStaffCancelled:
		return true
	case KindVisitInvitation, KindVisitCancelled, KindVisitProposal:
		switch m.Params[ParamChange] {
		case ChangeCancelled, ChangeReleased, ChangeUnplaced:
			return m.Params[ParamWas] != ""
		}
	}
	return false
}

// overtaken says whether a visit has changed since c was planned to tell of it: what came after tells of it as it is now.
func (c *Claim) overtaken() bool {
	v := c.Visit
	if v == nil {
		return false
	}
	theirs := c.UserID == v.ConsultantID || c.UserID == v.TeacherID
	switch c.Kind {
	case KindVisitMoved, KindVisitCancelled, KindVisitInvitation:
		return VisitSequence(c.Message) != v.Sequence
	case KindVisitProposal, KindVisitAgain:
		return c.Params[ParamChange] != "" && VisitSequence(c.Message) != v.Sequence
	case KindStaffBooked:
		return VisitSequence(c.Message) != v.Sequence || !theirs
	case KindStaffReminder, KindBrief:
		return !theirs
	case KindStaffCancelled:
		return v.State == VisitBooked && theirs
	}
	return false
}

// HandOver gives what one user has of a visit to another.
func HandOver(now time.Time, v Visit, from, to int64) (VisitChange, error) {
	return v.becomes(now, func(after *Visit) {
		if v.ConsultantID == from {
			after.ConsultantID = to
		}
		if v.TeacherID == from {
			after.TeacherID = to
		}
	})
}
