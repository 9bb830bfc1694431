package roster

import (
	"fmt"
	"strings"
)

// across applies the rules that need more than one row. Each objects to the
// later row and names the line of the earlier one; a row is compared on the
// columns that were sound, whatever else is wrong with it.
func (p *parser) across(rows []parsedRow) {
	var (
		people  = make(map[string]int) // class and address → line
		phones  = make(map[string]*parsedRow)
		classes = make(map[string]*classDates)
	)
	for i := range rows {
		row := &rows[i]
		named := p.oneName(phones, row)
		class, ok := classKey(row)
		if !ok {
			continue
		}
		if named {
			p.onePlace(people, class, row)
		}
		p.oneClass(classes, class, row)
	}
}

// classKey tells classes apart: by their name within a course, or by their
// start where the file names none.
func classKey(row *parsedRow) (string, bool) {
	if row.Class != "" {
		return row.Course + "\x00" + strings.ToLower(row.Class), row.sound(colCourse)
	}
	return row.Course + "\x00\x00" + row.Start, row.sound(colCourse, colClass, colStart)
}

// oneName objects to a phone number that has belonged to another name: a
// copied line whose number was not changed would send one person's exercises
// to another.
func (p *parser) oneName(phones map[string]*parsedRow, row *parsedRow) bool {
	if row.Phone == "" || !row.sound(colPhone, colName) {
		return true
	}
	first, seen := phones[row.Phone]
	if !seen {
		phones[row.Phone] = row
		return true
	}
	if fold(first.Name) == fold(row.Name) || first.SharedPhone && row.SharedPhone {
		return true
	}
	p.fault(row, colPhone, row.Phone, fmt.Sprintf("a number of %s's own; on line %d it belongs to %s. If they share it, write shared (fælles) behind it on both lines",
		visible(row.Name), first.Line, visible(first.Name)))
	return false
}

// onePlace objects to a person who is on a class twice. A person is known by
// phone, else e-mail, else Slack id, as at import.
func (p *parser) onePlace(people map[string]int, class string, row *parsedRow) {
	if !row.sound(colPhone, colEmail, colSlack) {
		return
	}
	address, c := row.Phone, colPhone
	if address == "" {
		address, c = row.Email, colEmail
	}
	if address == "" {
		address, c = row.Slack, colSlack
	}
	if address == "" {
		return
	}
	if c == colPhone && row.SharedPhone {
		address += " " + fold(row.Name)
	}
	key := class + "\x00" + address
	if line, seen := people[key]; seen {
		p.fault(row, c, address, fmt.Sprintf("each person once on a class; this one is already on line %d", line))
		return
	}
	people[key] = row.Line
}

// classDates are a class's dates and the lines that named them first.
type classDates struct {
	start, end                      string
	startLine, endLine, weekdayLine int
	weekday                         int
}

// oneClass objects to a class with two starts, two ends or two weekdays.
func (p *parser) oneClass(classes map[string]*classDates, key string, row *parsedRow) {
	class := classes[key]
	if class == nil {
		class = &classDates{}
		classes[key] = class
	}
	if row.Start != "" && row.sound(colStart) {
		switch class.start {
		case "":
			class.start, class.startLine = row.Start, row.Line
		case row.Start:
		default:
			p.fault(row, colStart, row.Start, fmt.Sprintf("%s, the start of this class on line %d; a class has one start", class.start, class.startLine))
		}
	}
	if row.End != "" && row.sound(colEnd) {
		switch class.end {
		case "":
			class.end, class.endLine = row.End, row.Line
		case row.End:
		default:
			p.fault(row, colEnd, row.End, fmt.Sprintf("%s, the end of this class on line %d; a class has one end", class.end, class.endLine))
		}
	}
	if row.Weekday != 0 {
		switch class.weekday {
		case 0:
			class.weekday, class.weekdayLine = row.Weekday, row.Line
		case row.Weekday:
		default:
			p.fault(row, colWeekday, fmt.Sprint(row.Weekday), fmt.Sprintf("%d, the weekday of this class on line %d; a class has one weekday", class.weekday, class.weekdayLine))
		}
	}
}
