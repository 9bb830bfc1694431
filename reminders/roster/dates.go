package roster

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

const (
	isoDate      = "2006-01-02"
	expectedDate = "a date such as 2026-11-23 or 23-11-2026"
	// maxCourseDays between first and last day; our courses last two, so more
	// than a year is a year mistyped.
	maxCourseDays = 366
)

var (
	yearFirst = regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})$`)
	dayFirst  = regexp.MustCompile(`^(\d{1,2})([-./])(\d{1,2})([-./])(\d{4})$`)
	shortYear = regexp.MustCompile(`^\d{1,2}[-./]\d{1,2}[-./]\d{2}$`)
	midnight  = regexp.MustCompile(`[ T]0?0[:.]00([:.]00(\.0+)?)?Z?$`)
	serial    = regexp.MustCompile(`^\d{1,7}(\.\d+)?$`)
)

// date reads a day as "2006-01-02".
func (p *parser) date(row *parsedRow, rec record, c column) string {
	text := p.value(rec, c)
	if !row.sound(c) {
		return ""
	}
	if text == "" {
		p.fault(row, c, "", expectedDate)
		return ""
	}
	day := midnight.ReplaceAllString(text, "")
	var year, month, date int
	if m := yearFirst.FindStringSubmatch(day); m != nil {
		year, month, date = atoi(m[1]), atoi(m[2]), atoi(m[3])
	} else if m := dayFirst.FindStringSubmatch(day); m != nil && m[2] == m[4] {
		year, month, date = atoi(m[5]), atoi(m[3]), atoi(m[1])
	} else if p.format == "xlsx" && serial.MatchString(day) {
		days, _ := strconv.ParseFloat(day, 64)
		at, err := excelize.ExcelDateToTime(days, p.date1904)
		if err != nil {
			p.fault(row, c, text, expectedDate)
			return ""
		}
		year, month, date = at.Year(), int(at.Month()), at.Day()
	} else {
		expected := expectedDate
		switch {
		case shortYear.MatchString(day):
			expected += ", the year with four digits"
		case serial.MatchString(day):
			expected += "; format the column as a date before saving it as CSV"
		}
		p.fault(row, c, text, expected)
		return ""
	}

	at := time.Date(year, time.Month(month), date, 0, 0, 0, 0, time.UTC)
	switch {
	case at.Day() != date || int(at.Month()) != month:
		p.fault(row, c, text, "a day that exists, the day before the month: 23-11-2026")
		return ""
	case year < 2000 || year > 2100:
		p.fault(row, c, text, "a year from 2000 to 2100")
		return ""
	}
	return at.Format(isoDate)
}

// span objects to an end before the start, or implausibly long after it.
func (p *parser) span(row *parsedRow) {
	if row.Start == "" || row.End == "" {
		return
	}
	start, _ := time.Parse(isoDate, row.Start)
	end, _ := time.Parse(isoDate, row.End)
	switch {
	case end.Before(start):
		p.fault(row, colEnd, row.End, "a day on or after the start, "+row.Start)
	case end.Sub(start) > maxCourseDays*24*time.Hour:
		p.fault(row, colEnd, row.End, fmt.Sprintf("a day within a year of the start, %s", row.Start))
	}
}

var clockSpan = regexp.MustCompile(`^(?:kl\.? ?)?(\d{1,2})(?:[:.](\d{2}))? ?(?:-|til|to) ?(?:kl\.? ?)?(\d{1,2})(?:[:.](\d{2}))?$`)

// window reads "14:00-16:00" into minutes after midnight.
func (p *parser) window(row *parsedRow, rec record) (from, to int) {
	text := p.text(rec, colWindow)
	if text == "" || !row.sound(colWindow) {
		return 0, 0
	}
	const expected = "a time span such as 14:00-16:00"
	m := clockSpan.FindStringSubmatch(strings.ToLower(dashes.Replace(text)))
	if m == nil {
		p.fault(row, colWindow, text, expected)
		return 0, 0
	}
	from, to = 60*atoi(m[1])+atoi(m[2]), 60*atoi(m[3])+atoi(m[4])
	switch {
	case atoi(m[2]) > 59 || atoi(m[4]) > 59 || from >= 24*60 || to > 24*60:
		p.fault(row, colWindow, text, expected+", hours to 24 and minutes to 59")
	case to < from:
		p.fault(row, colWindow, text, expected+"; one over midnight cannot be used, choose the part before or after it")
	case to-from < 15:
		p.fault(row, colWindow, text, expected+", at least 15 minutes long")
	default:
		return from, to
	}
	return 0, 0
}

var weekSpan = regexp.MustCompile(`^(\d{1,2}) ?(?:- ?(\d{1,2}))?$`)

// closedWeeks reads "uge 29-31, 52" into "29-31,52". A span over New Year
// (52-1) is taken apart.
func (p *parser) closedWeeks(row *parsedRow, rec record) string {
	text := p.text(rec, colClosedWeeks)
	if text == "" || !row.sound(colClosedWeeks) {
		return ""
	}
	var closed [54]bool
	plain := strings.NewReplacer("uger", "", "uge", "", "weeks", "", "week", "", " og ", ",", " and ", ",", ";", ",", "+", ",").
		Replace(strings.ToLower(dashes.Replace(text)))
	for part := range strings.SplitSeq(plain, ",") {
		m := weekSpan.FindStringSubmatch(strings.TrimSpace(part))
		if m == nil {
			p.fault(row, colClosedWeeks, text, "week numbers such as 29-31,52")
			return ""
		}
		from, to := atoi(m[1]), atoi(m[1])
		if m[2] != "" {
			to = atoi(m[2])
		}
		if from < 1 || from > 53 || to < 1 || to > 53 {
			p.fault(row, colClosedWeeks, text, "week numbers from 1 to 53")
			return ""
		}
		for week := from; ; week = week%53 + 1 {
			closed[week] = true
			if week == to {
				break
			}
		}
	}
	var spans []string
	for week := 1; week <= 53; week++ {
		first := week
		for closed[week] && week < 53 && closed[week+1] {
			week++
		}
		switch {
		case closed[first] && week > first:
			spans = append(spans, fmt.Sprintf("%d-%d", first, week))
		case closed[first]:
			spans = append(spans, strconv.Itoa(first))
		}
	}
	return strings.Join(spans, ",")
}

// atoi is for what a pattern has already found to be a few digits, or nothing.
func atoi(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}
