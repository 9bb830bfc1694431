package meaning

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"efterkurs/reminders"
)

func choices(pairs ...string) (out []reminders.Choice) {
	for i := 0; i < len(pairs); i += 3 {
		out = append(out, reminders.Choice{Digit: pairs[i], Label: pairs[i+1], Meaning: pairs[i+2]})
	}
	return out
}

// questions are those of the table's second column.
var questions = map[string][]reminders.Choice{
	"do":   choices("1", "Ja", "yes", "2", "Delvist", "partly", "3", "Ikke endnu", "no"),
	"do2":  choices("1", "Ja", "yes", "2", "Ikke endnu", "no"),
	"plan": choices("1", "Ja", "plan", "2", "Ikke endnu", "no"),
	"barrier": choices("1", "Travlhed", "barrier:daily_run", "2", "Mangler udstyr", "barrier:product", "3", "Ledelsen", "barrier:leadership", "4", "Pengene", "barrier:economy",
		"5", "Passer ikke hos os", "barrier:education", "6", "Lysten", "barrier:motivation", "7", "Andet", "barrier:other", "0", "Intet", "none"),
	"rating":  choices("1", "Slet ikke", "rating", "2", "Lidt", "rating", "3", "Noget", "rating", "4", "Meget", "rating", "5", "Hver dag", "rating"),
	"checkin": choices("1", "Ja, det har vi", "yes", "2", "Ikke endnu", "no"),
	"slots":   choices("1", "mandag 2. november kl. 9.00", "slot", "2", "tirsdag 3. november kl. 13.00", "slot", "3", "onsdag 4. november kl. 10.30", "slot"),
	"none":    nil,
}

// Every line of testdata/*.tsv means what it says: a language, the question it answers, what it means (more than one
// where a person could take it either way; ask and unsure are asked about) and the text. TABLES names other files.
func TestTheTable(t *testing.T) {
	reader := NewReader()
	files := strings.Fields(os.Getenv("TABLES"))
	if len(files) == 0 {
		var err error
		if files, err = filepath.Glob("testdata/*.tsv"); err != nil || len(files) < 6 {
			t.Fatalf("there are the tables %q, %v", files, err)
		}
	}
	for _, file := range files {
		table(t, reader, file)
	}
}

// What stands for another word stands for nothing else, and is no chain.
func TestAWordStandsForOneOther(t *testing.T) {
	lexicons, err := load()
	if err != nil {
		t.Fatal(err)
	}
	for lang, l := range lexicons {
		l.ready() // panics where a pattern is none
		l.sayings()
		for word, as := range l.same {
			if further := l.same[as]; word != as && further != "" && further != as {
				t.Errorf("%s: %s stands for %s, which stands for %s", lang, word, as, further)
			}
		}
	}
}

func table(t *testing.T, reader *Reader, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines, wrong := 0, 0
	for i, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.SplitN(line, "\t", 4)
		if len(f) != 4 {
			t.Errorf("%s:%d has %d fields", file, i+1, len(f))
			continue
		}
		lines++
		lang := f[0]
		if lang == "-" {
			lang = "da"
		}
		text, err := strconv.Unquote(`"` + strings.ReplaceAll(f[3], `"`, `\"`) + `"`)
		if err != nil {
			t.Fatalf("%s:%d: %v", file, i+1, err)
		}
		m := reader.Of(text, questions[f[1]], lang)
		if !meant(m, f[2]) {
			wrong++
			t.Errorf("%-8s %-40q is %s, want %s (%s)", f[1], text, m, f[2], m.Why)
		}
	}
	t.Logf("%s: %d of %d misread (%.1f %%)", file, wrong, lines, 100*float64(wrong)/float64(lines))
}

// meant says whether m is one of the meanings of a table's line.
func meant(m Meaning, want string) bool {
	for w := range strings.SplitSeq(want, "|") {
		got := m.String()
		switch w {
		case "unsure":
			w = string(Doubt)
		case "ask":
			w = string(Unclear)
		case "words":
			w = string(Text)
		}
		if strings.HasPrefix(w, "pause:") && !m.Until.IsZero() {
			return true // which day, is tested elsewhere
		}
		if got == w {
			return true
		}
	}
	return false
}

// Whatever is written: reading it does not panic, means the same the second time, and an answer is one of the choices.
// Who writes STOP has stopped, whatever stands around it that says nothing, and whatever was asked.
func FuzzOf(f *testing.F) {
	reader := NewReader()
	for _, text := range []string{"", "1", "ja tak!!", "1️⃣", "2 vi havde travlt", "stop det her", "uge 3: 1", "\xff\xfe", "\u202e٢\u202c", "s t o p", "12/8", "kl 20.30", "1,4,6", strings.Repeat("nej ", 500)} {
		f.Add(text, uint8(0))
	}
	names := slices.Sorted(maps.Keys(questions))
	f.Fuzz(func(t *testing.T, text string, n uint8) {
		choices := questions[names[int(n)%len(names)]]
		m := reader.of(text, choices, "da")
		if again := reader.of(text, choices, "da"); again != m {
			t.Fatalf("%q is %s, and then %s", text, m, again)
		}
		if m.Kind == Answer && !isChoice(choices, m.Digit) {
			t.Fatalf("%q answers %q, which is no choice", text, m.Digit)
		}
		if m.Kind == Command && m.Word == Pause && (m.Weeks < 0 || m.Weeks > mostWeeks) {
			t.Fatalf("%q pauses %d weeks", text, m.Weeks)
		}
		reader.Week(text, "da")
		reader.Nod(text, "da")
		quiet := strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.Is(unicode.M, r) || emoji[r] != "" || r == '?' || r == '؟' || r == '%' {
				return -1
			}
			return r
		}, norm.NFKC.String(text))
		for _, word := range []string{"STOP", "stop", "Afmeld", "стоп"} {
			if m := reader.of(quiet+word+quiet, choices, "da"); len(quiet) < 100 && m.Kind != Stop {
				t.Fatalf("%q is %s", quiet+word+quiet, m)
			}
		}
	})
}
