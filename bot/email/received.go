package email

import (
	"bytes"
	"net/mail"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	mimetext "github.com/emersion/go-message/textproto"

	"efterkurs/bot/calendar"
)

// Mail is a mail that came in, taken apart. Nothing in it is proven: whoever sends a mail writes its headers.
type Mail struct {
	ID      string   // Message-ID with its brackets; "" = it has none
	From    string   // in lower case; "" = it names nobody
	To      []string // every address it says that it was meant for or brought to, in lower case
	Answers string   // the Message-ID that it answers, with its brackets; "" = none
	Subject string
	Text    string           // what its writer wrote: without what they quote and without their signature
	Media   []string         // names of what is attached
	Auto    string           // what a machine made it for, one of the Auto words; "" = a person wrote it
	Answer  *calendar.Answer // what it answers to an invitation; nil = nothing
	Bounce  *Bounce          // of an AutoBounce, what it says of the mail that came back; nil = nothing
}

// What is read of a mail. Whatever is longer is cut, and the rest stays in the mailbox.
const (
	maxText   = 10_000 // characters
	maxBody   = 256 << 10
	maxParts  = 100
	maxDepth  = 10
	maxMedia  = 20
	maxHeader = 128 << 10
	maxFields = 1000
)

// Parse takes a mail apart. It makes the best of anything: what cannot be read as it says it is written is read as it
// looks, and what is no mail at all is one without sender and with that text.
func Parse(raw []byte) Mail {
	header, body := split(raw)
	p := parser{}
	p.part(header, body, 0, false)
	m := Mail{ID: messageID(header.Get("Message-Id")), Subject: oneLine(decodeWords(header.Get("Subject"))), Answers: answered(header)}
	if from := addresses(header.Values("From")); len(from) > 0 {
		m.From = from[0]
	}
	for _, name := range []string{"To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Forwarded-To"} {
		m.To = append(m.To, addresses(header.Values(name))...)
	}
	own := p.text
	if strings.TrimSpace(own) == "" {
		own = plainOfHTML(p.html)
	}
	m.Bounce = p.bounce(header, own)
	m.Auto = auto(header, m.Subject, p.report, m.Bounce != nil)
	if m.Auto != AutoBounce {
		m.Bounce = nil
		own = written(own)
	}
	if m.Answer = p.answer; m.Answer != nil && m.Bounce == nil {
		m.Auto = "" // Google's says that it was generated: a person pressed the button
		if m.Answer.Machine {
			own = ""
		}
		if !strings.Contains(own, m.Answer.Comment) {
			own = strings.TrimSpace(own + "\n" + m.Answer.Comment)
		}
	}
	m.Text = shorten(tidy(own))
	m.Media = p.attached(m.Text != "")
	if m.Text == "" && !m.Reply() && m.Answer == nil {
		m.Text = m.Subject // there it stands where nothing else is written
	}
	return m
}

// Reply says whether a mail's subject is somebody else's.
func (m Mail) Reply() bool { return m.Answers != "" || prefixed.MatchString(m.Subject) }

var prefixed = regexp.MustCompile(`(?i)^\s*(re|sv|vs|aw|wg|odp|pd|fwd?|videresendt|antw|rv|відп|отв)\s*(\[\d+\])?\s*:`)

// split is a mail's header and its body. A line that is none of a header ends it.
func split(raw []byte) (mimetext.Header, []byte) {
	head, body := raw, []byte(nil)
	for at := 0; at < len(raw) && at < maxHeader; {
		end := bytes.IndexByte(raw[at:], '\n')
		if end < 0 {
			break
		}
		line := bytes.TrimRight(raw[at:at+end], "\r")
		if len(line) == 0 {
			head, body = raw[:at], raw[at+end+1:]
			break
		}
		if at > 0 && !headerLine(line) {
			head, body = raw[:at], raw[at:]
			break
		}
		at += end + 1
	}
	if body == nil && !headerLine(firstLine(raw)) {
		head, body = nil, raw
	}
	// A line at a time: one that is broken does not take the others with it.
	var fields [][]byte
	for line := range bytes.SplitSeq(head[:min(len(head), maxHeader)], []byte("\n")) {
		line = bytes.TrimRight(line, "\r")
		if len(line) > 0 && (line[0] == ' ' || line[0] == '\t') && len(fields) > 0 {
			last := &fields[len(fields)-1]
			*last = append(append(*last, ' '), bytes.TrimSpace(line)...)
			continue
		}
		if len(fields) == maxFields {
			break
		}
		fields = append(fields, bytes.Clone(line))
	}
	var header mimetext.Header
	for _, field := range slices.Backward(fields) { // Add puts a field before those that are there
		if name, value, ok := bytes.Cut(field, []byte(":")); ok && len(name) > 0 {
			header.Add(textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(string(name))), strings.TrimSpace(string(value)))
		}
	}
	return header, body
}

func firstLine(raw []byte) []byte {
	line, _, _ := bytes.Cut(raw, []byte("\n"))
	return bytes.TrimRight(line, "\r")
}

var fieldName = regexp.MustCompile(`^[!-9;-~]+[ \t]*:`)

func headerLine(line []byte) bool {
	return len(line) > 0 && (line[0] == ' ' || line[0] == '\t') || fieldName.Match(line)
}

var anAddress = regexp.MustCompile(`[^\s<>"(),:;\[\]]+@[^\s<>"(),:;\[\]]+`)

// addresses are those of a header, however it is written.
func addresses(values []string) (found []string) {
	parser := mail.AddressParser{WordDecoder: &words}
	for _, value := range values {
		value = value[:min(len(value), maxHeader/8)]
		if len(found) >= maxParts {
			break
		}
		list, err := parser.ParseList(value)
		if err != nil {
			for _, a := range anAddress.FindAllString(value, 50) {
				found = append(found, clean(a))
			}
			continue
		}
		for _, a := range list {
			found = append(found, clean(a.Address))
		}
	}
	return found
}

// clean is an address in lower case, without what has no place in one.
func clean(address string) string {
	return shortenTo(strings.ToLower(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.IsSpace(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, address)), 254)
}

var anID = regexp.MustCompile(`<[^<>\s]+>`)

// messageID is the Message-ID in a header; "" = there is none.
func messageID(value string) string {
	id := anID.FindString(value)
	if bare := strings.TrimSpace(value); id == "" && strings.Contains(bare, "@") && !strings.ContainsAny(bare, " <>\t") {
		id = "<" + bare + ">"
	}
	return oneLine(id)
}

// answered is the Message-ID that a mail answers. References hold the whole thread, the nearest last: they count only
// where In-Reply-To is missing, since a mail further up may have been another reader's.
func answered(header mimetext.Header) string {
	if id := messageID(header.Get("In-Reply-To")); id != "" {
		return id
	}
	if all := anID.FindAllString(header.Get("References"), -1); len(all) > 0 {
		return oneLine(all[len(all)-1])
	}
	return ""
}
