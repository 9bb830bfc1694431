package reminders

import (
	"context"
	"slices"
	"testing"
	"time"
)

// noon is when these tests look.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// Each thing that can be wrong is one finding, of the level that the page, doctor and readiness go by. It fails
// where a threshold moves, where a finding is left out, or where what is well is found fault with.
func TestFindings(t *testing.T) {
	ago := func(d time.Duration) time.Time { return noon.Add(-d) }
	ticked := func(ended time.Duration) Tick {
		return Tick{StartedAt: ago(ended + time.Second), Took: time.Second}
	}
	well := func(change func(*Health)) Health {
		h := Health{LastTick: ticked(30 * time.Second)}
		change(&h)
		return h
	}
	for name, c := range map[string]struct {
		health Health
		want   []Finding
	}{
		"well":            {well(func(*Health) {}), nil},
		"never ticked":    {Health{}, []Finding{{Level: Bad, Key: FoundNoTick}}},
		"five minutes":    {well(func(h *Health) { h.LastTick = ticked(5 * time.Minute) }), nil},
		"late":            {well(func(h *Health) { h.LastTick = ticked(5*time.Minute + 1) }), []Finding{{Level: Bad, Key: FoundLateTick, At: ago(5*time.Minute + 1)}}},
		"in a long tick":  {well(func(h *Health) { h.LastTick, h.WorkedAt = ticked(time.Hour), ago(time.Minute) }), nil},
		"the first, long": {Health{WorkedAt: ago(time.Minute)}, nil},
		"died in a tick": {well(func(h *Health) { h.LastTick, h.WorkedAt = ticked(time.Hour), ago(6*time.Minute) }),
			[]Finding{{Level: Bad, Key: FoundLateTick, At: ago(time.Hour)}}},
		"failed": {well(func(h *Health) { h.LastTick.Error = "the disk is full" }), []Finding{{Level: Warn, Key: FoundTickError, Detail: "the disk is full", At: ago(30 * time.Second)}}},
		"halted": {well(func(h *Health) {
			h.Halted = map[string]Halt{Slack: {At: ago(time.Hour), Reason: "the token is not valid"}, Email: {At: noon, Code: "535"}}
		}), []Finding{{Level: Bad, Key: FoundHalt, Channel: Email, Code: "535", At: noon}, {Level: Bad, Key: FoundHalt, Channel: Slack, Detail: "the token is not valid", At: ago(time.Hour)}}},
		"due a while":     {well(func(h *Health) { h.Due, h.OldestDue = 3, ago(15*time.Minute) }), nil},
		"due, untouched":  {well(func(h *Health) { h.Due, h.OldestDue = 3, ago(16*time.Minute) }), []Finding{{Level: Warn, Key: FoundStuck, Count: 3, At: ago(16 * time.Minute)}}},
		"due, in a bulk":  {well(func(h *Health) { h.Due, h.OldestDue, h.WorkedAt = 3, ago(time.Hour), ago(time.Second) }), nil},
		"lease just over": {well(func(h *Health) { h.Lapsed, h.LapsedSince = 2, ago(2*time.Minute) }), nil},
		"lease over": {well(func(h *Health) { h.Lapsed, h.LapsedSince = 2, ago(3*time.Minute) }),
			[]Finding{{Level: Warn, Key: FoundLapsed, Count: 2, At: ago(3 * time.Minute)}}},
		"unknown": {well(func(h *Health) { h.Unknown, h.OldestUnknown = 1, ago(20*time.Minute) }),
			[]Finding{{Level: Note, Key: FoundUnknown, Count: 1, At: ago(20 * time.Minute)}}},
		"unknown for long": {well(func(h *Health) { h.Unknown, h.OldestUnknown = 1, ago(21*time.Minute) }),
			[]Finding{{Level: Warn, Key: FoundOldDoubt, Count: 1, At: ago(21 * time.Minute)}}},
		"a reply just in": {well(func(h *Health) { h.Unread, h.OldestUnread = 1, ago(5*time.Minute) }), nil},
		"unread": {well(func(h *Health) { h.Unread, h.OldestUnread = 2, ago(6*time.Minute) }),
			[]Finding{{Level: Warn, Key: FoundUnread, Count: 2, At: ago(6 * time.Minute)}}},
		"throttled":      {well(func(h *Health) { h.Throttled = map[string]time.Time{SMS: noon.Add(time.Minute)} }), []Finding{{Level: Note, Key: FoundThrottle, Channel: SMS, At: noon.Add(time.Minute)}}},
		"throttled once": {well(func(h *Health) { h.Throttled = map[string]time.Time{SMS: noon} }), nil},
		"deaf": {well(func(h *Health) {
			h.Off = []string{Slack}
			h.Heard = map[string]Listening{SMS: {Until: ago(6 * time.Minute)}, Slack: {Until: ago(time.Hour)}, Email: {}}
		}), []Finding{{Level: Bad, Key: FoundDeaf, Channel: SMS, At: ago(6 * time.Minute)}, {Level: Note, Key: FoundOff, Channel: Slack}}},
		"deaf since something was missed": {well(func(h *Health) {
			h.Heard = map[string]Listening{SMS: {Until: ago(0), MissedSince: ago(7 * time.Minute)}}
		}),
			[]Finding{{Level: Bad, Key: FoundDeaf, Channel: SMS, At: ago(7 * time.Minute)}}},
		"listening": {well(func(h *Health) { h.Heard = map[string]Listening{SMS: {Until: ago(5 * time.Minute)}} }), nil},
		"off":       {well(func(h *Health) { h.Off = []string{Slack} }), []Finding{{Level: Note, Key: FoundOff, Channel: Slack}}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.health.Findings(noon); !slices.Equal(got, c.want) {
				t.Errorf("found %+v\nwant  %+v", got, c.want)
			}
		})
	}
}

