package reminders

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/dk"
)

// ClosedWeeks are the ISO weeks of every year in which a company is shut, such as 29 to 31.
type ClosedWeeks []int

// DefaultClosedWeeks is the industrial summer holiday, weeks 29–31, kept by a company that says nothing else.
var DefaultClosedWeeks = ClosedWeeks{29, 30, 31}

// ParseClosedWeeks reads "29-31,52"; "" is DefaultClosedWeeks and "none" is no week at all. EINVALID otherwise.
func ParseClosedWeeks(s string) (ClosedWeeks, error) {
	switch strings.TrimSpace(s) {
	case "":
		return DefaultClosedWeeks, nil
	case "none":
		return nil, nil
	}
	var weeks ClosedWeeks
	for part := range strings.SplitSeq(s, ",") {
		from, to, ranged := strings.Cut(strings.TrimSpace(part), "-")
		if !ranged {
			to = from
		}
		a, errA := strconv.Atoi(from)
		b, errB := strconv.Atoi(to)
		if errA != nil || errB != nil || a < 1 || b > 53 || a > b {
			return nil, Errorf(EINVALID, "%q is not a list of weeks such as 29-31,52", s)
		}
		for w := a; w <= b; w++ {
			weeks = append(weeks, w)
		}
	}
	slices.Sort(weeks)
	weeks = slices.Compact(weeks)
	if len(weeks) > 26 {
		return nil, Errorf(EINVALID, "%q closes more than half the year", s)
	}
	return weeks, nil
}

func (c ClosedWeeks) String() string {
	if len(c) == 0 {
		return "none"
	}
	var parts []string
	for i := 0; i < len(c); {
		j := i
		for j+1 < len(c) && c[j+1] == c[j]+1 {
			j++
		}
		if i == j {
			parts = append(parts, strconv.Itoa(c[i]))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", c[i], c[j]))
		}
		i = j + 1
	}
	return strings.Join(parts, ",")
}

// Contains says whether d lies in a closed week.
func (c ClosedWeeks) Contains(d Date) bool {
	_, week := d.utc().ISOWeek()
	return slices.Contains(c, week)
}

// Calendar knows when a person may be written to: the zone all days are counted in, and the days on which nobody is.
type Calendar struct {
	Location *time.Location
	holidays *cal.BusinessCalendar
}

// NewCalendar is the Danish calendar on the wall clocks of loc. Besides the public holidays of
// rickar/cal (Store Bededag ends with 2023, Grundlovsdag is one) it keeps Christmas Eve and New Year's
// Eve free: no law makes them holidays, the collective agreements of industry do.
func NewCalendar(loc *time.Location) *Calendar {
	c := cal.NewBusinessCalendar()
	c.AddHoliday(dk.Holidays...)
	for _, eve := range []*cal.Holiday{
		{Name: "Juleaftensdag", Type: cal.ObservanceOther, Month: time.December, Day: 24, Func: cal.CalcDayOfMonth},
		{Name: "Nytårsaftensdag", Type: cal.ObservanceOther, Month: time.December, Day: 31, Func: cal.CalcDayOfMonth},
	} {
		c.AddHoliday(eve)
	}
	return &Calendar{Location: loc, holidays: c}
}

// Working says whether d is neither Saturday, Sunday nor a holiday.
func (c *Calendar) Working(d Date) bool {
	if d.Weekday() == time.Saturday || d.Weekday() == time.Sunday {
		return false
	}
	actual, observed, _ := c.holidays.IsHoliday(d.utc())
	return !actual && !observed
}

// NextWorking is d where d is a working day outside the closed weeks, else the first such day after it.
func (c *Calendar) NextWorking(d Date, closed ClosedWeeks) Date {
	for !c.Working(d) || closed.Contains(d) {
		d = d.AddDays(1)
	}
	return d
}

// PreviousWorking is d where d is a working day, else the last one before it.
func (c *Calendar) PreviousWorking(d Date) Date {
	for !c.Working(d) {
		d = d.AddDays(-1)
	}
	return d
}

// Today is the day it is at t in the calendar's zone.
func (c *Calendar) Today(t time.Time) Date { return DateOf(t.In(c.Location)) }

// Default windows by shift: an operator reads a text before or after the work, and nobody wakes a night worker.
var shiftWindows = map[Shift]Window{
	DayShift:     {14 * 60, 16 * 60},
	EveningShift: {12 * 60, 13*60 + 30},
	NightShift:   {17 * 60, 20 * 60},
}

// DefaultWindow is for who has no window, no shift and a company without one.
var DefaultWindow = Window{12 * 60, 16 * 60}

// OfficeWindow is for the school's own people.
var OfficeWindow = Window{7 * 60, 16 * 60}

// WindowOf is the window in which p may be written to: p's own, else the shift's, else the company's, else DefaultWindow.
func WindowOf(p Person, company Company) Window {
	if !p.Window.IsZero() {
		return p.Window
	}
	if w, ok := shiftWindows[p.Shift]; ok {
		return w
	}
	if !company.Window.IsZero() {
		return company.Window
	}
	return DefaultWindow
}

// Span is the window w on day d as instants.
func (c *Calendar) Span(d Date, w Window) (from, to time.Time) {
	return d.At(w.From, c.Location), d.At(w.To, c.Location)
}

// NextSpan is the first window w that has not ended at t, on a working day outside the closed weeks.
func (c *Calendar) NextSpan(t time.Time, w Window, closed ClosedWeeks) (from, to time.Time) {
	d := c.Today(t)
	for {
		d = c.NextWorking(d, closed)
		if from, to = c.Span(d, w); to.After(t) {
			return from, to
		}
		d = d.AddDays(1)
	}
}
