package reminders

import (
	"slices"
	"testing"
	"time"
)

// allSlots are the times of every round.
func allSlots(c *Calendar, now time.Time, earliest Date, closed ClosedWeeks, a Agenda) (all []time.Time) {
	for round := 1; ; round++ {
		slots := c.Slots(now, earliest, closed, a, round)
		if len(slots) == 0 {
			return all
		}
		all = append(all, slots...)
	}
}

func hour(day Date, h, m int) time.Time { return day.At(Minute(h*60+m), copenhagen) }

func visitAt(d Date, h, m int, postcode string, proposed bool) AgendaVisit {
	return AgendaVisit{Span{hour(d, h, m), hour(d, h, m).Add(VisitLength)}, postcode, proposed}
}

func TestSlotsKeepToTheRules(t *testing.T) {
	c := NewCalendar(copenhagen)
	monday, friday := day("2026-11-02"), day("2026-11-06")
	short := Hours{time.Monday: {9 * 60, 12 * 60}}
	for name, tc := range map[string]struct {
		agenda   Agenda
		closed   ClosedWeeks
		earliest Date
		never    []time.Time // at none of these
		some     []time.Time // at each of these
	}{
		"a free week": {agenda: Agenda{Hours: DefaultHours}, some: []time.Time{hour(monday, 9, 0), hour(monday, 10, 30), hour(monday, 13, 0), hour(friday, 10, 30)},
			never: []time.Time{hour(friday, 13, 0)}},
		"hours of her own, drive included": {agenda: Agenda{Hours: short}, some: []time.Time{},
			never: []time.Time{hour(monday, 9, 0), hour(monday, 10, 30), hour(monday, 13, 0), hour(friday, 9, 0)}},
		"home in the company's town": {agenda: Agenda{Hours: short, Home: "7400", Postcode: "7400"}, some: []time.Time{hour(monday, 10, 30)},
			never: []time.Time{hour(monday, 9, 0)}},
		"two a day": {agenda: Agenda{Hours: DefaultHours, Home: "7400", Postcode: "7400",
			Visits: []AgendaVisit{visitAt(monday, 8, 0, "7400", false), visitAt(monday, 9, 30, "7400", false)}},
			never: []time.Time{hour(monday, 13, 0)}, some: []time.Time{hour(monday.AddDays(1), 13, 0)}},
		"another town after nine": {agenda: Agenda{Hours: DefaultHours, Postcode: "9000", Visits: []AgendaVisit{visitAt(monday, 9, 0, "7400", false)}},
			never: []time.Time{hour(monday, 10, 30)}, some: []time.Time{hour(monday, 13, 0)}},
		"the same town after nine": {agenda: Agenda{Hours: DefaultHours, Postcode: "7400", Visits: []AgendaVisit{visitAt(monday, 9, 0, "7400", false)}},
			some: []time.Time{hour(monday, 10, 30)}},
		"busy, and the drive to it": {agenda: Agenda{Hours: DefaultHours, Busy: []Span{{hour(monday, 12, 0), hour(monday, 12, 30)}}},
			never: []time.Time{hour(monday, 13, 0)}, some: []time.Time{hour(monday, 9, 0)}},
		"a busy week": {agenda: Agenda{Hours: DefaultHours, Busy: []Span{{hour(monday, 0, 0), hour(friday.AddDays(1), 0, 0)}}},
			never: []time.Time{hour(monday, 9, 0), hour(friday, 9, 0)}, some: []time.Time{hour(monday.AddDays(7), 9, 0)}},
		"a closed week": {agenda: Agenda{Hours: DefaultHours}, closed: ClosedWeeks{45},
			never: []time.Time{hour(monday, 9, 0), hour(friday, 9, 0)}, some: []time.Time{hour(monday.AddDays(7), 9, 0)}},
		"Christmas": {agenda: Agenda{Hours: DefaultHours}, earliest: day("2026-12-21"),
			never: []time.Time{hour(day("2026-12-24"), 9, 0), hour(day("2026-12-25"), 9, 0), hour(day("2027-01-01"), 9, 0)},
			some:  []time.Time{hour(day("2026-12-23"), 9, 0)}},
		// The clocks go forward on 28 March and back on 25 October: nine on the wall stays nine.
		"summer time begins": {agenda: Agenda{Hours: DefaultHours}, earliest: day("2027-03-30"), some: []time.Time{time.Date(2027, 3, 30, 7, 0, 0, 0, time.UTC)},
			never: []time.Time{time.Date(2027, 3, 30, 8, 0, 0, 0, time.UTC)}},
		"summer time ends": {agenda: Agenda{Hours: DefaultHours}, earliest: day("2027-11-01"), some: []time.Time{time.Date(2027, 11, 1, 8, 0, 0, 0, time.UTC)},
			never: []time.Time{time.Date(2027, 11, 1, 7, 0, 0, 0, time.UTC)}},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.earliest.IsZero() {
				tc.earliest = day("2026-11-01")
			}
			got := allSlots(c, tc.earliest.AddDays(-28).At(600, copenhagen), tc.earliest, tc.closed, tc.agenda)
			for _, at := range tc.some {
				if !slices.ContainsFunc(got, at.Equal) {
					t.Errorf("never at %s: %v", at.In(copenhagen), got)
				}
			}
			for _, at := range tc.never {
				if slices.ContainsFunc(got, at.Equal) {
					t.Errorf("at %s", at.In(copenhagen))
				}
			}
		})
	}
}

