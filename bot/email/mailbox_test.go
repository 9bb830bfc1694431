package email_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"efterkurs/bot"
	"efterkurs/bot/email"
	"efterkurs/bot/providertest"
	"efterkurs/reminders"
)

var tokens = bot.Tokens{Key: []byte("a key of thirty-two bytes, or so.")}

// listening is the channel with a mailbox.
func listening(t *testing.T, box *providertest.IMAP, change func(*email.Config)) *email.Mailbox {
	t.Helper()
	c := channel(t, providertest.NewSMTP(t), func(c *email.Config) {
		c.IMAPURL, c.Tokens, c.TLSConfig = box.URL, tokens, box.TLS
		if change != nil {
			change(c)
		}
	})
	m, ok := c.Mailbox()
	if !ok {
		t.Fatal("there is no mailbox")
	}
	return m
}

func swept(t *testing.T, m *email.Mailbox, since time.Time) reminders.Seen {
	t.Helper()
	seen, err := m.Sweep(t.Context(), since, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

// written is a mail of Maja's.
func written(header, text string) []byte {
	return []byte("From: Maja <" + address + ">\r\n" + header + "\r\n\r\n" + text)
}

// A reply names its question by our signature, in the address or in what it answers, and by nothing else. It fails where
// a signature of another purpose or key, a bare number or a From is believed.
func TestAReplyNamesItsQuestionByOurSignatureOnly(t *testing.T) {
	m := listening(t, providertest.NewIMAP(t), nil)
	other := bot.Tokens{Key: []byte("another key, as long as this one is")}
	to := func(tag, name string) string { return "To: kursus+" + tag + name + "@skolen.example" }
	reply, id := m.ReplyTo(4711), m.MessageID(4711)
	for i, c := range []struct {
		name, header string
		want         int64
	}{
		{"the address", "To: " + reply, 4711},
		{"the address in capitals", "To: " + strings.ToUpper(reply), 4711},
		{"the address among others", "To: x@y.example\r\nCc: \"A, B\" <z@y.example>, <" + reply + ">", 4711},
		{"the address that it was brought to", "To: kursus@skolen.example\r\nDelivered-To: " + reply, 4711},
		{"what it answers", "To: kursus@skolen.example\r\nIn-Reply-To: " + id, 4711},
		{"the last of the thread", "References: <a@b.example> " + id, 4711},
		{"what it answers comes first", "In-Reply-To: <a@b.example>\r\nReferences: " + id, 0},
		{"nothing", "To: kursus@skolen.example", 0},
		{"a bare number", to("m", "4711"), 0},
		{"another key's", to("m", other.Mail(bot.MailReply, 4711)), 0},
		{"another message's signature", to("m", "4712"+tokens.Mail(bot.MailReply, 4711)[4:]), 0},
		{"a Message-ID as an address", to("m", tokens.Mail(bot.MailID, 4711)), 0},
		{"an address as a Message-ID", "In-Reply-To: <m" + tokens.Mail(bot.MailReply, 4711) + "@skolen.example>", 0},
		{"the way out with a reply's signature", to("s", tokens.Mail(bot.MailReply, 4711)), 0},
		{"another's Message-ID", "In-Reply-To: <m4711.0123456789ab@skolen.example>", 0},
	} {
		box := providertest.NewIMAP(t)
		m := listening(t, box, nil)
		box.Deliver(written(c.header+fmt.Sprintf("\r\nMessage-ID: <%d@x>", i), "2"), now)
		seen := swept(t, m, now)
		if len(seen.Inbound) != 1 {
			t.Fatalf("%s: %+v", c.name, seen)
		}
		in := seen.Inbound[0]
		if in.QuestionID != c.want || (in.Attributes[bot.AttributeProof] == "none") != (c.want == 0) || in.OptOut != "" {
			t.Errorf("%s: question %d, %v, %q", c.name, in.QuestionID, in.Attributes, in.OptOut)
		}
		if in.From != address || in.Text != "2" || in.Channel != reminders.Email || !in.At.Equal(now) || in.ProviderID != fmt.Sprintf("<%d@x>", i) {
			t.Errorf("%s: %+v", c.name, in)
		}
	}
}

// The addresses that mails bear fit into what servers take, and the way out by mail is there where somebody reads it. It
// fails where it is offered to staff, or where nobody would read it.
func TestTheWayOutByMail(t *testing.T) {
	box := providertest.NewIMAP(t)
	m := send(t, func(c *email.Config) { c.IMAPURL, c.Tokens = box.URL, tokens }, outgoing)
	stop := "kursus+s" + tokens.Mail(bot.MailStop, 4711) + "@skolen.example"
	if got := m.Header.Get("List-Unsubscribe"); got != "<https://bot.example.dk/unsubscribe/tok3n4711>, <mailto:"+stop+"?subject=STOP>" {
		t.Errorf("List-Unsubscribe: %q", got)
	}
	if local, _, _ := strings.Cut(stop, "@"); len(local) > 64 {
		t.Errorf("%s is %d characters before the @", local, len(local))
	}
	staff := outgoing
	staff.Participant = false
	for name, got := range map[string]providertest.Mail{
		"staff":                         send(t, func(c *email.Config) { c.IMAPURL, c.Tokens = box.URL, tokens }, staff),
		"no mailbox, no public address": send(t, func(c *email.Config) { c.PublicURL, c.Tokens = "", tokens }, outgoing),
		"no key, and no public address": send(t, func(c *email.Config) { c.PublicURL, c.IMAPURL = "", box.URL }, outgoing),
	} {
		if got.Header.Get("List-Unsubscribe") != "" || got.Header.Get("List-Unsubscribe-Post") != "" {
			t.Errorf("%s: %q", name, got.Header.Get("List-Unsubscribe"))
		}
	}
	if got := send(t, func(c *email.Config) { c.PublicURL, c.IMAPURL, c.Tokens = "", box.URL, tokens }, outgoing); !strings.HasPrefix(got.Header.Get("List-Unsubscribe"), "<mailto:") || got.Header.Get("List-Unsubscribe-Post") != "" {
		t.Errorf("without a page: %q", got.Header)
	}
	c := listening(t, box, nil)
	box.Deliver(written("To: "+stop+"\r\nAuto-Submitted: auto-generated\r\nSubject: Unsubscribe", "This message was made by your mail program."), now)
	if in := swept(t, c, now).Inbound; len(in) != 1 || in[0].OptOut != "STOP" || in[0].QuestionID != 4711 || in[0].Attributes[bot.AttributeAuto] != "" {
		t.Errorf("the way out: %+v", in)
	}
}

// A mail is taken in whenever it is there to be taken, again under the same id, and nothing in the mailbox is changed by it. It
// fails where a look goes by the folder's numbers alone, by its clock alone, or marks what it has read.
func TestAMailboxIsReadWhole(t *testing.T) {
	box := providertest.NewIMAP(t)
	m := listening(t, box, func(c *email.Config) { c.Now = func() time.Time { return now.Add(24 * time.Hour) } })
	ids := func(seen reminders.Seen) (all []string) {
		for _, in := range seen.Inbound {
			all = append(all, in.ProviderID)
		}
		return all
	}
	expect := func(what string, since time.Time, want ...string) {
		t.Helper()
		if got := ids(swept(t, m, since)); strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	deliver := func(id string, at time.Time) { box.Deliver(written("Message-ID: <"+id+">", "2"), at) }
	deliver("old", now.Add(-72*time.Hour))
	deliver("b", now.Add(2*time.Minute))
	deliver("a", now.Add(time.Minute))
	expect("first", now, "<a>", "<b>")
	expect("the same again", now, "<a>", "<b>")
	deliver("slow", now.Add(-50*time.Minute)) // the mail server's clock is behind
	expect("a clock that is behind", now.Add(5*time.Minute), "<slow>", "<a>", "<b>")
	deliver("spam", now.Add(-48*time.Hour)) // a person took it out of the spam folder
	expect("an old one that was put there", now.Add(6*time.Minute), "<spam>", "<slow>", "<a>", "<b>")
	expect("and still, where it could not be stored", now.Add(6*time.Minute), "<spam>", "<slow>", "<a>", "<b>")
	expect("an hour later they are behind", now.Add(3*time.Hour))
	if all, unseen := box.Unseen(); all != 5 || unseen != 5 {
		t.Errorf("of %d mails %d are unread", all, unseen)
	}
	box.Renew()
	deliver("b", now.Add(2*time.Minute)) // the server was restored
	deliver("new", now.Add(3*time.Hour))
	expect("another UIDVALIDITY", now.Add(3*time.Minute), "<b>", "<new>")

	// Without a Message-ID the same mail is the same bytes.
	box.Renew()
	box.Deliver(written("Subject: x", "2"), now)
	first := ids(swept(t, m, now))
	box.Renew()
	box.Deliver(written("Subject: x", "2"), now)
	if again := ids(swept(t, m, now)); len(first) != 1 || len(again) != 1 || first[0] != again[0] || !strings.HasPrefix(first[0], "<sha256-") {
		t.Errorf("%v, then %v", first, again)
	}
}

// Of many mails each look fetches some, and each answer holds all so far. A large one is read at its beginning, and says so.
func TestAFullMailboxIsReadInPieces(t *testing.T) {
	box := providertest.NewIMAP(t)
	m := listening(t, box, nil)
	for i := range 450 {
		box.Deliver(written(fmt.Sprintf("Message-ID: <%d>", i), "2"), now)
	}
	for _, want := range []int{200, 400, 450} {
		if seen := swept(t, m, now); len(seen.Inbound) != want || seen.More != (want < 450) {
			t.Fatalf("%d mails, more: %v, want %d", len(seen.Inbound), seen.More, want)
		}
	}
	box.Renew()
	box.Deliver(written("Message-ID: <large>\r\nContent-Type: multipart/mixed; boundary=x",
		"--x\r\n\r\n2 her er det\r\n--x\r\nContent-Type: image/jpeg; name=stor.jpg\r\nContent-Disposition: attachment\r\n\r\n"+strings.Repeat("x", 3<<20)+"\r\n--x--"), now)
	in := swept(t, m, now).Inbound
	if len(in) != 1 || in[0].Text != "2 her er det" || len(in[0].Media) != 1 || in[0].Attributes["cut"] == "" {
		t.Errorf("a large mail: %+v", in)
	}
}

// What came back is a report on the message that it names by our signature, once it was given up; whatever else it says is
// kept and does nothing. It fails where anybody can write that an address does not exist.
func TestAReturnedMailReportsOnItsOwnMessageOnly(t *testing.T) {
	box := providertest.NewIMAP(t)
	m := listening(t, box, nil)
	for i, c := range []struct {
		file   string
		signed bool
		want   *reminders.StatusReport
	}{
		{"bounce-postfix", true, &reminders.StatusReport{Code: "5.1.1", BadAddress: true}},
		{"bounce-exchange", true, &reminders.StatusReport{Code: "5.2.2"}},
		{"bounce-exim", true, &reminders.StatusReport{Code: "5.1.0", BadAddress: true}},
		{"bounce-qmail", true, &reminders.StatusReport{Code: "5.1.1", BadAddress: true}},
		{"bounce-late", true, nil},
		{"bounce-postfix", false, nil},
		{"out-of-office", true, nil},
	} {
		box.Renew()
		raw := string(stored(t, c.file))
		if c.signed {
			raw = strings.ReplaceAll(raw, "m4711.abcdefghijklmnop", "m"+tokens.Mail(bot.MailID, 4711))
			raw = strings.ReplaceAll(raw, "m4711.qrstuvwxyzabcdef", "m"+tokens.Mail(bot.MailReply, 4711))
		}
		box.Deliver([]byte(raw), now)
		seen := swept(t, m, now)
		if len(seen.Inbound) != 1 {
			t.Fatalf("%d: %+v", i, seen)
		}
		in := seen.Inbound[0]
		if in.Attributes[bot.AttributeAuto] == "" || (in.QuestionID == 4711) != c.signed {
			t.Errorf("%s, signed %v: %+v", c.file, c.signed, in)
		}
		got := in.Report
		if (got == nil) != (c.want == nil) {
			t.Errorf("%s, signed %v: report %+v", c.file, c.signed, got)
		}
		if got != nil && (got.MessageID != 4711 || got.State != reminders.Undelivered || got.Code != c.want.Code || got.BadAddress != c.want.BadAddress || got.Channel != reminders.Email) {
			t.Errorf("%s: %+v", c.file, got)
		}
	}
}

func TestTheMailboxIsReachedAsConfigured(t *testing.T) {
	for name, options := range map[string][]providertest.SMTPOption{"plain, on this machine": nil, "imaps": {providertest.WithTLS()}} {
		box := providertest.NewIMAP(t, options...)
		box.Deliver(written("", "2"), now)
		m := listening(t, box, nil)
		if seen := swept(t, m, now); len(seen.Inbound) != 1 {
			t.Errorf("%s: %+v", name, seen)
		}
	}
	// 0.0.0.0 reaches this machine and is no loopback address.
	away := func(url string) func(*email.Config) {
		return func(c *email.Config) { c.IMAPURL = strings.Replace(url, "127.0.0.1", "0.0.0.0", 1) }
	}
	plain, starttls := providertest.NewIMAP(t), providertest.NewIMAP(t, providertest.WithSTARTTLS())
	starttls.Deliver(written("", "2"), now)
	if seen := swept(t, listening(t, starttls, away(starttls.URL)), now); len(seen.Inbound) != 1 {
		t.Errorf("STARTTLS: %+v", seen)
	}
	secure := providertest.NewIMAP(t, providertest.WithTLS())
	shut := providertest.NewIMAP(t)
	shut.Shut()
	for name, c := range map[string]struct {
		box    *providertest.IMAP
		change func(*email.Config)
		code   string
		says   string
	}{
		"wrong password":      {plain, func(c *email.Config) { c.IMAPURL = strings.Replace(plain.URL, plain.Password, "forkert", 1) }, reminders.EINVALID, "user and password"},
		"no such folder":      {plain, func(c *email.Config) { c.IMAPURL = strings.Replace(plain.URL, "INBOX", "Svar", 1) }, reminders.EINVALID, "no folder Svar"},
		"no encryption":       {plain, away(plain.URL), reminders.EINVALID, "STARTTLS"},
		"its own certificate": {secure, func(c *email.Config) { away(secure.URL)(c); c.TLSConfig = nil }, reminders.EINVALID, "certificate"},
		"nobody there":        {shut, nil, reminders.EUNAVAILABLE, "reach"},
	} {
		m := listening(t, c.box, c.change)
		_, err := m.Sweep(t.Context(), now, false, nil)
		if reminders.ErrorCode(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
		if said := err.Error(); strings.Contains(said, c.box.Password) || strings.Contains(said, "efterkurs:") {
			t.Errorf("%s: %q tells a secret", name, said)
		}
		if err := m.Check(t.Context()); err == nil {
			t.Errorf("%s: doctor is content", name)
		}
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := listening(t, plain, nil).Sweep(over, now, false, nil); reminders.ErrorCode(err) != reminders.EUNAVAILABLE {
		t.Errorf("time was up: %v", err)
	}
	if err := listening(t, plain, nil).Check(t.Context()); err != nil {
		t.Errorf("Check: %v", err)
	}
}

// A mail in which a calendar program answers an invitation is no mail of words, whichever program it is, and whatever the
// program explains around it. It fails where Google's boilerplate, or a file that Apple attaches, is taken for something written.
func TestAnAnswerToAnInvitationIsNoMailOfWords(t *testing.T) {
	object := func(product, comment string) string {
		return "BEGIN:VCALENDAR\r\nPRODID:" + product + "\r\nVERSION:2.0\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:visit-1@efterkurs\r\nSEQUENCE:2\r\nDTSTAMP:20260101T000000Z\r\n" +
			"ATTENDEE;PARTSTAT=DECLINED:mailto:" + address + "\r\n" + comment + "END:VEVENT\r\nEND:VCALENDAR\r\n"
	}
	part := func(kind, body string) string { return "--b\r\nContent-Type: " + kind + "\r\n\r\n" + body + "\r\n" }
	calendar := "text/calendar; charset=UTF-8; method=REPLY"
	file := "application/ics; name=invite.ics\r\nContent-Disposition: attachment; filename=invite.ics"
	for name, c := range map[string]struct{ headers, body, text string }{
		"Google": {"Auto-Submitted: auto-generated\r\n", part("text/plain", "maja has declined this invitation.\r\n\r\nTo stop receiving these emails, change your settings.") +
			part(calendar, object("-//Google Inc//Google Calendar 70.9054//EN", "COMMENT:vi har lukket\r\n")) + part(file, object("-//Google Inc//Google Calendar 70.9054//EN", "")), "vi har lukket"},
		"Outlook":           {"", part("text/plain", "") + part(calendar, object("Microsoft Exchange Server 2010", "")), ""},
		"Outlook, in words": {"", part("text/plain", "Kan vi tage ugen efter?") + part(calendar, object("Microsoft Exchange Server 2010", "")), "Kan vi tage ugen efter?"},
		"Apple":             {"", part(calendar, object("-//Apple Inc.//macOS 14.0//EN", "")), ""},
	} {
		box := providertest.NewIMAP(t)
		m := listening(t, box, nil)
		box.Deliver([]byte("From: Maja <"+address+">\r\nTo: kursus@skolen.example\r\nSubject: Declined: x\r\nMessage-ID: <x@y.example>\r\n"+c.headers+
			"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"+c.body+"--b--\r\n"), now)
		seen := swept(t, m, now.Add(-time.Hour))
		if len(seen.Inbound) != 1 {
			t.Fatalf("%s: %d mails", name, len(seen.Inbound))
		}
		in := seen.Inbound[0]
		if a := in.Attributes; a[bot.AttributeAnswer] != "declined" || a[bot.AttributeInvitation] != "visit-1@efterkurs" || a[bot.AttributeAttendee] != address || a[bot.AttributeSequence] != "2" ||
			a[bot.AttributeAuto] != "" || a[bot.AttributeSubject] != "" || in.OptOut != "" {
			t.Errorf("%s: %v", name, a)
		}
		if in.Text != c.text || len(in.Media) != 0 {
			t.Errorf("%s: text %q, attached %q", name, in.Text, in.Media)
		}
	}
}
