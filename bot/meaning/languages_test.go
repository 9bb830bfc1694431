package meaning

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// A line of a table of texts.
type line struct{ lang, question, want, text string }

func lines(t *testing.T, file string) (out []line) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		if l == "" || strings.HasPrefix(l, "#") {
			continue
		}
		f := strings.SplitN(l, "\t", 4)
		if len(f) != 4 {
			t.Fatalf("%s:%d has %d fields", file, i+1, len(f))
		}
		text, err := strconv.Unquote(`"` + strings.ReplaceAll(f[3], `"`, `\"`) + `"`)
		if err != nil {
			t.Fatalf("%s:%d: %v", file, i+1, err)
		}
		out = append(out, line{f[0], f[1], f[2], text})
	}
	return out
}

// TestByLanguage counts, for each language of the tables, what is misread and which wishes to stop are missed or invented.
func TestByLanguage(t *testing.T) {
	reader := NewReader()
	for _, file := range strings.Fields(os.Getenv("TABLES")) {
		for _, own := range []string{"", "da"} {
			type count struct{ lines, wrong, missed, invented int }
			counts := map[string]*count{}
			for _, l := range lines(t, file) {
				c := counts[l.lang]
				if c == nil {
					c = &count{}
					counts[l.lang] = c
				}
				lang := l.lang
				if own != "" || lang == "-" {
					lang = "da"
				}
				m := reader.Of(l.text, questions[l.question], lang)
				c.lines++
				if !meant(m, l.want) {
					c.wrong++
				}
				if l.want == "stop" && m.Kind != Stop {
					c.missed++
				}
				if m.Kind == Stop && !strings.Contains(l.want, "stop") {
					c.invented++
				}
			}
			for lang, c := range counts {
				t.Logf("%s read as %q: %d of %d misread, stop missed %d, invented %d", lang, own, c.wrong, c.lines, c.missed, c.invented)
			}
		}
	}
}

// TestTheLanguages reads every line of testdata: each as its writer's own language, and, where it means one thing only, as a
// text of somebody who gets Danish ones.
func TestTheLanguages(t *testing.T) {
	reader := NewReader()
	for _, lang := range []string{"en", "pl", "vi", "uk", "ar"} {
		for _, l := range lines(t, "testdata/"+lang+".tsv") {
			if m := reader.Of(l.text, questions[l.question], lang); !meant(m, l.want) {
				t.Errorf("%s, %s: %q is %s, want %s (%s)", lang, l.question, l.text, m, l.want, m.Why)
			}
			if strings.Contains(l.want, "|") {
				continue
			}
			m := reader.Of(l.text, questions[l.question], "da")
			switch reason := asADane[l.lang+" "+l.question+": "+l.text]; {
			case reason != "" && meant(m, l.want):
				t.Errorf("%s, %s: %q is no exception any longer", lang, l.question, l.text)
			case reason == "" && !meant(m, l.want):
				t.Errorf("%s, %s: %q from who gets Danish texts is %s, want %s (%s)", lang, l.question, l.text, m, l.want, m.Why)
			}
		}
	}
}

// asADane are texts, each with its language and what was asked, that mean something else from who is written to in Danish,
// and why.
var asADane = map[string]string{
	"en do: it is done now":  "it is Jutlandic for not",
	"en do: yes no":          "yes is a Danish answer too, and no is none",
	"en do: yes or maybe no": "yes is a Danish answer too, and no is none",
	"pl do: tak":             "a thank-you in Danish",
	"pl do: niw":             "a slip for nie, and for nothing else only where Polish is expected",
}
