package meaning

import (
	"cmp"
	"slices"
	"strings"

	"efterkurs/reminders"
)

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
