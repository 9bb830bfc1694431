package email

import (
	"bytes"
	"encoding/hex"
	"io"
	"mime"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/charset"
	mimetext "github.com/emersion/go-message/textproto"
	"golang.org/x/text/encoding/charmap"
)

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
