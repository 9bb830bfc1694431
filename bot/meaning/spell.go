package meaning

import (
	"math"
	"slices"
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

// shortest is how many letters a word has at least for one wrong letter to be forgiven, where nothing but the patterns tells
// which words occur: in shorter ones it makes another word.
const shortest = 5

// leastOften is how often a word of so many letters must occur in what we know of a language for one that is nearly
// it to be taken for it: the shorter, the likelier that it is another word. Without known texts each occurs once.
func (l *lexicon) leastOften(letters int) int {
	switch {
	case letters < 3 || !l.told && letters < shortest:
		return math.MaxInt
	case !l.told || letters > 5:
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
		if !unicode.IsLetter(letters[0]) || known(w) {
			continue
		}
		least := l.leastOften(len(letters))
		found, most := "", 0
		if least == math.MaxInt {
			found = l.slipped(w)
		}
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

// slipped is the yes or no that a word of three or four letters was meant to be, where the finger hit the key beside, or
// two letters changed places: yws, tka. It is "" where that could be two of them.
func (l *lexicon) slipped(word string) string {
	found := ""
	for known := range l.answers {
		if slip([]rune(word), []rune(known)) {
			if found != "" {
				return ""
			}
			found = known
		}
	}
	return found
}

// slip says whether a is b with one key hit beside the right one, or with two neighbours that changed places.
func slip(a, b []rune) bool {
	if len(a) != len(b) || len(a) < 3 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if i == len(a) {
		return false
	}
	if string(a[i+1:]) == string(b[i+1:]) {
		return beside(a[i], b[i])
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && string(a[i+2:]) == string(b[i+2:])
}

// keys are the rows of keyboards.
var keys = [][]string{{"qwertyuiop", "asdfghjkl", "zxcvbnm"}, {"йцукенгшщзх", "фівапролджє", "ячсмитьбю"}}

// beside says whether two keys lie next to each other.
func beside(a, b rune) bool {
	for _, rows := range keys {
		for y, row := range rows {
			x := slices.Index([]rune(row), a)
			if x < 0 {
				continue
			}
			for dy := -1; dy <= 1; dy++ {
				if y+dy < 0 || y+dy >= len(rows) {
					continue
				}
				if at := slices.Index([]rune(rows[y+dy]), b); at >= 0 && at-x >= -1 && at-x <= 1 {
					return true
				}
			}
		}
	}
	return false
}
