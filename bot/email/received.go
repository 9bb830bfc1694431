package email

import (
	"bytes"
	"encoding/hex"
	"io"
	"mime"
	"net/mail"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/charset"
	mimetext "github.com/emersion/go-message/textproto"
	"golang.org/x/text/encoding/charmap"
)

// Mail is a mail that came in, taken apart. Nothing in it is proven: whoever sends a mail writes its headers.
type Mail struct {
	ID      string   // Message-ID with its brackets; "" = it has none
	From    string   // in lower case; "" = it names nobody
	To      []string // every address it says that it was meant for or brought to, in lower case
	Answers string   // the Message-ID that it answers, with its brackets; "" = none
	Subject string
	Text    string   // what its writer wrote: without what they quote and without their signature
	Media   []string // names of what is attached
	Auto    string   // what a machine made it for, one of the Auto words; "" = a person wrote it
	Bounce  *Bounce  // of an AutoBounce, what it says of the mail that came back; nil = nothing
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
	m.Text = shorten(tidy(own))
	m.Media = p.attached(m.Text != "")
	if m.Text == "" && !m.Reply() {
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

// parser collects what the parts of a mail hold.
type parser struct {
	text, html string // the first of each that is no attachment
	files      []file
	report     string // report-type of the whole
	notice     string // a message/delivery-status, as it stands
	traces     []string
	parts      int
}

// file is something attached.
type file struct {
	name     string
	ornament bool // a picture that stands in the text's HTML, or whose name says that a mail program put it there
}

// part reads one part, and those within it.
func (p *parser) part(header mimetext.Header, body []byte, depth int, related bool) {
	if p.parts++; p.parts > maxParts || depth > maxDepth {
		return
	}
	kind, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil || !strings.Contains(kind, "/") {
		kind = strings.ToLower(strings.TrimSpace(strings.SplitN(header.Get("Content-Type"), ";", 2)[0]))
	}
	if !strings.Contains(kind, "/") {
		kind = "text/plain"
	}
	if params == nil {
		params = map[string]string{}
	}
	disposition, placed, _ := mime.ParseMediaType(header.Get("Content-Disposition"))
	name := placed["filename"]
	if name == "" {
		name = params["name"]
	}
	name = oneLine(decodeWords(name))
	switch {
	case strings.HasPrefix(kind, "multipart/") && params["boundary"] != "":
		if kind == "multipart/report" && p.report == "" {
			p.report = strings.ToLower(params["report-type"])
			if p.report == "" {
				p.report = "delivery-status"
			}
		}
		p.within(body, params["boundary"], depth, related || kind == "multipart/related")
	case kind == "message/delivery-status" || kind == "message/global-delivery-status":
		p.notice += string(decode(header, body)) + "\n\n"
	case kind == "message/rfc822" || kind == "message/global" || kind == "text/rfc822-headers" || kind == "message/global-headers":
		inner := decode(header, body)
		p.trace(inner)
		if kind == "message/rfc822" && p.report == "" {
			p.file(file{name: or(name, "mail.eml")})
		}
	case strings.HasPrefix(kind, "text/") && disposition != "attachment" && (name == "" || kind == "text/plain" || kind == "text/html") && kind != "text/calendar":
		text := toUTF8(decode(header, body), params["charset"])
		p.trace([]byte(text))
		if kind == "text/html" {
			if p.html == "" {
				p.html = text
			}
			return
		}
		if p.text == "" {
			p.text = text
		} else if p.report == "" && name == "" && len(p.text)+len(text) < maxBody {
			p.text += "\n" + text // Apple's: words, a picture, more words
		}
	case kind == "application/pkcs7-signature" || kind == "application/x-pkcs7-signature" || kind == "application/pgp-signature" || kind == "application/pgp-keys":
	default:
		if name == "" {
			name = oneLine(strings.Replace(kind, "/", ".", 1))
		}
		picture := strings.HasPrefix(kind, "image/")
		p.file(file{name: name, ornament: picture && disposition != "attachment" && (related && header.Get("Content-Id") != "" || ornament.MatchString(name))})
	}
}

// ornament is what Outlook and others call a picture in somebody's signature.
var ornament = regexp.MustCompile(`(?i)^(image\d{3}\.(png|jpe?g|gif)|outlook-.*\.(png|jpe?g|gif)|logo.*\.(png|jpe?g|gif|svg))$`)

// within reads the parts of a multipart. Where the mail was cut, what is there is read.
func (p *parser) within(body []byte, boundary string, depth int, related bool) {
	reader := mimetext.NewMultipartReader(bytes.NewReader(body), boundary)
	for first := true; p.parts <= maxParts; first = false {
		part, err := reader.NextPart()
		if err != nil && first { // it has no parts: what is there is text
			p.part(mimetext.Header{}, body, depth+1, related)
		}
		if err != nil {
			return
		}
		inner, err := io.ReadAll(part)
		p.part(part.Header, inner, depth+1, related)
		if err != nil {
			return
		}
	}
}

func (p *parser) file(f file) {
	if len(p.files) < maxMedia {
		p.files = append(p.files, f)
	}
}

// attached are the names of what the writer attached. A picture in a signature is not theirs to answer for, but where
// there are no words the picture is the answer.
func (p *parser) attached(words bool) (names []string) {
	for _, f := range p.files {
		if !f.ornament || !words {
			names = append(names, shortenTo(f.name, 100))
		}
	}
	return names
}

// decode undoes a part's transfer encoding; of a body that breaks off, what is there.
func decode(header mimetext.Header, body []byte) []byte {
	bare := message.Header{Header: mimetext.Header{}}
	bare.Set("Content-Transfer-Encoding", strings.TrimSpace(header.Get("Content-Transfer-Encoding")))
	bare.Set("Content-Type", "application/octet-stream") // characters are decoded by toUTF8
	entity, err := message.New(bare, bytes.NewReader(body))
	if err != nil { // an encoding that nobody knows
		return cut(body)
	}
	raw, err := io.ReadAll(io.LimitReader(entity.Body, maxBody))
	if err == nil {
		return raw
	}
	// It is not what it says it is, or breaks off: every byte that can be read is, the others stand as they are.
	if strings.EqualFold(bare.Get("Content-Transfer-Encoding"), "quoted-printable") {
		return cut(escaped.ReplaceAllFunc(body, func(code []byte) []byte {
			if b, err := hex.DecodeString(string(code[1:])); err == nil {
				return b
			}
			return nil // the end of a line that goes on
		}))
	}
	if len(raw) == 0 {
		return cut(body)
	}
	return raw
}

var escaped = regexp.MustCompile(`=([0-9A-Fa-f]{2}|[ \t]*\r?\n)`)

func cut(body []byte) []byte { return body[:min(len(body), maxBody)] }

// toUTF8 reads text in the charset that it says it is in, unless it plainly is in another: UTF-8 that is called
// ISO 8859-1, and the other way round, are the two that people meet.
func toUTF8(raw []byte, name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	if utf8.Valid(raw) && (name == "" || name == "us-ascii" || strings.HasPrefix(name, "iso-8859") || strings.HasPrefix(name, "windows-125") || name == "utf-8" || name == "utf8") {
		return string(raw) // text in those charsets that has æ, ø or å in it is no valid UTF-8
	}
	if name != "" && name != "utf-8" && name != "utf8" && name != "us-ascii" {
		if reader, err := charset.Reader(name, bytes.NewReader(raw)); err == nil {
			if text, err := io.ReadAll(reader); err == nil {
				return string(text)
			}
		}
	}
	if utf8.Valid(raw) {
		return string(raw)
	}
	if trimmed := raw[:max(0, len(raw)-utf8.UTFMax)]; len(raw) >= maxBody-utf8.UTFMax && utf8.Valid(trimmed) {
		return string(trimmed) // cut in the middle of a character
	}
	text, err := charmap.Windows1252.NewDecoder().Bytes(raw)
	if err != nil {
		return strings.ToValidUTF8(string(raw), "�")
	}
	return string(text)
}

var words = mime.WordDecoder{CharsetReader: func(name string, input io.Reader) (io.Reader, error) {
	raw, err := io.ReadAll(io.LimitReader(input, maxHeader))
	if err != nil {
		return nil, err
	}
	return strings.NewReader(toUTF8(raw, name)), nil
}}

// decodeWords undoes the encoding of a header's words (RFC 2047), and of bytes that are in none.
func decodeWords(value string) string {
	decoded, err := words.DecodeHeader(value)
	if err != nil {
		decoded = value
	}
	return toUTF8([]byte(decoded), "")
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

// oneLine keeps a header's text to one line of ordinary characters.
func oneLine(s string) string {
	return shortenTo(strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "�"))), " "), 500)
}

