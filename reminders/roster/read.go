// Package roster reads the list of participants that a school keeps in a
// spreadsheet, as CSV or XLSX, into rows that are validated and normalised.
//
// A file takes four steps, a file of code each:
//
//	bytes ─▶ grid (csv.go, xlsx.go) ─▶ header (columns.go) ─▶ rows, cell by cell (cells.go) ─▶ rules over rows (across.go)
//
// What makes the whole file unreadable is an error: one sentence for the
// person who sent it. What is wrong with a row or a cell is a Fault, and all
// faults of all rows are collected, since a person corrects a spreadsheet once
// and not once a mistake.
//
// Files come from outside: size, inflated size, rows and columns are bounded
// before anything is kept, and the content decides what a file is, never its name.
package roster

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// Row is one participant on one class, everything validated and normalised.
type Row struct {
	// Line is the 1-based line in the file, the header included. CSV: the
	// physical line on which the record starts. XLSX: the row's number.
	Line int

	Name    string
	Company string
	Course  string // the slug: 5s, forretning, smed, problemloesning
	Start   string // "2006-01-02"
	End     string // "2006-01-02", the last course day
	Class   string // "" when the file has none

	Phone string // E.164, "" if none
	// SharedPhone says that others have the number too: the row's person is known by it and by name.
	SharedPhone bool
	Email       string // lower case
	Slack       string // member id in upper case: U… or W…
	Channel     string // sms, slack, email; default the first with an address in that order

	Language string // ISO 639-1 in lower case, default "da"
	Easy     bool
	Shift    string // "", day, evening, night

	// WindowFrom and WindowTo are minutes after local midnight; both 0 = none.
	WindowFrom, WindowTo int

	Team, Goal string
	Basis      string // "", consent, legitimate

	Contact, ContactPhone, ContactEmail string
	Consultant, Teacher                 string // e-mails in lower case

	ClosedWeeks string // ISO weeks, sorted and joined: "29-31,52"
	Postcode    string // the company's; "" = not given
	Weekday     int    // 0 = not given, 1 Monday … 5 Friday
}

// Result is what a file held.
type Result struct {
	Rows   []Row   // rows without any fault, in the file's order
	Faults []Fault // by line, then in the order of the columns
	Total  int     // rows in the file, with and without faults; blank ones not counted

	Format    string   // csv, xlsx
	Encoding  string   // utf-8, utf-16le, utf-16be, windows-1252; "" for xlsx
	Separator string   // ",", ";", "\t", "|"; "" for xlsx
	Sheet     string   // the sheet that was read; "" for csv
	Ignored   []string // headings that are no column of a roster, as the file spells them
}

// Options bounds a reading. The zero value has the defaults named below.
type Options struct {
	DefaultRegion string            // of phone numbers without a country; "DK"
	KnownCourse   func(string) bool // is this slug a course; nil = the four of the school
	MaxBytes      int64             // of the file; 20 MiB
	MaxRows       int               // participants; 100,000
}

// The kinds of file that cannot be read at all. Read wraps one of them around
// a sentence for people.
var (
	ErrEmpty     = errors.New("roster is empty")
	ErrTooLarge  = errors.New("roster is too large")
	ErrNotRoster = errors.New("file is not a roster")
	ErrColumns   = errors.New("roster lacks columns")
)

// fileError carries the sentence people read; errors.Is finds its kind.
type fileError struct {
	kind     error
	sentence string
}

func (e *fileError) Error() string { return e.sentence }
func (e *fileError) Unwrap() error { return e.kind }

func refuse(kind error, format string, args ...any) error {
	return &fileError{kind: kind, sentence: fmt.Sprintf(format, args...)}
}

