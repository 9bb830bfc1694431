package diary_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"efterkurs/bot/diary"
	"efterkurs/reminders"
)

var now = time.Date(2027, 3, 14, 23, 0, 0, 0, time.UTC) // the beginning of Monday 15 March in Copenhagen

func copenhagen(t testing.TB) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func parse(t testing.TB, text string) ([]string, error) {
	t.Helper()
	spans, err := diary.Parse(context.Background(), []byte(text), copenhagen(t), reminders.Span{From: now, To: now.Add(diary.Ahead)})
	var out []string
	for _, s := range spans {
		out = append(out, s.From.Format("2006-01-02T15:04")+" "+s.To.Format("2006-01-02T15:04"))
	}
	return out, err
}

// The times are UTC: a meeting at 9 begins at 8 before the change to summer time on 28 March, and at 7 after it.
func TestCalendarsOfThreePrograms(t *testing.T) {
	for file, want := range map[string][]string{
		"outlook.ics": {
			"2027-03-15T08:00 2027-03-15T09:00", "2027-03-22T08:00 2027-03-22T09:00",
			"2027-03-26T23:00 2027-03-28T22:00", // two days off, of which one has 23 hours
			"2027-03-29T07:00 2027-03-29T08:00", // 5 April is cancelled
			"2027-04-01T08:00 2027-04-01T08:30", // London
			"2027-04-02T07:00 2027-04-02T07:30", // a zone that is not known
			"2027-04-12T11:00 2027-04-12T12:00", // moved
			"2027-04-19T07:00 2027-04-19T08:00",
		},
		"google.ics": {
			"2027-03-24T07:00 2027-03-24T08:00", "2027-03-26T10:00 2027-03-26T12:30",
			"2027-03-31T06:00 2027-03-31T07:00", // 7 and 14 April are cancelled, and our own visit is not theirs
		},
		"apple.ics": {
			"2027-03-30T22:00 2027-03-31T22:00", "2027-04-01T22:00 2027-04-02T22:00",
			"2027-04-06T12:00 2027-04-06T13:30", "2027-04-08T06:30 2027-04-08T07:15",
			"2027-05-04T12:00 2027-05-04T13:30", // the last day of the rule is one of it
		},
	} {
		raw, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		for ending, text := range map[string]string{"LF": string(raw), "CRLF": "\ufeff" + strings.ReplaceAll(string(raw), "\n", "\r\n")} {
			if got, err := parse(t, text); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s with %s: %v\n%s", file, ending, err, strings.Join(got, "\n"))
			}
		}
	}
}

func event(lines ...string) string {
	return "BEGIN:VEVENT\nUID:1\nDTSTART:20270401T080000Z\nDTEND:20270401T090000Z\n" + strings.Join(lines, "\n") + "\nEND:VEVENT\n"
}

func calendarOf(events ...string) string {
	return "BEGIN:VCALENDAR\n" + strings.Join(events, "") + "END:VCALENDAR\n"
}

// What is crafted or broken is refused with a sentence, and soon.
func TestCraftedCalendarsAreRefused(t *testing.T) {
	many := strings.Repeat("1,", 100) + "1"
	for name, tc := range map[string]struct{ text, want string }{
		"a page":                 {"<!DOCTYPE html><title>Sign in</title>", "not a calendar"},
		"nothing":                {"", "not a calendar"},
		"cut off":                {"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\n", "ends in the middle"},
		"ends within parameter":  {calendarOf(event("EXDATE;TZID=x")), "cannot be read"},
		"a date of nonsense":     {calendarOf(event("EXDATE:tomorrow")), "is not a date"},
		"no beginning":           {calendarOf("BEGIN:VEVENT\nUID:1\nEND:VEVENT\n"), "no beginning"},
		"a rule of nonsense":     {calendarOf(event("RRULE:FREQ=SOMETIMES")), "not a rule"},
		"every second":           {calendarOf(event("RRULE:FREQ=SECONDLY")), "within the day"},
		"all seconds of a day":   {calendarOf(event("RRULE:FREQ=DAILY;BYSECOND=" + many + ";BYMINUTE=" + many)), "within the day"},
		"a rule without end":     {calendarOf(event("RRULE:FREQ=DAILY;BYMONTHDAY=" + strings.Repeat("1,", 300) + "1")), "not a rule"},
		"many times":             {calendarOf(event("RRULE:FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12")), "more than 1000 times"},
		"many appointments":      {calendarOf(strings.Repeat(event(), 20_001)), "more than 20000"},
		"a long line":            {calendarOf(event("EXDATE;X=" + strings.Repeat("a", 9000) + ":20270401T080000Z")), "longer than"},
		"many dates":             {calendarOf(event(strings.Repeat("EXDATE:20270401T080000Z\n", 5001))), "more than 5000 dates"},
		"many times of many":     {calendarOf(strings.Repeat(event("RRULE:FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6"), 100)), "more than 50000"},
		"an interval of ages":    {calendarOf(event("RRULE:FREQ=DAILY;INTERVAL=999999999999")), "not a rule"},
		"a year far behind":      {calendarOf("BEGIN:VEVENT\nDTSTART:00010101T000000Z\nEND:VEVENT\n"), "is not a date"},
		"something behind it":    {calendarOf() + "hello", "not a calendar"},
		"a length that is a day": {calendarOf("BEGIN:VEVENT\nDTSTART:20270401T080000Z\nDURATION:tomorrow\nEND:VEVENT\n"), "not a length"},
	} {
		got, err := parse(t, tc.text)
		if reminders.ErrorCode(err) != reminders.EINVALID || !strings.Contains(fmt.Sprint(err), tc.want) || strings.Contains(fmt.Sprint(err), "\n") {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	deep := calendarOf(strings.Repeat("BEGIN:X\n", 100_000), strings.Repeat("END:X\n", 100_000), event())
	if got, err := parse(t, deep); err != nil || len(got) != 1 {
		t.Errorf("deep: %v, %v", got, err)
	}
}

// A rule that never comes true ends, and a series of the last century reaches this one.
func TestLongSeries(t *testing.T) {
	for rule, want := range map[string]int{
		"RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30": 0, "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30": 0, "RRULE:FREQ=DAILY": 120, "RRULE:FREQ=WEEKLY;BYDAY=MO": 18,
	} {
		got, err := parse(t, calendarOf("BEGIN:VEVENT\nDTSTART;TZID=Europe/Copenhagen:19800107T120000\nDTEND;TZID=Europe/Copenhagen:19800107T130000\n"+rule+"\nEND:VEVENT\n"))
		if err != nil || len(got) != want {
			t.Errorf("%s: %d, %v", rule, len(got), err)
		}
	}
}

// Whatever is there, reading it ends without a panic, and gives spans that are in order, apart and within.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.ics")
	if err != nil || len(files) == 0 {
		f.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(calendarOf(event("EXDATE;TZID=x"))))
	f.Add([]byte(calendarOf(event("RRULE:FREQ=YEARLY;BYWEEKNO=53;BYEASTER=0;BYSETPOS=-1"))))
	within := reminders.Span{From: now, To: now.Add(diary.Ahead)}
	loc := copenhagen(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		spans, err := diary.Parse(ctx, raw, loc, within)
		if err != nil && len(spans) > 0 {
			t.Error("spans beside an error")
		}
		last := within.From.Add(-1)
		for _, s := range spans {
			if !s.From.Before(s.To) || !s.From.After(last) || s.To.After(within.To) {
				t.Fatalf("%v after %v", s, last)
			}
			last = s.To
		}
	})
}
