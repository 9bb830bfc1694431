package meaning

import (
	"slices"
	"strings"
	"unicode"
)

// Vietnamese is written with tone marks by some and without by others, and without them many words are one: dừng (stop),
// đúng (right), dùng (use), đừng (do not). Its texts keep their marks, and a word of a pattern is found both with its own and
// without any: who wrote a mark meant it.

// tones are the marks that say how a syllable is spoken, qualities those that make another vowel.
const (
	tones     = "\u0300\u0301\u0303\u0309\u0323"
	qualities = "\u0302\u0306\u031b"
)

// foldTones is fold, but keeps the marks of Vietnamese.
func foldTones(text string) string { return folding(text, true) }

// toneLast puts a syllable's tone behind its last letter: xoá and xóa are the same.
func toneLast(word string) string {
	var letters []rune
	tone := ""
	for _, r := range word {
		if strings.ContainsRune(tones, r) {
			tone = string(r)
			continue
		}
		letters = append(letters, r)
	}
	if tone == "" {
		return word
	}
	return string(slices.CompactFunc(letters, func(a, b rune) bool { return a == b && unicode.IsLetter(a) })) + tone
}

// plain takes the marks away.
func plain(word string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(tones+qualities, r):
			return -1
		case r == 'đ':
			return 'd'
		}
		return r
	}, word)
}

// withOrWithout is the pattern of a Vietnamese word: as it is spelt, or without any mark.
func withOrWithout(word string) string {
	if p := plain(word); p != word {
		return "(?:" + word + "|" + p + ")"
	}
	return word
}

// Arabic writes and, the, in, for and the object of a verb as part of the word.

// affixed is the pattern of an Arabic word: alone, or with what is written together with it.
func affixed(word string) string {
	runes := []rune(word)
	if len(runes) < 3 || !unicode.Is(unicode.Arabic, runes[0]) {
		return word
	}
	if strings.HasPrefix(word, "ال") {
		return "(?:و|ف)?(?:(?:ب|ه|ع|ك)?ال|ل)" + string(runes[2:])
	}
	return "(?:و|ف)?(?:(?:ب|ه|ع|ك)?ال|ل)?" + word + "(?:ه|ها|هم|هن|و)?"
}

// unfixed takes off an Arabic word what is written together with it.
func unfixed(word string) []string {
	out := []string{word}
	for _, prefix := range []string{"و", "ف", "ال", "بال", "هال", "عال", "لل", "ب", "ل"} {
		if rest, ok := strings.CutPrefix(word, prefix); ok && len([]rune(rest)) > 2 {
			out = append(out, rest)
		}
	}
	return out
}

// scriptOf says which language a word must be in by its letters alone, "" where it may be in several.
func scriptOf(word string) string {
	for _, r := range word {
		switch {
		case unicode.Is(unicode.Arabic, r):
			return "ar"
		case unicode.Is(unicode.Cyrillic, r):
			return "uk"
		case r == '\u031b' || r == '\u0309' || r == '\u0323':
			return "vi"
		}
	}
	return ""
}
