package bot

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"efterkurs/reminders"
)

// Meaning is what a text was taken for, and why.
type Meaning struct {
	Kind  string // reminders.ReplyStop, ReplyStart, ReplyCommand, ReplyAnswer, ReplyText
	Word  string // of a command: help, buddy, pause, language, delete, new
	Arg   string // of a command: the weeks of a pause, the language
	Digit string // of an answer
	Rest  string // of an answer: what else was written
	Why   string // in a few words, for the consultant
}

// What people write to be left alone. The provider's own words come first (Twilio acts on them by itself);
// the Danish ones are ours to handle. Whole texts only: "maskinen stoppede" is not one.
var stopTexts = words(`stop stopall unsubscribe cancel end quit revoke optout
	afmeld frameld slut stopnu afmelding framelding`,
	"hold op", "stop nu", "stop det", "stop tak", "stop venligst", "stop please", "please stop", "stop det her", "stop med det", "stop med det her",
	"stop beskeder", "stop sms", "afmeld mig", "frameld mig", "afmeld tak", "afmeld sms", "lad mig være", "lad mig vaere", "lad mig være i fred",
	"opt out", "leave me alone", "stop texting me", "stop messages", "ikke flere", "ikke flere beskeder", "ikke flere sms", "nej tak stop")

var startTexts = words(`start unstop`, "start igen", "begynd igen", "start again", "tilmeld", "tilmeld mig")

var commands = map[string][]string{
	"help":   words(`hjælp hjaelp help info`, "hvem er det", "hvem er du", "hvad er det", "hvem skriver", "who is this"),
	"buddy":  words(`makker buddy makkeren`, "min makker", "hvem er min makker", "who is my buddy"),
	"delete": words(`slet delete`, "slet mig", "slet alt", "slet mine data", "delete me", "delete my data"),
	"new":    words(`ny nye new`, "nye tider", "andre tider", "new times", "other times"),
}

// What counts as yes, no and partly, as a whole text or before more words.
var meanings = map[string][]string{
	"yes": words(`ja jo jep jeps jaa jada japs yes yep yeah done færdig faerdig gjort klaret 👍 ✅ 👌`, "ja da", "ja tak", "ja selvfølgelig", "det har jeg",
		"jeg har gjort det", "det er gjort", "i did", "yes i did"),
	"no":     words(`nej næ nix niks no nope ikke 👎 ❌`, "ikke endnu", "nej ikke endnu", "ikke nået", "nåede det ikke", "har ikke nået det", "not yet", "no not yet", "glemt", "har glemt det", "jeg har glemt det"),
	"partly": words(`delvist lidt næsten naesten partly halvt`, "en del", "noget af det", "a bit", "a little", "almost"),
}

var numberWords = map[string]string{
	"nul": "0", "zero": "0", "et": "1", "en": "1", "én": "1", "ét": "1", "one": "1", "to": "2", "two": "2", "tre": "3", "three": "3",
	"fire": "4", "four": "4", "fem": "5", "five": "5", "seks": "6", "six": "6", "syv": "7", "seven": "7", "otte": "8", "eight": "8", "ni": "9", "nine": "9",
}

func words(single string, phrases ...string) []string {
	return append(strings.Fields(single), phrases...)
}

// Understand says what a text means. choices are those of the question it would answer; none = no open
// question. The order is the rule: to be left alone, to come back, a command, an answer, and else words
// that are kept.
func Understand(text string, choices []reminders.Choice) Meaning {
	folded := fold(text)
	switch {
	case slices.Contains(stopTexts, folded):
		return Meaning{Kind: reminders.ReplyStop, Why: "asked to stop"}
	case slices.Contains(startTexts, folded):
		return Meaning{Kind: reminders.ReplyStart, Why: "asked to start again"}
	case folded == "" && strings.ContainsRune(text, '?'):
		return Meaning{Kind: reminders.ReplyCommand, Word: "help", Why: "a question mark alone"}
	}
	if m, ok := command(folded); ok {
		return m
	}
	if len(choices) > 0 {
		if m, ok := answer(folded, text, choices); ok {
			return m
		}
	}
	return Meaning{Kind: reminders.ReplyText, Why: "words"}
}

func command(folded string) (Meaning, bool) {
	for word, texts := range commands {
		if slices.Contains(texts, folded) {
			return Meaning{Kind: reminders.ReplyCommand, Word: word, Why: "the command " + word}, true
		}
	}
	first, rest, _ := strings.Cut(folded, " ")
	switch first {
	case "pause":
		weeks, _, _ := strings.Cut(rest, " ")
		if rest == "" {
			weeks = "1"
		}
		if n, err := strconv.Atoi(weeks); err == nil && n >= 1 && n <= 12 {
			return Meaning{Kind: reminders.ReplyCommand, Word: "pause", Arg: weeks, Why: "the command pause"}, true
		}
	case "sprog", "language":
		for lang, names := range languages {
			if slices.Contains(names, rest) {
				return Meaning{Kind: reminders.ReplyCommand, Word: "language", Arg: lang, Why: "the command language"}, true
			}
		}
	}
	return Meaning{}, false
}

