package web

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"efterkurs/reminders"
)

// funcs are what templates may call, in one language.
func (p *pages) funcs(lang string) template.FuncMap {
	f := words{p, lang}
	return template.FuncMap{
		"t": f.text, "tn": f.count, "word": f.word, "course": f.course, "step": f.step, "answer": f.answer,
		"day": f.day, "date": f.date, "dates": f.dates, "clock": f.clock, "moment": f.moment, "iso": iso, "until": f.until,
		"reason": f.reason, "fault": f.fault, "asset": p.address, "join": strings.Join, "list": list, "dict": dict,
		"first": func(name string) string { return reminders.Person{Name: name}.FirstName() }, "percent": percent,
		"langs": func() []string { return languages }, "key": key, "dayof": f.dayOf, "minute": f.minute, "deliverysign": deliverySign,
		"year": func(t time.Time) int { return f.local(t).Year() }, "short": short, "finding": f.finding, "line": f.line, "halt": f.halt, "lost": f.lost, "thousands": f.thousands, "levelsign": levelSign, "bar": bar, "top": top, "tall": tall,
		"inputdate": f.inputDate, "inputtime": f.inputTime, "span": f.span, "under": under, "movable": movable, "phone": phoneNumber, "countedas": countedAs, "barrierkinds": func() []string { return reminders.BarrierKinds }, "weekno": func(i int) int { return i + 1 },
	}
}

// words says things in one language.
type words struct {
	p    *pages
	lang string
}

// text is the page text key, with {name} replaced by the values given as name, value, name, value …
func (f words) text(key string, args ...any) string {
	text := f.p.Texts.Page(f.lang, key)
	for i := 0; i+1 < len(args); i += 2 {
		text = strings.ReplaceAll(text, fmt.Sprintf("{%v}", args[i]), fmt.Sprint(args[i+1]))
	}
	return text
}

// count is the text key-one or key-many, with {n}.
func (f words) count(key string, n int, args ...any) string {
	form := "-many"
	if n == 1 {
		form = "-one"
	}
	return f.text(key+form, append(args, "n", n)...)
}

func (f words) word(key string) string { return f.p.Texts.Word(f.lang, key) }

func (f words) course(slug string) string {
	if c, err := f.p.Texts.Course(slug, f.lang); err == nil {
		return c.Title
	}
	return slug
}

// step names a step: "Øvelse 3".
func (f words) step(kind reminders.Kind, week int) string {
	return f.text("step-"+string(kind), "n", week)
}

// answer is what a digit meant: "ja", or the kind of a barrier.
func (f words) answer(meaning string) string {
	if kind, ok := strings.CutPrefix(meaning, "barrier:"); ok {
		return f.word("barrier-" + kind)
	}
	if meaning == "" {
		return ""
	}
	return f.text("meaning-" + key(meaning))
}

// reason is why a step was skipped, in people's words; one we have no words for as it is.
func (f words) reason(reason string) string {
	if known := reasons[reason]; known {
		return f.text("reason-" + key(reason))
	}
	return reason
}

var reasons = map[string]bool{
	reminders.ReasonOptedOut: true, reminders.ReasonTooLate: true, reminders.ReasonPaused: true, reminders.ReasonNoAddress: true,
	reminders.ReasonWrongAddress: true, reminders.ReasonChannelOff: true, reminders.ReasonAnswered: true, reminders.ReasonNotAsked: true,
	reminders.ReasonNoBuddy: true, reminders.ReasonNoContact: true, reminders.ReasonNoConsultant: true, reminders.ReasonNoVisit: true,
	reminders.ReasonSuperseded: true, reminders.ReasonUnknown: true, reminders.ReasonErased: true, reminders.ReasonNoText: true,
	reminders.ReasonMachine: true, reminders.ReasonHalted: true, reminders.ReasonDeaf: true, reminders.ReasonUnread: true, reminders.ReasonDoubt: true, reminders.ReasonLost: true, reminders.ReasonNotTogether: true,
}

// faults are the providers' codes that a consultant can do something about (FACTS.md); the rest are shown as they are.
var faults = map[string]string{
	"21211": "number", "21214": "number", "21217": "number", "21401": "number", "21421": "number", "21614": "number", "21635": "number",
	"30005": "number", "30006": "landline", "30003": "off", "21610": "stopped", "30004": "blocked", "30007": "filtered", "30008": "lost",
	"user_disabled": "slack", "users_not_found": "slack", "user_not_found": "slack", "user_not_visible": "slack",
	"5.1.0": "mailbox", "5.1.1": "mailbox", "5.1.2": "mailbox", "5.1.3": "mailbox", "5.1.6": "mailbox", "5.1.10": "mailbox", "5.2.1": "mailbox", "5.4.1": "mailbox", "5.4.4": "mailbox",
	"550": "mailbox", "5.2.2": "full", "5.0.0": "came-back",
}

// fault explains a provider's error code; "" for none.
func (f words) fault(code string) string {
	code = strings.TrimPrefix(strings.TrimPrefix(code, reminders.SlackFault("")), reminders.EmailFault(""))
	said := strings.Fields(code)
	if len(said) == 0 {
		return ""
	}
	// A mail server's "550 5.1.1": the last says more.
	if fault := faults[said[len(said)-1]]; fault != "" {
		return f.text("fault-" + fault)
	}
	return f.text("fault-code", "code", code)
}

