// Package meaning says what a person's text means: deterministic, explainable, from lists of words that can be
// read and corrected (words/*.toml), without a model or the network. The same text means the same every time, and Why says
// which words decided.
//
// Everything is tried in every language we know, the person's own first: people who get Danish texts answer in
// Polish, and Poles answer "ja". The order is the rule: to be left alone, trouble, what only may mean to be left alone, a command,
// the answer to the question, a thank-you, and else words that are kept.
package meaning

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"efterkurs/reminders"
)

// Kind is what a text was taken for.
type Kind string

const (
	Stop     Kind = "stop"     // wants no more texts
	Doubt    Kind = "doubt"    // may want that: it is asked
	Trouble  Kind = "trouble"  // an accident, bullying, illness, despair: only a human answers
	Start    Kind = "start"    // wants to begin again
	Command  Kind = "command"  // see Word
	Answer   Kind = "answer"   // see Digit
	Unclear  Kind = "unclear"  // an answer, but which? It is asked
	Thanks   Kind = "thanks"   // a thank-you or a nod: it wants nothing
	Question Kind = "question" // asks something only a human can answer
	Text     Kind = "text"     // none of these
)

// Commands.
const (
	Help     = "help"
	Buddy    = "buddy"
	Pause    = "pause"    // Weeks or Until; neither = a pause is offered
	Language = "language" // Arg
	Later    = "later"    // Clock, if said
	Answers  = "answers"
	Delete   = "delete"
	CallMe   = "callme"
	New      = "new" // other times, of a question about times
)

// Meaning is what a text was taken for, and why.
type Meaning struct {
	Kind   Kind
	Word   string // of a command
	Arg    string // of Language: its code
	Weeks  int    // of Pause
	Until  Day    // of Pause: the day on which they are back; zero = not said
	Clock  int    // of Later: minutes after midnight; -1 = not said
	Digit  string // of an answer
	Digits bool   // of an answer: it was given as a number
	Rest   bool   // whether more than the answer was written
	Why    string // in a few words, for the consultant
}

// Day is a day as people write it: without a year, and a weekday for one of the coming seven.
type Day struct {
	Day, Month int
	Weekday    time.Weekday
	IsWeekday  bool
}

// IsZero says whether no day was said.
func (d Day) IsZero() bool { return d == Day{} }

// Reader reads texts. The words are loaded when the first one is read: a process that only sends starts without them.
type Reader struct {
	words func() map[string]*lexicon

	// Most people write one of a few short texts, and each is read against several questions.
	mu    sync.Mutex
	known map[string]Meaning
}

// Load loads the words now, for who will read a text soon.
func (r *Reader) Load() { r.Of("ja", nil, "da") }

// NewReader returns a Reader. Its words are part of the program: where they cannot be read, that is a fault of it, and
// the first text panics.
func NewReader() *Reader {
	return &Reader{known: map[string]Meaning{}, words: sync.OnceValue(func() map[string]*lexicon {
		all, err := load()
		if err != nil {
			panic(err)
		}
		return all
	})}
}

// longest is how much of a text is looked at: what people ask for stands at its beginning.
const longest = 1600

// Of says what text means. choices are those of the question that it would answer, none where nothing is asked; lang
// is the language that its writer is written to in.
func (r *Reader) Of(text string, choices []reminders.Choice, lang string) Meaning {
	if runes := []rune(text); len(runes) > longest {
		text = string(runes[:longest])
	}
	if m, ok := plainly(text, choices); ok {
		return m
	}
	if len(text) > shortText {
		return r.of(text, choices, lang)
	}
	var key strings.Builder
	fmt.Fprintf(&key, "%s %q", lang, text)
	for _, c := range choices {
		fmt.Fprintf(&key, " %q", []string{c.Digit, c.Label, c.Meaning})
	}
	r.mu.Lock()
	m, ok := r.known[key.String()]
	r.mu.Unlock()
	if ok {
		return m
	}
	m = r.of(text, choices, lang)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.known) >= mostKnown {
		clear(r.known)
	}
	r.known[key.String()] = m
	return m
}

