package bot

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"efterkurs/bot/calendar"
	"efterkurs/reminders"
	"efterkurs/templates"
)

// visitKey is the text of a message about a visit that says what happened to it.
func visitKey(m reminders.Message) string {
	change := m.Params[reminders.ParamChange]
	switch m.Kind {
	case reminders.KindVisitInvitation:
		switch change {
		case "":
			return "visit-invitation"
		case reminders.ChangeUnplaced:
			return "visit-invitation-released"
		}
		return "visit-invitation-" + change
	case reminders.KindVisitMoved:
		switch change {
		case "":
			return "visit-arranged"
		case reminders.ChangeOther:
			return "visit-other"
		}
	case reminders.KindVisitCancelled:
		if change == reminders.ChangeCancelled {
			return "visit-called-off"
		}
	case reminders.KindVisitProposal:
		if m.Params[reminders.ParamWas] != "" {
			return "visit-released"
		}
	case reminders.KindStaffBooked:
		switch change {
		case reminders.ChangeMoved, reminders.ChangeOther:
			return "visit-staff-" + change
		}
	case reminders.KindStaffUrgent:
		if change == calendar.Declined {
			return "visit-staff-declined"
		}
	case reminders.KindStaffCancelled:
		switch change {
		case reminders.ChangeOther:
			return "visit-staff-given"
		case reminders.ChangeReleased, reminders.ChangeUnplaced:
			return "visit-staff-released"
		}
	}
	return string(m.Kind)
}

// invitation is what a mail about a visit carries for its reader's calendar; nil = nothing.
func (b *Bot) invitation(c reminders.Claim, lang string) (*reminders.Invitation, error) {
	if b.Organizer.Email == "" || c.Channel != reminders.Email || c.Visit == nil || c.Company == nil || c.Class == nil {
		return nil, nil
	}
	method := calendar.Request
	switch {
	case reminders.TakenOut(c.Message):
		method = calendar.Cancel
	case c.Kind == reminders.KindStaffBooked || c.Kind == reminders.KindVisitInvitation:
	default:
		return nil, nil
	}
	title := c.Class.Course
	if course, err := b.Texts.Course(c.Class.Course, lang); err == nil {
		title = course.Title
	}
	entry := calendar.Of(*c.Visit, c.Company.Name, title)
	entry.Sequence = reminders.VisitSequence(c.Message)
	if at, err := time.Parse(timeParam, c.Params[reminders.ParamWas]); method == calendar.Cancel && err == nil {
		entry.Start, entry.End = at, at.Add(reminders.VisitLength)
	}
	details, err := b.Texts.Message(lang, "visit-details") // the company reads it: nobody's words
	if err != nil {
		return nil, fmt.Errorf("invitation of visit %d: %w", c.Visit.ID, err)
	}
	if entry.Details, err = templates.Fill(details.SMS, b.values(c, lang)); err != nil {
		return nil, fmt.Errorf("invitation of visit %d: %w", c.Visit.ID, err)
	}
	content, err := calendar.Invitation(method, entry, b.Organizer, attendees(c, method))
	if err != nil {
		return nil, fmt.Errorf("invitation of visit %d: %w", c.Visit.ID, err)
	}
	return &reminders.Invitation{Method: method, Content: content}, nil
}

// attendees are those who come, in every invitation the same; whoever a visit is taken from hears of nobody else.
func attendees(c reminders.Claim, method string) (out []calendar.Party) {
	if c.User != nil && method == calendar.Cancel {
		return []calendar.Party{{Name: c.User.Name, Email: c.User.Email}}
	}
	if p := c.Contact; p != nil && p.Email != "" && p.OptedOutAt.IsZero() {
		out = append(out, calendar.Party{Name: p.Name, Email: p.Email})
	}
	for _, u := range []*reminders.User{c.Consultant, c.Teacher} {
		if p := (calendar.Party{}); u != nil && (u.ID == c.Visit.ConsultantID || u.ID == c.Visit.TeacherID) {
			if p.Name, p.Email = u.Name, u.Email; !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	return out
}

// invited writes down what somebody's calendar answers to an invitation. The UID proves that they were invited: nobody else
// has seen it. It is no reply of words, and nothing is said back; what was written beside it, and any refusal, waits for a
// person, and of a refusal the consultant is told at once.
func (t *turn) invited() {
	in := t.rc.Reply
	answer := in.Attributes[AttributeAnswer]
	t.effects.Kind, t.effects.Why = reminders.ReplyCalendar, "a calendar's answer to an invitation: "+answer
	i := t.rc.Invited
	if i == nil {
		t.effects.State, t.effects.Why = reminders.ReplyInbox, "a calendar's answer to no invitation of ours"
		return
	}
	t.effects.PersonID = i.PersonID
	sequence, _ := strconv.Atoi(in.Attributes[AttributeSequence])
	t.effects.Invited = &reminders.VisitAnswer{VisitID: i.Visit.ID, PersonID: i.PersonID, UserID: i.UserID, Sequence: sequence, Answer: answer, At: t.written()}
	if strings.TrimSpace(in.Text) != "" {
		t.effects.State = reminders.ReplyInbox
	}
	v := i.Visit
	if answer != calendar.Declined || v.State != reminders.VisitBooked || sequence != v.Sequence || i.UserID != 0 && i.UserID == v.ConsultantID {
		return
	}
	t.tellConsultant(v)
}
