package diary

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-ical"
	"github.com/teambition/rrule-go"

	"efterkurs/reminders"
)

const (
	home = "Europe/Copenhagen"

	maxEvents   = 20_000
	maxTimes    = 1000    // of one series within the window
	maxSpans    = 50_000  // of all of them
	maxSteps    = 100_000 // of one series from its first day on: 270 years of days
	maxInterval = 1000
	maxRule     = 500     // characters
	maxDates    = 5000    // that are named one by one as added to a series or taken from it
	maxLine     = 8 << 10 // unfolded; the decoder's time grows with the square of a parameter's length
)

// windowsZones are the names that Outlook gives to zones near us. What is not known is taken as Europe/Copenhagen.
var windowsZones = map[string]string{
	"Romance Standard Time":        "Europe/Copenhagen",
	"W. Europe Standard Time":      "Europe/Berlin",
	"Central Europe Standard Time": "Europe/Budapest",
	"GMT Standard Time":            "Europe/London",
	"UTC":                          "UTC",
}

// Parse returns when the owner of a calendar is taken within, in order and without overlaps; loc is the zone of all-day events and of
// times without one. EINVALID where it is not a calendar, or one that cannot be read. It ends early, with EUNAVAILABLE, when ctx is done.
func Parse(ctx context.Context, raw []byte, loc *time.Location, within reminders.Span) (spans []reminders.Span, err error) {
	// Decoder and rules panic on some crafted input (a line that ends within a parameter).
	defer func() {
		if p := recover(); p != nil {
			spans, err = nil, reminders.Errorf(reminders.EINVALID, "the calendar cannot be read")
		}
	}()
	kept, err := filter(raw)
	if err != nil {
		return nil, err
	}
	cal, err := ical.NewDecoder(bytes.NewReader(kept)).Decode()
	if err != nil {
		return nil, reminders.Errorf(reminders.EINVALID, "the calendar cannot be read")
	}
	r := &reader{loc: loc, within: within, zones: map[string]*time.Location{}, replaced: map[string][]time.Time{}}
	var events []event
	for _, e := range cal.Events() {
		read, err := r.event(e)
		if err != nil {
			return nil, reminders.Errorf(reminders.EINVALID, "an appointment in the calendar cannot be read: %v", err)
		}
		if read.uid != "" && !read.replaces.IsZero() {
			r.replaced[read.uid] = append(r.replaced[read.uid], read.replaces)
		}
		events = append(events, read)
	}
	for _, e := range events {
		if ctx.Err() != nil {
			return nil, reminders.Errorf(reminders.EUNAVAILABLE, "the calendar takes too long to read")
		}
		if e.free {
			continue
		}
		if err := r.expand(e); err != nil {
			return nil, reminders.Errorf(reminders.EINVALID, "an appointment in the calendar cannot be read: %v", err)
		}
	}
	return merged(r.spans), nil
}

// wanted are the properties that are read. The others are not even decoded: they hold what people write.
var wanted = map[string]bool{"UID": true, "DTSTART": true, "DTEND": true, "DURATION": true, "RRULE": true, "RDATE": true, "EXDATE": true,
	"RECURRENCE-ID": true, "TRANSP": true, "STATUS": true, "X-MICROSOFT-CDO-BUSYSTATUS": true}

// filter returns one calendar of nothing but what is wanted of the events, so that neither depth nor length can harm the decoder.
func filter(raw []byte) ([]byte, error) {
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	raw = bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	raw = bytes.ReplaceAll(raw, []byte("\n "), nil)
	raw = bytes.ReplaceAll(raw, []byte("\n\t"), nil)
	var out bytes.Buffer
	out.WriteString("BEGIN:VCALENDAR\r\n")
	calendar, ended := false, false
	var event bool
	var inner string // a component that is passed over, up to its end
	var depth, events int
	for line := range bytes.SplitSeq(raw, []byte("\n")) {
		text := bytes.TrimSpace(line)
		name := text
		if i := bytes.IndexAny(text, ":;"); i >= 0 {
			name = text[:i]
		}
		upper := strings.ToUpper(string(name[:min(len(name), 40)]))
		component := ""
		if upper == "BEGIN" || upper == "END" {
			component = strings.ToUpper(string(text[min(len(text), len(upper)+1):]))
		}
		switch {
		case !calendar || ended:
			if upper == "BEGIN" && component == "VCALENDAR" {
				calendar, ended = true, false
			} else if len(text) > 0 {
				return nil, reminders.Errorf(reminders.EINVALID, "what is at the address is not a calendar (ICS)")
			}
		case inner != "":
			if component != inner {
				continue
			}
			if upper == "BEGIN" {
				depth++
			} else if depth--; depth == 0 {
				inner = ""
			}
		case upper == "BEGIN" && component == "VEVENT" && !event:
			if events++; events > maxEvents {
				return nil, reminders.Errorf(reminders.EINVALID, "the calendar holds more than %d appointments", maxEvents)
			}
			event = true
			out.WriteString("BEGIN:VEVENT\r\n")
		case upper == "BEGIN":
			inner, depth = component, 1
		case upper == "END" && component == "VEVENT" && event:
			event = false
			out.WriteString("END:VEVENT\r\n")
		case upper == "END" && component == "VCALENDAR" && !event:
			ended = true
		case event && wanted[upper]:
			if len(text) > maxLine {
				return nil, reminders.Errorf(reminders.EINVALID, "the calendar has a line that is longer than %d characters", maxLine)
			}
			out.Write(text)
			out.WriteString("\r\n")
		}
	}
	if !calendar {
		return nil, reminders.Errorf(reminders.EINVALID, "what is at the address is not a calendar (ICS)")
	}
	if !ended {
		return nil, reminders.Errorf(reminders.EINVALID, "the calendar ends in the middle")
	}
	out.WriteString("END:VCALENDAR\r\n")
	return out.Bytes(), nil
}

