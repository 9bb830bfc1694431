package reminders

import "time"

// Filter narrows a list of enrolments; zero fields do not. Names are compared without case.
type Filter struct {
	Company   string
	Class     string
	ClassID   int64
	CompanyID int64
	PersonID  int64
	UserID    int64 // only the companies of this consultant, where they hold the visit, or the classes of this teacher
}

// StepStatus is one step as people see it.
type StepStatus struct {
	MessageID int64
	Step      string
	Kind      Kind
	Week      int
	Due       time.Time
	RunAt     time.Time
	State     State
	Reason    string
	SentAt    time.Time // zero = not sent
	Answer    string    // the digit that counts, "" = none
	Meaning   string
	Channel   string
	ErrorCode string
}

// EnrolmentStatus is a participant on a class with everything that was due and what came of it.
type EnrolmentStatus struct {
	EnrolmentID int64
	Person      Person
	Company     Company
	Class       Class
	Team        string
	Goal        string
	Steps       []StepStatus // of the enrolment, by due time
	Group       int64        // 0 = no buddy group
	Buddies     []string     // names of the others in it
	Peers       []int64      // their enrolments
	Visit       *Visit
	LastReplyAt time.Time
}

// VisitFilter narrows a list of visits; zero fields do not.
type VisitFilter struct {
	UserID    int64 // as consultant or teacher
	CompanyID int64
	ClassID   int64
	States    []string
	From, To  time.Time // of Start
	Limit     int       // 0 = all
}

// MessageFilter narrows a list of messages; zero fields do not. The newest come first.
type MessageFilter struct {
	PersonID  int64
	UserID    int64 // to this user
	CompanyID int64
	States    []State
	From      time.Time // of SentAt
	BeforeID  int64     // the next page: messages older than this one
	Limit     int       // 0 = 1000, the most
}

// ReplyFilter narrows a list of replies; zero fields do not. The newest come first.
type ReplyFilter struct {
	PersonID int64
	State    string
	BeforeID int64 // the next page: replies older than this one
	Limit    int   // 0 = 1000, the most
}
