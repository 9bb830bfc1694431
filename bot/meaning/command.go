package meaning

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// command reads what a person asks the bot to do.
func (v view) command(kind questionKind) (Meaning, bool) {
	if kind == slots && v.in("new") != "" {
		return Meaning{Kind: Command, Word: New, Clock: -1, Why: "other times"}, true
	}
	if w := v.in("start"); w != "" {
		return Meaning{Kind: Start, Why: "asks to start again: " + w}, true
	}
	if lang, w := v.language(); lang != "" {
		return Meaning{Kind: Command, Word: Language, Arg: lang, Clock: -1, Why: "asks for a language: " + w}, true
	}
	if w := v.in(CallMe); w != "" {
		return Meaning{Kind: Command, Word: CallMe, Clock: -1, Why: "wants to be called: " + w}, true
	}
	if m, ok := v.later(); ok {
		if away, ok := v.pause(); ok && m.Clock < 0 { // "ikke lige nu, har ferie"
			return away, true
		}
		return m, true
	}
	for _, word := range []string{Delete, Answers, Buddy, Help} {
		if w := v.in(word); w != "" {
			return Meaning{Kind: Command, Word: word, Clock: -1, Why: word + ": " + w}, true
		}
	}
	m, ok := v.pause()
	if ok && kind == slots { // away on those days
		return Meaning{Kind: Command, Word: New, Clock: -1, Why: "other times: " + m.Why}, true
	}
	return m, ok
}

// language reads which language somebody asks for.
func (v view) language() (code, why string) {
	g := v.groups["language"]
	text := v.core
	if g.strong != nil && v.lang == "da" { // "min dansk er dårlig" asks for none
		text = g.strong.ReplaceAllString(text, " ")
	}
	words := strings.Fields(text)
	for i, w := range slices.Backward(words) {
		code := ""
		for _, u := range unfixed(plain(w)) {
			code = cmp.Or(code, languages[u])
		}
		if g.last != nil && len(words) > 1 && !has(g.last, strings.Join(words[:i], " ")) {
			continue // tiếng Anh is English, anh is you
		}
		switch {
		case i == 1 && len(words) == 2 && has(g.any, words[0]) && isCode(w):
			return w, v.core
		case code == "da" && v.lang != "da" && has(g.strong, v.core): // who does not understand it writes in what they do
			return v.lang, v.core
		case code == "" || len(words) > 12 || has(g.not, v.folded):
			continue
		case len(words) == 1 || has(g.any, text):
			return code, v.core
		}
	}
	return "", ""
}

// isCode says whether w is the code of a language.
func isCode(w string) bool {
	return slices.Contains([]string{"da", "en", "pl", "vi", "uk", "ar"}, w)
}

// later reads "not now", with or without an hour.
func (v view) later() (Meaning, bool) {
	words := strings.Fields(v.core)
	if v.lang == "vi" { // 19h30, 8 giờ
		words = strings.Fields(hourSign.ReplaceAllStringFunc(v.core, func(s string) string {
			parts := hourSign.FindStringSubmatch(s)
			return parts[1] + ":" + cmp.Or(parts[2], "00") + " "
		}))
	}
	for i, w := range words {
		if digit, ok := v.numbers[w]; ok && i > 0 && (v.clock == nil || has(v.clock, strings.Join(words[:i], " "))) {
			w = digit
		}
		clock, ok := hourOf(w)
		if !ok {
			continue
		}
		before, after := strings.Join(words[:i], " "), strings.Join(words[i+1:], " ")
		if len(words) == 1 && !strings.ContainsAny(w, ":.") || !has(v.hour, before) || !has(v.hour, after) || before == "" && !has(v.evening, after) && !strings.ContainsAny(w, ":.") {
			continue
		}
		if v.lexicon.half != "" && i > 0 && words[i-1] == v.lexicon.half {
			clock -= 30
		}
		if (has(v.evening, before) || has(v.evening, after)) && clock < 12*60 {
			clock += 12 * 60
		}
		return Meaning{Kind: Command, Word: Later, Clock: clock, Why: "asks for another hour: " + v.core}, true
	}
	if w := v.in(Later); w != "" {
		return Meaning{Kind: Command, Word: Later, Clock: -1, Why: "not now: " + w}, true
	}
	return Meaning{}, false
}

// hourSign is an hour as Vietnamese writes it.
var hourSign = regexp.MustCompile(`(\d{1,2}) (?:h|g|` + foldTones("giờ") + `|gio)(?: (\d\d))?(?: |$)`)

