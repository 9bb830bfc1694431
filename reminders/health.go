package reminders

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// What counts as late. A tick is due every minute, and everything but a bulk leaves within it.
const (
	TickLate   = 5 * time.Minute  // five missed wake-ups
	dueLate    = 15 * time.Minute // a message due that long, with no worker at it
	leaseLate  = 2 * time.Minute  // past its end, two ticks should have taken the message back
	unknownOld = unknownLimit + 5*time.Minute
	unreadOld  = 5 * time.Minute // a reply is interpreted when it comes, or by the next tick
	// staleLine is how far ahead a channel's line can be: further ahead a clock set wrong has left it.
	staleLine = time.Minute
)

// Health is how the installation is at an instant. All counts are of the whole school, whichever process asks.
type Health struct {
	Due           int       // messages whose time has come and that are not sent
	OldestDue     time.Time // when the oldest of them was due; zero = none
	Claimed       int       // in workers' hands
	OldestClaimed time.Time
	Lapsed        int       // of Claimed: their lease is over, and nobody has taken them back yet
	LapsedSince   time.Time // when the first of those leases ended
	WorkedAt      time.Time // the last sign of a worker at work, in a tick that may not have ended; zero = none
	Unknown       int       // outcomes nobody saw
	OldestUnknown time.Time
	Unread        int // replies that are stored and not interpreted
	OldestUnread  time.Time
	Inbox         int // replies that wait for a person
	OldestInbox   time.Time
	LastTick      Tick
	Halted        map[string]Halt      // by channel
	Throttled     map[string]time.Time // by channel: nothing leaves before
	Ahead         map[string]time.Time // by channel: the next free place in its line
	Heard         map[string]Listening // by source: how far incoming texts are known to be in
	Lost          []Workspace          // Slack workspaces that do not let us in any more

	// What a process knows by its configuration; see Examine.
	Off   []string // channels that are not configured
	Lines []Line
}

// Halt is why and since when a channel is stopped.
type Halt struct {
	At           time.Time
	Code, Reason string // the provider's code, "" = none; a sentence for who has no words for the code
}

// Waiting is a group of messages that are due and not sent, of one channel and window.
type Waiting struct {
	Channel    string
	Priority   int
	RunAt      time.Time
	ValidUntil time.Time // zero = any time
	Count      int
}

// Line is what waits for one channel, and when it will be through.
type Line struct {
	Channel string
	Due     int
	Every   time.Duration // between two messages; 0 = as fast as the provider takes them
	Through time.Time     // when the last that leaves today leaves; zero = nobody can say
	Missed  int           // of Due: not before their window ends, so in the next one
}

// Level is how bad a Finding is.
type Level string

const (
	Bad  Level = "bad"  // not ready: nothing is sent, or not on one channel
	Warn Level = "warn" // look at it today
	Note Level = "note" // good to know
)

// Findings, by what they are called in texts.
const (
	FoundNoTick    = "tick-never"
	FoundLateTick  = "tick-late"
	FoundHalt      = "halted"
	FoundTickError = "tick-failed"
	FoundStuck     = "due-stuck"
	FoundLapsed    = "claims-lapsed"
	FoundUnknown   = "unknown"
	FoundOldDoubt  = "unknown-old"
	FoundThrottle  = "throttled"
	FoundDeaf      = "deaf"
	FoundUnread    = "unread"
	FoundOff       = "off"
	FoundLost      = "workspace-lost"
)

// Finding is one thing to say about the health. Its words are in templates, by Key.
type Finding struct {
	Level        Level
	Key          string
	Channel      string
	Code, Detail string    // of a halt, of a lost workspace (Detail: who uses it); Detail of a failed tick too
	Workspace    string    // the team of a lost one
	Count        int       // of messages
	At           time.Time // since when, or until when (FoundThrottle)
}