func TestTimesAwaitedByOthersComeLast(t *testing.T) {
	c := NewCalendar(copenhagen)
	earliest := day("2026-11-01")
	a := Agenda{Hours: DefaultHours}
	free := c.Slots(day("2026-10-05").At(600, copenhagen), earliest, nil, a, 1)
	for _, at := range free {
		a.Visits = append(a.Visits, AgendaVisit{Span{at, at.Add(VisitLength)}, "", true})
	}
	for _, at := range c.Slots(day("2026-10-05").At(600, copenhagen), earliest, nil, a, 1) {
		if slices.ContainsFunc(free, at.Equal) {
			t.Errorf("%s is with another company", at.In(copenhagen))
		}
	}
	if all := allSlots(c, day("2026-10-05").At(600, copenhagen), earliest, nil, a); !slices.ContainsFunc(all, free[0].Equal) {
		t.Error("what another company may never choose is lost")
	}
}

func TestAnEveningCompanyIsVisitedWhenItsPeopleAreThere(t *testing.T) {
	c := NewCalendar(copenhagen)
	a := Agenda{Hours: DefaultHours, Shifts: []Shift{EveningShift, EveningShift}}
	slots := c.Slots(day("2026-10-05").At(600, copenhagen), day("2026-11-01"), nil, a, 1)
	days := map[Date]bool{}
	for _, at := range slots {
		days[c.Today(at)] = true
		if at.In(copenhagen).Hour() < 13 {
			t.Errorf("%s is before their shift", at.In(copenhagen))
		}
	}
	if len(slots) != 3 || len(days) != 3 {
		t.Errorf("%v", slots)
	}
	a.Hours = Hours{time.Monday: {8 * 60, 12 * 60}} // nobody is there in these hours: what there is
	if got := c.Slots(day("2026-10-05").At(600, copenhagen), day("2026-11-01"), nil, a, 1); len(got) == 0 {
		t.Error("no visit at all")
	}
}

func TestHoursAreReadInDanishAndEnglish(t *testing.T) {
	for text, want := range map[string]string{
		"":                                DefaultHours.String(),
		"man-tor 8-15:30, fre 8-13":       DefaultHours.String(),
		"Mandag-torsdag 8-15.30,fri 8-13": DefaultHours.String(),
		"lør-man 9-12":                    "mon 09:00-12:00,sat 09:00-12:00,sun 09:00-12:00",
	} {
		got, err := ParseHours(text)
		if err != nil || got.String() != want {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"man", "man 8", "man 15-8", "xyz 8-15", "man 8-25", "man 8-15, mandag 9-10", "ma 8-15", "8-15", "man 8-15:61"} {
		if got, err := ParseHours(text); ErrorCode(err) != EINVALID {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
}
