package reminders

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// AgreedSteps is how many steps can be agreed at a visit.
const AgreedSteps = 5

// fewest is how many people a count must be of for the company to see it.
const fewest = 4

// followupDays is how long after the visit the contact is asked whether it is done.
const followupDays = 28

// proposalSoon is how long after a proposal its reminder comes where the times are near: the first is three working days ahead.
const proposalSoon = 2

// VisitOutcome is what came of a visit, as whoever was there wrote it down.
type VisitOutcome struct {
	VisitID     int64
	Version     int // rises with every save; 0 = nothing is saved
	Held        bool
	Met         string // whom
	Used        string // what is used from the course
	Unused      string // … and what is not
	Barriers    []string
	Steps       []AgreedStep
	NextContact Date   // zero = none agreed
	Note        string // for the school's own people
	Tell        bool   // the participants get Agreed as a text
	Agreed      string // one short sentence
	SavedBy     int64  // a User
	SavedAt     time.Time
}

// AgreedStep is one thing to be done after a visit.
type AgreedStep struct {
	What, Who string
	By        Date // zero = no day was set
}

// Same says whether two outcomes say the same, whoever saved them and when.
func (o VisitOutcome) Same(other VisitOutcome) bool {
	return o.Held == other.Held && o.Met == other.Met && o.Used == other.Used && o.Unused == other.Unused && o.Note == other.Note &&
		o.NextContact == other.NextContact && o.Tell == other.Tell && o.Agreed == other.Agreed &&
		slices.Equal(o.Barriers, other.Barriers) && slices.Equal(o.Steps, other.Steps)
}

// AfterVisit is what was sent after a visit and what came back.
type AfterVisit struct {
	Letter     *Message // to the contact; nil = none planned
	Texts      []Message
	Followup   *Message
	Answer     string // what the contact said to Followup: yes, partly, no; "" = nothing yet
	AnsweredAt time.Time
}

// Begun says whether what came of the visit can be written down.
func (v Visit) Begun(now time.Time) bool {
	return v.State == VisitHeld || v.State == VisitBooked && !now.Before(v.Start)
}

// OutcomeSubject is what the messages after a visit depend on.
type OutcomeSubject struct {
	Visit   Visit
	Company Company
	Contact *Person // nil = none known
	People  []EnrolmentStatus
	Outcome VisitOutcome
}

// AfterVisit plans what follows from an outcome. Each message has its key, so that saving again adds nothing twice;
// what it says is read from the outcome when it leaves.
func (c *Calendar) AfterVisit(now time.Time, s OutcomeSubject) (out []Message) {
	closed := s.Company.ClosedWeeks
	base := Message{CompanyID: s.Company.ID, ClassID: s.Visit.ClassID, VisitID: s.Visit.ID, Priority: PriorityVisit, State: Planned}
	put := func(m Message, from, to time.Time) {
		m.DueAt, m.RunAt, m.ValidUntil = from.UTC(), from.UTC(), to.UTC()
		out = append(out, m)
	}
	contact := base
	contact.PersonID = s.Company.ContactID
	window := DefaultWindow
	if s.Contact != nil {
		window = WindowOf(*s.Contact, s.Company)
	}
	from, to := c.NextSpan(now, window, closed)
	if !s.Outcome.Held {
		// The programme's own proposal has been sent: its key is taken. The visit's next Sequence makes one of its own.
		contact.Subject = fmt.Sprintf("%s/%d", VisitSubject(s.Visit.ID), s.Visit.Sequence+1)
		proposal, again := contact, contact
		proposal.Step, proposal.Kind = StepVisitProposal, KindVisitProposal
		again.Step, again.Kind = StepVisitAgain, KindVisitAgain
		put(proposal, from, to)
		from, to = c.Span(c.NextWorking(c.Today(from).AddDays(proposalSoon), closed), window)
		put(again, from, to)
		return out
	}
	contact.Subject = VisitSubject(s.Visit.ID)
	letter, followup := contact, contact
	letter.Step, letter.Kind = string(KindVisitLetter), KindVisitLetter
	put(letter, from, to)
	if len(s.Outcome.Steps) > 0 {
		followup.Step, followup.Kind = string(KindVisitFollowup), KindVisitFollowup
		day := c.Today(s.Visit.Start).AddDays(followupDays)
		if today := c.Today(now); day.Before(today) { // written down long after
			day = today.AddDays(1)
		}
		from, to := c.Span(c.NextWorking(day, closed), window)
		put(followup, from, to)
	}
	if s.Outcome.Tell {
		for _, p := range s.People {
			m := base
			m.Subject, m.PersonID, m.EnrolmentID, m.Priority = EnrolmentSubject(p.EnrolmentID), p.Person.ID, p.EnrolmentID, PriorityBulk
			m.Step, m.Kind = string(KindVisitAgreed), KindVisitAgreed
			from, to := c.NextSpan(now, WindowOf(p.Person, p.Company), closed)
			put(m, from, to)
		}
	}
	return out
}

// CompanyCounts is what a company may hear of its people: a zero is left out.
type CompanyCounts struct {
	People         int
	Sent, Answered int // exercises
	Mean           float64
	Barriers       map[string]int
}

// ForCompany leaves out every count of fewer than four people.
func (b Brief) ForCompany() CompanyCounts {
	out := CompanyCounts{Barriers: map[string]int{}}
	if b.People < fewest {
		return out
	}
	out.People = b.People
	for _, w := range b.Weeks {
		out.Sent += w.Sent
		out.Answered += w.Answered
	}
	if len(b.Ratings) >= fewest {
		out.Mean = b.MeanRating()
	}
	for kind, n := range b.Barriers {
		if n >= fewest {
			out.Barriers[kind] = n
		}
	}
	return out
}

// WithoutNames puts instead in the place of every part of the people's names but those of one person's own name.
func WithoutNames(text string, people []string, but, instead string) string {
	for _, name := range people {
		parts := append([]string{strings.TrimSpace(name)}, strings.Fields(name)...) // whole names first
		for _, part := range parts {
			if utf8.RuneCountInString(part) >= 2 && part != but && !slices.Contains(strings.Fields(but), part) {
				text = WithoutWord(text, part, instead)
			}
		}
	}
	return text
}

// WithoutWord puts instead in the place of word where it stands by itself, a genitive s included: Bo, not Bord.
func WithoutWord(text, word, instead string) string {
	var out strings.Builder
	for rest := text; ; {
		i := strings.Index(rest, word)
		if i < 0 || word == "" {
			out.WriteString(rest)
			return out.String()
		}
		before, _ := utf8.DecodeLastRuneInString(text[:len(text)-len(rest)+i])
		after := rest[i+len(word):]
		next, _ := utf8.DecodeRuneInString(strings.TrimPrefix(after, "s"))
		out.WriteString(rest[:i])
		if unicode.IsLetter(before) || unicode.IsLetter(next) {
			out.WriteString(word)
		} else {
			out.WriteString(instead)
		}
		rest = after
	}
}