var languages = map[string][]string{"da": words("da dansk danish"), "en": words("en engelsk english")}

// answer reads a digit in any spelling, or yes, no and partly where the choices have them.
func answer(folded, text string, choices []reminders.Choice) (Meaning, bool) {
	has := func(digit string) bool {
		return slices.ContainsFunc(choices, func(c reminders.Choice) bool { return c.Digit == digit })
	}
	found := func(digit, rest, why string) (Meaning, bool) {
		return Meaning{Kind: reminders.ReplyAnswer, Digit: digit, Rest: rest, Why: why}, true
	}
	body := strings.TrimPrefix(folded, "svar ")
	first, rest, _ := strings.Cut(body, " ")
	if digit := strings.TrimRight(first, ".):,;-"); has(digit) {
		return found(digit, restOf(text, rest), "the digit "+digit)
	}
	if digit, ok := numberWords[body]; ok && has(digit) {
		return found(digit, "", "the number "+body)
	}
	for _, c := range choices { // the label itself, as a person types what is on a button
		if fold(c.Label) == folded {
			return found(c.Digit, "", "the words of choice "+c.Digit)
		}
	}
	for _, meaning := range []string{"partly", "no", "yes"} {
		i := slices.IndexFunc(choices, func(c reminders.Choice) bool {
			return c.Meaning == meaning || meaning == "yes" && c.Meaning == "plan"
		})
		if i < 0 {
			continue
		}
		for _, phrase := range meanings[meaning] {
			after, ok := strings.CutPrefix(body, phrase)
			switch {
			case !ok || after != "" && !strings.HasPrefix(after, " "):
			case after == "":
				return found(choices[i].Digit, "", "the word "+phrase)
			case len(strings.Fields(after)) <= 2 && onlyPolite(after):
				return found(choices[i].Digit, "", "the word "+phrase)
			case (phrase == "ja" || phrase == "nej" || phrase == "yes" || phrase == "no") && !contradicts(meaning, after):
				return found(choices[i].Digit, strings.TrimSpace(after), "begins with "+phrase)
			}
		}
	}
	return Meaning{}, false
}

// restOf is what follows the first word in the text as it was written.
func restOf(text, foldedRest string) string {
	if foldedRest == "" {
		return ""
	}
	text = strings.TrimSpace(text)
	i := strings.IndexFunc(text, unicode.IsSpace)
	if i < 0 {
		return foldedRest
	}
	return strings.TrimSpace(text[i:])
}

var polite = words("tak mange hej mvh hilsen please thanks thank you da")

func onlyPolite(s string) bool {
	for _, w := range strings.Fields(s) {
		if !slices.Contains(polite, w) {
			return false
		}
	}
	return true
}

var courtesies = words(`tak ok okay oki fint godt super thanks thx`, "mange tak", "tusind tak", "tak for det", "tak skal du have", "selv tak",
	"ok tak", "okay tak", "super tak", "fint tak", "i lige måde", "thank you", "ok thanks", "you too")

// courteous says whether a text is a thank-you or a nod: after an answer it wants nothing and changes nothing.
func courteous(text string) bool {
	folded := fold(text)
	isWord := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }
	return slices.Contains(courtesies, folded) || folded != "" && !strings.ContainsFunc(folded, isWord)
}

// contradicts catches "ja men ikke endnu": a yes that takes itself back is left to a person.
func contradicts(meaning, after string) bool {
	return meaning == "yes" && slices.Contains(strings.Fields(after), "ikke")
}

// fold makes a text comparable: composed, lower case, one space between words, no emphasis, no
// punctuation at the ends of the text, and emoji digits as digits.
func fold(text string) string {
	text = norm.NFKC.String(text)
	text = strings.Map(func(r rune) rune {
		switch {
		case r == 0xFE0F || r == 0x20E3 || r >= 0x1F3FB && r <= 0x1F3FF || r == 0x200D: // variation, keycap, skin tone, joiner
			return -1
		case unicode.IsControl(r) || unicode.IsSpace(r):
			return ' '
		case r == '!' || r == '?' || r == '"' || r == '\'' || r == '*' || r == '“' || r == '”' || r == '’':
			return -1
		case r == ',' || r == '.' || r == ';' || r == ':':
			return ' '
		}
		return unicode.ToLower(r)
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	return strings.Trim(text, ".,;:-()[]")
}
