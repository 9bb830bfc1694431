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
	if isASCII(word) {
		return word
	}
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

// Ukrainian is also typed in Latin letters, each in their own way: zrobyv, zrobiv, srobyw. Such a text, and the words it is
// looked for, are both brought to one rough spelling.

// foldLatin is fold in that spelling.
func foldLatin(text string) string {
	words := strings.Fields(fold(text))
	for i, w := range words {
		if !strings.HasPrefix(w, "emoji") {
			words[i] = rough(w)
		}
	}
	return strings.Join(words, " ")
}

// rough is how a Cyrillic word, or one written in Latin letters, sounds to who is in a hurry.
func rough(word string) string {
	return string(slices.CompactFunc([]rune(roughly.Replace(toLatin.Replace(word))), func(a, b rune) bool { return a == b && unicode.IsLetter(a) }))
}

var toLatin = strings.NewReplacer("а", "a", "б", "b", "в", "v", "г", "h", "ґ", "h", "д", "d", "е", "e", "є", "e", "ж", "zh", "з", "z", "и", "i", "і", "i", "ї", "i", "й", "i",
	"к", "k", "л", "l", "м", "m", "н", "n", "о", "o", "п", "p", "р", "r", "с", "s", "т", "t", "у", "u", "ф", "f", "х", "h", "ц", "c", "ч", "ch", "ш", "sh", "щ", "sch",
	"ь", "", "ъ", "", "ы", "i", "э", "e", "ю", "iu", "я", "ia")

var roughly = strings.NewReplacer("shch", "sch", "szcz", "sch", "sz", "sh", "cz", "ch", "kh", "h", "ts", "c", "ye", "e", "je", "e", "yi", "i", "yo", "o", "io", "o",
	"y", "i", "j", "i", "w", "v", "g", "h", "x", "h", "q", "k")

// scriptOf says which language a word must be in by its letters and marks alone, "" where it may be in several.
func scriptOf(word string) string {
	if isASCII(word) {
		return ""
	}
	vowels := strings.Trim(plain(word), "bcdfghjklmnpqrstvwxz")
	for _, r := range word {
		switch {
		case unicode.Is(unicode.Arabic, r):
			return "ar"
		case unicode.Is(unicode.Cyrillic, r):
			return "uk"
		case r == '\u031b' || r == '\u0309' || r == '\u0323' || r == '\u0303':
			return "vi"
		case (r == '\u0301' || r == '\u0300') && strings.Trim(vowels, "iuy") == "": // í and ú are no Danish or Polish letters
			return "vi"
		}
	}
	return ""
}
