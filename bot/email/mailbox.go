package email

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"

	"efterkurs/bot"
	"efterkurs/reminders"
)

// Mailbox is the Channel with a mailbox that answers come to. Its folder is looked at (EXAMINE, BODY.PEEK) and nothing is
// changed in it: a person who reads along sees what is new to them, several workers need agree on nothing, and a mail is the
// same mail by its Message-ID, however often it is read. The folder's own numbers (UIDs) only spare reading it again.
type Mailbox struct {
	*Channel
	folder folder

	mu       sync.Mutex
	validity uint32                         // of the UIDs below; 0 = nothing is read yet
	read     map[imap.UID]reminders.Inbound // of the mails that are looked at still
	looks    []look
}

// look is how far the folder went when it was looked at.
type look struct {
	since time.Time
	next  imap.UID // which the next mail would get
}

var _ bot.Sweeper = (*Mailbox)(nil)

const (
	// maxRaw is how much of a mail is fetched: its words stand at its beginning, and a part that is cut off is named.
	maxRaw = 1 << 20
	// sweepMails is how many mails are fetched in one look. More are told by More.
	sweepMails = 200
	// clocks may disagree by that much: the mail server's gives a mail its time.
	clocks = time.Hour
)

// Sweep reads what came to the folder since since, by the mail server's clock, and what was put there since the last look
// whose mails are in, whatever its time: a mail that a person takes out of the spam folder keeps its old one. Each answer
// holds all that was read with this since; where More is set, asking again goes on. left and conversations are not asked
// for: a mailbox does not hold what left.
//
// A mail counts as an answer to the question that it names by our signature: in the address that it was sent to, or in the
// Message-ID that it answers. Anything else in it can be forged, and is marked so (bot.AttributeProof).
//
// EUNAVAILABLE, beside what was read: the mailbox cannot be read.
func (m *Mailbox) Sweep(ctx context.Context, since time.Time, _ bool, _ func(context.Context) ([]string, error)) (reminders.Seen, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	session, err := m.folder.open(ctx)
	if err != nil {
		return reminders.Seen{More: true}, err
	}
	defer session.close()
	if m.validity != session.validity { // the folder was made anew, or is looked at for the first time: no number means what it did
		m.validity, m.read, m.looks = session.validity, map[imap.UID]reminders.Inbound{}, nil
	}
	uids, err := session.search(since.Add(-clocks), m.storedUpTo(since))
	if err != nil {
		return reminders.Seen{More: true}, m.folder.fault(ctx, "list", err)
	}
	if n := len(m.looks); n == 0 || !m.looks[n-1].since.Equal(since) {
		m.looks = append(m.looks, look{since, session.next})
	}
	for uid := range m.read {
		if !slices.Contains(uids, uid) {
			delete(m.read, uid)
		}
	}
	seen, fetched := reminders.Seen{}, 0
	for _, uid := range uids {
		in, known := m.read[uid]
		if !known {
			if fetched++; fetched > sweepMails {
				seen.More = true
				break
			}
			letter, err := session.fetch(uid)
			if err != nil {
				seen.More = true
				return sorted(seen), m.folder.fault(ctx, "read", err)
			}
			if letter == nil { // a person took it away a moment ago
				continue
			}
			in = m.inbound(*letter)
			m.read[uid] = in
		}
		seen.Inbound = append(seen.Inbound, in)
	}
	return sorted(seen), nil
}

// storedUpTo is the number from which on mails are looked at whatever their time: what came before a look whose mails are
// stored; 0 = there was none. That they are stored is known from a later since: the clockwork moves it on only then.
func (m *Mailbox) storedUpTo(since time.Time) imap.UID {
	for len(m.looks) > 1 && m.looks[1].since.Before(since) {
		m.looks = m.looks[1:]
	}
	if len(m.looks) == 0 || !m.looks[0].since.Before(since) {
		return 0
	}
	return m.looks[0].next
}

func sorted(seen reminders.Seen) reminders.Seen {
	slices.SortStableFunc(seen.Inbound, func(a, b reminders.Inbound) int { return a.At.Compare(b.At) })
	return seen
}

// letter is a mail as the folder has it.
type letter struct {
	raw  []byte
	size int64 // of the whole
	at   time.Time
}