// Findings says what is to be said, the worst first. The page, doctor and readiness all ask here and nowhere
// else, so that they never disagree.
func (h Health) Findings(now time.Time) []Finding {
	var all []Finding
	say := func(f Finding) { all = append(all, f) }
	last := h.LastTick.StartedAt.Add(h.LastTick.Took)
	// A bulk of ten thousand is one tick of a quarter of an hour: the worker in it is not late.
	alive := now.Sub(last) <= TickLate || now.Sub(h.WorkedAt) <= TickLate
	switch {
	case h.LastTick.StartedAt.IsZero() && !alive:
		say(Finding{Level: Bad, Key: FoundNoTick})
	case !alive:
		say(Finding{Level: Bad, Key: FoundLateTick, At: last})
	}
	for _, channel := range sorted(h.Halted) {
		halt := h.Halted[channel]
		say(Finding{Level: Bad, Key: FoundHalt, Channel: channel, Code: halt.Code, Detail: halt.Reason, At: halt.At})
	}
	for _, source := range sorted(h.Heard) {
		heard := h.Heard[source]
		channel, workspace := CutSource(source)
		level := Bad
		if workspace != "" { // the others go on
			level = Warn
		}
		if !heard.MissedSince.IsZero() && heard.MissedSince.Before(heard.Until) {
			heard.Until = heard.MissedSince
		}
		// Without a worker nobody asks: that is said above.
		if alive && !heard.Until.IsZero() && now.Sub(heard.Until) > TickLate && (workspace != "" || !slices.Contains(h.Off, channel)) {
			say(Finding{Level: level, Key: FoundDeaf, Channel: channel, At: heard.Until})
		}
	}
	for _, w := range h.Lost {
		used := strings.Join(w.Companies, ", ")
		if used == "" {
			used = w.Name
		}
		say(Finding{Level: Warn, Key: FoundLost, Channel: Slack, Code: w.LostReason, Detail: used, Workspace: w.TeamID, At: w.LostAt})
	}
	if h.LastTick.Error != "" {
		say(Finding{Level: Warn, Key: FoundTickError, Detail: h.LastTick.Error, At: last})
	}
	if alive && !h.OldestDue.IsZero() && now.Sub(h.OldestDue) > dueLate && now.Sub(h.WorkedAt) > TickLate {
		say(Finding{Level: Warn, Key: FoundStuck, Count: h.Due, At: h.OldestDue})
	}
	if h.Lapsed > 0 && now.Sub(h.LapsedSince) > leaseLate {
		say(Finding{Level: Warn, Key: FoundLapsed, Count: h.Lapsed, At: h.LapsedSince})
	}
	if h.Unread > 0 && now.Sub(h.OldestUnread) > unreadOld {
		say(Finding{Level: Warn, Key: FoundUnread, Count: h.Unread, At: h.OldestUnread})
	}
	switch {
	case h.Unknown > 0 && now.Sub(h.OldestUnknown) > unknownOld:
		say(Finding{Level: Warn, Key: FoundOldDoubt, Count: h.Unknown, At: h.OldestUnknown})
	case h.Unknown > 0:
		say(Finding{Level: Note, Key: FoundUnknown, Count: h.Unknown, At: h.OldestUnknown})
	}
	for _, channel := range sorted(h.Throttled) {
		if until := h.Throttled[channel]; until.After(now) {
			say(Finding{Level: Note, Key: FoundThrottle, Channel: channel, At: until})
		}
	}
	for _, channel := range h.Off {
		say(Finding{Level: Note, Key: FoundOff, Channel: channel})
	}
	worst := map[Level]int{Bad: 0, Warn: 1, Note: 2}
	slices.SortStableFunc(all, func(a, b Finding) int { return cmp.Compare(worst[a.Level], worst[b.Level]) })
	return all
}

// Worst is the level of the first finding, "" where there is none.
func Worst(findings []Finding) Level {
	if len(findings) == 0 {
		return ""
	}
	return findings[0].Level
}

func sorted[V any](m map[string]V) []string {
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// Examiner is what Examine needs of a database.
type Examiner interface {
	Health(ctx context.Context, now time.Time) (Health, error)
	Waiting(ctx context.Context, now time.Time) ([]Waiting, error)
}

// Configured is what Examine needs to know of the channels. A Desk is one.
type Configured interface {
	On(channel string) bool
	Every(channel string) time.Duration
}

// Examine reads the health and adds what this process knows of its channels: which are off, and when what waits
// for the others will be through.
func Examine(ctx context.Context, store Examiner, channels Configured, now time.Time) (Health, error) {
	h, err := Glance(ctx, store, channels, now)
	if err != nil {
		return h, err
	}
	waiting, err := store.Waiting(ctx, now)
	if err != nil {
		return h, err
	}
	h.Lines = h.lines(now, waiting, channels)
	return h, nil
}

// Glance is Examine without what waits: enough for every finding, and cheap enough to ask each second.
func Glance(ctx context.Context, store Examiner, channels Configured, now time.Time) (Health, error) {
	h, err := store.Health(ctx, now)
	if err != nil {
		return h, err
	}
	for _, channel := range []string{SMS, Slack, Email} {
		if !channels.On(channel) {
			h.Off = append(h.Off, channel)
		}
	}
	return h, nil
}

// lines reckons with each channel's rate: what is claimed next leaves next, by priority and then by age. What
// would leave after its window's end leaves its place to the one behind it. It knows nothing of the few that
// workers hold already, nor of what is answered meanwhile, so it is right to some seconds.
func (h Health) lines(now time.Time, waiting []Waiting, channels Configured) []Line {
	slices.SortStableFunc(waiting, func(a, b Waiting) int {
		return cmp.Or(cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Priority, b.Priority), a.RunAt.Compare(b.RunAt), a.ValidUntil.Compare(b.ValidUntil))
	})
	var out []Line
	var next time.Time // the place in the line of the next message
	for _, w := range waiting {
		if len(out) == 0 || out[len(out)-1].Channel != w.Channel {
			out = append(out, Line{Channel: w.Channel, Every: channels.Every(w.Channel)})
			next = h.place(w.Channel, now)
		}
		line := &out[len(out)-1]
		line.Due += w.Count
		if _, halted := h.Halted[w.Channel]; halted || !channels.On(w.Channel) || line.Every <= 0 {
			continue
		}
		fit := w.Count
		if !w.ValidUntil.IsZero() {
			fit = min(fit, max(0, int((w.ValidUntil.Sub(next)+line.Every-1)/line.Every)))
		}
		line.Missed += w.Count - fit
		next = next.Add(time.Duration(fit) * line.Every)
		if fit > 0 {
			line.Through = next.Add(-line.Every)
		}
	}
	return out
}

// place is when the next message may leave on a channel.
func (h Health) place(channel string, now time.Time) time.Time {
	place := now
	if until := h.Throttled[channel]; until.After(place) {
		place = until
	}
	if ahead := h.Ahead[channel]; ahead.After(place) && !ahead.After(place.Add(staleLine)) {
		place = ahead
	}
	return place
}

// StateCount counts messages.
type StateCount struct {
	Channel string
	State   State
	Count   int
}

// Tally counts what happened, by channel and what it was.
type Tally struct {
	Channel, What string
	Count         int
}

// Census is what happened since the first day.
type Census struct {
	Messages []StateCount
	Attempts []Tally // What = Outcome, "" while a try is under way
	Replies  []Tally // What = kind, "" = not interpreted yet
}
