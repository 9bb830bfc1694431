package meaning

import (
	"cmp"
	"slices"
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
		case "yes", "no", "partly", "plan", "stop", "erase", "go-on":
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

// whyPeople marks an answer by who it was, whyPlan a plan that was written.
const (
	whyPeople = "names who"
	whyPlan   = "a plan"
)

// firm says whether an answer is more than words that lean one way: a command in the same text is then no command.
func (m Meaning) firm() bool {
	return m.Kind == Answer && m.Rest && (strings.HasPrefix(m.Why, "begins") || m.Why == whyPeople || m.Why == whyPlan)
}

// Sure says whether an answer was given in so many words: a number, yes or no, what is on the button. Else it was
// taken from what the writer says they have done, or not.
func (m Meaning) Sure() bool {
	return m.Kind == Answer && (m.Digits || !m.Rest || strings.HasPrefix(m.Why, "begins") || strings.HasPrefix(m.Why, "ends"))
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
	if kind == slots && slices.ContainsFunc(strings.Fields(v.core), func(w string) bool { return v.months[w] != "" }) { // "den 2. november"
		return v.slot(choices)
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
		return Meaning{Kind: Answer, Digit: digit, Digits: true, Rest: rest, Why: whyNumber}, true
	}
	unclear := Meaning{Kind: Unclear, Why: "more than one number"}
	text := v.core
	for _, text := range []string{text, v.folded} {
		n := named(v.lexicon.number, text)
		if word, ok := v.numbers[n]; ok {
			n = word
		}
		if n != "" && isChoice(choices, n) {
			return found(n, false)
		}
	}
	if digit := v.clauseNumber(); isChoice(choices, digit) {
		return found(digit, true)
	}
	words := strings.Fields(text)
	if len(words) == 0 {
		return Meaning{}, false
	}
	// "1,4,6", "2-3": several at once.
	if several(words[0], choices) || len(words) > 1 && has(v.groups["either"].short, words[0]) && several(words[1], choices) {
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
	return found(words[at], at+1 < len(words))
}

// clauseNumber is the digit of "Hej, det er Lone. 2": the only number of a text, and a whole clause of it.
func (v view) clauseNumber() string {
	digit := ""
	for i, clause := range v.clauses {
		switch {
		case isDigits(clause) && digit == "" && i == len(v.clauses)-1 && i > 0:
			digit = clause
		case strings.ContainsAny(clause, "0123456789"):
			return ""
		}
	}
	return digit
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
	yes, no, partly := digitOf(choices, "yes", "plan", "stop", "erase"), digitOf(choices, "no", "go-on"), digitOf(choices, "partly")
	found := func(digit, why string, rest bool) (Meaning, bool) {
		if digit == "" {
			return Meaning{Kind: Unclear, Why: why}, true
		}
		return Meaning{Kind: Answer, Digit: digit, Rest: rest, Why: why}, true
	}
	g, isPlan := v.groups, digitOf(choices, "plan") != ""
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
		if w := find(g["either"].sure, text); w != "" && len(strings.Fields(text)) <= 6 {
			return Meaning{Kind: Unclear, Why: "the words " + w}, true
		}
		if w := find(g["plan"].start, text); w != "" && isPlan { // "når alarmen siger stop, så"
			return found(yes, "begins with "+w, true)
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
			if part == "" && len(strings.Fields(text)) <= fewWords {
				part = find(g["partly"].short, text)
			}
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
		if w := find(g["plan"].any, text); w != "" && isPlan && !v.negated(text) {
			return found(yes, whyPlan, true)
		}
		if w := cmp.Or(find(g["people"].whole, text), find(g["people"].whole, v.folded)); w != "" && partly == "" && !isPlan {
			return found(yes, whyPeople, true) // "to kolleger" have seen it
		}
		if n := len(strings.Fields(text)); part != "" && (n <= 7 || n <= 10 && !has(g["no"].any, text)) && !(has(g["no"].any, text) && !has(g["partly"].strong, part)) && partly != "" {
			return found(partly, "the words "+part, false)
		}
		// "Fik sorteret, men ikke smidt ud": some was done, where that may be answered; else what was not is what counts.
		done, undone := "", ""
		for _, clause := range v.joined(text) {
			if w, no := v.deed(clause); no {
				undone = cmp.Or(undone, w)
			} else {
				done = cmp.Or(done, w)
			}
		}
		asks := has(g["question"].sure, text) // "skal det være på vores egen linje"
		switch {
		case done != "" && undone != "" && partly != "":
			return found(partly, "the words "+done+", and "+undone, true)
		case undone != "" && !asks:
			return found(no, "the words "+undone, true)
		case done != "" && !asks:
			return found(yes, "the words "+done, true)
		case part != "":
			return found(partly, "the words "+part, false)
		}
	}
	return Meaning{}, false
}

// deed says what a clause tells of something done, and whether it was not. "Vi snakkede om, hvorfor det ikke virker":
// the main clause tells it.
func (v view) deed(clause string) (words string, undone bool) {
	main := clause
	if v.that != nil {
		if at := v.that.FindStringIndex(clause); at != nil {
			main = clause[:at[0]]
		}
	}
	no, yes := v.groups["no"], v.groups["yes"]
	for _, text := range []string{main, clause} {
		if w := find(no.any, text); w != "" && !has(no.not, text) {
			return w, true
		}
		if w := find(yes.any, text); w != "" && !has(yes.not, text) {
			return w, false
		}
	}
	return "", false
}

// negated says whether a text says no to anything.
func (v view) negated(text string) bool {
	if no := v.groups["no"]; no.sure != nil {
		return has(no.sure, text)
	}
	return has(v.groups["no"].any, text)
}

// joined are the clauses of a text, also those that only a word like "but" divides.
func (v view) joined(text string) []string {
	parts := v.clauses
	if len(parts) < 2 || text != v.core {
		parts = []string{text}
	}
	if v.but == nil {
		return parts
	}
	var out []string
	for _, part := range parts {
		for _, clause := range v.but.Split(part, -1) {
			if clause = strings.TrimSpace(clause); clause != "" {
				out = append(out, clause)
			}
		}
	}
	return out
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
	if w := find(v.several, text); w != "" {
		return Meaning{Kind: Unclear, Why: "the words " + w}, true
	}
	var named []mention
	for _, c := range choices {
		if _, kind, ok := strings.Cut(c.Meaning, ":"); ok && v.lexicon.barriers[kind] != nil {
			if at := v.lexicon.barriers[kind].FindStringIndex(text); at != nil {
				named = append(named, mention{c.Digit, at[0], at[1]})
			}
		}
	}
	if len(named) == 0 {
		return Meaning{}, false
	}
	// What is named first is meant, and the longer of two at one place: "gamle maskiner" holds "maskiner".
	slices.SortStableFunc(named, func(a, b mention) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(b.to, a.to)) })
	end := 0
	named = slices.DeleteFunc(named, func(m mention) bool {
		inside := m.to <= end
		end = max(end, m.to)
		return inside
	})
	// "The others do not want to" is about wanting: others are only others where nothing else is named.
	if other := digitOf(choices, "barrier:other"); len(named) > 1 && v.both == nil {
		named = slices.DeleteFunc(named, func(m mention) bool { return m.digit == other })
	}
	word := func(m mention) string { return strings.TrimSpace(text[m.from:m.to]) }
	first := named[0]
	for _, m := range named[1:] {
		if m.from >= first.to-1 && v.alike(text, first, m, word(m)) { // "tid og penge"
			return Meaning{Kind: Unclear, Why: "more than one: " + word(first) + ", " + word(m)}, true
		}
	}
	return Meaning{Kind: Answer, Digit: first.digit, Rest: word(first) != text, Why: "the words " + word(first)}, true
}

