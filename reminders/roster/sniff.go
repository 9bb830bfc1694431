package roster

import (
	"bytes"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// signatures are the first bytes of what people send by mistake, mostly with
// the extension changed by hand or by a mail program.
var signatures = []struct{ magic, what string }{
	{"\x89PNG", "a PNG picture"},
	{"\xff\xd8\xff", "a JPEG picture"},
	{"GIF8", "a GIF picture"},
	{"BM6", "a bitmap picture"},
	{"%PDF", "a PDF document"},
	{"MZ", "a Windows program"},
	{"\x7fELF", "a program"},
	{"\x1f\x8b", "a gzip archive"},
	{"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"},
	{"Rar!", "a RAR archive"},
	{"{\\rtf", "an RTF document"},
	{"SQLite format 3", "a database"},
}

const saveAs = "save the list as .xlsx or as .csv and send that"

// sniff refuses what is certainly no roster, by content.
func sniff(data []byte, called string) error {
	if len(data) == 0 {
		return refuse(ErrEmpty, "%s is empty", called)
	}
	for _, s := range signatures {
		if !bytes.HasPrefix(data, []byte(s.magic)) {
			continue
		}
		// "MZ" could begin a heading; a program has NULs close behind.
		if len(s.magic) < 4 && !bytes.ContainsRune(data[:min(len(data), 512)], 0) {
			continue
		}
		return refuse(ErrNotRoster, "%s is %s, not a roster; %s", called, s.what, saveAs)
	}
	if bytes.HasPrefix(data, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")) {
		// Excel wraps an encrypted workbook in the container of the old .xls.
		// The name of the stream inside is UTF-16.
		if bytes.Contains(data, utf16le("EncryptedPackage")) {
			return refuse(ErrNotRoster, "%s is protected with a password; remove the password in Excel (File, Info, Protect Workbook) and send it again", called)
		}
		return refuse(ErrNotRoster, "%s is in the old Excel format .xls (or another old Office format); %s", called, saveAs)
	}
	if isZip(data) || hasUTF16BOM(data) {
		return nil
	}

	start := strings.ToLower(string(bytes.TrimSpace(bytes.TrimPrefix(data[:min(len(data), 512)], []byte("\xef\xbb\xbf")))))
	for _, tag := range []string{"<!doctype", "<html", "<?xml", "<table", "<svg"} {
		if strings.HasPrefix(start, tag) {
			return refuse(ErrNotRoster, "%s is a web page or XML, not a roster; open it in Excel and %s", called, saveAs)
		}
	}
	controls := 0
	head := data[:min(len(data), 64<<10)]
	for _, b := range head {
		if b < ' ' && b != '\t' && b != '\n' && b != '\r' && b != '\v' && b != '\f' {
			controls++
		}
	}
	if bytes.IndexByte(data, 0) >= 0 || controls > 8 && controls*100 > len(head) {
		return refuse(ErrNotRoster, "%s is not text and not an Excel workbook; %s", called, saveAs)
	}
	return nil
}

func isZip(data []byte) bool {
	return bytes.HasPrefix(data, []byte("PK\x03\x04")) || bytes.HasPrefix(data, []byte("PK\x05\x06"))
}

func hasUTF16BOM(data []byte) bool {
	return bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff"))
}

func utf16le(s string) []byte {
	out := make([]byte, 0, 2*len(s))
	for i := range len(s) {
		out = append(out, s[i], 0)
	}
	return out
}

// plain says that a text needs no second look: ASCII, which most cells are.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// unusual composes letters (a Mac writes å as a and a ring), makes every space
// a plain one, and drops the invisible marks that address books put around
// numbers. The joiners stay: Persian and Hindi names need them.
func unusual(s string) string {
	s = norm.NFC.String(strings.ToValidUTF8(s, "\uFFFD"))
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\u200c' || r == '\u200d':
			return r
		case unicode.Is(unicode.Cf, r):
			return -1
		case unicode.Is(unicode.Zs, r):
			return ' '
		}
		return r
	}, s)
}
