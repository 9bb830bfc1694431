package meaning

import (
	"slices"
	"strings"
)

// usual puts the usual word where dialect, or a common error, has another.
func (l *lexicon) usual(text string) string { return sameWords(text, l.same) }

func sameWords(text string, same map[string]string) string {
	words := strings.Fields(text)
	for i, w := range words {
		if other := same[w]; other != "" {
			words[i] = other
		}
	}
	return strings.Join(slices.Compact(words), " ")
}

// shortest is how many letters a word has at least in which one wrong letter is forgiven: in shorter ones it makes
// another word.
const shortest = 5

// corrected puts a word we know where one differs from it by one letter: another, one more, one less, or two
// that changed places. What is a word already, in any of the languages that the text may be in, stays.
func (l *lexicon) corrected(text string, languages []*lexicon) string {
	words := strings.Fields(text)
	for i, w := range words {
		if len([]rune(w)) < shortest || slices.ContainsFunc(languages, func(l *lexicon) bool { return l.words[w] }) {
			continue
		}
		found := ""
		for known := range l.words {
			if len(known) >= shortest && nearly([]rune(w), []rune(known)) && (found == "" || known < found) {
				found = known
			}
		}
		if found != "" {
			words[i] = found
		}
	}
	return strings.Join(words, " ")
}

// nearly says whether a and b differ by one letter, or by two neighbours that changed places.
func nearly(a, b []rune) bool {
	if len(a) < len(b) {
		a, b = b, a
	}
	if len(a)-len(b) > 1 {
		return false
	}
	i := 0
	for i < len(b) && a[i] == b[i] {
		i++
	}
	if len(a) > len(b) {
		return string(a[i+1:]) == string(b[i:])
	}
	if i == len(a) {
		return true
	}
	if string(a[i+1:]) == string(b[i+1:]) {
		return true
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && string(a[i+2:]) == string(b[i+2:])
}
