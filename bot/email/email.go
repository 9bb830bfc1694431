// Package email is the Channel to mailboxes: over SMTP it sends, and where one is configured it reads a mailbox over IMAP,
// to which answers and returned mails come. It composes, sends, takes apart and checks; it holds no rules.
//
// go-mail composes the message and makes the connection. The transaction itself (MAIL, RCPT, DATA, the final
// dot) is driven here, command by command: go-mail's Send hides at which of them it broke, reports an error
// for a mail that was taken when the RSET after it fails, and ends a mail that broke half-way with the QUIT
// that follows it (net/textproto closes an open DATA with its dot), so that half of it would be delivered.
package email

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"

	"efterkurs/bot"
	"efterkurs/reminders"
)

// Config is what the channel needs.
type Config struct {
	SMTPURL   string                       // smtp://user:pass@host:587 (STARTTLS where offered, demanded off loopback) or smtps://
	From      string                       // "Name <a@b>"
	PublicURL string                       // where the answer page is; "" = no links in mails
	Token     func(messageID int64) string // of the answer page; nil = no links
	IMAPURL   string                       // of the mailbox that answers come to, imaps://user:pass@host/INBOX; "" = none is read
	Tokens    bot.Tokens                   // signs what a reply comes back to; without a key nothing is signed, and nothing that comes back is believed
	Words     func(lang, key string) string
	Now       func() time.Time // nil = the machine's clock
	TLSConfig *tls.Config      // nil = the system's roots; tests bring their own
}

// The keys Words is asked for: few words around the text, from templates.
const (
	WordAnswer      = "email-answer"      // before the answer page's address in plain text
	WordFooter      = "email-footer"      // below the text to who takes part: who writes and why
	WordSee         = "email-see"         // before the address of what a mail to staff is about
	WordUnsubscribe = "email-unsubscribe" // the link that ends it
)

// Channel sends mail over one SMTP server. It is safe for concurrent use. Close it.
type Channel struct {
	config Config
	from   *mail.Address
	local  string // of From
	domain string // of From
	server server
	folder *folder // nil = no mailbox

	mu     sync.Mutex
	idle   []*session // connections left open for the rest of a burst
	closed bool
}

var _ bot.Channel = (*Channel)(nil)