// plainly reads what most people write, a digit, and what must never wait for the words to be loaded, STOP.
func plainly(text string, choices []reminders.Choice) (Meaning, bool) {
	text = strings.TrimSpace(text)
	switch {
	case strings.EqualFold(text, "stop"), strings.EqualFold(text, "stop nu"):
		return Meaning{Kind: Stop, Why: "asks to stop: stop"}, true
	case len(text) == 1 && isDigits(text) && isChoice(choices, text):
		return Meaning{Kind: Answer, Digit: text, Digits: true, Why: "the number " + text}, true
	case len(text) == 1 && isDigits(text) && len(choices) == 0:
		return Meaning{Kind: Text, Why: "a number, and nothing is asked"}, true
	}
	return Meaning{}, false
}

const (
	shortText = 60   // bytes
	mostKnown = 2000 // texts
)

func (r *Reader) of(text string, choices []reminders.Choice, lang string) Meaning {
	m := r.read(text, choices, lang, leastKnown, asWritten)
	// Once more, as if what is nearly a word we know were that word.
	if m.Kind != Stop && m.Kind != Doubt && m.Kind != Trouble && !(m.Sure() && !m.Rest) && r.misspelt(text, lang) {
		how := correctedTold
		if m.Kind == Text {
			how = correctedAll
		}
		if again := r.read(text, choices, lang, leastKnown, how); again.Kind != Text && (m.Kind == Text || again.Kind != Question) && again != m {
			m = again
			m.Why += ", with a typing error"
		}
	}
	if m.Kind == Text { // and in a language of which few of the words are known, but more than of their own
		m = r.read(text, choices, lang, fewKnown, asWritten)
	}
	if m.Kind == Text || m.Kind == Question {
		if like, ok := r.like(text, choices, lang); ok {
			return like
		}
	}
	m.Why = plain(m.Why)
	return m
}

// spelling is what a text is read as if it were written.
type spelling int

const (
	asWritten     spelling = iota
	correctedTold          // typing errors corrected in a language of which texts are known: they show which words occur
	correctedAll           // … in every language
)

// Nod says whether a text is a thank-you or a sign, and no yes or no in words: behind an answer it changes nothing.
func (r *Reader) Nod(text, lang string) bool {
	if _, ok := plainly(text, nil); ok || r.Of(text, nil, lang).Kind != Thanks {
		return false
	}
	for _, l := range r.languages(text, lang, leastKnown) {
		core, _ := l.strip(l.usual(l.fold(text)))
		for _, name := range []string{"yes", "no"} {
			if w := find(l.groups[name].start, core); w != "" && !strings.HasPrefix(w, "emoji") {
				return false
			}
		}
	}
	return true
}

// Week says which week's exercise a text names before its answer, and what follows: "uge 3: 1"; 0 where it names none.
func (r *Reader) Week(text, lang string) (week int, rest string) {
	if len(strings.Fields(text)) < 2 || !strings.ContainsFunc(text, unicode.IsDigit) {
		return 0, ""
	}
	for _, l := range r.languages(text, lang, leastKnown) {
		core, _ := l.strip(l.usual(l.fold(text)))
		words := strings.Fields(core)
		for n := 1; n <= 2 && n+1 < len(words); n++ {
			if has(l.week, strings.Join(words[:n], " ")) && isDigits(words[n]) && len(words[n]) == 1 {
				return int(words[n][0] - '0'), strings.Join(words[n+1:], " ")
			}
		}
	}
	return 0, ""
}

// misspelt says whether one of the languages that a text may be in would correct a word of it.
func (r *Reader) misspelt(text, lang string) bool {
	return slices.ContainsFunc(r.languages(text, lang, leastKnown), func(l *lexicon) bool {
		folded := l.fold(text)
		return l.corrected(folded, r.knows) != l.usual(folded)
	})
}

// knows says whether a word is one in any language.
func (r *Reader) knows(word string) bool {
	for _, l := range r.words() {
		if l.same[word] != "" || l.often[word] > 0 {
			return true
		}
	}
	return strings.HasPrefix(word, "emoji")
}

// like reads a text by the known ones that it is like, in the writer's own language.
func (r *Reader) like(text string, choices []reminders.Choice, lang string) (Meaning, bool) {
	l := r.words()[lang]
	if l == nil || !l.told {
		return Meaning{}, false
	}
	v := view{lexicon: l.ready(), folded: l.corrected(l.fold(text), r.knows)}
	v.core, _ = l.strip(v.folded)
	return v.said(choices, kindOf(choices))
}

