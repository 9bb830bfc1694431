package meaning

import (
	"cmp"
	"strings"

	"efterkurs/reminders"
)

// doing reads yes, no and partly.
func (v view) doing(choices []reminders.Choice) (Meaning, bool) {
	yes, no, partly := digitOf(choices, "yes", "plan", "stop", "erase", "share"), digitOf(choices, "no", "go-on", "keep"), digitOf(choices, "partly")
	found := func(digit, why string, rest bool) (Meaning, bool) {
		if digit == "" {
			return Meaning{Kind: Unclear, Why: why}, true
		}
		return Meaning{Kind: Answer, Digit: digit, Rest: rest, Why: why}, true
	}
	g, isPlan := v.groups, digitOf(choices, "plan") != ""
	if v.core != v.folded { // "so so" is no politeness
		if w := find(g["partly"].whole, v.folded); w != "" && partly != "" {
			return found(partly, "the words "+w, false)
		}
		if w := find(g["either"].whole, v.folded); w != "" {
			return Meaning{Kind: Unclear, Why: "the words " + w}, true
		}
	}
	texts := []string{v.core}
	if _, after, ok := strings.Cut(v.core, " "); ok && v.greeted { // "Hej Lone. Ja det er gjort"
		texts = append(texts, after)
	}
	for _, text := range texts {
		if text == "" {
			continue
		}
		if w := find(g["either"].sure, text); w != "" && len(strings.Fields(text)) <= 6 {
			return Meaning{Kind: Unclear, Why: "the words " + w}, true
		}
		if w := find(g["plan"].start, text); w != "" && isPlan { // "når alarmen siger stop, så"
			return found(yes, "begins with "+w, true)
		}
		if w := find(g["either"].whole, text); w != "" {
			return Meaning{Kind: Unclear, Why: "the words " + w}, true
		}
		if w := find(g["partly"].whole, text); w != "" && partly != "" {
			return found(partly, "the words "+w, false)
		}
		if w := find(g["yes"].whole, text); w != "" {
			return found(yes, "the words "+w, false)
		}
		if w := find(g["no"].whole, text); w != "" {
			return found(no, "the words "+w, false)
		}
		part := ""
		if !has(g["partly"].not, text) {
			part = find(g["partly"].any, text)
			if part == "" && len(strings.Fields(text)) <= fewWords {
				part = find(g["partly"].short, text)
			}
		}
		if w := find(g["yes"].start, text); w != "" {
			rest := strings.TrimPrefix(text, w)
			back := find(g["yes"].strong, rest)
			if back == "" {
				back = find(g["no"].strong, rest)
			}
			switch {
			case part != "" && partly != "" && len(strings.Fields(text)) <= 8:
				return found(partly, "the words "+part, true)
			case back != "":
				return Meaning{Kind: Unclear, Why: "says " + w + ", and then " + back}, true
			}
			return found(yes, "begins with "+w, true)
		}
		if w := find(g["no"].start, text); w != "" {
			rest := strings.TrimPrefix(text, w)
			switch {
			case part != "" && strings.HasPrefix(text, part): // "ikke helt færdig"
				return found(partly, "the words "+part, true)
			case has(g["no"].back, rest) && len(strings.Fields(rest)) <= 6:
				return Meaning{Kind: Unclear, Why: "says " + w + ", and then the opposite"}, true
			case part != "" && len(strings.Fields(rest)) <= 3:
				return Meaning{Kind: Unclear, Why: "says " + w + ", and " + part}, true
			}
			return found(no, "begins with "+w, true)
		}
		if w := find(g["plan"].start, text); w != "" && digitOf(choices, "plan") != "" && len(strings.Fields(text)) > 3 && !strings.Contains(text, "?") {
			return found(yes, whyPlan, true)
		}
		for _, end := range []string{"yes", "no"} { // "er alene på nat så nej"
			if w := find(g[end].last, text); w != "" && len(strings.Fields(text)) <= 9 {
				return found(map[string]string{"yes": yes, "no": no}[end], "ends with "+w, true)
			}
		}
		if w := find(g["either"].any, text); w != "" && len(strings.Fields(text)) <= 6 && !has(g["either"].not, text) {
			return Meaning{Kind: Unclear, Why: "the words " + w}, true
		}
		if w := find(g["plan"].any, text); w != "" && isPlan && !v.negated(text) {
			return found(yes, whyPlan, true)
		}
		if w := cmp.Or(find(g["people"].whole, text), find(g["people"].whole, v.folded)); w != "" && partly == "" && !isPlan {
			return found(yes, whyPeople, true) // "to kolleger" have seen it
		}
		if n := len(strings.Fields(text)); part != "" && (n <= 7 || n <= 10 && !has(g["no"].any, text)) && !(has(g["no"].any, text) && !has(g["partly"].strong, part)) && partly != "" {
			return found(partly, "the words "+part, false)
		}
		// "Fik sorteret, men ikke smidt ud": some was done, where that may be answered; else what was not is what counts.
		done, undone := "", ""
		for _, clause := range v.joined(text) {
			if w, no := v.deed(clause); no {
				undone = cmp.Or(undone, w)
			} else {
				done = cmp.Or(done, w)
			}
		}
		asks := has(g["question"].sure, text) // "skal det være på vores egen linje"
		switch {
		case done != "" && undone != "" && partly != "":
			return found(partly, "the words "+done+", and "+undone, true)
		case undone != "" && !asks:
			return found(no, "the words "+undone, true)
		case done != "" && !asks:
			return found(yes, "the words "+done, true)
		case part != "":
			return found(partly, "the words "+part, false)
		}
	}
	return Meaning{}, false
}

// deed says what a clause tells of something done, and whether it was not. "Vi snakkede om, hvorfor det ikke virker":
// the main clause tells it.
func (v view) deed(clause string) (words string, undone bool) {
	main := clause
	if v.that != nil {
		if at := v.that.FindStringIndex(clause); at != nil {
			main = clause[:at[0]]
		}
	}
	no, yes := v.groups["no"], v.groups["yes"]
	for _, text := range []string{main, clause} {
		if w := find(no.any, text); w != "" && !has(no.not, text) {
			return w, true
		}
		if w := find(yes.any, text); w != "" && !has(yes.not, text) {
			return w, false
		}
	}
	return "", false
}

// negated says whether a text says no to anything.
func (v view) negated(text string) bool {
	if no := v.groups["no"]; no.sure != nil {
		return has(no.sure, text)
	}
	return has(v.groups["no"].any, text)
}

// joined are the clauses of a text, also those that only a word like "but" divides.
func (v view) joined(text string) []string {
	parts := v.clauses
	if len(parts) < 2 || text != v.core {
		parts = []string{text}
	}
	if v.but == nil {
		return parts
	}
	var out []string
	for _, part := range parts {
		for _, clause := range v.but.Split(part, -1) {
			if clause = strings.TrimSpace(clause); clause != "" {
				out = append(out, clause)
			}
		}
	}
	return out
}
