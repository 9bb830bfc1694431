package roster

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// readCSV cuts a text file into cells. encoding/csv is not used: with a stray
// quote it either refuses the file or swallows the rest of it into one cell,
// and it cannot say which lines those were.
func readCSV(data []byte, called string, opt Options) (grid, error) {
	text, enc, err := decodeText(data)
	if err != nil || strings.IndexByte(text, 0) >= 0 {
		return grid{}, refuse(ErrNotRoster, "%s is not readable text; %s", called, saveAs)
	}
	g := grid{format: "csv", encoding: enc}
	if clean(text) == "" {
		return grid{}, refuse(ErrEmpty, "%s holds nothing but blank lines", called)
	}

	c := cutter{text: text, line: 1}
	if sep, rest, ok := declaredSeparator(text); ok {
		c.sep, c.pos, c.line = sep, len(text)-len(rest), 2
	} else {
		c.sep = detectSeparator(text)
	}
	g.separator = string(c.sep)
	for c.pos < len(c.text) {
		rec := c.record()
		if rec.blank() {
			continue
		}
		g.records = append(g.records, rec)
		if len(g.records) > opt.MaxRows+headerDepth {
			return grid{}, refuse(ErrTooLarge, "%s has more than %d rows, the most a roster may have; split it into several files", called, opt.MaxRows)
		}
	}
	g.faults = c.faults
	return g, nil
}

// decodeText returns the text as UTF-8. A text without a byte order mark that
// is not valid UTF-8 is what Danish Excel calls CSV: Windows-1252.
func decodeText(data []byte) (text, name string, err error) {
	var enc encoding.Encoding
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		name, enc = "utf-16le", unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM)
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		name, enc = "utf-16be", unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM)
	case utf8.Valid(data):
		return string(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))), "utf-8", nil
	default:
		name, enc = "windows-1252", charmap.Windows1252
	}
	out, err := enc.NewDecoder().Bytes(data)
	return string(out), name, err
}

// declaredSeparator reads Excel's own first line, sep=;
func declaredSeparator(text string) (sep byte, rest string, ok bool) {
	line, rest := cutLine(text)
	decl, found := strings.CutPrefix(strings.ToLower(strings.Trim(strings.TrimRight(line, " "), `"`)), "sep=")
	if !found || len(decl) != 1 || !strings.Contains(separators, decl) {
		return 0, text, false
	}
	return decl[0], rest, true
}

// separators in the order in which they win when the header leaves it open.
const separators = ";,\t|"

// detectSeparator takes the separator with which one of the first lines names
// the most columns.
func detectSeparator(text string) byte {
	best, most := byte(';'), 0
	for range headerDepth {
		if text == "" {
			break
		}
		var line string
		line, text = cutLine(text)
		// Headings of all columns in both languages are under 500 bytes.
		line = line[:min(len(line), 16<<10)]
		for i := range len(separators) {
			c := cutter{text: line, sep: separators[i], line: 1}
			cells := c.record().cells
			if n := 2*knownHeadings(cells) + min(len(cells)-1, 1); n > most {
				best, most = separators[i], n
			}
		}
	}
	return best
}

func cutLine(text string) (line, rest string) {
	i := strings.IndexAny(text, "\r\n")
	if i < 0 {
		return text, ""
	}
	return text[:i], text[i+newline(text, i):]
}

// newline is the length of the line end at i: CR LF, LF, or CR alone.
func newline(s string, i int) int {
	if s[i] == '\r' && i+1 < len(s) && s[i+1] == '\n' {
		return 2
	}
	return 1
}

const (
	// maxCells of a record are kept; a roster has 24 columns.
	maxCells = 1024
	// A quoted cell longer than this is taken for a quote somebody forgot to
	// close. Excel holds at most 32,767 characters in a cell, and nobody
	// writes a cell of 100 lines into a roster.
	maxQuotedBytes = 32_767
	maxQuotedLines = 100
)

// cutter walks over a text and cuts it into records.
type cutter struct {
	text   string
	sep    byte
	pos    int
	line   int
	faults []Fault
}

// record cuts one record and moves past its line end.
func (c *cutter) record() record {
	rec := record{line: c.line}
	for {
		cell := c.cell(rec.line)
		if len(rec.cells) < maxCells {
			rec.cells = append(rec.cells, cell)
		}
		if c.pos >= len(c.text) {
			return rec
		}
		if c.text[c.pos] == c.sep {
			c.pos++
			continue
		}
		c.pos += newline(c.text, c.pos)
		c.line++
		return rec
	}
}

// cell returns the next cell and stops at the separator, line end or end of
// text behind it. Quotes count only where a cell begins with one.
func (c *cutter) cell(start int) string {
	open := c.pos
	for open < len(c.text) && c.text[open] == ' ' {
		open++
	}
	if open < len(c.text) && c.text[open] == '"' {
		if cell, ok := c.quoted(open + 1); ok {
			return cell
		}
		c.faults = append(c.faults, Fault{
			Line: start, Found: visible(lineAt(c.text, open)),
			Expected: `a closing quote (") for the cell that begins here, or no quote at all`,
		})
	}
	return c.bare()
}

// quoted reads a quoted cell whose text begins at i. Text between the closing
// quote and the separator is kept: "Hansen" ApS is the cell Hansen ApS.
func (c *cutter) quoted(i int) (string, bool) {
	var b strings.Builder
	lines := 0
	for begin := i; i < len(c.text); {
		switch ch := c.text[i]; {
		case ch == '"' && i+1 < len(c.text) && c.text[i+1] == '"':
			b.WriteByte('"')
			i += 2
		case ch == '"':
			c.pos, c.line = i+1, c.line+lines
			b.WriteString(c.bare())
			return b.String(), true
		case ch == '\r' || ch == '\n':
			b.WriteByte('\n')
			i += newline(c.text, i)
			lines++
		default:
			b.WriteByte(ch)
			i++
		}
		if i-begin > maxQuotedBytes || lines > maxQuotedLines {
			break
		}
	}
	return "", false
}

func (c *cutter) bare() string {
	from := c.pos
	for c.pos < len(c.text) {
		if ch := c.text[c.pos]; ch == c.sep || ch == '\r' || ch == '\n' {
			break
		}
		c.pos++
	}
	return c.text[from:c.pos]
}

func lineAt(text string, i int) string {
	line, _ := cutLine(text[i:min(len(text), i+4*foundLength)])
	return line
}
