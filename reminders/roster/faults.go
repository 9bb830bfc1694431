package roster

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Fault is one thing wrong with one row, for the person who corrects the file.
type Fault struct {
	Line     int    `json:"line"`
	Column   string `json:"column"`   // the contract's English name; "" for the row as a whole
	Found    string `json:"found"`    // at most 60 characters, nothing invisible
	Expected string `json:"expected"` // what belongs there, in English
	// Heading is what the file itself calls the column, where that is another
	// word than Column: people look for "mobil", not for "phone".
	Heading string `json:"heading,omitempty"`
}

// String says the fault in one line of English.
func (f Fault) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "line %d", f.Line)
	if f.Column != "" {
		fmt.Fprintf(&b, ", column %s", f.Column)
		if f.Heading != "" {
			fmt.Fprintf(&b, " (%s)", f.Heading)
		}
	}
	if f.Found == "" {
		b.WriteString(": found nothing")
	} else {
		fmt.Fprintf(&b, ": found \"%s\"", f.Found)
	}
	fmt.Fprintf(&b, ", expected %s", f.Expected)
	return b.String()
}

const foundLength = 60

// visible cuts a cell to what a message can carry and shows what cannot be seen.
func visible(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		shown := string(r)
		switch {
		case r == '\n':
			shown = `\n`
		case r == '\r':
			shown = `\r`
		case r == '\t':
			shown = `\t`
		case r != ' ' && !unicode.IsPrint(r):
			shown = fmt.Sprintf(`\u%04x`, r)
		}
		width := len([]rune(shown))
		if n+width >= foundLength {
			// One place is kept for the ellipsis, so the whole stays within 60.
			b.WriteRune('…')
			break
		}
		b.WriteString(shown)
		n += width
	}
	return b.String()
}

func sortFaults(faults []Fault) {
	slices.SortStableFunc(faults, func(a, b Fault) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return columnOrder(a.Column) - columnOrder(b.Column)
	})
}
