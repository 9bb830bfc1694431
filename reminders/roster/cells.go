package roster

import (
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// parser turns records into rows and keeps what it had to object to.
type parser struct {
	header
	grid
	opt    Options
	faults []Fault
	faulty map[int]bool // lines with any fault

	numbers   map[string]number // by the text in a phone column
	landlines map[string]bool   // by E.164
}

// parsedRow is a row with the columns that were not understood, so that the
// rules over rows look only at what is sound.
type parsedRow struct {
	Row
	bad uint32 // a bit for each column
}

func (r *parsedRow) sound(cols ...column) bool {
	for _, c := range cols {
		if r.bad&(1<<c) != 0 {
			return false
		}
	}
	return true
}

func (p *parser) fault(row *parsedRow, c column, found, expected string) {
	p.faulty[row.Line] = true
	f := Fault{Line: row.Line, Column: c.String(), Found: visible(found), Expected: expected}
	if c != colRow {
		row.bad |= 1 << c
		if fold(p.heading[c]) != fold(c.String()) {
			f.Heading = p.heading[c]
		}
	}
	p.faults = append(p.faults, f)
}

// text is a cell as it is shown.
func (p *parser) text(rec record, c column) string {
	return cellAt(rec.cells, p.at[c])
}

// value is a cell as it is stored: the same in CSV; in XLSX dates are serials
// and numbers have all their digits.
func (p *parser) value(rec record, c column) string {
	if rec.raw == nil {
		return p.text(rec, c)
	}
	return cellAt(rec.raw, p.at[c])
}

func cellAt(cells []string, i int) string {
	if i < 0 || i >= len(cells) {
		return ""
	}
	return clean(cells[i])
}

// row parses one record, column by column.
func (p *parser) row(rec record) parsedRow {
	row := &parsedRow{Row: Row{Line: rec.line}}
	p.tooWide(row, rec)
	p.spreadsheetErrors(row, rec)

	row.Name = p.label(row, rec, colName)
	row.Company = p.label(row, rec, colCompany)
	row.Course = p.course(row, rec)
	row.Start = p.date(row, rec, colStart)
	row.End = p.date(row, rec, colEnd)
	p.span(row)
	row.Class = p.label(row, rec, colClass)

	row.SharedPhone = shared.MatchString(p.value(rec, colPhone))
	row.Phone = p.phone(row, rec, colPhone)
	row.Email = p.email(row, rec, colEmail)
	row.Slack = p.slack(row, rec)
	row.Channel = p.channel(row, rec)
	p.reachable(row, rec)

	row.Language = p.language(row, rec)
	row.Easy = p.easy(row, rec)
	row.Shift = p.word(row, rec, colShift, shifts, "day, evening or night (dag, aften, nat)")
	row.WindowFrom, row.WindowTo = p.window(row, rec)
	row.Team = p.label(row, rec, colTeam)
	row.Goal = p.label(row, rec, colGoal)
	row.Basis = p.word(row, rec, colBasis, bases, "consent or legitimate (samtykke, interesse)")

	row.Contact = p.label(row, rec, colContact)
	row.ContactEmail = p.email(row, rec, colContactEmail)
	row.ContactPhone = p.phone(row, rec, colContactPhone)
	p.contactReachable(row, rec)
	row.Consultant = p.email(row, rec, colConsultant)
	row.Teacher = p.email(row, rec, colTeacher)
	row.ClosedWeeks = p.closedWeeks(row, rec)
	row.Weekday = p.weekday(row, rec)
	row.Postcode = p.postcode(row, rec)
	return *row
}

// tooWide objects to cells to the right of the last heading: most often a
// separator inside a text that should have been quoted, which moves every cell
// after it.
func (p *parser) tooWide(row *parsedRow, rec record) {
	if len(rec.cells) <= p.width {
		return
	}
	extra := clean(strings.Join(rec.cells[p.width:], " "))
	if extra == "" {
		return
	}
	p.fault(row, colRow, extra, fmt.Sprintf("at most %d cells, as many as the header has; a text that contains the separator needs quotes around it", p.width))
}

// spreadsheetErrors objects to what Excel shows where a formula failed.
func (p *parser) spreadsheetErrors(row *parsedRow, rec record) {
	for c := range columnCount {
		switch text := p.text(rec, c); text {
		case "#N/A", "#I/T", "#REF!", "#REFERENCE!", "#VALUE!", "#VÆRDI!", "#NAME?", "#NAVN?", "#DIV/0!", "#DIVISION/0!", "#NULL!", "#NUL!", "#NUM!":
			p.fault(row, c, text, "a value; this is an error of the spreadsheet")
		}
	}
}

// lengths are the longest texts in characters; a name goes into an SMS.
var lengths = map[column]int{colName: 100, colCompany: 100, colClass: 100, colTeam: 100, colContact: 100, colGoal: 300}

// label reads a free text. What looks like a formula is text here: nothing
// ever evaluates it, and a goal may well begin with a minus.
func (p *parser) label(row *parsedRow, rec record, c column) string {
	text := p.text(rec, c)
	if !row.sound(c) {
		return ""
	}
	if text == "" {
		if columns[c].required {
			p.fault(row, c, "", map[column]string{colName: "the person's name", colCompany: "the company's name"}[c])
		}
		return ""
	}
	if c == colGoal || c == colTeam || c == colClass {
		// A line break that somebody typed into the cell is a space to us.
		text = strings.Map(func(r rune) rune {
			if r == '\n' || r == '\r' || r == '\t' {
				return ' '
			}
			return r
		}, text)
	}
	if strings.IndexFunc(text, unicode.IsControl) >= 0 {
		p.fault(row, c, text, "a text on one line, without tabs or other control characters")
		return ""
	}
	text = strings.Join(strings.Fields(text), " ")
	if n := utf8.RuneCountInString(text); n > lengths[c] {
		p.fault(row, c, text, fmt.Sprintf("at most %d characters, not %d", lengths[c], n))
		return ""
	}
	return text
}

func (p *parser) course(row *parsedRow, rec record) string {
	text := p.text(rec, colCourse)
	if !row.sound(colCourse) {
		return ""
	}
	key := fold(text)
	for _, slug := range []string{courseTitles[key], strings.ToLower(text), key} {
		if slug != "" && p.opt.KnownCourse(slug) {
			return slug
		}
	}
	p.fault(row, colCourse, text, "a course: "+strings.Join(courseSlugs, ", "))
	return ""
}

// An address as people have it. net/mail also takes quoted local parts and
// comments; no mail provider that a participant uses hands those out.
var address = regexp.MustCompile(`^[^\s@"(),:;<>\[\]\\]+@[^\s@"(),:;<>\[\]\\]+\.[^\s@"(),:;<>\[\]\\.]{2,}$`)

// postcode is a Danish one: of a foreign company no drive is known anyway.
func (p *parser) postcode(row *parsedRow, rec record) string {
	text := p.text(rec, colPostcode)
	if text == "" || !row.sound(colPostcode) {
		return ""
	}
	code := strings.TrimPrefix(strings.TrimPrefix(strings.ToUpper(text), "DK"), "-")
	if !postcode.MatchString(code) {
		p.fault(row, colPostcode, text, "a postcode of four digits such as 7400")
		return ""
	}
	return code
}

// postcode leaves out what no Danish place has: 0800 is the lowest.
var postcode = regexp.MustCompile(`^(0[89]|[1-9][0-9])[0-9]{2}$`)

func (p *parser) email(row *parsedRow, rec record, c column) string {
	text := p.text(rec, c)
	if text == "" || !row.sound(c) {
		return ""
	}
	const expected = "one e-mail address such as anna@firma.dk"
	if len(text) > 320 {
		p.fault(row, c, text, expected)
		return ""
	}
	parsed, err := mail.ParseAddress(text)
	if err != nil || !address.MatchString(parsed.Address) || len(parsed.Address) > 254 ||
		strings.Contains(parsed.Address, "..") || strings.IndexFunc(parsed.Address, unicode.IsControl) >= 0 {
		p.fault(row, c, text, expected)
		return ""
	}
	return strings.ToLower(parsed.Address)
}

var memberID = regexp.MustCompile(`^[UW][A-Z0-9]{6,20}$`)

func (p *parser) slack(row *parsedRow, rec record) string {
	text := p.text(rec, colSlack)
	if text == "" || !row.sound(colSlack) {
		return ""
	}
	if id := strings.ToUpper(text); memberID.MatchString(id) {
		return id
	}
	p.fault(row, colSlack, text, "a Slack member id such as U012AB3CD; in Slack: open the person's profile, choose the three dots, then Copy member ID")
	return ""
}

// channel returns the channel asked for, or the first with an address.
func (p *parser) channel(row *parsedRow, rec record) string {
	channel := p.word(row, rec, colChannel, channels, "sms, slack or email")
	if !row.sound(colChannel) {
		return ""
	}
	asked := p.text(rec, colChannel)
	switch {
	case channel == "" && row.Phone != "":
		return "sms"
	case channel == "" && row.Slack != "":
		return "slack"
	case channel == "" && row.Email != "":
		return "email"
	case channel == "sms" && row.Phone == "" && row.sound(colPhone):
		p.fault(row, colChannel, asked, "a mobile number in this row, since the channel is sms")
	// Slack finds a member by e-mail as well.
	case channel == "slack" && row.Slack == "" && row.Email == "" && row.sound(colSlack, colEmail):
		p.fault(row, colChannel, asked, "a Slack member id or an e-mail address in this row, since the channel is slack")
	case channel == "email" && row.Email == "" && row.sound(colEmail):
		p.fault(row, colChannel, asked, "an e-mail address in this row, since the channel is email")
	}
	return channel
}

// reachable objects to a row without any address, and to a landline that would
// have to take an SMS.
func (p *parser) reachable(row *parsedRow, rec record) {
	if row.Phone == "" && row.Email == "" && row.Slack == "" && row.sound(colPhone, colEmail, colSlack) {
		p.fault(row, colPhone, "", "an address: a mobile number, an e-mail address or a Slack member id")
	}
	if row.Channel == "sms" && row.Phone != "" && p.landlines[row.Phone] {
		p.fault(row, colPhone, p.value(rec, colPhone), "a mobile number; this is a landline and cannot take an SMS")
	}
}

// contactReachable objects to a leader who could only be called: the leader's
// nudge and the visit are written.
func (p *parser) contactReachable(row *parsedRow, rec record) {
	if row.ContactPhone != "" && row.ContactEmail == "" && row.sound(colContactEmail) && p.landlines[row.ContactPhone] {
		p.fault(row, colContactPhone, p.value(rec, colContactPhone), "a mobile number, or an e-mail address in contact_email; this is a landline and cannot take an SMS")
	}
}