// hourOf reads 20, 20:30 or 20.30 as minutes after midnight.
func hourOf(w string) (minutes int, ok bool) {
	h, m, cut := strings.Cut(strings.ReplaceAll(w, ".", ":"), ":")
	hour, err := strconv.Atoi(h)
	if err != nil || hour < 0 || hour > 24 || len(h) > 2 {
		return 0, false
	}
	minute := 0
	if cut {
		if minute, err = strconv.Atoi(m); err != nil || minute > 59 || len(m) != 2 {
			return 0, false
		}
	}
	return (hour*60 + minute) % (24 * 60), true
}

// pause reads a break: so many weeks, until a day, or only why.
func (v view) pause() (Meaning, bool) {
	g := v.groups["pause"]
	why := find(g.start, v.core)
	if why == "" {
		why = find(g.whole, v.core)
	}
	if why == "" && !v.not("pause", -1) {
		why = find(g.any, v.core)
	}
	if why == "" || len(strings.Fields(v.core)) > 14 {
		return Meaning{}, false
	}
	m := Meaning{Kind: Command, Word: Pause, Clock: -1, Why: "a pause: " + why}
	v.span(&m)
	return m, true
}

// span reads how long a pause is, if that is said.
func (v view) span(m *Meaning) {
	words := strings.Fields(v.core)
	for weeks, said := range v.lengths {
		if has(said, v.core) {
			m.Weeks = weeks + 1
		}
	}
	for i, w := range words {
		if day, ok := v.dayAt(words, i); ok && has(v.until, v.core) {
			m.Until = day // of several the last: "from 1/7 to 14/7"
			continue
		}
		n := 0
		if isDigits(w) {
			n, _ = strconv.Atoi(w)
		} else if digit, ok := v.numbers[w]; ok {
			n, _ = strconv.Atoi(digit)
		}
		if n == 0 || !m.Until.IsZero() {
			continue
		}
		unit := ""
		if i+1 < len(words) {
			unit = words[i+1]
		}
		switch {
		case has(v.spans["week"], unit) && n <= mostWeeks:
			m.Weeks = n
			return
		case has(v.spans["month"], unit) && n*4 <= mostWeeks:
			m.Weeks = n * 4
			return
		case has(v.spans["day"], unit) && n <= 7*mostWeeks:
			m.Weeks = (n + 6) / 7
			return
		case unit == "" && i == len(words)-1 && i == 1 && n <= mostWeeks && isDigits(w) && len(words[0]) > 1: // PAUSE 2, but not L4, a Polish sick note
			m.Weeks = n
			return
		}
	}
	if weeks, _ := v.weeks.all(v.core); len(weeks) == 1 && m.Until.IsZero() { // "two weeks" in one word, or a week without a number
		m.Weeks, _ = strconv.Atoi(weeks[0])
	}
}

// mostWeeks is the longest pause that is taken from words: a longer one is talked about.
const mostWeeks = 26

// dayAt reads the day that begins at word i: 12/8, 12.8., 5. august, mandag.
func (v view) dayAt(words []string, i int) (Day, bool) {
	w := words[i]
	if parts := strings.FieldsFunc(w, func(r rune) bool { return r == '/' || r == '.' || r == '-' }); len(parts) >= 2 && len(parts) <= 3 {
		d, err1 := strconv.Atoi(parts[0])
		m, err2 := strconv.Atoi(parts[1])
		if err1 == nil && err2 == nil && validDay(d, m) {
			return Day{Day: d, Month: m}, true
		}
	}
	if isDigits(w) {
		next := i + 1
		for next < len(words) && slices.Contains([]string{"th", "st", "nd", "rd", "of"}, words[next]) { // the 15th of August
			next++
		}
		d, _ := strconv.Atoi(w)
		for _, at := range []int{next, i - 1} { // 15 August, August 15
			if at >= 0 && at < len(words) {
				if m, err := strconv.Atoi(v.months[words[at]]); err == nil && validDay(d, m) {
					return Day{Day: d, Month: m}, true
				}
			}
		}
	}
	if isDigits(w) && i+2 < len(words) && has(v.spans["month"], words[i+1]) && isDigits(words[i+2]) { // 20 tháng 7
		d, _ := strconv.Atoi(w)
		if m, _ := strconv.Atoi(words[i+2]); validDay(d, m) {
			return Day{Day: d, Month: m}, true
		}
	}
	day := v.weekdays[w]
	if day == "" && i+1 < len(words) {
		day = v.weekdays[w+" "+words[i+1]]
	}
	if n, err := strconv.Atoi(day); err == nil {
		return Day{Weekday: time.Weekday(n % 7), IsWeekday: true}, true
	}
	return Day{}, false
}

func validDay(d, m int) bool {
	return m >= 1 && m <= 12 && d >= 1 && d <= time.Date(2024, time.Month(m)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
