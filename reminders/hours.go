package reminders

import (
	"strconv"
	"strings"
	"time"
)

// Hours are when a consultant works, by time.Weekday; a zero Window is a day off.
type Hours [7]Window

// DefaultHours is a 35-hour week with a short Friday: Monday to Thursday 8–15:30, Friday 8–13.
var DefaultHours = Hours{
	time.Monday: {8 * 60, 15*60 + 30}, time.Tuesday: {8 * 60, 15*60 + 30}, time.Wednesday: {8 * 60, 15*60 + 30},
	time.Thursday: {8 * 60, 15*60 + 30}, time.Friday: {8 * 60, 13 * 60},
}

// weekdays are the first three letters of a day's name in English and Danish.
var weekdays = map[string]time.Weekday{
	"mon": time.Monday, "tue": time.Tuesday, "wed": time.Wednesday, "thu": time.Thursday, "fri": time.Friday, "sat": time.Saturday, "sun": time.Sunday,
	"man": time.Monday, "tir": time.Tuesday, "ons": time.Wednesday, "tor": time.Thursday, "fre": time.Friday, "lør": time.Saturday, "søn": time.Sunday,
}

// ParseHours reads "man-tor 8-15:30, fre 8-13", in Danish or English; "" is DefaultHours. A day not named is a day off. EINVALID otherwise.
func ParseHours(s string) (Hours, error) {
	if strings.TrimSpace(s) == "" {
		return DefaultHours, nil
	}
	bad := Errorf(EINVALID, "%q are not working hours such as man-tor 8-15:30, fre 8-13", s)
	var hours Hours
	for part := range strings.SplitSeq(strings.ToLower(s), ",") {
		words := strings.Fields(part)
		if len(words) != 2 {
			return Hours{}, bad
		}
		first, last, ranged := strings.Cut(words[0], "-")
		if !ranged {
			last = first
		}
		from, okFrom := weekday(first)
		to, okTo := weekday(last)
		begin, end, isWindow := strings.Cut(words[1], "-")
		start, okStart := clock(begin)
		stop, okStop := clock(end)
		if !okFrom || !okTo || !isWindow || !okStart || !okStop || start >= stop {
			return Hours{}, bad
		}
		for day := from; ; day = (day + 1) % 7 {
			if !hours[day].IsZero() {
				return Hours{}, Errorf(EINVALID, "%q names a day twice", s)
			}
			hours[day] = Window{start, stop}
			if day == to {
				break
			}
		}
	}
	return hours, nil
}

func weekday(name string) (time.Weekday, bool) {
	letters := []rune(strings.TrimSuffix(name, "."))
	if len(letters) < 3 {
		return 0, false
	}
	day, ok := weekdays[string(letters[:3])]
	return day, ok
}

// clock reads 8, 8:30, 8.30 and 08:00; 24 is the day's end.
func clock(s string) (Minute, bool) {
	hour, minute, _ := strings.Cut(strings.Replace(s, ".", ":", 1), ":")
	if minute == "" {
		minute = "0"
	}
	h, errH := strconv.Atoi(hour)
	m, errM := strconv.Atoi(minute)
	at := Minute(h*60 + m)
	return at, errH == nil && errM == nil && h >= 0 && m >= 0 && m < 60 && at <= 24*60
}

// String is what ParseHours reads.
func (h Hours) String() string {
	var parts []string
	for _, day := range []time.Weekday{1, 2, 3, 4, 5, 6, 0} {
		if w := h[day]; !w.IsZero() {
			parts = append(parts, strings.ToLower(day.String()[:3])+" "+w.From.String()+"-"+w.To.String())
		}
	}
	return strings.Join(parts, ",")
}

// ParsePostcode reads a Danish postcode of four digits, "DK-" before it or not; "" is none. EINVALID otherwise.
func ParsePostcode(s string) (string, error) {
	code := strings.TrimPrefix(strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(s)), "DK"), "-")
	if code == "" && strings.TrimSpace(s) == "" {
		return "", nil
	}
	if n, err := strconv.Atoi(code); err != nil || len(code) != 4 || n < 800 || n > 9999 {
		return "", Errorf(EINVALID, "%q is not a postcode of four digits such as 7400", s)
	}
	return code, nil
}