// New checks the configuration; EINVALID names the variable that is wrong. Errors never hold the password.
func New(config Config) (*Channel, error) {
	server, err := parseServer(config.SMTPURL)
	if err != nil {
		return nil, err
	}
	server.tls = config.TLSConfig
	from, err := mail.ParseAddress(config.From)
	if err != nil {
		return nil, reminders.Errorf(reminders.EINVALID, "MAIL_FROM is not an address; it looks like: Skolen <kursus@skolen.dk>")
	}
	if config.PublicURL != "" {
		public, err := url.Parse(config.PublicURL)
		if err != nil || public.Scheme != "http" && public.Scheme != "https" || public.Host == "" {
			return nil, reminders.Errorf(reminders.EINVALID, "PUBLIC_URL is not an http or https address")
		}
		config.PublicURL = strings.TrimRight(config.PublicURL, "/")
	}
	var box *folder
	if config.IMAPURL != "" {
		f, err := parseFolder(config.IMAPURL)
		if err != nil {
			return nil, err
		}
		f.tls = config.TLSConfig
		box = &f
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Words == nil {
		config.Words = func(string, string) string { return "" }
	}
	at := strings.LastIndex(from.Address, "@")
	return &Channel{config: config, from: from, local: from.Address[:at], domain: from.Address[at+1:], server: server, folder: box}, nil
}

// Mailbox is the channel that also listens; false where no mailbox is configured.
func (c *Channel) Mailbox() (*Mailbox, bool) {
	if c.folder == nil {
		return nil, false
	}
	return &Mailbox{Channel: c, folder: *c.folder}, true
}

// Name is "email".
func (c *Channel) Name() string { return reminders.Email }

// Send composes and sends one mail. ProviderID is its Message-ID.
func (c *Channel) Send(ctx context.Context, out reminders.Outgoing) reminders.Result {
	message, err := c.compose(out)
	if err != nil {
		return reminders.Result{Outcome: reminders.OutcomeFailed, BadAddress: reminders.ErrorCode(err) == reminders.EINVALID, Detail: err.Error()}
	}
	return c.transfer(ctx, out.To, message, c.MessageID(out.MessageID))
}

// MessageID is the Message-ID of a message, always the same: a receiver that gets a second copy after an answer
// nobody saw drops it. It is signed: a mail that answers it comes from somebody who has it.
func (c *Channel) MessageID(id int64) string {
	if len(c.config.Tokens.Key) > 0 {
		return "<" + replyTag + c.config.Tokens.Mail(bot.MailID, id) + "@" + c.domain + ">"
	}
	sum := sha256.Sum256([]byte("efterkurs message " + strconv.FormatInt(id, 10) + " from " + strings.ToLower(c.from.Address)))
	return "<m" + strconv.FormatInt(id, 10) + "." + hex.EncodeToString(sum[:6]) + "@" + c.domain + ">"
}

// ReplyTo is From with the message's id, signed, so that an answer by mail names its question.
func (c *Channel) ReplyTo(id int64) string { return c.tagged(replyTag, bot.MailReply, id) }

// stopTo is the address that ends it, whatever is written to it; "" where nobody would read that.
func (c *Channel) stopTo(id int64) string {
	if c.folder == nil || len(c.config.Tokens.Key) == 0 {
		return ""
	}
	return c.tagged(stopTag, bot.MailStop, id)
}

// compose is the whole mail. EINVALID where the recipient's address is none.
func (c *Channel) compose(out reminders.Outgoing) (*gomail.Msg, error) {
	to, err := mail.ParseAddress(out.To)
	if err != nil {
		return nil, reminders.Errorf(reminders.EINVALID, "the address is no e-mail address")
	}
	page := c.page(out)
	html, err := page.html()
	if err != nil {
		return nil, reminders.Errorf(reminders.EINTERNAL, "the mail's frame could not be filled in")
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	m.FromMailAddress(c.from)
	m.ToMailAddress(&mail.Address{Name: out.Name, Address: to.Address})
	m.ReplyToMailAddress(&mail.Address{Name: c.from.Name, Address: c.ReplyTo(out.MessageID)})
	m.Subject(strings.Join(strings.Fields(out.Subject), " ")) // a line break would end the header
	m.SetDateWithValue(c.config.Now())
	m.SetMessageIDWithValue(strings.Trim(c.MessageID(out.MessageID), "<>"))
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetGenHeader(gomail.HeaderXAutoResponseSuppress, "All") // Outlook's out-of-office answers are no replies
	// The button that mail programs show (RFC 2369) and press by themselves (RFC 8058). It takes the mail server's DKIM
	// signature over both headers: see README. Staff have no way out to be offered.
	var ways []string
	if page.OneClick != "" {
		ways = append(ways, "<"+page.OneClick+">")
		m.SetGenHeader(gomail.HeaderListUnsubscribePost, "List-Unsubscribe=One-Click")
	}
	if stop := c.stopTo(out.MessageID); stop != "" && out.Participant {
		ways = append(ways, "<mailto:"+stop+"?subject=STOP>")
	}
	if len(ways) > 0 {
		m.SetGenHeaderPreformatted(gomail.HeaderListUnsubscribe, strings.Join(ways, ",\r\n "))
	}
	m.SetBodyString(gomail.TypeTextPlain, page.plain())
	m.AddAlternativeString(gomail.TypeTextHTML, html)
	if in := out.Invitation; in != nil {
		// Last of the alternatives, and once more as a file: see package calendar for who wants which. In base64 its lines
		// arrive as they were folded.
		m.AddAlternativeString(gomail.ContentType("text/calendar; method="+in.Method), string(in.Content), gomail.WithPartEncoding(gomail.EncodingB64))
		if err := m.AttachReader("invite.ics", bytes.NewReader(in.Content), gomail.WithFileContentType("application/ics")); err != nil {
			return nil, reminders.Errorf(reminders.EINTERNAL, "the invitation could not be added")
		}
	}
	return m, nil
}
