package meaning

import (
	"slices"
	"strconv"
	"strings"

	"efterkurs/reminders"
)

// questionKind is what a question asks for.
type questionKind string

const (
	nothing  questionKind = ""
	doing    questionKind = "doing" // yes, no, partly
	barriers questionKind = "barriers"
	ratings  questionKind = "ratings"
	slots    questionKind = "slots"
	other    questionKind = "other" // choices of which only the digits and the labels are known
)

func kindOf(choices []reminders.Choice) questionKind {
	for _, c := range choices {
		switch kind, _, _ := strings.Cut(c.Meaning, ":"); kind {
		case "slot":
			return slots
		case "barrier":
			return barriers
		case "rating":
			return ratings
		case "yes", "no", "partly", "plan":
			return doing
		}
	}
	if len(choices) > 0 {
		return other
	}
	return nothing
}

// whyNumber marks an answer by number: nothing else that was written changes it.
const whyNumber = "a number"

// whyPlan marks a plan that was written.
const whyPlan = "a plan"

// firm says whether an answer is more than words that lean one way: a command in the same text is then no command.
func (m Meaning) firm() bool {
	return m.Kind == Answer && m.Rest && (strings.HasPrefix(m.Why, "begins") || m.Why == whyPlan)
}

func digitOf(choices []reminders.Choice, meanings ...string) string {
	for _, meaning := range meanings {
		for _, c := range choices {
			if c.Meaning == meaning {
				return c.Digit
			}
		}
	}
	return ""
}

func isChoice(choices []reminders.Choice, digit string) bool {
	return slices.ContainsFunc(choices, func(c reminders.Choice) bool { return c.Digit == digit })
}

func (v view) answer(choices []reminders.Choice, kind questionKind) (Meaning, bool) {
	if len(choices) == 0 {
		return Meaning{}, false
	}
	if m, ok := v.byNumber(choices, kind); ok {
		return m, true
	}
	for _, c := range choices { // the label itself, as a person types what is on a button
		if label := v.fold(c.Label); label != "" && (label == v.core || label == v.folded) {
			return Meaning{Kind: Answer, Digit: c.Digit, Why: "the words of choice " + c.Digit}, true
		}
	}
	switch kind {
	case doing:
		return v.doing(choices)
	case barriers:
		return v.barrier(choices)
	case ratings:
		return v.rating(choices)
	case slots:
		return v.slot(choices)
	}
	return Meaning{}, false
}

// byNumber reads a digit in any spelling: alone, among words that leave it the answer, or before what else is said.
func (v view) byNumber(choices []reminders.Choice, kind questionKind) (Meaning, bool) {
	found := func(digit string, rest bool) (Meaning, bool) {
		return Meaning{Kind: Answer, Digit: digit, Rest: rest, Why: whyNumber}, true
	}
	unclear := Meaning{Kind: Unclear, Why: "more than one number"}
	text, week := v.core, 0
	if words := strings.Fields(text); len(words) > 2 { // "uge 3: 1"
		for n := 2; n <= 3 && n < len(words); n++ {
			if has(v.week, strings.Join(words[:n-1], " ")) && isDigits(words[n-1]) {
				week, _ = strconv.Atoi(words[n-1])
				text = strings.Join(words[n:], " ")
				break
			}
		}
	}
	for _, text := range []string{text, v.folded} {
		n := named(v.lexicon.number, text)
		if word, ok := v.numbers[n]; ok {
			n = word
		}
		if n != "" && isChoice(choices, n) {
			m, ok := found(n, false)
			m.Week = week
			return m, ok
		}
	}
	words := strings.Fields(text)
	if len(words) == 0 {
		return Meaning{}, false
	}
	// "1,4,6", "2-3": several at once.
	if several(words[0], choices) {
		return unclear, len(words) <= 3
	}
	at := slices.IndexFunc(words, isDigits)
	if at < 0 || !isChoice(choices, words[at]) || at > 0 && !has(v.lead, strings.Join(words[:at], " ")+" ") {
		return Meaning{}, false
	}
	next := ""
	if at+1 < len(words) {
		next = words[at+1]
	}
	if has(v.units, strings.Join(words[at+1:], " ")) && kind != slots {
		return Meaning{}, false
	}
	if at > 0 && at+2 < len(words) && has(v.groups["either"].short, words[at-1]) && isDigits(words[at+2]) { // "mellem 3 og 4"
		return unclear, true
	}
	if at+2 < len(words) && has(v.groups["either"].short, next) && isDigits(words[at+2]) {
		return unclear, true
	}
	for i, w := range words[at+1:] { // "1 eller 2", "1 2", "1 nej 2"
		i += at + 1
		if (isDigits(w) && isChoice(choices, w) && w != words[at] || several(w, choices)) && len(words) <= at+4 &&
			(i+1 == len(words) || !has(v.units, words[i+1])) && i <= at+3 {
			return unclear, true
		}
	}
	if kind == doing && at+1 == len(words)-1 && v.contradicts(choices, words[at], next) {
		return unclear, true
	}
	m, ok := found(words[at], at+1 < len(words))
	m.Week = week
	return m, ok
}

