package reminders

// Candidate is an enrolment that needs a buddy.
type Candidate struct {
	Enrolment Enrolment
	Person    Person
}

// BuddyGroup is two participants of one company who support each other; once, three.
type BuddyGroup struct {
	ID        int64 // 0 = new
	CompanyID int64
	Members   []BuddyMember
	Why       string // in one line, for the consultant
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
	Blocked    [][2]int64          // pairs of persons who are never to be buddies, each in either order
}