// event is one VEVENT: an appointment, a series, or what stands in place of one time of a series.
type event struct {
	uid      string
	start    time.Time // in its own zone, which a series is counted in
	length   time.Duration
	days     int // of an all-day event, instead of length
	rule     string
	also     []time.Time // RDATE
	not      []time.Time // EXDATE
	notDays  []string    // EXDATE of a day, as 20270330
	replaces time.Time   // RECURRENCE-ID
	free     bool
}

func (e event) end(start time.Time) time.Time {
	if e.days > 0 {
		return start.AddDate(0, 0, e.days)
	}
	return start.Add(e.length)
}

type reader struct {
	loc      *time.Location
	within   reminders.Span
	zones    map[string]*time.Location // by TZID
	replaced map[string][]time.Time    // by UID
	spans    []reminders.Span
}

func (r *reader) event(v ical.Event) (e event, err error) {
	word := func(name string) string {
		if p := v.Props.Get(name); p != nil {
			return strings.TrimSpace(p.Value)
		}
		return ""
	}
	e.uid = word(ical.PropUID)
	e.free = strings.EqualFold(word(ical.PropTransparency), "TRANSPARENT") || strings.EqualFold(word(ical.PropStatus), "CANCELLED") ||
		strings.EqualFold(word("X-MICROSOFT-CDO-BUSYSTATUS"), "FREE") || ours(e.uid)
	if p := v.Props.Get(ical.PropRecurrenceID); p != nil {
		if e.replaces, _, err = r.moment(p, p.Value); err != nil {
			return e, err
		}
	}
	p := v.Props.Get(ical.PropDateTimeStart)
	if p == nil {
		if e.free {
			return e, nil
		}
		return e, fmt.Errorf("it has no beginning")
	}
	var allDay bool
	if e.start, allDay, err = r.moment(p, p.Value); err != nil {
		return e, err
	}
	switch end, duration := v.Props.Get(ical.PropDateTimeEnd), v.Props.Get(ical.PropDuration); {
	case end != nil:
		until, _, err := r.moment(end, end.Value)
		if err != nil {
			return e, err
		}
		e.length = until.Sub(e.start)
	case duration != nil:
		if e.length, err = duration.Duration(); err != nil {
			return e, fmt.Errorf("%q is not a length", duration.Value)
		}
	case allDay:
		e.length = 24 * time.Hour
	}
	if allDay {
		// A day of the change to summer time is an hour short.
		e.days = max(1, int((e.length+12*time.Hour)/(24*time.Hour)))
	}
	e.rule = word(ical.PropRecurrenceRule)
	for _, list := range []struct {
		name string
		to   *[]time.Time
	}{{ical.PropRecurrenceDates, &e.also}, {ical.PropExceptionDates, &e.not}} {
		for _, p := range v.Props.Values(list.name) {
			for text := range strings.SplitSeq(p.Value, ",") {
				text, _, _ = strings.Cut(text, "/") // a period is taken by its start
				at, day, err := r.moment(&p, text)
				if err != nil {
					return e, err
				}
				if day && !allDay && list.name == ical.PropExceptionDates {
					e.notDays = append(e.notDays, at.Format(dayFormat))
					continue
				}
				*list.to = append(*list.to, at)
			}
			if len(e.also)+len(e.not)+len(e.notDays) > maxDates {
				return e, fmt.Errorf("it names more than %d dates", maxDates)
			}
		}
	}
	return e, nil
}

// ours says whether an event is an invitation of this program: the visit stands in the agenda already, with the drive to it.
func ours(uid string) bool {
	return strings.HasPrefix(uid, "visit-") && strings.HasSuffix(uid, "@efterkurs")
}

const (
	dayFormat    = "20060102"
	momentFormat = "20060102T150405"
)

