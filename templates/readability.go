package templates

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// longWord is the length from which LIX counts a word as long.
const longWord = 7

// Readability is how hard a text is to read.
type Readability struct {
	Sentences       int     `json:"sentences"`
	Words           int     `json:"words"`
	LongWords       int     `json:"long_words"`       // of 7 letters and more
	LongestSentence int     `json:"longest_sentence"` // in words
	LongestWord     string  `json:"longest_word"`
	LIX             float64 `json:"lix"`
}

// LIX is words/sentences + 100 × long words/words (Björnsson 1968); it only means something for longer texts.
func LIX(text string) float64 { return Read(text).LIX }

// Read measures a text. A line break ends a sentence: an answer on a line of its own is not part of the question.
func Read(text string) Readability {
	var r Readability
	for _, sentence := range sentences(text) {
		words := 0
		for _, field := range strings.Fields(sentence) {
			word := strings.TrimFunc(field, func(c rune) bool { return !unicode.IsLetter(c) })
			if word == "" {
				continue
			}
			words++
			n := utf8.RuneCountInString(word)
			if n >= longWord {
				r.LongWords++
			}
			if n > utf8.RuneCountInString(r.LongestWord) {
				r.LongestWord = word
			}
		}
		if words == 0 {
			continue
		}
		r.Sentences++
		r.Words += words
		r.LongestSentence = max(r.LongestSentence, words)
	}
	if r.Words > 0 {
		r.LIX = float64(r.Words)/float64(r.Sentences) + 100*float64(r.LongWords)/float64(r.Words)
	}
	return r
}

func sentences(text string) []string {
	var out []string
	start := 0
	runes := []rune(text)
	for i, c := range runes {
		end := c == '\n' || (c == '.' || c == '!' || c == '?' || c == ':') && (i+1 == len(runes) || unicode.IsSpace(runes[i+1]))
		if c == '.' && end && !endsSentence(string(runes[start:i]), string(runes[i+1:])) {
			end = false
		}
		if end {
			out = append(out, string(runes[start:i+1]))
			start = i + 1
		}
	}
	return append(out, string(runes[start:]))
}

// endsSentence is false for the full stop of "kl. 9.00" and of "2. februar".
func endsSentence(before, after string) bool {
	fields := strings.Fields(before)
	if len(fields) == 0 {
		return true
	}
	last := strings.ToLower(fields[len(fields)-1])
	if slices.Contains([]string{"kl", "fx", "ca", "nr", "bl.a", "e.g", "mr", "mrs"}, last) {
		return false
	}
	next, _ := utf8.DecodeRuneInString(strings.TrimLeft(after, " "))
	return strings.Trim(last, "0123456789") != "" || !unicode.IsLower(next)
}
