package email

import (
	"bytes"
	"cmp"
	"io"
	"mime"
	"regexp"
	"slices"
	"strings"

	mimetext "github.com/emersion/go-message/textproto"

	"efterkurs/bot/calendar"
)

// parser collects what the parts of a mail hold.
type parser struct {
	text, html string // the first of each that is no attachment
	files      []file
	report     string // report-type of the whole
	notice     string // a message/delivery-status, as it stands
	answer     *calendar.Answer
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
			p.file(file{name: cmp.Or(name, "mail.eml")})
		}
	case (kind == "text/calendar" || kind == "application/ics") && p.answered(toUTF8(decode(header, body), params["charset"])):
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

// answered keeps what a part answers to an invitation; false = it does not. Programs send it twice, as a part and as a file.
func (p *parser) answered(object string) bool {
	a, ok := calendar.ParseAnswer([]byte(object))
	if ok && p.answer == nil {
		p.answer = &a
	}
	return ok
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