// key makes a word fit for a key: "opted out" becomes "opted-out".
func key(s string) string { return strings.NewReplacer(" ", "-", "_", "-").Replace(s) }

func (f words) local(t time.Time) time.Time { return t.In(f.p.Calendar.Location) }

// date is a day in full, as in "tirsdag 2. februar".
func (f words) date(t time.Time) string { return f.p.Texts.FormatDate(f.lang, f.local(t)) }

// day is a day at its shortest, as in "2. feb.".
func (f words) day(t time.Time) string { return f.dayOf(reminders.DateOf(f.local(t))) }

func (f words) dayOf(d reminders.Date) string {
	months := strings.Fields(f.text("months"))
	if d.IsZero() || len(months) != 12 {
		return ""
	}
	return f.text("day", "day", d.Day, "month", months[d.Month-1])
}

// dates is a stretch of days, as in "23. nov. – 24. nov. 2026".
func (f words) dates(from, to reminders.Date) string {
	year := " " + strconv.Itoa(to.Year)
	if from.IsZero() || from == to {
		return f.dayOf(to) + year
	}
	if from.Month == to.Month && from.Year == to.Year {
		return f.text("days", "from", from.Day, "to", f.dayOf(to)) + year
	}
	return f.dayOf(from) + " – " + f.dayOf(to) + year
}

// clock is a time of day, as in "14.00".
func (f words) clock(t time.Time) string {
	t = f.local(t)
	return f.text("clock", "hour", t.Hour(), "minute", fmt.Sprintf("%02d", t.Minute()))
}

// inputDate and inputTime are as a browser's fields for dates and times want them.
func (f words) inputDate(t time.Time) string { return f.local(t).Format("2006-01-02") }
func (f words) inputTime(t time.Time) string { return f.local(t).Format("15:04") }

// minute is a time of day without a day.
func (f words) minute(m reminders.Minute) string {
	return f.text("clock", "hour", int(m)/60, "minute", fmt.Sprintf("%02d", int(m)%60))
}

// deliverySign is the sign for a state where only the way of the message matters, not its answer.
func deliverySign(s reminders.State) string {
	return lookOf(reminders.StepStatus{State: s}, time.Time{})
}

// levelSign is the sign for how bad a finding is.
func levelSign(level reminders.Level) string {
	switch level {
	case reminders.Bad:
		return "fault"
	case reminders.Warn:
		return "unknown"
	}
	return "other"
}

// thousands is number for whatever a template has counted.
func (f words) thousands(n any) string {
	switch n := n.(type) {
	case int64:
		return f.number(int(n))
	case int:
		return f.number(n)
	}
	return fmt.Sprint(n)
}

// moment is a day and a time in a line of a table, as in "tir. 2. feb. 14.00".
func (f words) moment(t time.Time) string {
	days := strings.Fields(f.text("weekdays"))
	if t.IsZero() || len(days) != 7 {
		return ""
	}
	return days[f.local(t).Weekday()] + " " + f.day(t) + " " + f.clock(t)
}

// until says how far a day is away, as in "i dag", "i morgen", "om 5 dage", "for 2 dage siden".
func (f words) until(now, t time.Time) string {
	days := reminders.DateOf(f.local(t)).Sub(reminders.DateOf(f.local(now)))
	switch {
	case days == 0:
		return f.text("today")
	case days == 1:
		return f.text("tomorrow")
	case days == -1:
		return f.text("yesterday")
	case days > 0:
		return f.text("in-days", "n", days)
	}
	return f.text("days-ago", "n", -days)
}

// span is how long something took, in its largest unit, as in "20 min.", "3 timer" and "2 dage".
func (f words) span(from, to time.Time) string {
	switch d := to.Sub(from); {
	case d < time.Hour:
		return f.text("span-minutes", "n", max(1, int(d.Minutes())))
	case d < 24*time.Hour:
		return f.count("span-hours", int(d.Hours()))
	default:
		return f.count("span-days", int(d.Hours())/24)
	}
}

// phoneNumber is an address as people read it: a Danish number in pairs, as Danes write it.
func phoneNumber(address string) string {
	rest, ok := strings.CutPrefix(address, "+45")
	if !ok || len(rest) != 8 {
		return address
	}
	return rest[:2] + " " + rest[2:4] + " " + rest[4:6] + " " + rest[6:]
}

// under says whether a page is one of those below another in the navigation.
func under(href, here string) bool { return href != "/" && strings.HasPrefix(here, href+"/") }

func iso(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// address is where a static file is, with its stamp.
func (p *pages) address(name string) (string, error) {
	a, ok := p.static[name]
	if !ok {
		return "", fmt.Errorf("no static file %s", name)
	}
	return "/static/" + name + "?v=" + a.stamp, nil
}

// short is the first line of a text, for where there is no subject.
func short(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if r := []rune(line); len(r) > 120 {
		return string(r[:119]) + "…"
	}
	return line
}

// The plot of answer rates is 112 × 40: six bars of 14, 100 % is 36 high.

func bar(i int) int            { return 1 + 19*i }
func tall(percent int) float64 { return max(1, 0.36*float64(percent)) }
func top(percent int) float64  { return 38 - tall(percent) }

func list(items ...any) []any { return items }

// dict hands several values to a partial: name, value, name, value …
func dict(args ...any) map[string]any {
	out := map[string]any{}
	for i := 0; i+1 < len(args); i += 2 {
		out[fmt.Sprint(args[i])] = args[i+1]
	}
	return out
}
