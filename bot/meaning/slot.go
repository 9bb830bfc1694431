package meaning

import (
	"cmp"
	"slices"
	"strings"

	"efterkurs/reminders"
)

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