// mention is where a text names a choice.
type mention struct {
	digit    string
	from, to int
}

// mostBetween is how many words stand at most between two things that are named beside each other.
const mostBetween = 3

// alike says whether two things that a text names stand beside each other: the same weight is on both.
func (v view) alike(text string, a, b mention, word string) bool {
	if v.both == nil {
		return true
	}
	between := strings.TrimSpace(text[a.to-1 : b.from+1])
	return has(v.both, between) && len(strings.Fields(between)) <= mostBetween || slices.Contains(v.clauses, word)
}

// longRating is how many words a text has at most in which every word that rates does: in a longer one "meget" is about
// something else, and "hver dag" still is not.
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
	if digit, ok := v.ratings.exactly(v.core); ok && isChoice(choices, digit) {
		return Meaning{Kind: Answer, Digit: digit, Why: "the words " + v.core}, true
	}
	for _, clause := range v.clauses { // "dagligt, det er blevet en vane"
		if digit, ok := v.ratings.exactly(clause); ok && isChoice(choices, digit) {
			return Meaning{Kind: Answer, Digit: digit, Rest: true, Why: "the words " + clause}, true
		}
	}
	if w := find(v.groups["either"].sure, v.core); w != "" {
		return Meaning{Kind: Unclear, Why: "the words " + w}, true
	}
	all, named := v.ratings.all(v.core)
	long := len(strings.Fields(v.core)) > longRating
	if long && (v.vague == nil || has(v.unrated, v.core)) {
		return Meaning{}, false
	}
	var digits, words []string
	for i, digit := range all {
		if !slices.Contains(digits, digit) && !(long && v.vague.FindString(named[i]) == named[i]) {
			digits, words = append(digits, digit), append(words, named[i])
		}
	}
	digits = slices.DeleteFunc(digits, func(d string) bool { return !isChoice(choices, d) })
	switch len(digits) {
	case 0:
		if w := find(v.groups["yes"].whole, v.core); w != "" {
			return Meaning{Kind: Unclear, Why: "the words " + w}, true
		}
		if w := find(v.groups["no"].start, v.core); w != "" && isChoice(choices, "1") {
			return Meaning{Kind: Answer, Digit: "1", Rest: true, Why: "the words " + w}, true
		}
		return Meaning{}, false
	case 1:
		return Meaning{Kind: Answer, Digit: digits[0], Rest: true, Why: "the words " + strings.Join(words, ", ")}, true
	}
	return Meaning{Kind: Unclear, Why: "more than one: " + strings.Join(words, ", ")}, true
}

