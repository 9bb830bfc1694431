package reminders

import (
	"fmt"
	"strings"
	"time"
)

// The inbox: what no rule could answer, and the people of the school who do. A conversation is all that was said
// with one person, or with one address that nobody is known by; a reply's id names the conversation it is part of.

// Viewer is who looks, and how much they may see: a consultant the people of their own companies, a teacher those of
// their classes, but nothing that sounds like trouble.
type Viewer struct {
	UserID int64
	Role   string
	All    bool // sees everybody
}

// Views of the inbox.
const (
	TalksMine    = "mine"    // waiting, and the viewer's to answer
	TalksAll     = "all"     // waiting
	TalksHandled = "handled" // dealt with by a person, the latest first
)

// TalkFilter asks for a page of the inbox.
type TalkFilter struct {
	Viewer Viewer
	View   string
	After  string // the Cursor of the last line of the page before; "" = the first page
	Limit  int    // 0 = 1000, the most
}

// Talk is a conversation as a line of the inbox.
type Talk struct {
	Reply   Reply   // what they wrote last of what waits; of one that is handled, what was handled last
	Person  *Person // nil = nobody we know
	Company string
	Urgent  bool
	Waiting int       // texts; 0 = handled
	Since   time.Time // when the oldest of them was written
	Owner   *User     // who is on it; nil = nobody yet
	Taken   bool      // they took it; else it is theirs by their company
	Cursor  string
}

// Known is what somebody knew of a conversation when they acted on it. How many replies there were belongs to it: one
// that could not be interpreted at once comes in later with an older id.
type Known struct {
	Reply   int64 // the newest
	Replies int
	Note    int64 // the newest KindNote; 0 = none
	Owner   int64 // who had taken it; 0 = nobody
}

func (k Known) String() string {
	return fmt.Sprintf("%d.%d.%d.%d", k.Reply, k.Replies, k.Note, k.Owner)
}

// ParseKnown reads what String wrote.
func ParseKnown(text string) (k Known, err error) {
	if _, err := fmt.Sscanf(text, "%d.%d.%d.%d", &k.Reply, &k.Replies, &k.Note, &k.Owner); err != nil {
		return Known{}, Errorf(EINVALID, "%q does not say what was known", text)
	}
	return k, nil
}

// Stale says whether something has been said since k, or another user than userID has taken the conversation.
func (k Known) Stale(now Known, userID int64) bool {
	return k.Reply != now.Reply || k.Replies != now.Replies || k.Note != now.Note || now.Owner != k.Owner && now.Owner != 0 && now.Owner != userID
}

// Placed is what a reply was counted as.
type Placed struct {
	QuestionID int64
	Kind       Kind // of the question
	Week       int
	Digit      string // "" = words about it
	Label      string // the digit's choice, as it was asked
	Meaning    string
	MovedAt    time.Time // zero = it counts
}

// Conversation is all that was said with one person, or with one unknown address.
type Conversation struct {
	Reply          Reply   // the one that names it
	Person         *Person // nil = nobody we know
	Stopped        bool    // said STOP, as a person or from the address: may not be written to
	Participations []Participation
	Leads          []Lead
	Company        *Company
	Replies        []Reply   // oldest first, the last 200
	Messages       []Message // that left, or are about to; oldest first, the last 200
	Placed         map[int64][]Placed
	Users          map[int64]User // who wrote, took or dealt with something here
	Owner          *User          // who is on it; nil = nobody yet
	Taken          bool
	Known          Known
	Hidden         int        // replies that are not for the viewer to read
	Sharers        []Person   // who else has an unknown sender's address: it tells nobody apart
	Questions      []Question // that the person was asked in the last 90 days, newest first
}

// Waiting are the replies that wait for a person, oldest first.
func (c Conversation) Waiting() (out []Reply) {
	for _, r := range c.Replies {
		if r.State == ReplyInbox {
			out = append(out, r)
		}
	}
	return out
}

// Written is what a consultant writes back.
type Written struct {
	ReplyID    int64
	AuthorID   int64
	Text       string
	Subject    string // of an e-mail
	Known      Known
	RunAt      time.Time
	ValidUntil time.Time // zero = at once, whatever the hour
}

// NoteStep is the key of the nth answer to a reply.
func NoteStep(n int) string { return fmt.Sprintf("answer-%d", n) }

// Move places a reply on another question, or on none.
type Move struct {
	ReplyID    int64
	UserID     int64
	QuestionID int64  // 0 = it is no answer
	Digit      string // "" = words about the question
}

// What a person decided about a reply stands in its Why, behind these words.
const (
	whyMoved    = "moved by "
	whyAttached = "attached by "
)

// WhyMoved is the Why of a reply that a user placed on step, "" = on none.
func WhyMoved(name, step, digit string) string {
	if step == "" {
		return whyMoved + name + ": not an answer"
	}
	return strings.TrimSpace(whyMoved + name + ": " + step + " " + digit)
}

// WhyAttached is the Why of a reply whose sender a user knew.
func WhyAttached(name string) string { return whyAttached + name }

// MovedBy is the name of who placed a reply, "" where a rule did.
func (r Reply) MovedBy() string {
	rest, ok := strings.CutPrefix(r.Why, whyMoved)
	if i := strings.LastIndex(rest, ": "); ok && i >= 0 {
		return rest[:i]
	}
	return ""
}

// AttachedBy is the name of who said whose number a reply came from, "" where nobody had to.
func (r Reply) AttachedBy() string {
	name, _ := strings.CutPrefix(r.Why, whyAttached)
	if name == r.Why {
		return ""
	}
	return name
}

// Found is a person that was looked for.
type Found struct {
	Person  Person
	Company string
}
