package reminders

import (
	"context"
	"time"
)

// PlanSubject is an enrolment whose steps need planning, with all that its plan depends on.
type PlanSubject struct {
	Enrolment Enrolment
	Person    Person
	Class     Class
	Company   Company
	Contact   *Person   // the company's; nil = none known
	Version   int64     // given back with the plan: a change in between makes it be planned again
	Steps     []Message // what is planned, sent or skipped: of the enrolment, of its class and company, of their visit
	Exercises []Date    // days on which the person has an exercise of another class
	Visit     *Visit    // of the class and company; nil = not planned yet
}

// Plan is what planning an enrolment came to.
type Plan struct {
	EnrolmentID int64
	Version     int64
	Insert      []Message // inserted unless (Subject, Step) is there already
	Move        []Message // ID, PersonID, UserID, VisitID, DueAt, RunAt, ValidUntil of rows, changed only while they are planned
	Revive      []Message // the same of rows, changed and planned again only while they are skipped
	Visit       *Visit    // inserted for class and company, or its Earliest, ConsultantID and TeacherID changed while it is planned
}

// ClaimQuery says which messages a worker takes.
type ClaimQuery struct {
	Worker      string
	Now         time.Time
	Lease       time.Duration
	Limit       int
	MaxPriority int // only messages of this priority or before it
}

// Claim is a message in a worker's hands, with all that its text and the decision about it depend on.
type Claim struct {
	Message
	Person     *Person
	User       *User
	Enrolment  *Enrolment
	Class      *Class
	Company    *Company
	Contact    *Person       // the company's, of a message about a visit
	Consultant *User         // the visit's, else the company's
	Teacher    *User         // the class's
	Buddies    []Person      // the others of the enrolment's buddy group
	Starter    int64         // who starts in it; 0 = no group
	Group      int64         // its id
	Visit      *Visit        // of VisitID, else of ClassID and CompanyID
	Question   *Question     // what a reminder reminds of: see QuestionStep
	People     int           // participants of Company on Class
	Plan       string        // the person's own words for exercise 1, or ""
	Brief      *Brief        // of a visit's brief and the letter after it, filled in by the engine
	Outcome    *VisitOutcome // of what is sent after a visit, filled in by the engine
	TriedAt    time.Time     // when the latest try began; only from Unknowns
}

// Intent is a message about to be handed to its channel.
type Intent struct {
	ID         int64
	Worker     string
	PersonID   int64
	Group      []Recipient // of a text to several at once: all of them, and nobody who said STOP
	Stranger   bool        // to an address that is nobody's, as far as anybody knows
	Channel    string
	Address    string
	Workspace  string
	Body       string
	Choices    []Choice
	ValidUntil time.Time
	Kind       Kind
	Day        Date // of an exercise: at most one a day leaves to a person; zero for all else
}

// Recipient is one of several that a text goes to at once.
type Recipient struct {
	PersonID int64
	Address  string
}

// Began is what became of an Intent.
type Began string

const (
	Begun      Began = "begun"       // committed: now, and only now, the provider may be called
	BegunNot   Began = "lost"        // the lease was over or another worker has it: leave it alone
	OptedOut   Began = "opted out"   // skipped in the same transaction
	DayTaken   Began = "day taken"   // the person has had an exercise today; still claimed
	Held       Began = "held"        // the channel was halted or asked to slow down meanwhile; still claimed
	InDoubt    Began = "in doubt"    // they were asked meanwhile whether they want to stop; still claimed
	Unread     Began = "unread"      // they have written something that is stored and not understood yet; still claimed
	LeftBefore Began = "left before" // the provider has it: the database is a backup that was put back. Recorded as accepted
)

// Change is a transition of one message. It is made only if the message is still in From and, for a
// claimed one, still this worker's; what came of a try (Attempt > 0) is recorded while the message is
// sending or unknown under that same attempt. An accepted try whose callback was faster only fills in
// what is missing.
type Change struct {
	ID         int64
	Worker     string
	From, To   State
	Attempt    int // number of the try this is the result of; 0 = none was made
	Reason     string
	Decision   string    // what was decided about an outcome nobody saw; kept with the try
	RunAt      time.Time // for To = Planned
	ValidUntil time.Time // for To = Planned
	Resend     bool      // for To = Planned after an unknown outcome
	Result     Result
	EndedAt    time.Time
	PersonID   int64  // whom Result.OptOut and Result.BadAddress are about; 0 = nobody
	Workspace  string // that it left through, if it did
}

// Erasure is a provider's copy of a text to somebody erased, still to be deleted.
type Erasure struct {
	ID         int64
	Channel    string
	Address    string // of a Slack user; "" elsewhere
	Workspace  string // "" = the single one
	ProviderID string
	Tries      int
}

// Tick is the record of one round of the clockwork.
type Tick struct {
	StartedAt time.Time
	Took      time.Duration
	Worker    string
	Counts    Counts
	Error     string
}

// RosterRow is one validated line of a roster, in the domain's types.
type RosterRow struct {
	Line            int
	Person          Person
	Company         string
	ClosedWeeks     *ClosedWeeks // nil = not said
	Postcode        string       // the company's; "" = not said
	Class           Class        // without ids; Name as in the file, "" = none
	Team            string
	Goal            string
	Basis           string
	Shared          bool   // others have Person's phone too: it is known by phone and name
	Contact         Person // zero Name and addresses = not said
	ConsultantEmail string
	TeacherEmail    string
}

// ImportResult counts what an import did.
type ImportResult struct {
	Rows      int `json:"rows"`
	Created   int `json:"created"`   // enrolments that are new
	Updated   int `json:"updated"`   // enrolments of which something changed
	Unchanged int `json:"unchanged"` // rows that changed nothing
	Companies int `json:"companies"` // new ones
	Classes   int `json:"classes"`   // new ones
	People    int `json:"people"`    // new ones
}

