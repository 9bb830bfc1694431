package reminders

import "time"

// States of a visit.
const (
	VisitPlanned   = "planned"   // its date is known, nobody was asked yet
	VisitProposed  = "proposed"  // three times are with the contact
	VisitBooked    = "booked"    // the contact chose
	VisitHeld      = "held"      // its time has passed
	VisitCancelled = "cancelled" // called off
	VisitUnplaced  = "unplaced"  // no slot, no consultant, no contact or no answer: on the consultant's list
)

// Visit is the talk at the company two months after a class: one for each company of the class.
type Visit struct {
	ID           int64
	ClassID      int64
	CompanyID    int64
	ConsultantID int64 // 0 = none known
	TeacherID    int64
	State        string
	Earliest     Date        // the two-month date, moved by closed weeks
	Slots        []time.Time // the times last proposed, in the order of their digits
	Round        int         // how many times times were proposed
	Start, End   time.Time   // zero until booked
	UID          string      // the calendar entry's, the same for ever
	Sequence     int         // rises with every change of the calendar entry
	ProposedAt   time.Time
	UpdatedAt    time.Time
	Why          string // what whoever called it off, or gave it back, wrote; for the school alone
}

// Span is a stretch of time, from From until before To.
type Span struct{ From, To time.Time }

// Overlaps says whether the two stretches share a moment.
func (s Span) Overlaps(o Span) bool { return s.From.Before(o.To) && o.From.Before(s.To) }

// Brief is what consultant and teacher should know before a visit. It holds people's own words:
// it is never for the company.
type Brief struct {
	Visit    Visit
	Class    Class
	Company  Company
	Contact  *Person
	People   int
	Names    []string // theirs, to be kept out of what the company reads
	Weeks    [6]BriefWeek
	Ratings  []int          // self-ratings 1..5 of week 6, the latest of each person
	Barriers map[string]int // by kind
	Words    []BriefWords   // reflections, oldest first
	Goals    []BriefWords   // goals agreed before the course
	Checkins map[string]int // confirmed, half, open: groups and weeks
	Quiet    []string       // names of those who have been silent for two exercises
	Leader   string         // the leader's talk with their people: see LeaderAsked
}

// States of the leader's talk; "" = never asked about.
const (
	LeaderAsked  = "asked" // told to have it, and has not said
	LeaderHeld   = "held"
	LeaderNotYet = "not-yet"
)

// BriefWeek counts one week's exercise.
type BriefWeek struct{ Sent, Answered, Yes, Partly, No int }

// BriefWords is something a person wrote.
type BriefWords struct {
	Name    string
	Week    int // 0 = not about a week
	Text    string
	Barrier string // the kind that it came with; "" = none
}