// slot reads a time that is named by its place, its day or its hour.
func (v view) slot(choices []reminders.Choice) (Meaning, bool) {
	if v.in("new") != "" {
		return Meaning{Kind: Command, Word: New, Why: "none of the times"}, true
	}
	words := strings.Fields(v.core)
	elsewhen := false // another day is named
	hits := map[string]bool{}
	negated := v.negated(v.core) || has(v.groups["no"].start, v.core)
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
	timed := strings.Fields(text)
	for i, w := range moments(timed, v.weekdays) {
		if w == "" || isDigits(timed[i]) && !strings.HasPrefix(w, aDay) && !v.dated(timed, i) {
			continue // a digit alone is one of the choices, or none of them
		}
		in := -1
		elsewhen = elsewhen || strings.HasPrefix(w, aDay) && !slices.ContainsFunc(labels, func(l []string) bool { return slices.Contains(l, w) })
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
	if w := v.in("all"); len(hits) == 0 && (w != "" || has(v.groups["yes"].whole, cmp.Or(v.core, v.folded))) {
		return Meaning{Kind: Unclear, Why: "no time is named"}, true
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
	case elsewhen:
		return Meaning{Kind: Command, Word: New, Clock: -1, Why: "another day"}, true
	}
	return Meaning{}, false
}

// dated says whether the number at i is an hour or a day: one is named beside it.
func (v view) dated(words []string, i int) bool {
	if i+1 < len(words) && v.months[words[i+1]] != "" {
		return true
	}
	return i > 0 && (has(v.hour, words[i-1]) || v.weekdays[words[i-1]] != "" || slices.Contains([]string{"d", "den"}, words[i-1]))
}

// aDay stands before a weekday among moments.
const aDay = "day "

// moments are the weekday or the number that each word is, the same whichever way it is written, and "" for the others.
func moments(words []string, weekdays map[string]string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		day := weekdays[w]
		if day == "" && i > 0 { // thứ hai
			day = weekdays[words[i-1]+" "+w]
		}
		switch {
		case day != "":
			out[i] = aDay + day
		case strings.ContainsAny(w, "0123456789"):
			out[i] = strings.TrimSuffix(strings.ReplaceAll(w, ".", ":"), ":00")
		}
	}
	return out
}