// Store is what the clockwork needs of a database. Every method is one transaction, and idempotent
// where it can be called again after a crash. Time comes from the caller, never from the database.
type Store interface {
	// EnrolmentsToPlan returns enrolments changed since they were last planned.
	EnrolmentsToPlan(ctx context.Context, limit int) ([]PlanSubject, error)
	SavePlans(ctx context.Context, now time.Time, plans []Plan) error

	// CompaniesToPair returns companies with a participant who has no group and whose exercise 1 is
	// due before near; classes that ended before past are over.
	CompaniesToPair(ctx context.Context, near time.Time, past Date) ([]PairSubject, error)
	// SaveGroups stores groups as drafts and inserts say; ECONFLICT where somebody is in a group already.
	SaveGroups(ctx context.Context, now time.Time, groups []BuddyGroup, say []Message) error
	// PublishGroups publishes drafts with somebody whose exercise 1 is due before near.
	PublishGroups(ctx context.Context, now, near time.Time) error
	// LeaveGroups ends the membership of who has said STOP, was erased or is of another company now, and of who is left
	// alone by it, and plans a text to those who stay; classes that ended before past are over.
	LeaveGroups(ctx context.Context, now time.Time, past Date) error

	// Claim takes messages that are due, by priority and RunAt. Those to people who opted out are
	// skipped in the same transaction and counted; halted channels' messages stay.
	Claim(ctx context.Context, q ClaimQuery) (claimed []Claim, optedOut int, err error)
	// Begin commits what is about to be sent, opening an attempt. It re-checks lease, opt-out and day.
	Begin(ctx context.Context, now time.Time, intents []Intent) (map[int64]Began, error)
	Record(ctx context.Context, now time.Time, changes []Change) error
	// Report applies a provider's report; ENOTFOUND for a message that is not ours.
	Report(ctx context.Context, now time.Time, report StatusReport) error
	// Rescue frees what a dead worker left: claimed becomes planned, sending becomes unknown.
	Rescue(ctx context.Context, now time.Time) (released, unknown int, err error)
	// Unknowns returns messages that became unknown before before. Returning them does not touch them.
	Unknowns(ctx context.Context, before time.Time, limit int) ([]Claim, error)

	// Agenda returns what decides when the visit's consultant can be at its company, of what lies within.
	Agenda(ctx context.Context, visit Visit, within Span) (Agenda, error)
	// ProposeVisit replaces Slots, Round, State and ProposedAt of a visit that is not booked yet; ECONFLICT else.
	ProposeVisit(ctx context.Context, now time.Time, visit Visit) error
	// CloseVisits moves on visits whose time has passed: booked ones are held, proposed ones unplaced.
	CloseVisits(ctx context.Context, now time.Time) (int, error)
	// ClaimDiaries takes up to limit active users whose calendar was last tried every ago or longer, and notes now as when
	// it was: of two workers one gets each.
	ClaimDiaries(ctx context.Context, now time.Time, every time.Duration, limit int) ([]UserDiary, error)
	// SaveDiary replaces the spans of a user. Where fault is not "" the last known spans stay. An address that was changed
	// meanwhile keeps neither.
	SaveDiary(ctx context.Context, d UserDiary, spans []Span, fault string) error
	Brief(ctx context.Context, visitID int64) (Brief, error)
	// Outcome is what was last saved about a visit; of Version 0 where nothing was.
	Outcome(ctx context.Context, visitID int64) (VisitOutcome, error)

	// Reserve takes the next places in a channel's line, every apart, over all workers together, and returns the
	// instant of the first (now, or later). Where that is later than latest none is taken. A line further ahead
	// than a minute is stale and starts at now.
	Reserve(ctx context.Context, channel string, now, latest time.Time, places int, every time.Duration) (time.Time, error)
	// Throttle lets nothing leave on channel before until.
	Throttle(ctx context.Context, channel string, until time.Time) error
	// Halt stops a channel until somebody resumes it. code is the provider's, "" = none.
	Halt(ctx context.Context, now time.Time, channel, code, reason string) error
	Halted(ctx context.Context) (map[string]string, error) // channel to reason

	// PendingErasures returns provider copies of erased people that are to be deleted now, oldest first.
	PendingErasures(ctx context.Context, now time.Time, limit int) ([]Erasure, error)
	DoneErasure(ctx context.Context, id int64) error
	// DeferErasure puts a copy off that could not be deleted yet, and why.
	DeferErasure(ctx context.Context, id int64, until time.Time, why string) error

	Listening(ctx context.Context, channel string) (Listening, error)
	// Swept records that everything written on channel before until is taken in, and that nothing is missed any more
	// unless something was missed anew since missed was read.
	Swept(ctx context.Context, channel string, until, missed time.Time) error
	// Taken says which of a channel's incoming texts are in, by the provider's id.
	Taken(ctx context.Context, channel string, providerIDs []string) (map[string]bool, error)
	// Conversations returns the addresses that were written to on channel, through workspace, since since.
	Conversations(ctx context.Context, channel, workspace string, since time.Time) ([]string, error)
	// Workspaces lists the Slack workspaces that the app is or was installed into, without their tokens.
	Workspaces(ctx context.Context) ([]Workspace, error)
	// KeepStrays keeps, as keyed hashes, what left and no message knows of, and says how many are new.
	KeepStrays(ctx context.Context, now time.Time, left []Left) (int, error)
	// Knows says whether a message of ours has this provider's id.
	Knows(ctx context.Context, channel, providerID string) (bool, error)

	SaveTick(ctx context.Context, tick Tick) error
}
