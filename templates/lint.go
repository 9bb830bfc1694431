package templates

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of what people read on a phone. PIAAC: 18 % of adults in Denmark read at level 0–1.
const (
	maxSegments   = 2
	maxSentence   = 12 // words
	maxWord       = 12 // letters
	maxLIX        = 25
	maxLabel      = 75 // a button in Slack holds no more
	maxChoices    = 8
	severityError = "error"
	severityWarn  = "warning"
)

// Fault is something wrong with a text.
type Fault struct {
	File     string
	Line     int // 0 = not known
	Key      string
	Lang     string
	Severity string // error or warning
	Problem  string
}

var (
	address = regexp.MustCompile(`(?i)\bhttps?://|\bwww\.|\b[a-z0-9-]+\.(?:dk|com|org|net|eu)\b`)
	// asked finds a text that asks for an answer which a provider, or our own way out, acts on. Telling people to write
	// STOP or START is how they leave and come back; to answer with them is not.
	asked = []*regexp.Regexp{
		regexp.MustCompile(`(?i)\b(?:svar|reply|answer)\s+(?:med\s+|with\s+)?["']?(YES|START|UNSTOP|STOP|STOPALL|UNSUBSCRIBE|CANCEL|END|QUIT|REVOKE|OPTOUT|HELP|INFO|AFMELD|FRAMELD|SLUT)\b`),
		regexp.MustCompile(`\b(YES|UNSTOP|STOPALL|UNSUBSCRIBE|CANCEL|END|QUIT|REVOKE|OPTOUT|HELP|INFO|AFMELD|FRAMELD|SLUT)\b`),
	}
)

var providerWords = []string{"yes", "start", "unstop", "stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "help", "info",
	"afmeld", "frameld", "slut", "hold op"} // the last four are ours

// required are the messages that the bot sends; each must be there in every language.
var required = []string{
	"welcome", "nudge", "buddy-start", "buddy-wait", "buddy-trio-start", "buddy-trio-wait", "buddy-joined", "buddy-left", "buddy-left-alone", "buddy-who-share", "buddy-share", "buddy-share-waits", "buddy-share-no", "buddy-number", "together-start", "together-wait", "buddy-group", "checkin", "checkin-again", "visit-day",
	"thanks-yes", "thanks-partly", "thanks-no", "thanks-plan", "thanks-barrier", "thanks-none", "thanks-rating", "thanks-checkin-yes", "thanks-checkin-no",
	"changed", "did-you-mean", "saved", "started", "help", "buddy-who", "buddy-none", "paused", "paused-until", "language-set", "language-later",
	"stop-asked", "contact-stop-asked", "going-on", "trouble", "call-you", "asked", "only-text", "pause-offer", "paused-week", "later-ok", "later-again", "later-none", "later-tomorrow", "answers", "answers-none", "erase-sure", "which", "why-not", "help-daily_run", "help-product", "help-leadership", "help-economy", "help-strategy", "help-education", "help-motivation", "help-other", "thanks-rating-plan", "who-are-you", "who-of-you", "staff-urgent",
	"leader", "visit-proposal", "visit-proposal-again", "visit-new", "visit-taken", "visit-booked", "visit-resend-note",
	"visit-reminder-7", "visit-reminder-1", "visit-cancelled", "contact-thanks", "contact-help",
	"leader-thanks-yes", "leader-thanks-no", "visit-letter", "visit-letter-none", "visit-agreed", "visit-followup", "visit-followup-yes", "visit-followup-partly", "visit-followup-no",
	"visit-arranged", "visit-moved", "visit-other", "visit-called-off", "visit-released", "visit-details",
	"visit-invitation", "visit-invitation-moved", "visit-invitation-other", "visit-invitation-cancelled", "visit-invitation-released",
	"visit-staff-declined", "visit-staff-moved", "visit-staff-other", "visit-staff-given", "visit-staff-cancelled", "visit-staff-released",
	"visit-brief", "visit-staff-booked", "visit-staff-reminder-7", "visit-staff-reminder-1",
}

// choicesOf are the messages that ask something, and the fewest ways to answer.
var choicesOf = map[string]int{"checkin": 2, "checkin-again": 2, "visit-proposal": 3, "visit-proposal-again": 3, "visit-new": 3, "visit-taken": 3, "visit-released": 3,
	"leader": 2, "visit-followup": 3, "stop-asked": 2, "contact-stop-asked": 2, "pause-offer": 3, "erase-sure": 2, "why-not": 3}

// peoplesOwn are the placeholders that hold people's names or words. The company sees counts only.
var peoplesOwn = []string{"names", "goal", "plan", "brief", "summary"}

// toCompany is true for the texts that go to a company's contact.
func toCompany(key string) bool {
	return strings.HasPrefix(key, "leader") || strings.HasPrefix(key, "contact-") ||
		strings.HasPrefix(key, "visit-") && key != "visit-day" && key != "visit-agreed" && key != "visit-brief" && !strings.HasPrefix(key, "visit-staff-")
}

