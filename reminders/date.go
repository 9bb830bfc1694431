package reminders

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Date is a day of the calendar without a clock or a zone. The zero Date is no day.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf is the day that t falls on in t's own location: convert with t.In first.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// ParseDate reads "2006-01-02"; EINVALID otherwise.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, Errorf(EINVALID, "%q is not a date such as 2026-11-23", s)
	}
	return DateOf(t), nil
}

func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day)
}

func (d Date) IsZero() bool          { return d == Date{} }
func (d Date) Weekday() time.Weekday { return d.utc().Weekday() }
func (d Date) Before(o Date) bool    { return d.utc().Before(o.utc()) }
func (d Date) After(o Date) bool     { return d.utc().After(o.utc()) }

// Sub is the number of days from o to d.
func (d Date) Sub(o Date) int { return int(d.utc().Sub(o.utc()).Hours() / 24) }

// AddDays is the day n days later; n may be negative.
func (d Date) AddDays(n int) Date { return DateOf(d.utc().AddDate(0, 0, n)) }

// AddMonths keeps the month's end: two months after 31 December is the last day of February, where
// time.AddDate would say 2 or 3 March.
func (d Date) AddMonths(n int) Date {
	first := time.Date(d.Year, d.Month+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return Date{first.Year(), first.Month(), min(d.Day, last)}
}

// At is the instant at minute of this day on the wall clocks of loc. A minute that daylight saving
// leaps over becomes the one an hour later; of a minute that comes twice it is the first.
func (d Date) At(minute Minute, loc *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Day, int(minute)/60, int(minute)%60, 0, 0, loc)
}

func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// Minute is a time of day in minutes after midnight.
type Minute int

func (m Minute) String() string { return fmt.Sprintf("%02d:%02d", int(m)/60, int(m)%60) }

// MinuteOf is t's time of day in t's own location.
func MinuteOf(t time.Time) Minute { return Minute(t.Hour()*60 + t.Minute()) }

// Window is the part of a day in which a person may be written to: from From, before To. The zero
// Window is "none given".
type Window struct{ From, To Minute }

func (w Window) IsZero() bool           { return w == Window{} }
func (w Window) Contains(m Minute) bool { return m >= w.From && m < w.To }
func (w Window) String() string {
	if w.IsZero() {
		return ""
	}
	return w.From.String() + "-" + w.To.String()
}

// ParseWindow reads "14:00-16:00"; "" is the zero Window; EINVALID otherwise.
func ParseWindow(s string) (Window, error) {
	if s == "" {
		return Window{}, nil
	}
	from, to, ok := strings.Cut(s, "-")
	a, errA := parseMinute(from)
	b, errB := parseMinute(to)
	if !ok || errA != nil || errB != nil || a >= b {
		return Window{}, Errorf(EINVALID, "%q is not a window such as 14:00-16:00", s)
	}
	return Window{a, b}, nil
}

func parseMinute(s string) (Minute, error) {
	h, m, ok := strings.Cut(s, ":")
	hours, errH := strconv.Atoi(h)
	minutes, errM := strconv.Atoi(m)
	if !ok || errH != nil || errM != nil || hours < 0 || minutes < 0 || minutes > 59 || hours*60+minutes > 24*60 {
		return 0, fmt.Errorf("not a time of day: %q", s)
	}
	return Minute(hours*60 + minutes), nil
}
