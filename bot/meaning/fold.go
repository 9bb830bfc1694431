package meaning

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// fold makes what people type comparable: the same word comes out the same whether it was written with æ, ae or
// e, with or without tone marks, with one letter too many, in capitals, in Arabic or full-width digits. What is left is
// words of letters and digits, one space between them; "?" is a word of its own, and so is an emoji.
func fold(text string) string { return folding(text, false) }

// folding folds, and keeps the marks of Vietnamese where marks says so.
func folding(text string, marks bool) string {
	var b strings.Builder
	var last rune
	put := func(r rune) {
		if r == ' ' && (last == ' ' || last == 0) {
			return
		}
		// Doubled letters are where most typing errors are: "stopp", "jaaa", "ike". Digits and emoji count.
		if r == last && unicode.IsLetter(r) {
			return
		}
		b.WriteRune(r)
		last = r
	}
	if text = letterDigits(text); !isASCII(text) {
		text = norm.NFD.String(norm.NFKC.String(text))
	}
	b.Grow(len(text))
	for _, r := range text {
		switch {
		case r >= joinedDigit && r <= joinedDigit+9:
			b.WriteRune('0' + r - joinedDigit)
			last = r
			continue
		case marks && b.Len() > 0 && strings.ContainsRune(tones+qualities, r):
			b.WriteRune(r) // the letter before it stays the last
			continue
		case marks && (r == 'đ' || r == 'Đ'):
			put('đ')
			continue
		case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r) || unicode.Is(unicode.Cf, r) || r == 'ـ' || r >= 0x1F3FB && r <= 0x1F3FF:
			continue // accents, tone marks, keycaps, joiners, directions, skin tones, the Arabic stretch
		case unicode.IsDigit(r):
			if unicode.IsLetter(last) {
				put(' ')
			}
			put(digit(r))
			continue
		case r == '?' || r == '؟':
			put(' ')
			put('?')
			put(' ')
			continue
		case unicode.IsLetter(r):
			if last >= '0' && last <= '9' || unicode.IsLetter(last) && unicode.Is(unicode.Arabic, r) != unicode.Is(unicode.Arabic, last) {
				put(' ') // الmakker is two words
			}
			for _, l := range letters(unicode.ToLower(r)) {
				put(l)
			}
			continue
		case r == '%':
			put(' ')
			put('%')
			put(' ')
			continue
		case r == '/' || r == ':' || r == '.' || r == '-' || r == ',':
			// Kept for times and dates, dropped between words below.
			b.WriteRune(r)
			last = r
			continue
		case r == '\'' || r == '’' || r == '`' || r == '´' || r == 'ʼ' || r == 'ʹ':
			continue // don't, 3'er
		case emoji[r] != "":
			put(' ')
			for _, l := range emoji[r] {
				put(l)
			}
			put(' ')
			continue
		}
		put(' ')
	}
	words := strings.Fields(strings.ReplaceAll(unpunctuate(b.String()), "non stop", "nonstop")) // which stops nothing
	for i, w := range words {
		words[i] = transliterate(oneScript(toneLast(w)))
	}
	return strings.Join(unrepeated(spelt(words)), " ") // "stop stop stop"
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII })
}

// unrepeated says a word once that was written several times. Numbers are not words: "uge 1: 1".
func unrepeated(words []string) []string {
	return slices.CompactFunc(words, func(a, b string) bool { return a == b && !isDigits(a) })
}

// clauses are the parts of a text between its marks. "nr. 3", "20.30" and "3,5" are one.
func clauses(text string) []string {
	var out []string
	var part strings.Builder
	end := func() {
		if fold(part.String()) != "" {
			out = append(out, part.String())
		}
		part.Reset()
	}
	runes := []rune(text)
	letters := 0 // of the word that went before
	for i, r := range runes {
		switch {
		case strings.ContainsRune("\n;!()،", r), strings.ContainsRune(",–—", r) && !between(runes, i, unicode.IsDigit),
			r == '.' && (letters > 2 || i > 0 && runes[i-1] == '.') && !between(runes, i, unicode.IsDigit),
			r == '-' && between(runes, i, unicode.IsSpace), r == '?' || r == '؟':
			end()
		default:
			part.WriteRune(r)
		}
		if letters++; !unicode.IsLetter(r) {
			letters = 0
		}
	}
	end()
	return out
}