// contradicts says whether a word says yes behind the digit for no, or the other way round.
func (v view) contradicts(choices []reminders.Choice, digit, word string) bool {
	yes := digit == digitOf(choices, "yes", "plan")
	no := digit == digitOf(choices, "no")
	return yes && has(v.groups["no"].start, word) || no && has(v.groups["yes"].start, word)
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// several says whether a word is more than one of the digits: 1,4,6 or 2-3 or 4/5.
func several(word string, choices []reminders.Choice) bool {
	parts := strings.FieldsFunc(word, func(r rune) bool { return strings.ContainsRune(",/-.:", r) })
	return len(parts) > 1 && !slices.ContainsFunc(parts, func(p string) bool { return !isChoice(choices, p) })
}

// doing reads yes, no and partly.
func (v view) doing(choices []reminders.Choice) (Meaning, bool) {
	yes, no, partly := digitOf(choices, "yes", "plan"), digitOf(choices, "no"), digitOf(choices, "partly")
	found := func(digit, why string, rest bool) (Meaning, bool) {
		if digit == "" {
			return Meaning{Kind: Unclear, Why: why}, true
		}
		return Meaning{Kind: Answer, Digit: digit, Rest: rest, Why: why}, true
	}
	g := v.groups
	if v.core != v.folded { // "so so" is no politeness
		if w := find(g["partly"].whole, v.folded); w != "" && partly != "" {
			return found(partly, "the words "+w, false)
		}
		if w := find(g["either"].whole, v.folded); w != "" {
			return Meaning{Kind: Unclear, Why: "the words " + w}, true
		}
	}
	texts := []string{v.core}
	if _, after, ok := strings.Cut(v.core, " "); ok && v.greeted { // "Hej Lone. Ja det er gjort"
		texts = append(texts, after)
	}
	for _, text := range texts {
		if text == "" {
			continue
		}
		if w := find(g["either"].whole, text); w != "" {
			return Meaning{Kind: Unclear, Why: "the words " + w}, true
		}
		if w := find(g["partly"].whole, text); w != "" && partly != "" {
			return found(partly, "the words "+w, false)
		}
		if w := find(g["yes"].whole, text); w != "" {
			return found(yes, "the words "+w, false)
		}
		if w := find(g["no"].whole, text); w != "" {
			return found(no, "the words "+w, false)
		}
		part := ""
		if !has(g["partly"].not, text) {
			part = find(g["partly"].any, text)
		}
		if w := find(g["yes"].start, text); w != "" {
			rest := strings.TrimPrefix(text, w)
			back := find(g["yes"].strong, rest)
			if back == "" {
				back = find(g["no"].strong, rest)
			}
			switch {
			case part != "" && partly != "" && len(strings.Fields(text)) <= 8:
				return found(partly, "the words "+part, true)
			case back != "":
				return Meaning{Kind: Unclear, Why: "says " + w + ", and then " + back}, true
			}
			return found(yes, "begins with "+w, true)
		}
		if w := find(g["no"].start, text); w != "" {
			rest := strings.TrimPrefix(text, w)
			switch {
			case part != "" && strings.HasPrefix(text, part): // "ikke helt færdig"
				return found(partly, "the words "+part, true)
			case has(g["no"].back, rest) && len(strings.Fields(rest)) <= 6:
				return Meaning{Kind: Unclear, Why: "says " + w + ", and then the opposite"}, true
			case part != "" && len(strings.Fields(rest)) <= 3:
				return Meaning{Kind: Unclear, Why: "says " + w + ", and " + part}, true
			}
			return found(no, "begins with "+w, true)
		}
		if w := find(g["plan"].start, text); w != "" && digitOf(choices, "plan") != "" && len(strings.Fields(text)) > 3 && !strings.Contains(text, "?") {
			return found(yes, whyPlan, true)
		}
		for _, end := range []string{"yes", "no"} { // "er alene på nat så nej"
			if w := find(g[end].last, text); w != "" && len(strings.Fields(text)) <= 9 {
				return found(map[string]string{"yes": yes, "no": no}[end], "ends with "+w, true)
			}
		}
		if w := find(g["either"].any, text); w != "" && len(strings.Fields(text)) <= 6 && !has(g["either"].not, text) {
			return Meaning{Kind: Unclear, Why: "the words " + w}, true
		}
		if w := find(g["plan"].any, text); w != "" && digitOf(choices, "plan") != "" && !has(g["no"].any, text) {
			return found(yes, whyPlan, true)
		}
		if n := len(strings.Fields(text)); part != "" && (n <= 7 || n <= 10 && !has(g["no"].any, text)) && !(has(g["no"].any, text) && !has(g["partly"].strong, part)) {
			return found(partly, "the words "+part, false)
		}
		if w := find(g["no"].any, text); w != "" && !has(g["no"].not, text) {
			return found(no, "the words "+w, true)
		}
		if w := find(g["yes"].any, text); w != "" && !has(g["yes"].not, text) {
			return found(yes, "the words "+w, true)
		}
	}
	return Meaning{}, false
}

func (v view) barrier(choices []reminders.Choice) (Meaning, bool) {
	text := v.core
	if v.ignore != nil {
		text = strings.TrimSpace(v.ignore.ReplaceAllString(text, " "))
	}
	if text == "" {
		return Meaning{}, false
	}
	if w := find(v.barriers["none"], text); w != "" && digitOf(choices, "none") != "" {
		return Meaning{Kind: Answer, Digit: digitOf(choices, "none"), Why: "the words " + w}, true
	}
	var kinds, words []string
	for _, c := range choices {
		if _, kind, ok := strings.Cut(c.Meaning, ":"); ok {
			if w := find(v.lexicon.barriers[kind], text); w != "" && !slices.ContainsFunc(words, func(o string) bool { return strings.Contains(o, w) && o != w }) {
				// "gamle maskiner" holds "maskiner": the longer one is meant.
				for i := len(words) - 1; i >= 0; i-- {
					if strings.Contains(w, words[i]) && w != words[i] {
						kinds, words = slices.Delete(kinds, i, i+1), slices.Delete(words, i, i+1)
					}
				}
				kinds, words = append(kinds, c.Digit), append(words, w)
			}
		}
	}
	// "The others do not want to" is about wanting: others are only others where nothing else is named.
	if other := digitOf(choices, "barrier:other"); len(kinds) > 1 {
		if i := slices.Index(kinds, other); i >= 0 {
			kinds, words = slices.Delete(kinds, i, i+1), slices.Delete(words, i, i+1)
		}
	}
	switch len(kinds) {
	case 0:
		return Meaning{}, false
	case 1:
		return Meaning{Kind: Answer, Digit: kinds[0], Rest: words[0] != text, Why: "the words " + words[0]}, true
	}
	return Meaning{Kind: Unclear, Why: "more than one: " + strings.Join(words, ", ")}, true
}

// longRating is how many words a rating in words has at most: in a longer text "meget" is about something else.
const longRating = 5

func (v view) rating(choices []reminders.Choice) (Meaning, bool) {
	for _, text := range []string{v.core, v.folded} {
		if digit, ok := v.ratings.exactly(text); ok && isChoice(choices, digit) {
			return Meaning{Kind: Answer, Digit: digit, Why: "the words " + text}, true
		}
	}
	if v.core == "" {
		return Meaning{}, false
	}
	digits, words := v.ratings.all(v.core)
	if len(strings.Fields(v.core)) > longRating {
		return Meaning{}, false
	}
	digits = slices.DeleteFunc(digits, func(d string) bool { return !isChoice(choices, d) })
	switch len(digits) {
	case 0:
		return Meaning{}, false
	case 1:
		return Meaning{Kind: Answer, Digit: digits[0], Rest: true, Why: "the words " + strings.Join(words, ", ")}, true
	}
	return Meaning{Kind: Unclear, Why: "more than one: " + strings.Join(words, ", ")}, true
}

// exactly says which thing the whole text names.
func (c *choice) exactly(text string) (string, bool) {
	if c == nil {
		return "", false
	}
	key, ok := c.of[text]
	return key, ok
}

// slot reads a time that is named by its place, its day or its hour.
func (v view) slot(choices []reminders.Choice) (Meaning, bool) {
	if v.in("new") != "" {
		return Meaning{Kind: Command, Word: New, Why: "none of the times"}, true
	}
	if w := v.in("all"); w != "" || has(v.groups["yes"].whole, v.core) {
		return Meaning{Kind: Unclear, Why: "no time is named"}, true
	}
	words := strings.Fields(v.core)
	hits := map[string]bool{}
	negated := has(v.groups["no"].any, v.core) || has(v.groups["no"].start, v.core)
	if short := v.groups["no"].short; short != nil {
		negated = has(short, v.core)
	}
	labels := make([][]string, len(choices))
	for i, c := range choices {
		labels[i] = moments(strings.Fields(v.fold(c.Label)), v.days)
	}
	// "The second" in several words may hold a weekday: cái thứ hai.
	digits, places := v.ordinals.all(v.core)
	text := v.core
	for _, place := range places {
		if strings.Contains(place, " ") {
			text = strings.Replace(text, place, "", 1)
		}
	}
	for _, w := range moments(strings.Fields(text), v.weekdays) {
		in := -1
		for i, label := range labels {
			if slices.Contains(label, w) {
				if in >= 0 {
					in = -2
					break
				}
				in = i
			}
		}
		if in >= 0 {
			hits[choices[in].Digit] = true
		}
	}
	if len(hits) == 0 && len(digits) == 1 && isChoice(choices, digits[0]) {
		hits[digits[0]] = true
	}
	switch {
	case len(hits) == 1 && !negated && len(words) <= 8:
		for digit := range hits {
			return Meaning{Kind: Answer, Digit: digit, Why: "names the time of choice " + digit}, true
		}
	case len(hits) > 0:
		return Meaning{Kind: Unclear, Why: "which time is not clear"}, true
	}
	return Meaning{}, false
}

// moments are the weekdays and the numbers among words, the same whichever way they are written.
func moments(words []string, weekdays map[string]string) []string {
	var out []string
	for i, w := range words {
		day := weekdays[w]
		if day == "" && i > 0 { // thứ hai
			day = weekdays[words[i-1]+" "+w]
		}
		switch {
		case day != "":
			out = append(out, "day "+day)
		case strings.ContainsAny(w, "0123456789"):
			out = append(out, strings.TrimSuffix(strings.ReplaceAll(w, ".", ":"), ":00"))
		}
	}
	return out
}