// moment reads a date or date-time in the zone that its property names. Years far away are refused: nobody meets in them.
func (r *reader) moment(p *ical.Prop, text string) (at time.Time, day bool, err error) {
	text = strings.TrimSpace(text)
	switch loc := r.zone(p.Params.Get(ical.PropTimezoneID)); {
	case len(text) == len(dayFormat):
		at, err = time.ParseInLocation(dayFormat, text, r.loc)
		day = true
	case strings.HasSuffix(text, "Z"):
		at, err = time.ParseInLocation(momentFormat+"Z", text, time.UTC)
	default:
		at, err = time.ParseInLocation(momentFormat, text, loc)
	}
	if err != nil || at.Year() < 1600 || at.Year() > 9000 { // Outlook writes 1601 for never
		return at, day, fmt.Errorf("%.40q is not a date", text)
	}
	return at, day, nil
}

func (r *reader) zone(id string) *time.Location {
	if id == "" {
		return r.loc
	}
	if loc, ok := r.zones[id]; ok {
		return loc
	}
	name := id
	if iana, ok := windowsZones[id]; ok {
		name = iana
	}
	loc, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		loc = r.loc
	}
	r.zones[id] = loc
	return loc
}

// expand adds the times of an event that lie within.
func (r *reader) expand(e event) error {
	var replaced []time.Time
	if e.replaces.IsZero() && e.uid != "" {
		replaced = r.replaced[e.uid]
	}
	add := func(start time.Time) (bool, error) {
		span := reminders.Span{From: start, To: e.end(start)}
		if !span.Overlaps(r.within) || !span.From.Before(span.To) {
			return false, nil
		}
		if slices.ContainsFunc(e.not, start.Equal) || slices.Contains(e.notDays, start.Format(dayFormat)) || slices.ContainsFunc(replaced, start.Equal) {
			return false, nil
		}
		if span.From.Before(r.within.From) {
			span.From = r.within.From
		}
		if span.To.After(r.within.To) {
			span.To = r.within.To
		}
		if len(r.spans) >= maxSpans {
			return false, fmt.Errorf("there are more than %d in %d days", maxSpans, Ahead/(24*time.Hour))
		}
		r.spans = append(r.spans, reminders.Span{From: span.From.UTC(), To: span.To.UTC()})
		return true, nil
	}
	for _, start := range append([]time.Time{e.start}, e.also...) {
		if _, err := add(start); err != nil {
			return err
		}
	}
	if e.rule == "" || !e.replaces.IsZero() || !e.start.Before(r.within.To) {
		return nil
	}
	rule, err := r.rule(e)
	if err != nil {
		return err
	}
	next := rule.Iterator()
	times := 0
	for range maxSteps {
		start, ok := next()
		if !ok || !start.Before(r.within.To) {
			return nil
		}
		added, err := add(start)
		if err != nil {
			return err
		}
		if added {
			times++
		}
		if times > maxTimes {
			return fmt.Errorf("it repeats more than %d times", maxTimes)
		}
	}
	return fmt.Errorf("it repeats too often")
}

func (r *reader) rule(e event) (*rrule.RRule, error) {
	wrong := fmt.Errorf("%.80q is not a rule of repetition", e.rule)
	if len(e.rule) > maxRule {
		return nil, wrong
	}
	option, err := rrule.StrToROptionInLocation(strings.ToUpper(e.rule), e.start.Location())
	if err != nil || option.Interval > maxInterval {
		return nil, wrong
	}
	a, b, c := len(option.Byhour), len(option.Byminute), len(option.Bysecond)
	// The library makes all times of a day at once, and counts in steps as short as the rule's.
	if option.Freq > rrule.DAILY || max(1, a)*max(1, b)*max(1, c) > 24 {
		return nil, fmt.Errorf("it repeats within the day")
	}
	// A day as the end is meant to be part of it, and so is a last time given to the day's beginning.
	for part := range strings.SplitSeq(strings.ToUpper(e.rule), ";") {
		if day, ok := strings.CutPrefix(part, "UNTIL="); ok && len(day) == len(dayFormat) {
			option.Until = option.Until.AddDate(0, 0, 1).Add(-time.Second)
		}
	}
	option.Dtstart = e.start
	rule, err := rrule.NewRRule(*option)
	if err != nil {
		return nil, wrong
	}
	return rule, nil
}

// merged puts spans in order and joins those that touch.
func merged(spans []reminders.Span) []reminders.Span {
	slices.SortFunc(spans, func(a, b reminders.Span) int { return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To)) })
	out := spans[:0]
	for _, s := range spans {
		if n := len(out); n > 0 && !s.From.After(out[n-1].To) {
			if s.To.After(out[n-1].To) {
				out[n-1].To = s.To
			}
			continue
		}
		out = append(out, s)
	}
	return out
}