// tidy makes lines of a text: no carriage returns, no control characters, no blanks at their ends, at most one empty line
// between two.
func tidy(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "�"), "\r\n", "\n")
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\r':
			return '\n'
		case r == '\n':
			return r
		case r == '\t' || r == '\u00a0':
			return ' '
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, text)
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight(line, " ")
		if line == "" && (len(lines) == 0 || lines[len(lines)-1] == "") {
			continue
		}
		lines = append(lines, line)
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// shorten keeps a text to what a person would write and another would read. What is cut stays in the mailbox.
func shorten(text string) string { return shortenTo(text, maxText) }

func shortenTo(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	n := 0
	for i := range text {
		if n == limit {
			return text[:i] + "…"
		}
		n++
	}
	return text
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// trace keeps what looks like a name of one of our messages, which a bounce is known by.
func (p *parser) trace(raw []byte) {
	for _, found := range ourName.FindAllSubmatch(raw, 20) {
		if name := strings.ToLower(string(found[1])); !slices.Contains(p.traces, name) && len(p.traces) < maxParts {
			p.traces = append(p.traces, name)
		}
	}
}

// ourName is how Tokens.Mail stands in our addresses and Message-IDs.
var ourName = regexp.MustCompile(`(?i)\bm(\d{1,18}\.[a-z2-7]{16})@`)