// Read reads a roster from r. The filename only serves the sentences of
// errors. At most Options.MaxBytes+1 bytes are taken from r.
//
// The error, if any, is ErrEmpty, ErrTooLarge, ErrNotRoster or ErrColumns with
// a sentence that says what to do, or what r itself returned.
func Read(r io.Reader, filename string, opt Options) (Result, error) {
	if opt.DefaultRegion == "" {
		opt.DefaultRegion = "DK"
	}
	if opt.KnownCourse == nil {
		opt.KnownCourse = func(slug string) bool { return slices.Contains(courseSlugs, slug) }
	}
	if opt.MaxBytes <= 0 {
		opt.MaxBytes = 20 << 20
	}
	if opt.MaxRows <= 0 {
		opt.MaxRows = 100_000
	}
	called := "the file"
	if filename != "" {
		called = visible(filepath.Base(filename))
	}

	data, err := io.ReadAll(io.LimitReader(r, opt.MaxBytes+1))
	if err != nil {
		return Result{}, fmt.Errorf("reading roster %s: %w", called, err)
	}
	if int64(len(data)) > opt.MaxBytes {
		return Result{}, refuse(ErrTooLarge, "%s is larger than %s, the most a roster may be; split it into several files", called, size(opt.MaxBytes))
	}
	if err := sniff(data, called); err != nil {
		return Result{}, err
	}

	var g grid
	if isZip(data) {
		g, err = readXLSX(data, called, opt)
	} else {
		g, err = readCSV(data, called, opt)
	}
	if err != nil {
		return Result{}, err
	}
	return readGrid(g, called, opt)
}

// grid is a file as cells, before anything is known about their meaning.
type grid struct {
	format, encoding, separator, sheet string
	records                            []record // no blank ones
	faults                             []Fault  // what the cutting into cells found
	date1904                           bool     // the workbook counts its days from 1904
}

// record is one line of cells.
type record struct {
	line  int
	cells []string // as a person sees them
	raw   []string // XLSX only: the stored values, where a date is a serial number
}

func (r record) blank() bool {
	for _, c := range r.cells {
		if clean(c) != "" {
			return false
		}
	}
	for _, c := range r.raw {
		if clean(c) != "" {
			return false
		}
	}
	return true
}

func readGrid(g grid, called string, opt Options) (Result, error) {
	if len(g.records) == 0 {
		return Result{}, refuse(ErrEmpty, "%s holds no text at all", called)
	}
	at, h, err := findHeader(g.records)
	if err != nil {
		return Result{}, err
	}
	body := g.records[at+1:]
	if len(body) == 0 {
		return Result{}, refuse(ErrEmpty, "%s has a header and no participants under it", called)
	}
	if len(body) > opt.MaxRows {
		return Result{}, refuse(ErrTooLarge, "%s has more than %d rows, the most a roster may have; split it into several files", called, opt.MaxRows)
	}

	p := parser{
		header: h, grid: g, opt: opt, faults: g.faults, faulty: make(map[int]bool),
		numbers: make(map[string]number), landlines: make(map[string]bool),
	}
	for _, f := range g.faults {
		p.faulty[f.Line] = true
	}
	parsed := make([]parsedRow, 0, len(body))
	for _, rec := range body {
		parsed = append(parsed, p.row(rec))
	}
	p.across(parsed)

	res := Result{
		Total: len(body), Faults: p.faults, Format: g.format, Encoding: g.encoding,
		Separator: g.separator, Sheet: g.sheet, Ignored: h.ignored,
	}
	for _, row := range parsed {
		if !p.faulty[row.Line] {
			res.Rows = append(res.Rows, row.Row)
		}
	}
	sortFaults(res.Faults)
	return res, nil
}

func size(bytes int64) string {
	if bytes >= 1<<20 {
		return fmt.Sprintf("%d MiB", bytes>>20)
	}
	return fmt.Sprintf("%d bytes", bytes)
}

// clean trims what spreadsheets, web pages and address books leave around a
// text, and turns the spaces that only look like spaces into spaces.
func clean(s string) string {
	if !plain(s) {
		s = unusual(s)
	}
	return strings.TrimSpace(s)
}