// between says whether what stands before and after i is of a kind.
func between(runes []rune, i int, kind func(rune) bool) bool {
	return i > 0 && i+1 < len(runes) && kind(runes[i-1]) && kind(runes[i+1])
}

// spelt joins letters that stand alone: "s t o p".
func spelt(words []string) []string {
	var out []string
	for i := 0; i < len(words); i++ {
		j := i
		for j < len(words) && len([]rune(words[j])) == 1 && unicode.IsLetter([]rune(words[j])[0]) {
			j++
		}
		if j-i > 2 {
			out = append(out, strings.Join(words[i:j], ""))
			i = j - 1
			continue
		}
		out = append(out, words[i])
	}
	return out
}

// unpunctuate keeps . : / - only between two digits: 12/8, 20:30, 4-5.
func unpunctuate(s string) string {
	runes := []rune(s)
	isDigit := func(i int) bool { return i >= 0 && i < len(runes) && runes[i] >= '0' && runes[i] <= '9' }
	for i, r := range runes {
		if (r == '/' || r == ':' || r == '.' || r == '-' || r == ',') && !(isDigit(i-1) && isDigit(i+1)) {
			runes[i] = ' '
		}
	}
	return string(runes)
}

// digit is the ASCII digit of any script's.
func digit(r rune) rune {
	if r <= '9' {
		return r
	}
	// Unicode has the ten digits of a script in a row that begins where the one before is none.
	n := rune(0)
	for unicode.IsDigit(r-1) && n < 9 {
		r--
		n++
	}
	return '0' + n
}

// letters are what a letter is written as where the keyboard lacks it.
func letters(r rune) string {
	switch r {
	case 'æ', 'ä':
		return "e"
	case 'ø', 'ö', 'œ':
		return "o"
	case 'ł':
		return "l"
	case 'đ', 'ð':
		return "d"
	case 'ß':
		return "s"
	case 'ى', 'ی', 'ې':
		return "ي"
	case 'ة', 'ھ', 'ە':
		return "ه"
	case 'ک', 'ڪ', 'چ':
		return "ك"
	case 'گ':
		return "ق"
	case 'پ':
		return "ب"
	case 'ڤ':
		return "ف"
	case 'ٱ':
		return "ا"
	case 'ґ':
		return "г"
	}
	return string(r)
}

// oneScript writes the Latin letters in a Cyrillic word as those that look the same: нi.
func oneScript(word string) string {
	if scriptOf(word) != "uk" {
		return word
	}
	return strings.Map(func(r rune) rune {
		if other, ok := cyrillic[r]; ok {
			return other
		}
		return r
	}, word)
}

var cyrillic = map[rune]rune{'a': 'а', 'c': 'с', 'e': 'е', 'i': 'і', 'o': 'о', 'p': 'р', 'x': 'х', 'y': 'у', 'b': 'в', 'h': 'н', 'k': 'к', 'm': 'м', 'n': 'н', 't': 'т'}

// transliterate folds ae, oe and aa, as who has no æ, ø and å writes them.
func transliterate(word string) string {
	for _, pair := range [][2]string{{"ae", "e"}, {"oe", "o"}, {"ue", "u"}} {
		word = strings.ReplaceAll(word, pair[0], pair[1])
	}
	return word
}

// emoji are those that say something by themselves; all others say nothing.
var emoji = map[rune]string{
	'👍': "emojiyes", '✅': "emojiyes", '👌': "emojiyes", '✔': "emojiyes", '☑': "emojiyes", '💯': "emojiyes", '🆗': "emojiyes",
	'👎': "emojino", '❌': "emojino", '✖': "emojino", '🚫': "emojino", '⛔': "emojino",
	'🛑': "emojistop",
	'🙏': "emojithanks", '❤': "emojithanks", '🥰': "emojithanks", '😊': "emojithanks", '🙂': "emojithanks", '😀': "emojithanks", '😁': "emojithanks", '😃': "emojithanks", '😄': "emojithanks",
	'💪': "emojithanks", '👏': "emojithanks", '🎉': "emojithanks", '😉': "emojithanks", '🌹': "emojithanks", '💐': "emojithanks", '🤝': "emojithanks", '🙌': "emojithanks", '😎': "emojithanks",
	'🤷': "emojishrug", '😐': "emojishrug",
	'🤒': "emojisick", '🤧': "emojisick", '🤕': "emojisick", '🤢': "emojisick", '🌴': "emojiholiday", '🏖': "emojiholiday", '✈': "emojiholiday",
}
