package reminders

import "time"

// Inbound is one incoming text as a provider delivered it, before anybody interpreted it.
type Inbound struct {
	Channel    string
	ProviderID string            // the provider's id: the same id again is the same text
	From       string            // E.164, Slack user id, e-mail
	To         string            // our number, bot or mailbox
	Text       string            // as written; a button's digit
	QuestionID int64             // our message id where the reply names its question (button, thread, answer page); 0 = does not
	Media      []string          // addresses of pictures, shown to the consultant, never fetched by the bot
	OptOut     string            // what the provider did by itself: "STOP", "START", "HELP" or ""
	Attributes map[string]string // whatever else is worth keeping (num_segments, team_id, thread_ts …)
	At         time.Time         // when it reached us (UTC)
	Report     *StatusReport     // what it reports about a message of ours: a mail that came back. It is applied once, and not stored; nil = nothing
}

// StatusReport is what a provider reports about a message afterwards.
type StatusReport struct {
	MessageID  int64 // ours, from the callback's address; 0 = the callback does not say
	ProviderID string
	State      State  // Accepted, Sent, Delivered, Undelivered, Failed; "" for a status that moves nothing
	Raw        string // the provider's own word
	Code       string // the provider's error code; "" = none

	// What the error table says of Code, filled in before the report is stored.
	Channel     string    // whose provider reports
	RetryAt     time.Time // try again then, if fewer than MaxAttempts were made; zero = do not
	NextWindow  bool      // … but not before the person's next window
	MaxAttempts int
	OptOut      bool
	BadAddress  bool
	Mute        bool   // a machine seems to answer: say nothing back to this person
	HaltAfter   int    // so many such reports in a row halt the channel; 0 = none does
	Detail      string // why, in a sentence: the reason of a halt
}

// States of a reply.
const (
	ReplyReceived = "received" // stored, not yet interpreted
	ReplyHandled  = "handled"
	ReplyInbox    = "inbox" // waits for a person
)

// Kinds of reply: what it was taken for.
const (
	ReplyStop    = "stop"
	ReplyStart   = "start"
	ReplyAnswer  = "answer"
	ReplyCommand = "command"
	ReplyText    = "text"    // a reflection, kept in the person's own words
	ReplyUnknown = "unknown" // from somebody we do not know
	ReplyDoubt   = "doubt"   // may mean to stop: asked about
	ReplyTrouble = "trouble" // an accident, bullying, illness: only a person answers
	ReplyWho     = "who"     // says who of several with one phone writes
	ReplyAuto    = "auto"    // a machine's: out of office, a mail that came back

	ReplyCalendar = "calendar" // somebody's calendar answers an invitation
)

// Reply is one incoming text, stored.
type Reply struct {
	ID int64
	Inbound
	PersonID  int64 // 0 = not known (yet)
	State     string
	Kind      string
	Why       string // the reason for the interpretation, in a few words
	HandledAt time.Time

	Urgent      bool      // cannot wait until the consultant looks in
	AssignedID  int64     // the User who took it, or dealt with it; 0 = the consultant of the sender's company
	AssignedAt  time.Time // when
	AnsweredAt  time.Time // when a person first wrote back; zero = nobody has
	WithdrawnAt time.Time // when its writer deleted it: its words are shown no more; zero = not
}

// Question is a sent message that asked for a digit.
type Question struct {
	Message
	Answer  string // the digit that counts now; "" = unanswered
	Meaning string
}

// Participation is an enrolment with what surrounds it.
type Participation struct {
	Enrolment  Enrolment
	Class      Class
	Company    Company
	Consultant *User
	Buddies    []Person // the others of the buddy group
	Shared     []int64  // those of the group, themselves included, who agreed that it has their number
	Starter    int64    // the person who starts; 0 = no group
	Plan       string   // the person's own words for exercise 1, or ""
}

// Lead is a company by its contact, and who looks after it.
type Lead struct {
	Company
	Consultant *User // nil = nobody
}

// ReplyContext is what is needed to interpret a reply.
type ReplyContext struct {
	Reply          Reply
	Person         *Person         // nil = unknown
	Sharers        []Person        // where Person is nil: all whose address it is
	Asked          *Question       // … the question who of them writes, if it was asked lately
	Waiting        []int64         // … replies from that address that wait for its answer
	Strangers      int             // where nobody has the address: texts from it in the last days, this one included
	Said           int             // answers of ours to them in the last ten minutes
	Same           int             // texts of theirs in the last ten minutes that say the same, this one included
	Overtaken      bool            // a STOP or START written later has been taken in before this one
	Participations []Participation // newest class first
	Leads          []Lead          // companies whose contact the person is
	Questions      []Question      // sent to this person on this channel in the last 90 days, newest first
	Visits         []Visit         // of the companies in Leads that are not over, soonest first
	Invited        *Invited        // where it answers an invitation of ours, of one who was invited
}

// AnswerGiven is what a reply means for a question. All are kept; the last one counts.
type AnswerGiven struct {
	QuestionID  int64
	EnrolmentID int64
	Step        string // of the exercise or check-in, also where a reminder was answered
	Digit       string
	Meaning     string
}

// Share is what a member of a buddy group said of their number. Where another has agreed too, each is told the other's; where
// not yet, the other is asked, once.
type Share struct {
	EnrolmentID int64
	Yes         bool
}

// Invited is the visit that somebody was invited to: a company's contact, or one of the school's own.
type Invited struct {
	Visit    Visit
	PersonID int64
	UserID   int64
}

// VisitAnswer is what somebody's calendar answered to an invitation. All are kept; the latest of each counts.
type VisitAnswer struct {
	VisitID  int64
	PersonID int64 // exactly one of the two is set
	UserID   int64
	Name     string // of whom it is; from VisitAnswers only
	Sequence int    // of the invitation: one of an earlier time says nothing of this one
	Answer   string // accepted, declined, tentative
	At       time.Time
}

// Booking is the choice of a slot.
type Booking struct {
	VisitID int64
	Span    Span
}

// Effects is all that comes of one reply; the store applies it once and whole, or not at all.
type Effects struct {
	ReplyID     int64
	Kind, State string // of the reply afterwards
	Why         string
	Urgent      bool  // a person looks at once
	PersonID    int64 // 0 = unknown
	OptOut      bool  // of PersonID; where that is 0, of the address the reply came from and of everybody who has it
	OptIn       bool
	PauseUntil  time.Time // zero = unchanged
	Unpause     bool
	Language    string  // "" = unchanged
	Doubt       bool    // they may want to stop: nothing is sent until they have said
	Certain     bool    // they have said, or use the service: what was in doubt is settled
	Mute        bool    // a machine answers: nothing more is said back to it
	Reread      []int64 // replies that are PersonID's too, to be interpreted anew
	Erase       bool    // erase PersonID, after all else
	Answers     []AnswerGiven
	Share       *Share
	Book        *Booking
	Invited     *VisitAnswer
	NewSlots    *Visit    // a visit whose Slots, Round and State are replaced
	Say         []Message // inserted unless their (Subject, Step) is there already
}