// read says what a text means, as it is written or with its typing errors corrected.
func (r *Reader) read(text string, choices []reminders.Choice, lang string, least float64, how spelling) Meaning {
	folded, parts := fold(text), clauses(text)
	var views []view
	for _, l := range r.languages(text, lang, least) {
		corrected := how == correctedAll || how == correctedTold && l.told
		words := func(text string) string { return l.usual(l.fold(text)) }
		if corrected {
			words = func(text string) string { return l.corrected(l.fold(text), r.knows) }
		}
		v := view{lexicon: l, folded: words(text), guessed: corrected, all: &views}
		v.core, v.greeted = l.strip(v.folded)
		for _, part := range parts {
			v.parts = append(v.parts, words(part))
			if clause, _ := l.strip(v.parts[len(v.parts)-1]); clause != "" {
				v.clauses = append(v.clauses, clause)
			}
		}
		views = append(views, v)
	}
	kind := kindOf(choices)
	if m, ok := firstOf(views, view.stop); ok {
		return m
	}
	if m, ok := firstOf(views, view.trouble); ok {
		return m
	}
	if own := views[0]; own.lang == lang && own.core == "" && own.greeted && kind != slots && has(own.groups["thanks"].whole, own.folded) { // "ok tak", whatever "tak" is in Polish
		return Meaning{Kind: Thanks, Why: "a thank-you"}
	}
	answered, isAnswer := firstOf(views, func(v view) (Meaning, bool) { return v.answer(choices, kind) })
	if isAnswer && answered.Why == whyNumber {
		answered.Why = "the number " + answered.Digit
		return answered
	}
	// "Gider ikke" is what stands in the way, where that is asked, and "when the shift ends, then I …" is a plan.
	if !(isAnswer && (kind == barriers || kind == ratings || answered.Why == whyPlan)) {
		if m, ok := firstOf(views, view.doubt); ok {
			return m
		}
	}
	if isAnswer && kind == slots { // "kl 9 passer"
		return answered
	}
	command, isCommand := firstOf(views, func(v view) (Meaning, bool) { return v.command(kind) })
	if command.Word == Pause && command.Weeks == 0 && command.Until.IsZero() { // "pause" is a word in many languages: which says how long?
		if m, ok := firstOf(views, func(v view) (Meaning, bool) {
			m, ok := v.pause()
			return m, ok && (m.Weeks > 0 || !m.Until.IsZero())
		}); ok {
			command = m
		}
	}
	over := command.Word == Language || command.Word == Later || command.Word == CallMe || command.Word == Buddy && answered.Why != whyPeople
	// "Too tired" is what stands in the way, where that is asked, and no sick note.
	reason := isAnswer && (kind == barriers || kind == ratings) && slices.Contains([]string{Pause, Help}, command.Word)
	if isCommand && (!isAnswer || !answered.firm() || over) && !reason {
		return command
	}
	if isAnswer {
		return answered
	}
	if m, ok := firstOf(views, view.thanks); ok {
		return m
	}
	if strings.Contains(folded, "?") {
		return Meaning{Kind: Question, Why: "a question mark"}
	}
	if m, ok := firstOf(views, view.question); ok {
		return m
	}
	return Meaning{Kind: Text, Why: "words"}
}

// String is for tests and logs.
func (m Meaning) String() string {
	switch {
	case m.Kind == Answer:
		return "=" + m.Digit
	case m.Kind == Command && m.Word == Pause && m.Weeks > 0:
		return fmt.Sprintf("pause:%d", m.Weeks)
	case m.Kind == Command && m.Word == Pause && !m.Until.IsZero():
		return fmt.Sprintf("pause:%d/%d", m.Until.Day, m.Until.Month)
	case m.Kind == Command && m.Word == Language:
		return "language:" + m.Arg
	case m.Kind == Command && m.Word == Later && m.Clock >= 0:
		return fmt.Sprintf("later:%02d:%02d", m.Clock/60, m.Clock%60)
	case m.Kind == Command:
		return m.Word
	}
	return string(m.Kind)
}
