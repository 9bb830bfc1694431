package meaning

import (
	"math"
	"strings"
	"unicode"
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
	return strings.Join(unrepeated(words), " ")
}

// leastOften is how often a word of so many letters must occur in what we know of a language for one that is nearly
// it to be taken for it: the shorter, the likelier that it is another word. Without known texts each occurs once.
func (l *lexicon) leastOften(letters int) int {
	switch {
	case letters < 3 || l.sayings == nil && letters < 5:
		return math.MaxInt
	case l.sayings == nil || letters > 5:
		return 1
	}
	return map[int]int{3: 10, 4: 4, 5: 3}[letters]
}

// corrected is usual, and puts a word we know where one that is known to no language differs from it by one letter:
// another, one more, one less, or two that changed places. Of several it is the one that occurs most.
func (l *lexicon) corrected(text string, known func(string) bool) string {
	words := strings.Fields(l.usual(text))
	for i, w := range words {
		letters := []rune(w)
		least := l.leastOften(len(letters))
		if least == math.MaxInt || known(w) || !unicode.IsLetter(letters[0]) {
			continue
		}
		found, most := "", 0
		for other, often := range l.often {
			if often >= least && (often > most || often == most && other < found) && sameStart(letters, []rune(other)) && nearly(letters, []rune(other)) {
				found, most = other, often
			}
		}
		if found != "" {
			words[i] = found
		}
	}
	return strings.Join(words, " ")
}

// sameStart says whether two words begin alike, or with the same two letters the other way round.
func sameStart(a, b []rune) bool {
	return len(b) > 1 && (a[0] == b[0] || a[0] == b[1] && a[1] == b[0])
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
