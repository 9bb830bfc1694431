package templates

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSegments(t *testing.T) {
	for _, c := range []struct {
		name            string
		text            string
		encoding        string
		units, segments int
	}{
		{"nothing", "", GSM7, 0, 0},
		{"Danish letters are in the alphabet", "æøåÆØÅé", GSM7, 7, 1},
		{"160 fit one", strings.Repeat("a", 160), GSM7, 160, 1},
		{"161 take two", strings.Repeat("a", 161), GSM7, 161, 2},
		{"306 fit two", strings.Repeat("a", 306), GSM7, 306, 2},
		{"307 take three", strings.Repeat("a", 307), GSM7, 307, 3},
		{"a euro costs two", "€", GSM7, 2, 1},
		{"80 euros fit one", strings.Repeat("€", 80), GSM7, 160, 1},
		{"brackets cost two", "[]{}|~^\\", GSM7, 16, 1},
		{"an extension character is not cut at the border", strings.Repeat("a", 152) + "€" + strings.Repeat("a", 152), GSM7, 306, 3},
		{"one en dash makes it UCS-2", strings.Repeat("a", 70) + "–", UCS2, 71, 2},
		{"70 fit one", strings.Repeat("–", 70), UCS2, 70, 1},
		{"134 fit two", strings.Repeat("–", 134), UCS2, 134, 2},
		{"70 emoji are three, counted in UTF-16", strings.Repeat("😀", 70), UCS2, 140, 3},
		{"Polish letters are UCS-2", "Łukasz", UCS2, 6, 1},
	} {
		if got := CountSegments(c.text); got.Encoding != c.encoding || got.Units != c.units || got.Segments != c.segments {
			t.Errorf("%s: %+v, want %s, %d units, %d segments", c.name, got, c.encoding, c.units, c.segments)
		}
	}
}

func TestLookAlikesBecomePlain(t *testing.T) {
	in := "“Ja” – så … det’s 1 × «to»\u00a0kr."
	got := NormaliseSMS(in)
	if s := CountSegments(got); s.Encoding != GSM7 {
		t.Errorf("%q is still %s because of %q", got, s.Encoding, string(s.Offending))
	}
	if keep := "Łukasz æøå é"; NormaliseSMS(keep) != keep {
		t.Errorf("%q became %q", keep, NormaliseSMS(keep))
	}
}

// A text is never cut into fewer segments than its units need, nor into many more.
func FuzzCountSegments(f *testing.F) {
	for _, s := range []string{"", "abc", "€€€", "😀", strings.Repeat("a€", 100), "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := CountSegments(text)
		size := map[string]int{GSM7: 160, UCS2: 70}[s.Encoding]
		if text == "" != (s.Segments == 0) || s.Units < utf8.RuneCountInString(text) {
			t.Fatalf("%q: %+v", text, s)
		}
		if s.Segments == 1 && s.Units > size || s.Segments > 1 && s.Units <= size {
			t.Fatalf("%q: %+v", text, s)
		}
		if again := CountSegments(NormaliseSMS(text)); again.Segments > s.Segments+1 && s.Encoding == UCS2 && again.Encoding == UCS2 {
			t.Fatalf("%q grew from %+v to %+v", text, s, again)
		}
	})
}

func TestReadability(t *testing.T) {
	r := Read("Tag din kniv. Læg den på plads i dag, så den er klar.\nFik du det gjort?")
	if r.Sentences != 3 || r.Words != 17 || r.LongestSentence != 10 || r.LongWords != 0 {
		t.Errorf("%+v", r)
	}
	if lix := LIX("Virksomhedsforståelse kræver kontinuerlig organisationsudvikling."); lix < 60 {
		t.Errorf("a hard sentence has LIX %.0f", lix)
	}
}
