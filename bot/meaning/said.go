package meaning

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"

	"efterkurs/reminders"
)

// What no pattern reads is read by its words: the more often a word stood in texts that meant one thing, the more it
// weighs for that. The texts are in words/*.said, a line each (what was asked, what was meant, the text), to be read and
// corrected like the patterns. The weights are worked out from them when they are first needed, each time the same.

const (
	// likelyEnough is how probable a meaning must be for what no pattern reads to have it.
	likelyEnough = 0.4
	// likelyToStop is how probable it must be that a text stops. Below, it is asked about.
	likelyToStop = 0.95
	// likelyTrouble is how probable it must be that a human must look.
	likelyTrouble = 0.5
	// likelier is how probable another meaning must be for it to be taken instead of the one that patterns read.
	likelier = 0.9
)

// known is a text whose meaning is known.
type known struct {
	asked string // the kind of question, see askedOf
	meant string // stop, pause, …, or after "=" the meaning of a choice, or its digit where all choices mean the same
	text  string
}

// sayings are the known texts of a language.
type sayings struct {
	known []known
	mutex sync.Mutex
	asked map[string]*weights // by kind of question
}

// newSayings reads a file of known texts.
func newSayings(file string, words func(string) string) (*sayings, error) {
	s := &sayings{asked: map[string]*weights{}}
	for i, line := range strings.Split(file, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 3 {
			return nil, fmt.Errorf("line %d has %d fields", i+1, len(f))
		}
		s.known = append(s.known, known{f[0], f[1], words(fold(f[2]))})
	}
	return s, nil
}

// weights say how much each part of a text weighs for each meaning.
type weights struct {
	meanings []string
	parts    map[string]int // its row in of
	of       [][]float64
}

// Of so many rounds through all known texts; the steps become smaller.
const (
	rounds   = 12
	firstLap = 0.15
)

// of returns the weights for answers to a kind of question. What is asked of the bot means the same whatever it asked.
func (s *sayings) of(asked string) *weights {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if w := s.asked[asked]; w != nil {
		return w
	}
	w := &weights{parts: map[string]int{}}
	s.asked[asked] = w
	var texts [][]int
	var meant []int
	for _, k := range s.known {
		if k.asked != asked && !(k.meant == "=no" && (asked == "do" || asked == "who" || asked == "plan")) && (strings.HasPrefix(k.meant, "=") || slices.Contains([]string{"words", "thanks", "question", "ask", New}, k.meant)) {
			continue
		}
		at := slices.Index(w.meanings, k.meant)
		if at < 0 {
			at = len(w.meanings)
			w.meanings = append(w.meanings, k.meant)
		}
		var rows []int
		for _, p := range partsOf(k.text) {
			row, ok := w.parts[p]
			if !ok {
				row = len(w.parts)
				w.parts[p] = row
			}
			rows = append(rows, row)
		}
		texts, meant = append(texts, rows), append(meant, at)
	}
	w.of = make([][]float64, len(w.parts))
	for i := range w.of {
		w.of[i] = make([]float64, len(w.meanings))
	}
	order := make([]int, len(texts))
	for i := range order {
		order[i] = i
	}
	random := rand.New(rand.NewPCG(1, 1)) // the same each time
	for round := range rounds {
		random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, i := range order {
			step := firstLap / (1 + 0.3*float64(round)) / math.Sqrt(float64(len(texts[i])))
			for m, p := range w.likely(texts[i]) {
				if m == meant[i] {
					p--
				}
				if math.Abs(p) < 0.01 {
					continue
				}
				for _, row := range texts[i] {
					w.of[row][m] -= step * p
				}
			}
		}
	}
	return w
}

// likely returns how probable each meaning is of a text with these parts.
func (w *weights) likely(rows []int) []float64 {
	out := make([]float64, len(w.meanings))
	for _, row := range rows {
		for m, weight := range w.of[row] {
			out[m] += weight
		}
	}
	most, sum := slices.Max(out), 0.0
	for m := range out {
		out[m] = math.Exp(out[m] - most)
		sum += out[m]
	}
	for m := range out {
		out[m] /= sum
	}
	return out
}

// read says what a text most probably means, and which of its words say so most.
func (w *weights) read(text string) (meant, why string, how float64) {
	var rows []int
	words := map[string]int{}
	for _, p := range partsOf(text) {
		if row, ok := w.parts[p]; ok {
			rows = append(rows, row)
			if word, ok := strings.CutPrefix(p, "word "); ok {
				words[word] = row
			}
		}
	}
	if len(words) == 0 {
		return "", "", 0
	}
	likely := w.likely(rows)
	best := slices.Index(likely, slices.Max(likely))
	heaviest := slices.SortedFunc(maps.Keys(words), func(a, b string) int {
		return cmp.Or(cmp.Compare(w.of[words[b]][best], w.of[words[a]][best]), cmp.Compare(a, b))
	})
	return w.meanings[best], strings.Join(heaviest[:min(3, len(heaviest))], ", "), likely[best]
}

// partsOf are what of a text is weighed: its words, two and three in a row, the first and the last, how many there are, and
// three to five letters in a row.
func partsOf(text string) []string {
	parts := map[string]bool{}
	words := strings.Fields(text)
	for i, word := range words {
		parts["word "+word] = true
		for n := 2; n <= 3 && i+n <= len(words); n++ {
			parts["words "+strings.Join(words[i:i+n], " ")] = true
		}
		letters := []rune("^" + word + "$")
		for n := 3; n <= 5; n++ {
			for i := 0; i+n <= len(letters); i++ {
				parts["letters "+string(letters[i:i+n])] = true
			}
		}
	}
	if len(words) > 0 {
		parts["first "+words[0]], parts["last "+words[len(words)-1]] = true, true
	}
	parts["long "+strconv.Itoa(min(8, len(words)))] = true
	return slices.Sorted(maps.Keys(parts))
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

// said reads a text by its words.
func (v view) said(choices []reminders.Choice, kind questionKind) (m Meaning, how float64) {
	if v.sayings == nil || v.folded == "" || kind == other {
		return Meaning{}, 0
	}
	meant, words, how := v.sayings.of(askedOf(choices, kind)).read(v.folded)
	m = Meaning{Clock: -1, Why: "by its words: " + words}
	if name, ok := strings.CutPrefix(meant, "="); ok {
		m.Kind, m.Digit, m.Rest = Answer, digitOf(choices, name), true
		if m.Digit == "" && isChoice(choices, name) {
			m.Digit = name
		}
		if m.Digit == "" {
			return Meaning{}, 0
		}
		return m, how
	}
	switch meant {
	case "stop":
		m.Kind = Doubt
		if how >= likelyToStop {
			m.Kind = Stop
		}
	case "unsure":
		m.Kind = Doubt
	case "ask":
		m.Kind = Unclear
	case "words":
		m.Kind = Text
	case "trouble":
		m.Kind = Trouble
		if how < likelyTrouble {
			return Meaning{}, 0
		}
	case "start", "thanks", "question":
		m.Kind = Kind(meant)
	case Help, Buddy, Later, Answers, Delete, CallMe, New:
		m.Kind, m.Word = Command, meant
	case Pause:
		m.Kind, m.Word = Command, meant
		v.span(&m)
	default:
		return Meaning{}, 0
	}
	return m, how
}
