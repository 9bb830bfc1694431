package reminders

import "time"

// State is where a message is in its life; see the package comment for the arrows.
type State string

const (
	Planned     State = "planned"
	Claimed     State = "claimed"
	Sending     State = "sending"
	Unknown     State = "unknown"
	Accepted    State = "accepted"
	Sent        State = "sent"
	Delivered   State = "delivered"
	Undelivered State = "undelivered"
	Failed      State = "failed"
	Skipped     State = "skipped"
)

// rank orders what a provider reports. A status only moves a message up; the first final state stays.
var rank = map[State]int{Sending: 1, Unknown: 1, Accepted: 2, Sent: 3, Delivered: 4, Undelivered: 4, Failed: 4}

// Advances says whether a provider's report of state to moves a message on from state from.
func Advances(from, to State) bool { return rank[from] > 0 && rank[to] > rank[from] }

// HasLeft says whether the provider took the message, whatever came of it afterwards.
func (s State) HasLeft() bool {
	return s == Accepted || s == Sent || s == Delivered || s == Undelivered
}

// Open says whether something is still to happen to the message before it can be called sent or skipped.
func (s State) Open() bool {
	return s == Planned || s == Claimed || s == Sending || s == Unknown
}

// Reasons why a message was skipped. They are shown to consultants, by a text in templates.
const (
	ReasonOptedOut     = "opted out"
	ReasonTooLate      = "too late"
	ReasonPaused       = "paused"
	ReasonNoAddress    = "no address"
	ReasonWrongAddress = "wrong address"
	ReasonChannelOff   = "channel off"
	ReasonAnswered     = "answered"  // a reminder whose question was answered
	ReasonNotAsked     = "not asked" // a reminder whose exercise never left
	ReasonNoBuddy      = "no buddy"  // alone in the company
	ReasonNoContact    = "no contact"
	ReasonNoConsultant = "no consultant"
	ReasonNoVisit      = "no visit"   // no visit was agreed
	ReasonSuperseded   = "superseded" // another message took its place
	ReasonUnknown      = "outcome unknown"
	ReasonErased       = "erased"
	ReasonNoText       = "no text"      // the templates have no such text; the log says which
	ReasonMachine      = "machine"      // an automatic answer to what seems to be a machine
	ReasonNotTogether  = "not together" // of a buddy group, not all can be written to in one Slack conversation
)

// Reasons why a message that is due waits.
const (
	ReasonHalted = "channel halted"
	ReasonSlowed = "channel slowed down"
	ReasonDoubt  = "asked whether to stop"
	ReasonUnread = "reply not understood" // one of theirs is stored, and what it means could not be written down yet
	ReasonDeaf   = "replies not read"     // a STOP may be among what could not be fetched yet
	ReasonLost   = "workspace lost"       // the company's Slack workspace does not let us in any more
)

// Decisions about outcomes that nobody saw. They stay with the try they are about, and are shown.
const (
	DecisionFound    = "found"    // the provider's own list has it
	DecisionReported = "reported" // a delivery report settled it
	DecisionUnsent   = "unsent"   // the provider's list does not have it: planned again
	DecisionAgain    = "again"    // nobody can be asked, and twice is better than never: planned again
	DecisionLeft     = "left"     // nobody can be asked, and never is better than twice
	DecisionEarlier  = "earlier"  // it left before the database was put back from a backup
)

// Kind is what a message is for. The texts in templates are found by kind and course.
type Kind string

const (
	KindWelcome       Kind = "welcome"
	KindExercise      Kind = "exercise"
	KindNudge         Kind = "nudge" // the one reminder of an unanswered exercise
	KindBuddy         Kind = "buddy"
	KindCheckin       Kind = "checkin"
	KindCheckinAgain  Kind = "checkin-again"
	KindBuddyJoined   Kind = "buddy-joined"
	KindBuddyLeft     Kind = "buddy-left"  // one of the group is no longer in it: who it is now, to those who stay
	KindBuddyShare    Kind = "buddy-share" // one of the group would like the number of the other, and give theirs
	KindBuddyGroup    Kind = "buddy-group" // to all of a buddy group at once, in a conversation of theirs (Slack)
	KindVisitDay      Kind = "visit-day"
	KindLeader        Kind = "leader"
	KindVisitProposal Kind = "visit-proposal"
	KindVisitAgain    Kind = "visit-proposal-again"
	KindVisitReminder Kind = "visit-reminder"       // to the contact
	KindStaffReminder Kind = "visit-staff-reminder" // to consultant and teacher
	KindStaffBooked   Kind = "visit-staff-booked"
	KindBrief         Kind = "visit-brief"
	KindVisitLetter   Kind = "visit-letter"   // to the contact after the visit: counts and agreements
	KindVisitAgreed   Kind = "visit-agreed"   // to the participants: what was agreed
	KindVisitFollowup Kind = "visit-followup" // to the contact, weeks after: is it done?

	KindVisitInvitation Kind = "visit-invitation"      // to the contact by e-mail, for their calendar, whatever their channel is
	KindVisitMoved      Kind = "visit-moved"           // to the contact: another time, or somebody else comes
	KindVisitCancelled  Kind = "visit-cancelled"       // to the contact
	KindStaffCancelled  Kind = "visit-staff-cancelled" // to consultant and teacher: called off, or no longer theirs

	KindStaffUrgent Kind = "staff-urgent" // to the consultant: somebody needs them now
	KindReply       Kind = "reply"        // what is said back to something a person wrote
	KindNote        Kind = "note"         // what a consultant wrote back, in their own words
)

