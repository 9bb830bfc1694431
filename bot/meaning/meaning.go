// Package meaning says what a person's text means: deterministic, explainable, from lists of words that can be
// read and corrected (words/*.toml), without a model or the network. The same text means the same every time, and Why says
// which words decided.
//
// Everything is tried in every language we know, the person's own first: people who get Danish texts answer in
// Polish, and Poles answer "ja". The order is the rule: to be left alone, trouble, what only may mean to be left alone, a command,
// the answer to the question, a thank-you, and else words that are kept.
package meaning

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
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
	Kind  Kind
	Word  string // of a command
	Arg   string // of Language: its code
	Weeks int    // of Pause
	Until Day    // of Pause: the day on which they are back; zero = not said
	Clock int    // of Later: minutes after midnight; -1 = not said
	Digit string // of an answer
	Rest  bool   // whether more than the answer was written
	Week  int    // of an answer that names its exercise; 0 = does not
	Why   string // in a few words, for the consultant
}

// Day is a day as people write it: without a year, and a weekday for one of the coming seven.
type Day struct {
	Day, Month int
	Weekday    time.Weekday
	IsWeekday  bool
}

// IsZero says whether no day was said.
func (d Day) IsZero() bool { return d == Day{} }

// Reader reads texts.
type Reader struct {
	lexicons map[string]*lexicon
	order    []string
}

// NewReader loads the words. It fails only where the files that are part of the program are wrong.
func NewReader() (*Reader, error) {
	lexicons, err := load()
	if err != nil {
		return nil, err
	}
	r := &Reader{lexicons: lexicons}
	for _, lang := range []string{"da", "en", "pl", "uk", "vi", "ar", ukLatin} {
		if lexicons[lang] != nil {
			r.order = append(r.order, lang)
		}
	}
	return r, nil
}

// longest is how much of a text is looked at: what people ask for stands at its beginning.
const longest = 1600

// view is a text as one language reads it.
type view struct {
	*lexicon
	folded  string          // all of it
	core    string          // without politeness
	greeted bool            // politeness stood in front of it
	guessed bool            // typing errors were corrected: only whole texts are taken for what stops
	not     map[string]bool // groups of which one of the languages says that they are not meant: "stop na linii 4"
}

// Of says what text means. choices are those of the question that it would answer, none where nothing is asked; lang
// is the language that its writer is written to in.
func (r *Reader) Of(text string, choices []reminders.Choice, lang string) Meaning {
	if runes := []rune(text); len(runes) > longest {
		text = string(runes[:longest])
	}
	m := r.read(text, choices, lang, leastKnown, false)
	if m.Kind == Text { // once more, as if what is nearly a word we know were that word
		if m = r.read(text, choices, lang, leastKnown, true); m.Kind != Text {
			m.Why += ", with a typing error"
		}
	}
	if m.Kind == Text { // and in a language of which few of the words are known, but more than of their own
		m = r.read(text, choices, lang, fewKnown, false)
	}
	m.Why = plain(m.Why)
	return m
}

