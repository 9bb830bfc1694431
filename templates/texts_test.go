package templates

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// override writes a file into a folder that replaces embedded ones.
func override(t *testing.T, name, content string) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// source is an embedded file with one thing changed.
func source(t *testing.T, name, old, changed string) string {
	t.Helper()
	raw, err := embedded.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(raw), old) {
		t.Fatalf("%s does not hold %q", name, old)
	}
	return strings.Replace(string(raw), old, changed, 1)
}

func load(t *testing.T) *Texts {
	t.Helper()
	texts, err := Load("")
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

func TestFillRefusesWhatItDoesNotKnow(t *testing.T) {
	got, err := Fill("Hej {first_name}, {first_name}!", map[string]string{"first_name": "Bo"})
	if err != nil || got != "Hej Bo, Bo!" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := Fill("Hej {nickname}", map[string]string{"first_name": "Bo"}); err == nil || !strings.Contains(err.Error(), "{nickname}") {
		t.Errorf("an unknown name gives %v", err)
	}
	if got, err := Fill("{", nil); err != nil || got != "{" {
		t.Errorf("a lone brace gives %q, %v", got, err)
	}
}

func TestOneFileIsReplacedAndTheRestStays(t *testing.T) {
	changed := source(t, "courses/5s/da.md", "## 1. Vælg én ting", "## 1. Noget helt andet")
	texts, err := Load(override(t, "courses/5s/da.md", "\ufeff"+strings.ReplaceAll(changed, "\n", "\r\n"))) // as Notepad writes it
	if err != nil {
		t.Fatal(err)
	}
	c, err := texts.Course("5s", "da")
	if err != nil || c.Exercises[0].Title != "Noget helt andet" {
		t.Errorf("%+v, %v", c.Exercises[0], err)
	}
	if c, err := texts.Course("smed", "da"); err != nil || c.Title != "SMED" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestWhatIsNotTranslatedIsDanish(t *testing.T) {
	texts := load(t)
	polish, err := texts.Course("5s", "pl")
	danish, _ := texts.Course("5s", "da")
	if err != nil || polish.Exercises[0].SMS != danish.Exercises[0].SMS {
		t.Errorf("%v", err)
	}
	if m, err := texts.Message("pl", "welcome"); err != nil || !strings.HasPrefix(m.SMS, "Hej ") {
		t.Errorf("%q, %v", m.SMS, err)
	}
	if _, err := texts.Course("yoga", "da"); !errors.Is(err, ErrUnknownCourse) {
		t.Errorf("an unknown course gives %v", err)
	}
	if _, err := texts.Message("da", "nonsense"); !errors.Is(err, ErrUnknownMessage) {
		t.Errorf("an unknown text gives %v", err)
	}
}

func TestDatesAreSaidAsPeopleSayThem(t *testing.T) {
	texts := load(t)
	when := time.Date(2027, 2, 2, 9, 5, 0, 0, time.UTC)
	for lang, want := range map[string]string{"da": "tirsdag 2. februar kl. 9.05", "en": "Tuesday 2 February at 9:05"} {
		if got := texts.FormatDate(lang, when) + " " + texts.FormatTime(lang, when); got != want {
			t.Errorf("%s: %q, want %q", lang, got, want)
		}
	}
}

func TestFaultsInACourseNameFileAndLine(t *testing.T) {
	for name, c := range map[string]struct{ old, changed, says string }{
		"a week is missing":         {"## 2. Giv tingen en fast plads", "## 3. Giv tingen en fast plads", "expected week 2, found week 3"},
		"a heading that is none":    {"## 2. Giv tingen en fast plads", "## Giv tingen", "expected a week"},
		"text that belongs nowhere": {"## 2. Giv tingen en fast plads", "## 2. Giv tingen\nløs tekst", "belongs to nothing"},
		"an answer without meaning": {"1 = Ja (plan)", "1 = Ja", "looks like an answer"},
		"two texts for one week":    {"Længere:\nGodt begyndt", "SMS:\nGodt begyndt", "a second SMS:"},
		"no title":                  {"# 5S", "", "the course has no title"},
	} {
		_, err := Load(override(t, "courses/5s/da.md", source(t, "courses/5s/da.md", c.old, c.changed)))
		if err == nil || !strings.Contains(err.Error(), "courses/5s/da.md, line ") || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := Load(override(t, "messages/da.toml", "[messages.welcome\n"))
	if err == nil || !strings.Contains(err.Error(), "messages/da.toml, line ") {
		t.Errorf("broken TOML: %v", err)
	}
}

// Every kind of mistake that a teacher may make in a text is found and named.
func TestLintFindsEachMistake(t *testing.T) {
	const course, messages = "courses/smed/da.md", "messages/da.toml"
	sms := "Læg 1 ting klar, mens maskinen stadig kører."
	for name, c := range map[string]struct{ file, old, changed, severity, says string }{
		"too long":                {course, sms, strings.Repeat("Læg en ting klar. ", 20), severityError, "segments"},
		"not in the alphabet":     {course, sms, "Læg 1 ting klar 😀.", severityError, "not in the SMS alphabet"},
		"a link":                  {course, sms, "Se www.skolen.dk.", severityError, "link"},
		"an unknown placeholder":  {course, sms, "Hej {efternavn}.", severityError, "{efternavn}"},
		"one of another's":        {course, sms, "Hej {slot1}.", severityError, "{slot1}"},
		"a long sentence":         {course, sms, "Læg nu en enkelt lille ting helt klar ved siden af din egen maskine i dag.", severityWarn, "a sentence of"},
		"a long word":             {course, sms, "Læg omstillingsværktøjet klar.", severityWarn, "omstillingsværktøjet"},
		"no question":             {course, "Fik du det gjort ved en omstilling?", "Gør det.", severityError, "asks no question"},
		"one answer":              {course, "2 = Delvist (partly)\n3 = Ikke endnu (no)\n", "", severityError, "ways to answer"},
		"a digit twice":           {course, "2 = Delvist (partly)", "1 = Delvist (partly)", severityError, "two answers have the digit 1"},
		"an unknown meaning":      {course, "2 = Delvist (partly)", "2 = Delvist (maybe)", severityError, `"maybe"`},
		"a provider's word":       {course, "2 = Delvist (partly)", "2 = Stop (partly)", severityError, "provider's own"},
		"asking for a taken word": {messages, "Fem minutter er nok.", "Svar YES.", severityError, "YES is asked for"},
		"a missing text":          {messages, "[messages.saved]", "[messages.kept]", severityError, "the text is missing"},
		"an empty text":           {messages, `sms = "Fra nu af skriver vi på dansk."`, `sms = ""`, severityError, "has no sms"},
	} {
		faults, err := Lint(override(t, c.file, source(t, c.file, c.old, c.changed)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		found := c.says == ""
		for _, f := range faults {
			found = found || f.Severity == c.severity && strings.Contains(f.Problem, c.says) && f.File == c.file && f.Line+len(c.says) > 0
		}
		if !found {
			t.Errorf("%s: expected %s with %q, found %v", name, c.severity, c.says, faults)
		}
	}
}

// Every text of the programme is one that a phone shows in one piece, or two at most; the Danish
// exercises are one piece.
func TestDanishExercisesAreOneSegment(t *testing.T) {
	texts := load(t)
	for _, slug := range CourseSlugs {
		previews, err := texts.Preview(slug, "da")
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, p := range previews {
			seen[p.Step+" "+p.Channel] = true
			if p.Channel == "sms" && strings.HasPrefix(p.Step, "exercise") && p.Segments.Segments != 1 {
				t.Errorf("%s %s takes %d segments: %q", slug, p.Step, p.Segments.Segments, p.Text)
			}
			if p.Channel == "email" && p.Subject == "" {
				t.Errorf("%s %s has no subject", slug, p.Step)
			}
			if strings.ContainsAny(p.Text, "{}") {
				t.Errorf("%s %s shows a brace: %q", slug, p.Step, p.Text)
			}
		}
		for _, step := range []string{"welcome", "exercise-1", "exercise-6", "nudge-3", "buddy", "checkin-2", "visit-day"} {
			for _, channel := range []string{"sms", "slack", "email"} {
				if !seen[step+" "+channel] {
					t.Errorf("%s: no %s on %s", slug, step, channel)
				}
			}
		}
	}
}

// The 48 exercises are 48 different texts, not one with another course's name in it.
func TestNoTwoExercisesAreTheSame(t *testing.T) {
	texts := load(t)
	seen := map[string]string{}
	for _, lang := range texts.Languages() {
		for _, slug := range CourseSlugs {
			c, err := texts.Course(slug, lang)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range c.Exercises {
				if other := seen[e.SMS]; other != "" {
					t.Errorf("%s week %d in %s is the same as %s", slug, e.Week, lang, other)
				}
				seen[e.SMS] = slug
			}
		}
	}
}
