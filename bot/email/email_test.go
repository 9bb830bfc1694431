package email_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"efterkurs/bot/email"
	"efterkurs/bot/providertest"
	"efterkurs/reminders"
)

const (
	address = "maja@fabrik.example"
	text    = "Hej Maja\n\nVælg ét sted på din plads.\nHvor <starter> du?"
	token   = "tok3n"
)

var (
	now      = time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)
	outgoing = reminders.Outgoing{MessageID: 4711, Language: "da", To: address, Name: "Maja Sørensen", Subject: "Uge 1: vælg ét sted\r\nBcc: x@y.dk",
		Text: text, Participant: true, Choices: []reminders.Choice{{Digit: "1", Label: "Ja & ok"}, {Digit: "2", Label: "Nej"}}}
	words = map[string]string{"email-answer": "Svar her:", "email-footer": "Du får mailen efter dit kursus.", "email-unsubscribe": "Stop mails", "email-see": "Åbn i efterkurs"}
)

func channel(t *testing.T, smtp *providertest.SMTP, change func(*email.Config)) *email.Channel {
	t.Helper()
	config := email.Config{SMTPURL: smtp.URL, From: "AMU Skolen <kursus@skolen.example>", PublicURL: "https://bot.example.dk/",
		Token: func(id int64) string { return fmt.Sprint(token, id) }, Now: func() time.Time { return now }, TLSConfig: smtp.TLS,
		Words: func(lang, key string) string { return words[key] }}
	if change != nil {
		change(&config)
	}
	c, err := email.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func send(t *testing.T, change func(*email.Config), out reminders.Outgoing) providertest.Mail {
	t.Helper()
	smtp := providertest.NewSMTP(t)
	c := channel(t, smtp, change)
	if result := c.Send(t.Context(), out); result.Outcome != reminders.OutcomeAccepted || result.ProviderID != c.MessageID(out.MessageID) {
		t.Fatalf("result = %+v", result)
	}
	return smtp.Messages()[0]
}

func TestMailHasWhatReceiversAndPeopleNeed(t *testing.T) {
	m := send(t, nil, outgoing)
	for name, want := range map[string]string{
		"List-Unsubscribe":         "<https://bot.example.dk/unsubscribe/tok3n4711>",
		"List-Unsubscribe-Post":    "List-Unsubscribe=One-Click",
		"Auto-Submitted":           "auto-generated",
		"X-Auto-Response-Suppress": "All",
		"Date":                     now.Format(time.RFC1123Z),
		"Reply-To":                 `"AMU Skolen" <kursus+m4711@skolen.example>`,
		"From":                     `"AMU Skolen" <kursus@skolen.example>`,
		"Bcc":                      "",
	} {
		if got := m.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if m.Subject != "Uge 1: vælg ét sted Bcc: x@y.dk" || len(m.To) != 1 || m.To[0] != address || m.EnvelopeFrom != "kursus@skolen.example" {
		t.Errorf("subject %q to %v from %s", m.Subject, m.To, m.EnvelopeFrom)
	}
	for _, want := range []string{"Hvor &lt;starter&gt; du?", `href="https://bot.example.dk/answer/tok3n4711?v=1"`, "Ja &amp; ok", `lang="da"`,
		`href="https://bot.example.dk/answer/tok3n4711?v=stop"`, "Stop mails", "Du får mailen efter dit kursus.", "color-scheme"} {
		if !strings.Contains(m.HTML, want) {
			t.Errorf("the HTML lacks %s:\n%s", want, m.HTML)
		}
	}
	plain := strings.ReplaceAll(m.Text, "\r\n", "\n")
	want := text + "\n\n1 Ja & ok\n2 Nej\n\nSvar her:\nhttps://bot.example.dk/answer/tok3n4711\n\n-- \nDu får mailen efter dit kursus.\nStop mails https://bot.example.dk/answer/tok3n4711?v=stop\n"
	if plain != want {
		t.Errorf("the text is\n%s\nwant\n%s", plain, want)
	}
}

func TestMessageIDIsOneForAMessageHoweverOftenItGoes(t *testing.T) {
	first, again := send(t, nil, outgoing), send(t, nil, outgoing)
	other := outgoing
	other.MessageID = 4712
	third := send(t, nil, other)
	id := first.Header.Get("Message-Id")
	if !strings.HasPrefix(id, "<m4711.") || !strings.HasSuffix(id, "@skolen.example>") {
		t.Errorf("Message-ID %s", id)
	}
	if again.Header.Get("Message-Id") != id || third.Header.Get("Message-Id") == id {
		t.Errorf("%s, %s, %s", id, again.Header.Get("Message-Id"), third.Header.Get("Message-Id"))
	}
}

// Staff read what it is about, and where it stands; that they took a course is not why they get it.
func TestAMailToStaffLeadsToWhatItIsAbout(t *testing.T) {
	out := reminders.Outgoing{MessageID: 4711, Channel: reminders.Email, To: address, Language: "da", Subject: "En besked venter på dig nu", Text: "En fra Smed & Søn har brug for dig nu.", See: "/inbox/12"}
	m := send(t, nil, out)
	if plain := strings.ReplaceAll(m.Text, "\r\n", "\n"); plain != "En fra Smed & Søn har brug for dig nu.\n\nÅbn i efterkurs\nhttps://bot.example.dk/inbox/12\n" {
		t.Errorf("the text is\n%s", plain)
	}
	if !strings.Contains(m.HTML, `href="https://bot.example.dk/inbox/12"`) || strings.Contains(m.HTML, "kursus.") {
		t.Errorf("the HTML is\n%s", m.HTML)
	}
	if m := send(t, func(c *email.Config) { c.PublicURL = "" }, out); strings.Contains(m.HTML+m.Text, "inbox") {
		t.Errorf("without a public address: %s", m.Text)
	}
}

func TestStaffGetNoWayOutAndNoLinksWithoutAPublicAddress(t *testing.T) {
	staff := outgoing
	staff.Participant = false
	if m := send(t, nil, staff); m.Header.Get("List-Unsubscribe") != "" || strings.Contains(m.HTML+m.Text, "v=stop") || !strings.Contains(m.HTML, "?v=1") {
		t.Errorf("staff: %s", m.Raw)
	}
	for name, change := range map[string]func(*email.Config){
		"no public address": func(c *email.Config) { c.PublicURL = "" },
		"no token":          func(c *email.Config) { c.Token = nil },
	} {
		m := send(t, change, outgoing)
		if strings.Contains(m.HTML+m.Text, "http") || m.Header.Get("List-Unsubscribe") != "" {
			t.Errorf("%s: links all the same: %s", name, m.Text)
		}
		if !strings.Contains(m.Text, "2 Nej") || !strings.Contains(m.HTML, "Nej") || m.Header.Get("Reply-To") == "" {
			t.Errorf("%s: a digit cannot be answered by mail: %s", name, m.Text)
		}
	}
	bare := outgoing
	bare.Choices = nil
	if m := send(t, nil, bare); strings.Contains(m.HTML, `class="button"`) || strings.Contains(m.Text, "Svar her") {
		t.Errorf("buttons without choices: %s", m.Text)
	}
}

func TestConfigurationFaultsNameTheVariableAndNoSecret(t *testing.T) {
	good := email.Config{SMTPURL: "smtp://u:hemmelig@mail.example", From: "a@b.dk"}
	for variable, change := range map[string]func(*email.Config){
		"SMTP_URL is missing": func(c *email.Config) { c.SMTPURL = "" },
		"SMTP_URL":            func(c *email.Config) { c.SMTPURL = "http://u:hemmelig@mail.example" },
		"SMTP_URL is not":     func(c *email.Config) { c.SMTPURL = "smtp://u:hemmelig@mail.example:%zz" },
		"SMTP_URL has a port": func(c *email.Config) { c.SMTPURL = "smtp://u:hemmelig@mail.example:70000" },
		"MAIL_FROM":           func(c *email.Config) { c.From = "Skolen" },
		"MAIL_IMAP_URL":       func(c *email.Config) { c.IMAPURL = "https://u:hemmelig@mail.example" },
		"MAIL_IMAP_URL names": func(c *email.Config) { c.IMAPURL = "imaps://mail.example/INBOX?hemmelig" },
		"MAIL_IMAP_URL has":   func(c *email.Config) { c.IMAPURL = "imaps://u:hemmelig@mail.example:70000" },
		"PUBLIC_URL":          func(c *email.Config) { c.PublicURL = "bot.example" },
	} {
		config := good
		change(&config)
		_, err := email.New(config)
		if reminders.ErrorCode(err) != reminders.EINVALID || !strings.Contains(err.Error(), variable) || strings.Contains(err.Error(), "hemmelig") {
			t.Errorf("%s: %v", variable, err)
		}
	}
	if _, err := email.New(good); err != nil {
		t.Error(err)
	}
}
