package email

import (
	"embed"
	"html/template"
	"net/url"
	"strings"

	"efterkurs/reminders"
)

//go:embed mail.html.tmpl
var files embed.FS

var frame = template.Must(template.ParseFS(files, "mail.html.tmpl"))

// page is what stands in a mail, in both its parts.
type page struct {
	Language    string
	Subject     string
	Paragraphs  [][]string // of lines
	Buttons     []button
	Answer      string // the answer page's address; "" = no links
	AnswerWord  string
	See         string // the address of what a mail to staff is about; "" = none
	SeeWord     string
	Footer      string
	Unsubscribe string // "" = not for this reader
	UnsubWord   string
	OneClick    string // what a mail program posts to by itself
	text        string
}

// button is one choice; without an address it is a line of text.
type button struct{ Digit, Label, URL string }

// page puts a message together. Opening a link records nothing, mail scanners open them all: the page behind it
// asks with a button, and its POST does.
func (c *Channel) page(out reminders.Outgoing) page {
	p := page{Language: out.Language, Subject: out.Subject, text: strings.TrimSpace(out.Text)}
	if out.Participant {
		p.Footer = c.config.Words(out.Language, WordFooter)
	}
	if out.See != "" && c.config.PublicURL != "" {
		p.See, p.SeeWord = c.config.PublicURL+out.See, c.config.Words(out.Language, WordSee)
	}
	for paragraph := range strings.SplitSeq(strings.ReplaceAll(p.text, "\r\n", "\n"), "\n\n") {
		if paragraph = strings.TrimSpace(paragraph); paragraph != "" {
			p.Paragraphs = append(p.Paragraphs, strings.Split(paragraph, "\n"))
		}
	}
	for _, choice := range out.Choices {
		p.Buttons = append(p.Buttons, button{Digit: choice.Digit, Label: choice.Label})
	}
	if c.config.PublicURL == "" || c.config.Token == nil {
		return p // the choices stand there all the same: a digit may be answered by mail
	}
	token := url.PathEscape(c.config.Token(out.MessageID))
	answer := c.config.PublicURL + "/answer/" + token
	if len(out.Choices) > 0 {
		p.Answer, p.AnswerWord = answer, c.config.Words(out.Language, WordAnswer)
	}
	for i, b := range p.Buttons {
		p.Buttons[i].URL = answer + "?v=" + url.QueryEscape(b.Digit)
	}
	if out.Participant {
		p.Unsubscribe, p.UnsubWord = answer+"?v=stop", c.config.Words(out.Language, WordUnsubscribe)
		p.OneClick = c.config.PublicURL + "/unsubscribe/" + token
	}
	return p
}

func (p page) html() (string, error) {
	var b strings.Builder
	err := frame.Execute(&b, p)
	return b.String(), err
}

// plain is the text part: the same with the choices as lines. Their addresses differ in a digit only, so the
// answer page's stands there once.
func (p page) plain() string {
	parts := []string{p.text}
	var choices []string
	for _, b := range p.Buttons {
		choices = append(choices, b.Digit+" "+b.Label)
	}
	if len(choices) > 0 {
		parts = append(parts, strings.Join(choices, "\n"))
	}
	if p.Answer != "" {
		parts = append(parts, strings.TrimSpace(p.AnswerWord+"\n"+p.Answer))
	}
	if p.See != "" {
		parts = append(parts, p.SeeWord+"\n"+p.See)
	}
	var below []string
	for _, line := range []string{p.Footer, strings.TrimSpace(p.UnsubWord + " " + p.Unsubscribe)} {
		if line != "" {
			below = append(below, line)
		}
	}
	if len(below) > 0 {
		parts = append(parts, "-- \n"+strings.Join(below, "\n")) // the mark that mail programs know a signature by
	}
	return strings.Join(parts, "\n\n") + "\n"
}
