package meaning

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"efterkurs/reminders"
)

// What no pattern reads is compared with texts that people may have written before, whose meaning is known
// (words/*.said, a line each: what was asked, what was meant, the text). The one most like it, and its neighbours, say
// what it means: they are lines that can be read and corrected like the patterns.

const (
	// likeEnough is how alike a text must be to one that is known: 1 is the same.
	likeEnough = 0.5
	// alikeToStop is how alike a text must be to one that stops to stop, too. Below, it is asked about.
	alikeToStop = 0.8
	// alikeToAsk is how alike a text must be to one that may mean to stop to be asked about.
	alikeToAsk = 0.65
	// neighbours is how many of the most alike decide.
	neighbours = 5
)

// known is a text whose meaning is known.
type known struct {
	asked string // the kind of question, see askedOf
	meant string // stop, pause, …, or the meaning of a choice, or its digit where all choices mean the same
	text  string
}

// sayings are the known texts of a language.
type sayings struct {
	known []known
	parts map[string][]weight // by part of a text: the texts it is in
	idf   map[string]float64
}

type weight struct {
	text  int
	value float64
}

// newSayings reads a file of known texts.
func newSayings(file string, words func(string) string) (*sayings, error) {
	s := &sayings{parts: map[string][]weight{}, idf: map[string]float64{}}
	var all []map[string]float64
	for i, line := range strings.Split(file, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 3 {
			return nil, fmt.Errorf("line %d has %d fields", i+1, len(f))
		}
		s.known = append(s.known, known{f[0], f[1], f[2]})
		parts := partsOf(words(fold(f[2])))
		all = append(all, parts)
		for p := range parts {
			s.idf[p]++
		}
	}
	for p, n := range s.idf {
		s.idf[p] = math.Log((float64(len(all)) + 1) / (n + 0.5))
	}
	for i, parts := range all {
		for p, value := range s.weigh(parts) {
			s.parts[p] = append(s.parts[p], weight{i, value})
		}
	}
	return s, nil
}

// partsOf counts the words of a text, the pairs of them, and three and four letters in a row at half their worth.
func partsOf(text string) map[string]float64 {
	parts := map[string]float64{}
	before := ""
	for word := range strings.FieldsSeq(text) {
		parts[word]++
		if before != "" {
			parts[before+" "+word]++
		}
		before = word
		letters := []rune("^" + word + "$")
		for n := 3; n <= 4; n++ {
			for i := 0; i+n <= len(letters); i++ {
				parts["~"+string(letters[i:i+n])] += 0.5
			}
		}
	}
	return parts
}

// weigh gives each part its weight, rare ones more; the squares of all add up to 1. Sorted, so that it comes out the
// same to the last bit each time.
func (s *sayings) weigh(parts map[string]float64) map[string]float64 {
	out, sum := map[string]float64{}, 0.0
	for _, p := range slices.Sorted(maps.Keys(parts)) {
		idf, ok := s.idf[p]
		if !ok {
			idf = math.Log(2 * (float64(len(s.known)) + 1))
		}
		out[p] = math.Sqrt(parts[p]) * idf
		sum += out[p] * out[p]
	}
	for p := range out {
		out[p] /= math.Sqrt(sum)
	}
	return out
}

// like says what the known texts most like this one mean, in answer to a kind of question, and how like the first is.
func (s *sayings) like(text, asked string) (meant, first string, how float64) {
	scores := map[int]float64{}
	weights := s.weigh(partsOf(text))
	for _, p := range slices.Sorted(maps.Keys(weights)) {
		for _, w := range s.parts[p] {
			scores[w.text] += w.value * weights[p]
		}
	}
	near := slices.SortedFunc(maps.Keys(scores), func(a, b int) int { return cmp.Or(cmp.Compare(scores[b], scores[a]), cmp.Compare(a, b)) })
	votes := map[string]float64{}
	n := 0
	for _, i := range near {
		k := s.known[i]
		if k.asked != asked && (strings.HasPrefix(k.meant, "=") || slices.Contains([]string{"words", "thanks", "question", "ask"}, k.meant)) {
			continue
		}
		if n == 0 {
			first, how = k.text, scores[i]
		}
		if n++; n > neighbours || scores[i] <= 0 {
			break
		}
		votes[k.meant] += math.Pow(scores[i], 3)
	}
	for _, m := range slices.Sorted(maps.Keys(votes)) {
		if votes[m] > votes[meant] {
			meant = m
		}
	}
	return meant, first, how
}

// askedOf names the kind of a question as in the files of known texts.
func askedOf(choices []reminders.Choice, kind questionKind) string {
	switch {
	case kind == doing && digitOf(choices, "plan") != "":
		return "plan"
	case kind == doing && digitOf(choices, "partly") != "":
		return "do"
	case kind == doing:
		return "who"
	case kind == nothing:
		return "none"
	}
	return string(kind)
}

// said reads a text by those it is like.
func (v view) said(choices []reminders.Choice, kind questionKind) (Meaning, bool) {
	if !v.told || v.folded == "" {
		return Meaning{}, false
	}
	meant, text, how := v.sayings().like(v.folded, askedOf(choices, kind))
	if how < likeEnough {
		return Meaning{}, false
	}
	m := Meaning{Clock: -1, Why: "like “" + text + "”"}
	if name, ok := strings.CutPrefix(meant, "="); ok {
		m.Kind, m.Digit, m.Rest = Answer, digitOf(choices, name), true
		if m.Digit == "" && isChoice(choices, name) {
			m.Digit = name
		}
		return m, m.Digit != ""
	}
	switch meant {
	case "stop":
		m.Kind = Doubt
		if how >= alikeToStop {
			m.Kind = Stop
		}
	case "unsure":
		if how < alikeToAsk { // who is asked whether they want to stop hears nothing else until they answer
			return Meaning{}, false
		}
		m.Kind = Doubt
	case "ask":
		m.Kind = Unclear
	case "trouble", "start", "thanks", "question":
		m.Kind = Kind(meant)
	case Help, Buddy, Later, Answers, Delete, CallMe, New:
		m.Kind, m.Word = Command, meant
	case Pause:
		m.Kind, m.Word = Command, meant
		v.span(&m)
	default:
		return Meaning{}, false
	}
	return m, true
}