// Priorities: the smaller goes first. What is said back to a person waits for no bulk.
const (
	PriorityReply = 0
	PriorityVisit = 1
	PriorityBulk  = 2
)

// Choice is one way to answer a question: a digit on a phone, a button in Slack and in e-mail.
type Choice struct {
	Digit   string `json:"digit"`
	Label   string `json:"label"`
	Meaning string `json:"meaning"` // yes, no, partly, plan, none, rating, barrier:<kind>, slot, again, stop, go-on, pause:<weeks>, erase, share, keep, who:<person>
}

// Message is one outgoing text: planned, then sent or skipped with a reason, never sent twice.
// Subject and Step together are its unique key: planning the same step again inserts nothing.
type Message struct {
	ID      int64
	Subject string // what the step belongs to: "enrolment/12", "class/3/company/2", "visit/4/contact", "reply/99"
	Step    string // "exercise-3"
	Kind    Kind
	Week    int // 1..6 for exercise, nudge, checkin; days before for a visit's reminder; of a reminder to choose a time anew the visit's Sequence; else 0

	PersonID    int64 // to whom: a Person …
	UserID      int64 // … or a User; both 0 = nobody known (a company without contact)
	EnrolmentID int64 // 0 = none
	CompanyID   int64
	ClassID     int64
	VisitID     int64
	QuestionID  int64             // the message this one reminds of or answers; 0 = none
	AuthorID    int64             // the User who wrote it; 0 = a rule did
	Params      map[string]string // what the text needs besides its context; "key" names the text of a KindReply

	Priority   int
	DueAt      time.Time // as the programme has it; lateness is counted from here
	RunAt      time.Time // not before; moved by retries and by waiting for the next window
	ValidUntil time.Time // the window's end: what has not left by then waits for the next one. Zero = any time

	State      State
	Reason     string // why skipped or failed, or what was decided about an unknown
	Worker     string // who claimed it
	LeaseUntil time.Time
	Attempts   int  // tries begun
	Resend     bool // a second try after an outcome nobody saw; the text says so

	Channel        string // as sent
	Address        string // as sent
	Workspace      string // as sent: the Slack team; "" = the single one
	Body           string // as sent; of a KindNote from the start, as written
	Choices        []Choice
	ProviderID     string
	ProviderStatus string
	ErrorCode      string
	SentAt         time.Time // when the provider took it
	UpdatedAt      time.Time
}

// Outgoing is a message ready for a channel.
type Outgoing struct {
	MessageID   int64
	Kind        Kind
	Channel     string
	To          string // E.164, Slack user id or e-mail (Slack: looked up; several with commas are a group), e-mail
	Workspace   string // Slack: the team it leaves through; "" = the single one
	Name        string // of the recipient
	Language    string
	Subject     string // e-mail
	Text        string // what the person reads; on SMS the choices are in it
	Choices     []Choice
	ValidUntil  time.Time   // the provider must not send it later; zero = its own default
	Participant bool        // gets List-Unsubscribe and the way out; staff do not
	See         string      // staff: the path of the page that it is about; "" = none
	Invitation  *Invitation // e-mail: for the reader's calendar; nil = none
}

// Invitation is a calendar object that goes along with a mail (RFC 6047).
type Invitation struct {
	Method  string // REQUEST or CANCEL
	Content []byte
}

// Outcome is what a try to send came to.
type Outcome string

const (
	OutcomeAccepted Outcome = "accepted" // the provider took it
	OutcomeRetry    Outcome = "retry"    // proven unsent, worth another try after RetryAfter
	OutcomeFailed   Outcome = "failed"   // refused, no automatic retry
	OutcomeUnknown  Outcome = "unknown"  // nobody saw the answer: never resent blindly
	OutcomeHalt     Outcome = "halt"     // proven unsent, and nothing else can leave on this channel now; in a workspace: there
)

// Result is what a channel says about one try. Detail never holds a secret, an address or a text.
type Result struct {
	Outcome     Outcome
	ProviderID  string
	Status      string // the provider's own word
	Code        string // the provider's error code
	Detail      string
	RetryAfter  time.Duration // 0 = the sender chooses
	Delivered   bool          // accepted and known to have arrived (a simulated phone)
	OptOut      bool          // the provider says this person opted out: suppress until START
	BadAddress  bool          // the address is wrong: stop using it, ask the consultant
	ThrottleAll bool          // slow the whole sender, not only this message
}

// Attempt is one try to send a message.
type Attempt struct {
	MessageID          int64
	Number             int
	Worker             string
	StartedAt, EndedAt time.Time
	Outcome            Outcome
	Code, Detail       string
	Decision           string // about an outcome nobody saw; "" = none
}
