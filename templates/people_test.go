package templates

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// A title may be a question of its own: around it no second mark may end up, and a reminder of week 6 must ask what its
// answers 1 to 5 answer.
func TestAReminderReadsWellWithEveryTitle(t *testing.T) {
	texts := load(t)
	for _, lang := range texts.Languages() {
		for _, slug := range CourseSlugs {
			previews, err := texts.Preview(slug, lang)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range previews {
				for _, bad := range []string{"??", "?.", "..?", "?:", "  "} {
					if strings.Contains(p.Text, bad) || strings.Contains(p.Subject, bad) {
						t.Errorf("%s %s %s %s shows %q: %q", lang, slug, p.Step, p.Channel, bad, p.Text)
					}
				}
			}
			course, err := texts.Course(slug, lang)
			if err != nil {
				t.Fatal(err)
			}
			if title := course.Exercises[5].Title; !strings.HasSuffix(title, "?") {
				t.Errorf("%s %s: the title of week 6 is no question, so its reminder asks nothing: %q", lang, slug, title)
			}
		}
	}
}

// Danish weekdays have a small first letter, so a date must not begin a sentence.
func TestNoSentenceBeginsWithADate(t *testing.T) {
	texts := load(t)
	for _, lang := range texts.Languages() {
		for key, m := range texts.messages[lang] {
			for _, text := range []string{m.SMS, m.Long} {
				for _, before := range []string{". {date}", "? {date}", "\n{date}"} {
					if strings.Contains(text, before) || strings.HasPrefix(text, "{date}") {
						t.Errorf("%s %s: a sentence begins with a date: %q", lang, key, text)
					}
				}
			}
		}
	}
}

// Twilio takes a plain YES for an opt-in, and an answer is what its label says.
func TestNoAnswerIsAProvidersWord(t *testing.T) {
	texts := load(t)
	check := func(where string, choices []Choice) {
		for _, c := range choices {
			if slices.Contains(providerWords, strings.ToLower(c.Label)) {
				t.Errorf("%s: the answer %s is the provider's word %q", where, c.Digit, c.Label)
			}
		}
	}
	for _, lang := range texts.Languages() {
		for _, slug := range CourseSlugs {
			course, err := texts.Course(slug, lang)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range course.Exercises {
				check(lang+" "+slug+" "+e.Title, e.Choices)
			}
		}
		for key, m := range texts.messages[lang] {
			check(lang+" "+key, m.Choices)
		}
	}
}

// The longest course name, trio and dates that are usual fit two segments, in every message.
func TestEveryMessageFitsTwoSegments(t *testing.T) {
	texts := load(t)
	for _, lang := range texts.Languages() {
		values := texts.sampleValues(lang)
		for key, m := range texts.messages[lang] {
			text, err := Fill(WithChoices(m.SMS, m.Choices), values)
			if err != nil {
				t.Errorf("%s %s: %v", lang, key, err)
			}
			if n := CountSegments(text); n.Segments > maxSegments || n.Encoding != GSM7 {
				t.Errorf("%s %s takes %+v: %q", lang, key, n, text)
			}
		}
	}
}

// One replaced page must not hide the others: the pages are found by listing the folder.
func TestAReplacedPageHidesNoOther(t *testing.T) {
	texts, err := Load(override(t, "pages/login.html", "mine"))
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(texts.Pages(), "*.html")
	if err != nil || !slices.Contains(names, "layout.html") || !slices.Contains(names, "login.html") {
		t.Errorf("%v, %v", names, err)
	}
	if page, err := fs.ReadFile(texts.Pages(), "login.html"); err != nil || string(page) != "mine" {
		t.Errorf("%q, %v", page, err)
	}
}

// A file copied from an older version lacks what came since. Lint says so; people still get the message.
func TestAnOlderFileLacksNothing(t *testing.T) {
	dir := override(t, "messages/da.toml", "[messages.saved]\nsms = \"Gemt.\"\n")
	texts, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := texts.Message("da", "saved"); err != nil || m.SMS != "Gemt." {
		t.Errorf("%q, %v", m.SMS, err)
	}
	if m, err := texts.Message("da", "welcome"); err != nil || m.SMS == "" || m.Key != "welcome" {
		t.Errorf("%+v, %v", m, err)
	}
	if got := texts.Word("da", "weekday-2"); got != "tirsdag" {
		t.Errorf("weekday-2 is %q", got)
	}
	faults, err := Lint(dir)
	if err != nil {
		t.Fatal(err)
	}
	missing := map[string]bool{}
	for _, f := range faults {
		missing[f.Key] = missing[f.Key] || f.Severity == severityError && strings.Contains(f.Problem, "missing")
	}
	for _, key := range []string{"welcome", "thanks-yes-3", "paused-until", "weekday-2"} {
		if !missing[key] {
			t.Errorf("Lint does not say that %s is missing", key)
		}
	}
}

