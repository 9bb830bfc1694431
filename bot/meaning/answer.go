package meaning

import (
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
		case "yes", "no", "partly", "plan", "stop", "erase", "go-on", "share", "keep":
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
