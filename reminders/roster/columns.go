package roster

import (
	"fmt"
	"strings"
	"unicode"
)

// column is one column of the contract.
type column int

const (
	colName column = iota
	colCompany
	colCourse
	colStart
	colEnd
	colClass
	colPhone
	colEmail
	colSlack
	colChannel
	colLanguage
	colEasy
	colShift
	colWindow
	colTeam
	colGoal
	colBasis
	colContact
	colContactPhone
	colContactEmail
	colConsultant
	colTeacher
	colClosedWeeks
	colWeekday
	colPostcode
	columnCount
	colRow column = -1 // the row as a whole
)

// columns holds the two spellings of the contract. Only these are known: a
// generous list of synonyms would make "Mobil" beside "Telefon" a doubled column.
var columns = [columnCount]struct {
	english, danish string
	required        bool
}{
	colName:         {"name", "navn", true},
	colCompany:      {"company", "virksomhed", true},
	colCourse:       {"course", "kursus", true},
	colStart:        {"start", "startdato", true},
	colEnd:          {"end", "slutdato", true},
	colClass:        {"class", "hold", false},
	colPhone:        {"phone", "mobil", false},
	colEmail:        {"email", "mail", false},
	colSlack:        {"slack", "slack", false},
	colChannel:      {"channel", "kanal", false},
	colLanguage:     {"language", "sprog", false},
	colEasy:         {"easy", "letlæst", false},
	colShift:        {"shift", "skift", false},
	colWindow:       {"window", "tidsrum", false},
	colTeam:         {"team", "afdeling", false},
	colGoal:         {"goal", "mål", false},
	colBasis:        {"basis", "grundlag", false},
	colContact:      {"contact", "kontaktperson", false},
	colContactPhone: {"contact_phone", "kontakt_mobil", false},
	colContactEmail: {"contact_email", "kontakt_mail", false},
	colConsultant:   {"consultant", "konsulent", false},
	colTeacher:      {"teacher", "faglærer", false},
	colClosedWeeks:  {"closed_weeks", "lukkeuger", false},
	colWeekday:      {"weekday", "ugedag", false},
	colPostcode:     {"postcode", "postnummer", false},
}

var columnsByKey = func() map[string]column {
	m := make(map[string]column, 2*columnCount)
	for c, names := range columns {
		m[fold(names.english)] = column(c)
		m[fold(names.danish)] = column(c)
	}
	return m
}()

func (c column) String() string {
	if c == colRow {
		return ""
	}
	return columns[c].english
}

func columnOrder(english string) int {
	if english == "" {
		return -1
	}
	return int(columnsByKey[fold(english)])
}

// fold makes the spellings of one word equal: case, spaces, hyphens,
// underscores and dots do not count, and Danish letters may be written out
// ("Kontakt mobil" = kontakt_mobil, "letlaest" = letlæst).
func fold(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(clean(s)) {
		switch {
		case r == 'æ':
			b.WriteString("ae")
		case r == 'ø' || r == 'ö':
			b.WriteString("oe")
		case r == 'å':
			b.WriteString("aa")
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			b.WriteRune(r)
		}
	}
	return b.String()
}

// header says where each column stands.
type header struct {
	at      [columnCount]int // position in a record, -1 = absent
	heading [columnCount]string
	width   int // cells up to the last heading
	ignored []string
}

// headerDepth is how many lines may stand above the header: people put a title
// and a date over their table.
const headerDepth = 10

// findHeader returns the header's place among the records: the first line that
// names at least two columns of a roster.
func findHeader(records []record) (int, header, error) {
	for i, rec := range records[:min(len(records), headerDepth)] {
		if knownHeadings(rec.cells) >= 2 {
			h, err := newHeader(rec)
			return i, h, err
		}
	}
	return 0, header{}, refuse(ErrColumns, "no header was found: the first line must name the columns, at least %s", strings.Join(requiredColumns(), ", "))
}

// knownHeadings counts the different columns a line names.
func knownHeadings(cells []string) int {
	seen := make(map[column]bool)
	for _, cell := range cells {
		// The longest heading has 13 letters; prose is not worth folding.
		if len(cell) > 100 {
			continue
		}
		if c, ok := columnsByKey[fold(cell)]; ok {
			seen[c] = true
		}
	}
	return len(seen)
}

func newHeader(rec record) (header, error) {
	h := header{}
	for c := range h.at {
		h.at[c] = -1
	}
	var doubled []string
	for i, cell := range rec.cells {
		text := clean(cell)
		if text == "" {
			continue
		}
		h.width = i + 1
		c, ok := columnsByKey[fold(text)]
		switch {
		case !ok:
			h.ignored = append(h.ignored, visible(text))
		case h.at[c] >= 0:
			doubled = append(doubled, fmt.Sprintf("%s (as %q and %q)", c, h.heading[c], visible(text)))
		default:
			h.at[c], h.heading[c] = i, visible(text)
		}
	}
	if len(doubled) > 0 {
		return h, refuse(ErrColumns, "line %d names a column twice: %s; keep one of each", rec.line, strings.Join(doubled, ", "))
	}
	if missing := h.missing(); len(missing) > 0 {
		return h, refuse(ErrColumns, "line %d, the header, lacks these columns: %s", rec.line, strings.Join(missing, ", "))
	}
	return h, nil
}

func (h header) missing() []string {
	var names []string
	for c, col := range columns {
		if col.required && h.at[c] < 0 {
			names = append(names, col.english+" (or "+col.danish+")")
		}
	}
	return names
}

func requiredColumns() []string {
	empty := header{}
	for c := range empty.at {
		empty.at[c] = -1
	}
	return empty.missing()
}