// Notepad may save ANSI or "Unicode"; neither may reach a phone as other letters.
func TestNotepadsOtherEncodingsAreRead(t *testing.T) {
	danish := source(t, "courses/5s/da.md", "## 1. Vælg én ting", "## 1. Læg måtten på gulvet")
	var ansi, wide []byte
	wide = append(wide, 0xff, 0xfe)
	for _, r := range danish {
		if r > unicode.MaxLatin1 {
			t.Fatalf("%q is not in Windows-1252's Latin part", r)
		}
		ansi = append(ansi, byte(r))
		wide = append(wide, byte(r), 0)
	}
	for name, raw := range map[string][]byte{"ANSI": ansi, "Unicode": wide} {
		texts, err := Load(override(t, "courses/5s/da.md", string(raw)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if c, err := texts.Course("5s", "da"); err != nil || c.Exercises[0].Title != "Læg måtten på gulvet" {
			t.Errorf("%s: %q, %v", name, c.Exercises[0].Title, err)
		}
	}
}

// A misspelt name in braces is an error and not a brace on somebody's phone.
func TestAMisspeltPlaceholderIsAnError(t *testing.T) {
	for _, text := range []string{"Hej {First name}.", "Hej {Fornavn}.", "Hej { first_name }.", "Hej {}."} {
		if got, err := Fill(text, SampleValues); err == nil {
			t.Errorf("%q is sent as %q", text, got)
		}
	}
	if got, err := Fill("{goal}", map[string]string{"goal": "{first_name}", "first_name": "Bo"}); err != nil || got != "{first_name}" {
		t.Errorf("a value is looked into: %q, %v", got, err)
	}
}

// A Mac writes å as a and a ring; that is the same letter, and GSM-7.
func TestDecomposedLettersAreComposed(t *testing.T) {
	if got := NormaliseSMS("A\u030ase, sma\u030a e\u0301n"); got != "Åse, små én" {
		t.Errorf("%q", got)
	}
}

func TestAFullStopInADateEndsNoSentence(t *testing.T) {
	r := Read("Vi ses tirsdag 2. februar kl. 9.00 hos jer. Tag et foto med.")
	if r.Sentences != 2 || r.LongestSentence != 7 {
		t.Errorf("%+v", r)
	}
}

// What goes back to people is part of what they get, and is previewed with the rest.
func TestPreviewShowsEveryTextToAParticipant(t *testing.T) {
	texts := load(t)
	for _, lang := range texts.Languages() {
		previews, err := texts.Preview("smed", lang)
		if err != nil {
			t.Fatal(err)
		}
		steps := map[string]bool{}
		for _, p := range previews {
			steps[p.Step] = true
			if p.Channel == "sms" && (p.Segments.Segments < 1 || p.Segments.Segments > maxSegments) || !utf8.ValidString(p.Text) || p.Text == "" {
				t.Errorf("%s %s %s: %+v %q", lang, p.Step, p.Channel, p.Segments, p.Text)
			}
		}
		for _, step := range []string{"buddy", "buddy-start", "buddy-trio-wait", "checkin-again", "thanks-yes-2", "did-you-mean", "help", "paused"} {
			if !steps[step] {
				t.Errorf("%s: no preview of %s", lang, step)
			}
		}
	}
}

func TestLintKnowsMoreWaysToAskForAProvidersWord(t *testing.T) {
	for text, asked := range map[string]bool{
		`Svar YES.`: true, `Svar "yes".`: true, `Svar med Help.`: true, `Gik det? YES eller NO.`: true, `Skriv SLUT.`: true, `Svar STOP.`: true,
		`Skriv STOP.`: false, `Skriv START.`: false, `Write about the end of the shift.`: false, `Svar med et tal.`: false, `Stop maskinen.`: false,
	} {
		faults, err := Lint(override(t, "messages/da.toml", source(t, "messages/da.toml", "Fem minutter er nok.", strings.ReplaceAll(text, `"`, `\"`))))
		if err != nil {
			t.Fatal(err)
		}
		found := slices.ContainsFunc(faults, func(f Fault) bool { return f.Key == "checkin" && strings.Contains(f.Problem, "asked for") })
		if found != asked {
			t.Errorf("%q: found %v, want %v", text, found, asked)
		}
	}
}

// The company sees counts only: no text to its contact may hold people's names or words.
func TestTheCompanyIsToldNobodysWords(t *testing.T) {
	for _, name := range []string{"names", "goal", "plan", "brief", "summary"} {
		faults, err := Lint(override(t, "messages/da.toml", source(t, "messages/da.toml", `Besøget hos {company} er aflyst.`, `Besøget hos {company} er aflyst. {`+name+`}`)))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(faults, func(f Fault) bool {
			return f.Key == "visit-cancelled" && f.Severity == severityError && strings.Contains(f.Problem, "{"+name+"}")
		}) {
			t.Errorf("{%s} in a text to the company is not found: %v", name, faults)
		}
	}
}
