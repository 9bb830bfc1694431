package reminders

import "time"

// Candidate is an enrolment that needs a buddy.
type Candidate struct {
	Enrolment Enrolment
	Person    Person
}

// BuddyGroup is two participants of one company who support each other; once, three.
type BuddyGroup struct {
	ID          int64 // 0 = new
	CompanyID   int64
	Members     []BuddyMember
	Why         string    // in one line, for the consultant
	PublishedAt time.Time // zero = a draft, of which its members know nothing yet
}

// BuddyMember is one of a group. One of them starts.
type BuddyMember struct {
	EnrolmentID int64
	PersonID    int64
	Starter     bool
	New         bool // to be added to a group that exists
}

// PairSubject is a company in which somebody needs a buddy.
type PairSubject struct {
	Company    Company
	Candidates []Candidate         // active, without a group, exercise 1 near or past
	Groups     []BuddyGroup        // of the same company, programme not over
	Members    map[int64]Candidate // the members of Groups, by enrolment
	Past       [][2]int64          // pairs of persons who were buddies before
	Blocked    [][2]int64          // pairs of persons who are not to be
}

// Draft is what a consultant may still change about the buddies of a company.
type Draft struct {
	PairSubject           // Groups are the drafts alone, Candidates who is near and has no group
	Publishes   time.Time // when it publishes itself
	Version     string    // of what it shows; given back with a change
	Blocks      []Block
}

// Block keeps two people from being buddies.
type Block struct{ Person, Other Person }

// DraftChange is one change of a draft; the zero fields are none.
type DraftChange struct {
	CompanyID int64
	UserID    int64    // who makes it
	Known     string   // Draft.Version as they saw it
	Swap      [2]int64 // enrolments of two drafts that take each other's place
	Block     [2]int64 // persons who are not to be buddies: the company's drafts are made anew
	Unblock   [2]int64 // persons who may be again; nothing moves for it
	Publish   bool
}

// Why says in one line what a group has in common, as the pairing weighs it.
func (s PairSubject) Why(members []Candidate) string {
	known := newFitters(s)
	group := make([]*fitter, len(members))
	for i, c := range members {
		group[i] = known.of(c)
	}
	return why(group)
}

// May says whether two people of the company may be in one group.
func (s PairSubject) May(a, b Candidate) bool {
	known := newFitters(s)
	return known.of(a).may(known.of(b))
}