// inbound is a mail in the words of every channel.
func (m *Mailbox) inbound(l letter) reminders.Inbound {
	mail := Parse(l.raw)
	in := reminders.Inbound{Channel: reminders.Email, ProviderID: mail.ID, From: mail.From, To: m.from.Address, Text: mail.Text, Media: mail.Media,
		At: l.at.UTC(), Attributes: map[string]string{}}
	if now := m.config.Now(); in.At.After(now) || in.At.IsZero() {
		in.At = now.UTC()
	}
	if in.ProviderID == "" || len(in.ProviderID) > 250 { // the same mail brought again is the same bytes
		sum := sha256.Sum256(l.raw)
		in.ProviderID = "<sha256-" + hex.EncodeToString(sum[:16]) + ">"
	}
	switch {
	case mail.Subject == "":
	case mail.Reply() || mail.Answer != nil: // it is ours, and none of their words
		in.Attributes["re"] = mail.Subject
	default:
		in.Attributes[bot.AttributeSubject] = mail.Subject
	}
	if l.size > int64(len(l.raw)) {
		in.Attributes["cut"] = fmt.Sprintf("%d of %d bytes were read", len(l.raw), l.size)
	}
	question, stop := m.names(mail)
	in.QuestionID = question
	switch {
	case stop: // the button of a mail program, and no machine's answer, whatever else it says
		in.OptOut = "STOP"
		return in
	case mail.Auto == "" && strings.EqualFold(mail.From, m.from.Address) && question == 0:
		mail.Auto = AutoReply // a copy of what we send
	case question == 0:
		in.Attributes[bot.AttributeProof] = "none"
	}
	if mail.Auto != "" {
		in.Attributes[bot.AttributeAuto] = mail.Auto
	}
	if a := mail.Answer; a != nil && mail.Bounce == nil {
		in.Attributes[bot.AttributeInvitation], in.Attributes[bot.AttributeAttendee] = shortenTo(a.UID, 200), clean(a.Attendee)
		in.Attributes[bot.AttributeAnswer], in.Attributes[bot.AttributeSequence] = a.Answer, strconv.Itoa(a.Sequence)
	}
	if mail.Bounce != nil {
		m.bounced(&in, *mail.Bounce)
	}
	return in
}

// names finds the message that a mail names by our signature, and whether it names its way out.
func (m *Mailbox) names(mail Mail) (question int64, stop bool) {
	for _, address := range mail.To {
		local, _, _ := strings.Cut(address, "@")
		_, tag, ok := strings.Cut(local, "+")
		if !ok || tag == "" {
			continue
		}
		if id, ok := m.config.Tokens.OfMail(bot.MailStop, strings.TrimPrefix(tag, stopTag)); ok && strings.HasPrefix(tag, stopTag) {
			return id, true
		}
		if id, ok := m.config.Tokens.OfMail(bot.MailReply, strings.TrimPrefix(tag, replyTag)); ok && question == 0 {
			question = id
		}
	}
	if question == 0 {
		question = m.ofID(mail.Answers)
	}
	return question, false
}

// ofID is the message that one of our Message-IDs is of; 0 = it is none of ours.
func (m *Mailbox) ofID(id string) int64 {
	local, _, _ := strings.Cut(strings.Trim(id, "<>"), "@")
	message, _ := m.config.Tokens.OfMail(bot.MailID, strings.TrimPrefix(strings.ToLower(local), replyTag))
	return message
}

// bounced makes of a mail that came back a report on the message that it names. One that names none, or not by our
// signature, is only kept: anybody can write that an address does not exist.
func (m *Mailbox) bounced(in *reminders.Inbound, b Bounce) {
	// From stays the server's: a mail from somebody's own address would show that it reaches them.
	question := int64(0)
	for _, name := range b.Names {
		for _, purpose := range []string{bot.MailID, bot.MailReply} {
			if id, ok := m.config.Tokens.OfMail(purpose, name); ok && question == 0 {
				question = id
			}
		}
	}
	if question == 0 {
		question = in.QuestionID // Exchange answers what came back
	}
	if b.Status != "" {
		in.Attributes["status"] = b.Status
	}
	in.QuestionID, in.Text = question, ""
	if question == 0 { // nor is what it says of somebody kept: nobody would find it again to erase it
		in.Attributes = map[string]string{bot.AttributeAuto: AutoBounce, bot.AttributeProof: "none"}
		return
	}
	in.Text = b.Words
	delete(in.Attributes, bot.AttributeProof)
	if !b.Failed {
		return
	}
	in.Report = &reminders.StatusReport{MessageID: in.QuestionID, Channel: reminders.Email, State: reminders.Undelivered, Raw: "bounced",
		Code: cmp.Or(b.Status, "5.0.0"), BadAddress: b.Wrong(), Detail: "the mail came back"}
}

// What stands before a signed name in an address and in a Message-ID.
const (
	replyTag = "m"
	stopTag  = "s"
)

// tagged is From with a signed name before the @.
func (c *Channel) tagged(tag, purpose string, id int64) string {
	name := strconv.FormatInt(id, 10)
	if len(c.config.Tokens.Key) > 0 {
		name = c.config.Tokens.Mail(purpose, id)
	}
	return c.local + "+" + tag + name + "@" + c.domain
}
