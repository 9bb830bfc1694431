package templates

import (
	"fmt"
	"maps"
	"strings"
	"time"
	"unicode/utf8"
)

// PreviewText is one text as one channel shows it, with sample values.
type PreviewText struct {
	Step        string      `json:"step"`
	Channel     string      `json:"channel"`
	Subject     string      `json:"subject"`
	Text        string      `json:"text"`
	Choices     []Choice    `json:"choices"`
	Segments    Segments    `json:"segments"`
	Readability Readability `json:"readability"`
}

// Preview is every text that a participant of the course gets, in the order of the programme, on each
// channel. ErrUnknownCourse.
func (t *Texts) Preview(course, lang string) ([]PreviewText, error) {
	c, err := t.Course(course, lang)
	if err != nil {
		return nil, err
	}
	values := t.sampleValues(lang)
	values["course"], values["buddy"] = c.Title, SampleValues["buddy"]
	var out []PreviewText
	add := func(step string, m Message) error {
		for _, channel := range []string{"sms", "slack", "email"} {
			p, err := preview(step, channel, m, values)
			if err != nil {
				return fmt.Errorf("%s: %w", step, err)
			}
			out = append(out, p)
		}
		return nil
	}
	message := func(step, key string, choices []Choice) error {
		m, err := t.Message(lang, key)
		if err != nil {
			return err
		}
		if choices != nil {
			m.Choices = choices
		}
		return add(step, m)
	}
	if err := message("welcome", "welcome", nil); err != nil {
		return nil, err
	}
	for _, e := range c.Exercises {
		values["week"], values["title"] = fmt.Sprint(e.Week), e.Title
		if err := add(fmt.Sprintf("exercise-%d", e.Week), Message{Subject: c.Title + ": " + e.Title, SMS: e.SMS, Long: e.Long, Choices: e.Choices}); err != nil {
			return nil, err
		}
		if err := message(fmt.Sprintf("nudge-%d", e.Week), "nudge", e.Choices); err != nil {
			return nil, err
		}
		switch e.Week {
		case 1:
			if err := message("buddy", "buddy-wait", nil); err != nil {
				return nil, err
			}
		case 2, 4, 6:
			if err := message(fmt.Sprintf("checkin-%d", e.Week), "checkin", nil); err != nil {
				return nil, err
			}
		}
	}
	if err := message("visit-day", "visit-day", nil); err != nil {
		return nil, err
	}
	if err := message("visit-agreed", "visit-agreed", nil); err != nil {
		return nil, err
	}
	for _, key := range besides {
		var choices []Choice
		switch {
		case key == "did-you-mean":
			choices = c.Exercises[0].Choices
		case strings.HasPrefix(key, "buddy-trio-"):
			values["buddy"] = t.sampleValues(lang)["buddy"]
		default:
			values["buddy"] = SampleValues["buddy"]
		}
		if err := message(key, key, choices); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// besides are the texts of a programme that have no step of their own: they come instead of another, or as a reply.
var besides = []string{
	"buddy-start", "buddy-trio-start", "buddy-trio-wait", "buddy-joined", "buddy-left", "buddy-left-alone", "buddy-who-share", "buddy-share", "buddy-share-waits", "buddy-share-no", "buddy-number", "checkin-again",
	"thanks-yes", "thanks-yes-2", "thanks-yes-3", "thanks-partly", "thanks-partly-2", "thanks-partly-3",
	"thanks-no", "thanks-no-2", "thanks-no-3", "thanks-plan", "thanks-plan-2", "thanks-plan-3",
	"thanks-barrier", "thanks-barrier-2", "thanks-barrier-3", "thanks-none", "thanks-none-2", "thanks-none-3",
	"thanks-rating", "thanks-rating-2", "thanks-rating-3",
	"thanks-checkin-yes", "thanks-checkin-yes-2", "thanks-checkin-yes-3", "thanks-checkin-no", "thanks-checkin-no-2", "thanks-checkin-no-3",
	"changed", "did-you-mean", "saved", "started", "help", "buddy-who", "buddy-none", "paused", "paused-until", "language-set", "language-later",
	"stop-asked", "going-on", "trouble", "call-you", "asked", "only-text", "pause-offer", "paused-week", "later-ok", "later-none", "later-tomorrow", "answers", "answers-none", "erase-sure", "which", "why-not", "help-daily_run", "help-product", "help-leadership", "help-economy", "help-strategy", "help-education", "help-motivation", "help-other", "thanks-rating-plan", "who-are-you",
}

// sampleValues are SampleValues as long as a text must bear: the longest course title, a group of three, and dates in the
// words of lang (a Wednesday in September, 13:30, is as long as they get).
func (t *Texts) sampleValues(lang string) map[string]string {
	values := maps.Clone(SampleValues)
	for _, slug := range CourseSlugs {
		if c, err := t.Course(slug, lang); err == nil && utf8.RuneCountInString(c.Title) > utf8.RuneCountInString(values["course"]) {
			values["course"] = c.Title
		}
	}
	values["buddy"] = "Mohammed " + t.Word(lang, "and") + " Kathrine"
	when := time.Date(2026, time.September, 30, 13, 30, 0, 0, time.UTC)
	values["date"], values["time"] = t.FormatDate(lang, when), t.FormatTime(lang, when)
	for i, slot := range []string{"slot1", "slot2", "slot3"} {
		at := when.AddDate(0, 0, i-2)
		values[slot] = t.FormatDate(lang, at) + " " + t.FormatTime(lang, at)
	}
	values["was"] = values["slot1"]
	return values
}

func preview(step, channel string, m Message, values map[string]string) (PreviewText, error) {
	p := PreviewText{Step: step, Channel: channel, Choices: m.Choices}
	body := m.SMS
	if channel == "sms" {
		body = WithChoices(m.SMS, m.Choices)
	} else if m.Long != "" {
		body = m.Long
	}
	var err error
	if p.Text, err = Fill(body, values); err != nil {
		return p, err
	}
	if channel == "email" {
		if p.Subject, err = Fill(m.Subject, values); err != nil {
			return p, err
		}
	}
	if channel == "sms" {
		p.Text = NormaliseSMS(p.Text)
		p.Segments = CountSegments(p.Text)
	}
	p.Readability = Read(p.Text)
	return p, nil
}