// The worst is said first, whatever else is so: who reads one line reads the one that matters.
func TestTheWorstIsFoundFirst(t *testing.T) {
	rank := []Level{Bad, Warn, Note}
	h := Health{Halted: map[string]Halt{SMS: {}}, LastTick: Tick{StartedAt: noon, Error: "x"}, Unknown: 1, OldestUnknown: noon, Lapsed: 1, Off: []string{Slack}}
	found := h.Findings(noon)
	if len(found) != 5 || Worst(found) != Bad || Worst(nil) != "" {
		t.Fatalf("%+v", found)
	}
	if !slices.IsSortedFunc(found, func(a, b Finding) int { return slices.Index(rank, a.Level) - slices.Index(rank, b.Level) }) {
		t.Errorf("%+v", found)
	}
}

// desk is what a process knows of its channels.
type desk map[string]time.Duration

func (d desk) On(channel string) bool             { _, on := d[channel]; return on }
func (d desk) Every(channel string) time.Duration { return d[channel] }

type examined struct {
	health  Health
	waiting []Waiting
}

func (e examined) Health(context.Context, time.Time) (Health, error)     { return e.health, nil }
func (e examined) Waiting(context.Context, time.Time) ([]Waiting, error) { return e.waiting, nil }

// The last of n messages leaves n-1 places after the first, and what would leave after its window's end leaves
// its place to the next. It fails where a throttle, a line that is ahead, a window or a halt is left out.
func TestWhenTheLastWillBeSent(t *testing.T) {
	const tenth = 100 * time.Millisecond
	bulk := func(n int, until time.Duration) Waiting {
		w := Waiting{Channel: SMS, Priority: PriorityBulk, RunAt: noon.Add(-time.Hour), Count: n}
		if until != 0 {
			w.ValidUntil = noon.Add(until)
		}
		return w
	}
	reply := Waiting{Channel: SMS, Priority: PriorityReply, RunAt: noon, Count: 10}
	for name, c := range map[string]struct {
		health  Health
		every   time.Duration
		waiting []Waiting
		want    Line
	}{
		"8412 at ten a second": {Health{}, tenth, []Waiting{bulk(8412, 2*time.Hour)}, Line{Due: 8412, Through: noon.Add(8411 * tenth)}},
		"one":                  {Health{}, tenth, []Waiting{bulk(1, time.Hour)}, Line{Due: 1, Through: noon}},
		"no window":            {Health{}, tenth, []Waiting{bulk(100_000, 0)}, Line{Due: 100_000, Through: noon.Add(99_999 * tenth)}},
		"a window too short":   {Health{}, tenth, []Waiting{bulk(1000, 10*time.Second)}, Line{Due: 1000, Through: noon.Add(99 * tenth), Missed: 900}},
		"a window that is over": {Health{}, tenth, []Waiting{bulk(7, -time.Second)},
			Line{Due: 7, Missed: 7}},
		"replies first": {Health{}, tenth, []Waiting{bulk(95, 10*time.Second), reply}, Line{Due: 105, Through: noon.Add(99 * tenth), Missed: 5}},
		"what misses leaves its place": {Health{}, time.Second, []Waiting{bulk(100, 10*time.Second), bulk(5, time.Hour)},
			Line{Due: 105, Through: noon.Add(14 * time.Second), Missed: 90}},
		"throttled":    {Health{Throttled: map[string]time.Time{SMS: noon.Add(time.Minute)}}, tenth, []Waiting{bulk(11, time.Hour)}, Line{Due: 11, Through: noon.Add(time.Minute + time.Second)}},
		"a line ahead": {Health{Ahead: map[string]time.Time{SMS: noon.Add(5 * time.Second)}}, tenth, []Waiting{bulk(11, time.Hour)}, Line{Due: 11, Through: noon.Add(6 * time.Second)}},
		"a clock once set wrong": {Health{Ahead: map[string]time.Time{SMS: noon.Add(5 * time.Hour)}}, tenth, []Waiting{bulk(11, time.Hour)},
			Line{Due: 11, Through: noon.Add(time.Second)}},
		"halted":      {Health{Halted: map[string]Halt{SMS: {}}}, tenth, []Waiting{bulk(11, time.Hour)}, Line{Due: 11}},
		"no rate set": {Health{}, 0, []Waiting{bulk(11, time.Hour)}, Line{Due: 11}},
	} {
		t.Run(name, func(t *testing.T) {
			h, err := Examine(t.Context(), examined{c.health, c.waiting}, desk{SMS: c.every}, noon)
			c.want.Channel, c.want.Every = SMS, c.every
			if err != nil || len(h.Lines) != 1 || h.Lines[0] != c.want {
				t.Errorf("%+v, %v\nwant %+v", h.Lines, err, c.want)
			}
			if !slices.Equal(h.Off, []string{Slack, Email}) {
				t.Errorf("off are %v", h.Off)
			}
		})
	}
}