// courseValues are the placeholders that an exercise may use: all that every participant has.
var courseValues = []string{"first_name", "course", "school", "company", "goal"}

// Lint checks all texts, those of overrideDir in the place of the embedded ones. The error is for texts
// that cannot be read at all; everything else is a fault, errors first.
func Lint(overrideDir string) ([]Fault, error) {
	t, err := Load(overrideDir)
	if err != nil {
		return nil, err
	}
	l := &linter{texts: t, values: map[string]map[string]string{}}
	for _, lang := range languages {
		l.values[lang] = t.sampleValues(lang)
		for _, slug := range CourseSlugs {
			l.course(t.courses[slug+"/"+lang])
		}
		l.messages(lang)
	}
	l.pages()
	slices.SortStableFunc(l.faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return l.faults, nil
}

type linter struct {
	texts  *Texts
	values map[string]map[string]string // by lang, as long as is usual
	faults []Fault
}

// subject is one text under the glass.
type subject struct {
	file, key, lang string
	line            int
	values          []string // placeholders allowed
}

func (l *linter) fault(s subject, severity, format string, args ...any) {
	l.faults = append(l.faults, Fault{File: s.file, Line: s.line, Key: s.key, Lang: s.lang, Severity: severity, Problem: fmt.Sprintf(format, args...)})
}

func (l *linter) course(c Course) {
	for _, e := range c.Exercises {
		s := subject{file: c.file, key: fmt.Sprintf("%s week %d", c.Slug, e.Week), lang: c.Lang, line: e.line, values: courseValues}
		if utf8.RuneCountInString(e.Title) > 40 {
			l.fault(s, severityError, "the title has %d letters, at most 40 fit a reminder", utf8.RuneCountInString(e.Title))
		}
		l.sms(s, e.SMS, e.Choices, true)
		l.long(s, e.Long)
		l.choices(s, e.Choices, 2)
		if !strings.Contains(e.SMS, "?") {
			l.fault(s, severityError, "the SMS asks no question")
		}
		rating := slices.ContainsFunc(e.Choices, func(c Choice) bool { return c.Meaning == "rating" })
		barrier := slices.ContainsFunc(e.Choices, func(c Choice) bool { return strings.HasPrefix(c.Meaning, "barrier:") })
		switch {
		case e.Week == 4 && !barrier:
			l.fault(s, severityError, "week 4 asks what stands in the way: its answers should mean barrier:<kind>")
		case e.Week == Exercises && !rating:
			l.fault(s, severityError, "week 6 asks how much is used: its answers should mean rating")
		}
	}
}

func (l *linter) messages(lang string) {
	file := "messages/" + lang + ".toml"
	all := l.texts.messages[lang]
	for _, key := range required {
		if _, ok := all[key]; !ok {
			l.fault(subject{file: file, key: key, lang: lang}, severityError, "the text is missing")
		}
	}
	for _, key := range l.texts.missing[lang] {
		l.fault(subject{file: file, key: key, lang: lang}, severityError, "the text is missing; the one that came with the program is used")
	}
	for _, key := range slices.Sorted(maps.Keys(l.texts.words[fallback])) {
		if _, ok := l.texts.words[lang][key]; !ok {
			l.fault(subject{file: file, key: key, lang: lang}, severityError, "the word is missing, %s has it", fallback)
		}
	}
	known := make([]string, 0, len(SampleValues))
	for name := range SampleValues {
		known = append(known, name)
	}
	slices.Sort(known)
	for _, key := range slices.Sorted(maps.Keys(all)) {
		m := all[key]
		if slices.Contains(l.texts.missing[lang], key) {
			continue // embedded: not theirs to mend
		}
		s := subject{file: file, key: key, lang: lang, line: l.lineOf(file, "[messages."+key+"]"), values: known}
		if toCompany(key) {
			s.values = slices.DeleteFunc(slices.Clone(known), func(name string) bool { return slices.Contains(peoplesOwn, name) })
		}
		if strings.TrimSpace(m.SMS) == "" {
			l.fault(s, severityError, "the text has no sms")
			continue
		}
		l.sms(s, m.SMS, m.Choices, !strings.HasPrefix(key, "visit-staff") && key != "visit-brief")
		l.long(s, m.Long)
		l.placeholders(s, m.Subject)
		if m.Subject == "" && key != "visit-resend-note" && !strings.HasPrefix(key, "together-") { // that one goes inside another
			l.fault(s, severityError, "the text has no subject, and may go by e-mail")
		}
		if n, ok := choicesOf[key]; ok || len(m.Choices) > 0 {
			l.choices(s, m.Choices, n)
		}
	}
}

// pages looks for words that one language has and another has not.
func (l *linter) pages() {
	for _, lang := range languages {
		for _, other := range languages {
			for key := range l.texts.pages[other] {
				if _, ok := l.texts.pages[lang][key]; !ok {
					l.fault(subject{file: "pages/" + lang + ".toml", key: key, lang: lang}, severityError, "the word is missing, %s has it", other)
				}
			}
		}
	}
}

// lineOf finds a line of a file; 0 where it is not there.
func (l *linter) lineOf(file, start string) int {
	raw, err := fs.ReadFile(l.texts.files, file)
	if err != nil {
		return 0
	}
	n := 0
	for line := range strings.Lines(string(raw)) {
		if n++; strings.HasPrefix(strings.TrimSpace(line), start) {
			return n
		}
	}
	return 0
}

func (l *linter) placeholders(s subject, text string) (ok bool) {
	ok = true
	for _, p := range Placeholders(text) {
		if !slices.Contains(s.values, p) {
			if _, known := SampleValues[p]; known {
				l.fault(s, severityError, "{%s} may not be used here", p)
			} else {
				l.fault(s, severityError, "{%s} is not known here", p)
			}
			ok = false
		}
	}
	return ok
}

// sms checks a text as a phone gets it, filled in and with its choices.
func (l *linter) sms(s subject, text string, choices []Choice, strict bool) {
	filled := make([]Choice, len(choices))
	for i, c := range choices {
		if !l.placeholders(s, c.Label) {
			return
		}
		c.Label, _ = Fill(c.Label, l.values[s.lang]) // its placeholders are known
		filled[i] = c
	}
	if !l.placeholders(s, text) {
		return
	}
	whole, err := Fill(WithChoices(text, filled), l.values[s.lang])
	if err != nil {
		l.fault(s, severityError, "%v", err)
		return
	}
	switch n := CountSegments(NormaliseSMS(whole)); {
	case n.Encoding != GSM7:
		l.fault(s, severityError, "%q is not in the SMS alphabet and makes the text more than twice as long", string(n.Offending))
	case n.Segments > maxSegments:
		l.fault(s, severityError, "the SMS takes %d segments (%d characters), at most %d", n.Segments, n.Units, maxSegments)
	case n.Segments > 1 && s.lang == fallback && strict:
		l.fault(s, severityWarn, "the SMS takes %d segments (%d characters)", n.Segments, n.Units)
	}
	if a := address.FindString(text); a != "" {
		l.fault(s, severityError, "%q looks like a link: Danish operators block texts with links", a)
	}
	for _, form := range asked {
		if m := form.FindStringSubmatch(text); m != nil {
			l.fault(s, severityError, "%s is asked for as an answer, but it is a word the provider or the bot acts on by itself", m[1])
			break
		}
	}
	if !strict {
		return
	}
	for sentence := range strings.SplitSeq(text, "\n") {
		r := Read(sentence)
		if r.LongestSentence > maxSentence {
			l.fault(s, severityWarn, "a sentence of %d words, at most %d", r.LongestSentence, maxSentence)
		}
		if n := utf8.RuneCountInString(r.LongestWord); n > maxWord {
			l.fault(s, severityWarn, "%q has %d letters, at most %d", r.LongestWord, n, maxWord)
		}
	}
}

func (l *linter) long(s subject, text string) {
	if text == "" || !l.placeholders(s, text) {
		return
	}
	if r := Read(text); r.LIX > maxLIX && r.Words > 30 {
		l.fault(s, severityWarn, "the long text has LIX %.0f, at most %d", r.LIX, maxLIX)
	}
}

func (l *linter) choices(s subject, choices []Choice, fewest int) {
	if len(choices) < max(fewest, 2) || len(choices) > maxChoices {
		l.fault(s, severityError, "%d ways to answer, expected %d to %d", len(choices), max(fewest, 2), maxChoices)
	}
	seen := map[string]bool{}
	for _, c := range choices {
		switch {
		case len(c.Digit) != 1 || c.Digit[0] < '0' || c.Digit[0] > '9':
			l.fault(s, severityError, "%q is not a digit", c.Digit)
		case seen[c.Digit]:
			l.fault(s, severityError, "two answers have the digit %s", c.Digit)
		case strings.TrimSpace(c.Label) == "":
			l.fault(s, severityError, "the answer %s has no words", c.Digit)
		case utf8.RuneCountInString(c.Label) > maxLabel:
			l.fault(s, severityError, "the words of answer %s do not fit a button", c.Digit)
		case !knownMeaning(c.Meaning):
			l.fault(s, severityError, "the answer %s means %q, which is not known", c.Digit, c.Meaning)
		case slices.Contains(providerWords, strings.ToLower(c.Label)):
			l.fault(s, severityError, "the words of answer %s (%s) are the provider's own", c.Digit, c.Label)
		}
		seen[c.Digit] = true
	}
}

func knownMeaning(meaning string) bool {
	kind, barrier, isBarrier := strings.Cut(meaning, ":")
	if kind == "pause" {
		return slices.Contains([]string{"1", "2", "3", "4"}, barrier)
	}
	if isBarrier {
		return kind == "barrier" && slices.Contains([]string{"product", "leadership", "economy", "daily_run", "strategy", "education", "motivation", "other"}, barrier)
	}
	return slices.Contains([]string{"yes", "no", "partly", "plan", "none", "rating", "slot", "again", "stop", "go-on", "erase", "share", "keep"}, meaning)
}
