package meaning

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// view is a text as one language reads it.
type view struct {
	*lexicon
	folded  string   // all of it
	core    string   // without politeness
	greeted bool     // politeness stood in front of it
	guessed bool     // typing errors were corrected: only whole texts are taken for what stops
	parts   []string // between marks
	clauses []string // the same without politeness, and without those that are nothing else
	all     *[]view  // of this text, in every language that it may be in
}

func firstOf(views []view, read func(view) (Meaning, bool)) (Meaning, bool) {
	for _, v := range views {
		if m, ok := read(v); ok {
			return m, true
		}
	}
	return Meaning{}, false
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

// in looks for a group's patterns: the words that matched, "" where none did. What takes them back does so in its own
// clause only: "Maskinen larmer. Hold op med at skrive".
func (v view) in(name string) string {
	g := v.groups[name]
	texts := []string{v.core, v.folded}
	if asked, ok := strings.CutSuffix(v.core, " ?"); ok && name != "stop" && v.lang == "da" { // "stop?" is none
		texts = append(texts, asked)
	}
	for _, text := range texts {
		if w := find(g.whole, text); w != "" && text != "" {
			return w
		}
	}
	parts := 0
	if len(v.clauses) > 1 {
		parts = len(v.parts)
	}
	for i := -1; i < parts; i++ {
		text := v.part(i)
		if w := find(g.sure, text); w != "" {
			return w
		}
		if v.guessed && (name == "stop" || name == "doubt") {
			continue
		}
		if w := find(g.any, text); w != "" && !v.not(name, i) {
			return w
		}
	}
	return ""
}

// part is the part i of a text, and all of it for -1.
func (v view) part(i int) string {
	if i < 0 {
		return v.folded
	}
	return v.parts[i]
}

// not says whether any language that a text may be in says that a part of it does not mean name: "stop na linii 4".
func (v view) not(name string, part int) bool {
	return slices.ContainsFunc(*v.all, func(v view) bool { return has(v.groups[name].not, v.part(part)) })
}

// inClause looks for what is a whole clause at the beginning or the end of a text.
func (v view) inClause(name string) string {
	if len(v.clauses) < 2 || v.guessed {
		return ""
	}
	return cmp.Or(find(v.groups[name].whole, v.clauses[0]), find(v.groups[name].whole, v.clauses[len(v.clauses)-1]))
}

func (v view) stop() (Meaning, bool) {
	if v.lang == "da" && find(v.groups[Delete].whole, v.core) != "" { // "slet mig" is asked about, and then everything goes
		return Meaning{}, false
	}
	w := v.in("stop")
	if w == "" && !v.not("stop", -1) { // "linjen stod stille, stop" is told of a machine
		w = v.inClause("stop")
	}
	// "3 og hold så op med at skrive": what stands before is an answer that no longer matters.
	for text := v.core; w == "" && !v.not("stop", -1); {
		before, after, ok := strings.Cut(text, " ")
		if !ok || !(has(v.groups["stop"].start, before) || isDigits(before)) || isDigits(before) && len(strings.Fields(after)) < 3 && !has(v.groups["stop"].start, after) {
			break
		}
		w, text = find(v.groups["stop"].whole, after), after
	}
	return Meaning{Kind: Stop, Rest: w != v.core, Why: "asks to stop: " + w}, w != ""
}

func (v view) trouble() (Meaning, bool) {
	w := v.in("trouble")
	return Meaning{Kind: Trouble, Why: "sounds like trouble: " + w}, w != ""
}

// fewWords is how long a text is at most in which the word for stopping alone makes it doubtful.
const fewWords = 4

func (v view) doubt() (Meaning, bool) {
	w := cmp.Or(v.in("doubt"), v.inClause("doubt"))
	if g := v.groups["doubt"]; w == "" && !v.guessed && len(strings.Fields(v.core)) <= fewWords && !v.not("doubt", -1) {
		w = find(g.short, v.folded)
	}
	if g := v.groups["doubt"]; w == "" && !v.not("doubt", -1) {
		w = find(g.last, v.core)
	}
	return Meaning{Kind: Doubt, Why: "may mean to stop: " + w}, w != ""
}

func (v view) thanks() (Meaning, bool) {
	if v.core == "" && v.folded != "" && v.greeted {
		return Meaning{Kind: Thanks, Why: "a thank-you"}, true
	}
	w := v.in("thanks")
	if w == "" && len(v.clauses) > 1 && !slices.ContainsFunc(v.clauses, func(c string) bool { return !has(v.groups["thanks"].whole, c) }) {
		w = v.core
	}
	if w == "" && len(strings.Fields(v.folded)) <= 7 {
		w = find(v.groups["thanks"].start, v.folded)
	}
	return Meaning{Kind: Thanks, Why: "a thank-you: " + w}, w != ""
}

func (v view) question() (Meaning, bool) {
	g := v.groups["question"]
	w := cmp.Or(find(g.start, v.folded), find(g.last, v.core))
	if v.not("question", -1) {
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
