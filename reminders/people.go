package reminders

import (
	"slices"
	"strings"
	"time"
)

// Channels a person can be written to on.
const (
	SMS   = "sms"
	Slack = "slack"
	Email = "email"
)

// Shift is when a person is at work.
type Shift string

const (
	DayShift     Shift = "day"
	EveningShift Shift = "evening"
	NightShift   Shift = "night"
)

// Company is a customer of the school. Its contact is the nearest leader of the people it sends.
type Company struct {
	ID           int64
	Name         string
	Window       Window      // zero: none of its own
	Postcode     string      // "" = not known
	ClosedWeeks  ClosedWeeks // ISO weeks in which nothing is sent
	ContactID    int64       // a Person; 0 = none known
	ConsultantID int64       // a User; 0 = none known
	Workspace    string      // the team id of its own Slack workspace; "" = the single one, if any
}

// Class is a course held from Start to End, for one or more companies.
type Class struct {
	ID         int64
	Course     string // slug: 5s, forretning, smed, problemloesning
	Name       string // as the roster has it, else course and start
	Start, End Date
	Weekday    time.Weekday // the weekday chosen for the exercises; Sunday = none chosen
	TeacherID  int64        // a User; 0 = none known
}

// Person is anybody who is written to on a phone: participants and company contacts.
type Person struct {
	ID           int64
	Name         string
	Phone        string // E.164, "" = none
	Email        string
	SlackID      string
	SlackTeam    string // the workspace that SlackID is of; "" = not known, or the single one
	Channel      string // the one asked for; see Address
	Language     string // ISO 639-1
	Easy         bool   // prefers the short, easy text everywhere; never a diagnosis
	Shift        Shift
	Window       Window
	OptedOutAt   time.Time // zero = not
	PausedUntil  time.Time // zero = not
	AddressFault string    // the provider's code that says the address is wrong; "" = none. Of Slack with its name before it: see Faulty
	DoubtAt      time.Time // they were asked whether they want to stop, and have not answered: nothing else is sent; zero = not
	MutedAt      time.Time // a machine seems to answer: no automatic answers since then; zero = not
}

// FirstName is the part of the name that a colleague would use.
func (p Person) FirstName() string {
	first, _, _ := strings.Cut(strings.TrimSpace(p.Name), " ")
	return first
}

// SlackFault is how a fault of a Slack address is kept: who left a workspace may have a phone all the same.
func SlackFault(code string) string { return Slack + ":" + code }

// EmailFault is how a fault of the e-mail address is kept of who is written to elsewhere: only invitations go there.
func EmailFault(code string) string { return Email + ":" + code }

// Faulty says whether what is wrong with an address keeps the person from being written to on a channel. Of Slack that
// is Slack alone, and of an address that only gets invitations that one. Any other stops everything until somebody has asked
// for the right address.
func (p Person) Faulty(channel string) bool {
	switch {
	case strings.HasPrefix(p.AddressFault, SlackFault("")):
		return channel == Slack
	case strings.HasPrefix(p.AddressFault, EmailFault("")):
		return channel == Email
	}
	return p.AddressFault != ""
}

// Address is the channel and address to write to: the channel asked for where it has an address,
// else the first of sms, slack, email that has one. Both are "" where there is none. Who has left Slack is
// written to on the next channel, and has a Slack address only where there is no other.
// A Slack user may be known by e-mail only: the adapter looks the user up.
func (p Person) Address() (channel, address string) {
	on := map[string]string{SMS: p.Phone, Slack: p.SlackID, Email: p.Email}
	if p.Channel == Slack && p.SlackID == "" {
		on[Slack] = p.Email
	}
	order := slices.Insert([]string{SMS, Slack, Email}, 0, p.Channel)
	if p.Faulty(Slack) && !p.Faulty(SMS) {
		order = append(slices.DeleteFunc(order, func(channel string) bool { return channel == Slack }), Slack)
	}
	for _, channel := range order {
		if on[channel] != "" {
			return channel, on[channel]
		}
	}
	return "", ""
}

// Enrolment is a participant on a class.
type Enrolment struct {
	ID        int64
	PersonID  int64
	ClassID   int64
	CompanyID int64
	Team      string
	Goal      string
	Basis     string // consent, legitimate or "" (not stated): the legal basis, recorded with CreatedAt
	CreatedAt time.Time
}

// Roles of a user.
const (
	Admin      = "admin"
	Consultant = "consultant"
	Teacher    = "teacher"
)

// User is somebody at the school who signs in: consultant, teacher, administrator.
type User struct {
	ID            int64
	Email         string
	Name          string
	Role          string
	Language      string
	PasswordHash  string    // "" = cannot sign in yet (named in a roster only)
	CalendarToken string    // the unguessable part of the feed's address
	DisabledAt    time.Time // zero = active
	Hours         Hours     // when they can visit companies
	Postcode      string    // where they set out from; "" = not known
	BusyURL       string    // a calendar (ICS) of when they are taken; "" = none. Whoever has it can read it
	BusyFault     string    // what was wrong with it when it was last tried, a sentence; "" = nothing
}