// read says what a text means, as it is written or with its typing errors corrected.
func (r *Reader) read(written string, choices []reminders.Choice, lang string, least float64, corrected bool) Meaning {
	folded := fold(written)
	var views []view
	not := map[string]bool{}
	languages := r.languages(written, lang, least)
	for _, l := range languages {
		text := l.usual(l.fold(written))
		if corrected {
			text = l.corrected(text, languages)
		}
		core, greeted := l.strip(text)
		views = append(views, view{l, text, core, greeted, corrected, not})
		for name, g := range l.groups {
			not[name] = not[name] || has(g.not, text)
		}
	}
	kind := kindOf(choices)
	if m, ok := firstOf(views, view.stop); ok {
		return m
	}
	if m, ok := firstOf(views, view.trouble); ok {
		return m
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
	command, isCommand := firstOf(views, func(v view) (Meaning, bool) { return v.command(kind) })
	if command.Word == Pause && command.Weeks == 0 && command.Until.IsZero() { // "pause" is a word in many languages: which says how long?
		if m, ok := firstOf(views, func(v view) (Meaning, bool) {
			m, ok := v.pause()
			return m, ok && (m.Weeks > 0 || !m.Until.IsZero())
		}); ok {
			command = m
		}
	}
	if m, ok := command, isCommand; ok && !(isAnswer && answered.firm() && m.Word != Language && m.Word != Later && m.Word != CallMe && m.Word != Buddy) {
		// "Too tired" is what stands in the way, where that is asked, and no sick note.
		if !(isAnswer && (kind == barriers || kind == ratings) && slices.Contains([]string{Pause, Help}, m.Word)) {
			return m
		}
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

func firstOf(views []view, read func(view) (Meaning, bool)) (Meaning, bool) {
	for _, v := range views {
		if m, ok := read(v); ok {
			return m, true
		}
	}
	return Meaning{}, false
}

// ownBonus is what it counts that a language is the writer's own: as if that share of the words more were known in it.
const ownBonus = 0.3

// leastKnown is the share of a text's words that must be known in a language for the text to be in it.
const leastKnown = 0.5

// fewKnown is that share where nothing else could be made of the text.
const fewKnown = 0.25

// mostKnown is that share where the spelling is so rough that words of other languages look like it.
const mostKnown = 0.75

// languages are those that a text may be in, the likeliest first: "om" is Danish, and Vietnamese for ill without
// its tone marks.
func (r *Reader) languages(text, own string, least float64) []*lexicon {
	share := map[string]float64{}
	marked := strings.Fields(foldTones(text))
	for lang, l := range r.lexicons {
		known := 0
		words := strings.Fields(l.fold(text))
		for i, w := range words {
			script := scriptOf(w)
			if script == "" && len(marked) == len(words) {
				script = scriptOf(marked[i])
			}
			if script != "" && script != l.lang {
				continue
			}
			if script != "" || l.same[w] != "" || l.begins(w) || isDigits(w) || strings.HasPrefix(w, "emoji") || slices.ContainsFunc(unfixed(w), func(w string) bool { return l.words[w] }) {
				known++
			}
		}
		share[lang] = float64(known) / float64(max(1, len(words)))
		if lang == own {
			share[lang] += ownBonus
		}
	}
	if own == "uk" {
		share[ukLatin] += ownBonus
	}
	has := func(script *unicode.RangeTable) bool {
		return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(script, r) })
	}
	best := 0.0 // of the others, for what is read in a rough spelling
	for lang, s := range share {
		if lang != ukLatin && lang != "uk" {
			best = max(best, s)
		}
	}
	var langs []string
	for _, lang := range r.order {
		switch {
		case lang == ukLatin && (share[lang] < mostKnown || share[lang] <= best && own != "uk" || has(unicode.Cyrillic) || scriptOf(foldTones(text)) == "vi"):
			continue
		case lang == "ar" && lang != own && share[lang] < fewKnown+least && !has(unicode.Arabic):
			continue
		case share[lang] >= leastKnown || lang == own || share[lang] >= least && share[lang] > share[own]-ownBonus:
			langs = append(langs, lang)
		}
	}
	slices.SortStableFunc(langs, func(a, b string) int { return cmp.Compare(share[b], share[a]) })
	var out []*lexicon
	for _, lang := range langs {
		out = append(out, r.lexicons[lang])
	}
	return out
}

// strip takes politeness off both ends: "Hej, ja tak. Mvh Bent" is "ja".
func (l *lexicon) strip(text string) (core string, greeted bool) {
	if l.sign != nil {
		if at := l.sign.FindStringIndex(text); at != nil && at[0] > 0 {
			text = text[:at[0]]
		}
	}
	words := strings.Fields(text)
	for again := true; again && len(words) > 0; {
		again = false
		for n := min(3, len(words)); n > 0; n-- {
			if has(l.soft, strings.Join(words[:n], " ")) {
				words, again, greeted = words[n:], true, true
				break
			}
		}
		for n := min(3, len(words)); n > 0; n-- {
			if has(l.soft, strings.Join(words[len(words)-n:], " ")) {
				words, again = words[:len(words)-n], true
				break
			}
		}
	}
	return strings.Join(words, " "), greeted
}

// in looks for a group's patterns: the words that matched, "" where none did.
func (v view) in(name string) string {
	g := v.groups[name]
	for _, text := range []string{v.core, v.folded} {
		if text == "" {
			continue
		}
		if w := find(g.whole, text); w != "" {
			return w
		}
	}
	if v.not[name] || v.guessed && (name == "stop" || name == "doubt") {
		return ""
	}
	return find(g.any, v.folded)
}

func (v view) stop() (Meaning, bool) {
	w := v.in("stop")
	// "3 og hold så op med at skrive": what stands before is an answer that no longer matters.
	for text := v.core; w == "" && !v.not["stop"]; {
		before, after, ok := strings.Cut(text, " ")
		if !ok || !(has(v.groups["stop"].start, before) || isDigits(before)) || isDigits(before) && len(strings.Fields(after)) < 3 {
			break
		}
		w, text = find(v.groups["stop"].whole, after), after
	}
	return Meaning{Kind: Stop, Why: "asks to stop: " + w}, w != ""
}

func (v view) trouble() (Meaning, bool) {
	w := v.in("trouble")
	return Meaning{Kind: Trouble, Why: "sounds like trouble: " + w}, w != ""
}

// fewWords is how long a text is at most in which the word for stopping alone makes it doubtful.
const fewWords = 4

func (v view) doubt() (Meaning, bool) {
	w := v.in("doubt")
	if g := v.groups["doubt"]; w == "" && !v.guessed && len(strings.Fields(v.core)) <= fewWords && !v.not["doubt"] {
		w = find(g.short, v.folded)
	}
	if g := v.groups["doubt"]; w == "" && !v.not["doubt"] {
		w = find(g.last, v.core)
	}
	return Meaning{Kind: Doubt, Why: "may mean to stop: " + w}, w != ""
}

func (v view) thanks() (Meaning, bool) {
	if v.core == "" && v.folded != "" && v.greeted {
		return Meaning{Kind: Thanks, Why: "a thank-you"}, true
	}
	w := v.in("thanks")
	if w == "" && len(strings.Fields(v.folded)) <= 7 {
		w = find(v.groups["thanks"].start, v.folded)
	}
	return Meaning{Kind: Thanks, Why: "a thank-you: " + w}, w != ""
}

func (v view) question() (Meaning, bool) {
	g := v.groups["question"]
	w := cmp.Or(find(g.start, v.folded), find(g.last, v.core))
	if v.not["question"] {
		w = ""
	}
	return Meaning{Kind: Question, Why: "asks: " + w}, w != ""
}

// named returns what the group n of a pattern matched.
func named(re *regexp.Regexp, text string) string {
	if re == nil {
		return ""
	}
	m := re.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	return m[slices.Index(re.SubexpNames(), "n")]
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
