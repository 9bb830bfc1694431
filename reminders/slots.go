package reminders

import (
	"cmp"
	"slices"
	"time"
)

const (
	VisitLength   = time.Hour
	visitsPerDay  = 2
	slotsProposed = 3

	localDrive   = 15 * time.Minute // within one postcode
	unknownDrive = time.Hour        // between two, or where one is not known
)

// visitStarts are the times of day at which visits begin, between the breaks of a day shift.
var visitStarts = []Minute{9 * 60, 13 * 60, 10*60 + 30}

// shiftHours are when the people of a shift are at the factory, and the start of a visit that they need besides visitStarts.
var shiftHours = map[Shift]struct {
	Window
	start Minute
}{
	DayShift:     {Window{6 * 60, 14 * 60}, 9 * 60},
	EveningShift: {Window{14 * 60, 22 * 60}, 14 * 60},
	NightShift:   {Window{22 * 60, 30 * 60}, 8 * 60},
}

// Agenda is all that decides when a consultant can visit a company, from one read of the database.
type Agenda struct {
	Hours    Hours
	Home     string // postcode that the consultant sets out from; "" = not known
	Postcode string // the company's; "" = not known
	Visits   []AgendaVisit
	Busy     []Span  // other appointments, at places that are not known
	Shifts   []Shift // one of each participant; "" counts as the day shift
}

// AgendaVisit is another visit of the consultant, or a time at which another company may still choose to have one.
type AgendaVisit struct {
	Span
	Postcode string
	Proposed bool // not chosen yet: stood back for where there is another time, but first come, first served
}

// Drive is how long the drive between two postcodes takes: a quarter of an hour within one, an hour between two. There is no
// table of where they lie; towns more than an hour apart are not told from neighbours.
func Drive(from, to string) time.Duration {
	if from != "" && from == to {
		return localDrive
	}
	return unknownDrive
}

// Clashes says whether a visit at span leaves no time for other, drive included.
func (a Agenda) Clashes(span Span, other AgendaVisit) bool {
	d := Drive(a.Postcode, other.Postcode)
	return Span{span.From.Add(-d), span.To.Add(d)}.Overlaps(other.Span)
}

// Bookable says whether a visit at span can be held beside those that are booked: not at the same time, with time for the drive
// between, and at most two within day.
func (a Agenda) Bookable(span, day Span) bool {
	sameDay := 0
	for _, v := range a.Visits {
		if v.Proposed {
			continue
		}
		if a.Clashes(span, v) {
			return false
		}
		if v.Overlaps(day) {
			sameDay++
		}
	}
	return sameDay < visitsPerDay
}

// Slots proposes up to three times for a visit, on different days where it can: on or after earliest and
// at least three working days from now, within ten working days, as a allows. Times at which most of the participants are at
// work come first, and those that were proposed to other companies last. Round 1 proposes the first ones, round 2 the next
// and so on; fewer than three, or none, where the days are used up.
func (c *Calendar) Slots(now time.Time, earliest Date, closed ClosedWeeks, a Agenda, round int) []time.Time {
	first := c.NextWorking(earliest, closed)
	soonest := c.Today(now)
	for range 3 {
		soonest = c.NextWorking(soonest.AddDays(1), closed)
	}
	if first.Before(soonest) {
		first = soonest
	}
	starts := slices.Clone(visitStarts)
	for _, shift := range a.Shifts {
		if s, ok := shiftHours[shift]; ok && !slices.Contains(starts, s.start) {
			starts = append(starts, s.start)
		}
	}
	// free[turn] are times of different days: the best of each, then the second best.
	free := make([][]candidate, len(starts))
	d := first
	for i := range visitSearchDays {
		var day []candidate
		for turn := range starts {
			// Each day begins with another hour than the day before.
			if s := c.candidate(a, d, starts[(i+turn)%len(starts)]); s.fits {
				day = append(day, s)
			}
		}
		slices.SortStableFunc(day, candidate.compare)
		for turn, s := range day {
			free[turn] = append(free[turn], s)
		}
		d = c.NextWorking(d.AddDays(1), closed)
	}
	var inOrder []time.Time
	for _, turn := range free {
		slices.SortStableFunc(turn, candidate.compare)
		for _, s := range turn {
			inOrder = append(inOrder, s.start)
		}
	}
	skip := slotsProposed * max(round-1, 0)
	if skip >= len(inOrder) {
		return nil
	}
	slots := slices.Clone(inOrder[skip:min(skip+slotsProposed, len(inOrder))])
	slices.SortFunc(slots, time.Time.Compare)
	return slots
}

// Free says whether a visit can begin at start as a allows: within the hours, drive included, and beside what stands there.
func (c *Calendar) Free(a Agenda, start time.Time) bool {
	local := start.In(c.Location)
	return c.candidate(a, c.Today(start), Minute(local.Hour()*60+local.Minute())).fits
}

// candidate is a time at which a visit could begin.
type candidate struct {
	start   time.Time
	fits    bool
	awaited bool // another company may choose it, or one too near to it
	present int  // participants who are at work then, or whose shift begins or ends with the visit
}

// compare puts the better one first.
func (s candidate) compare(o candidate) int {
	if s.awaited != o.awaited {
		if s.awaited {
			return 1
		}
		return -1
	}
	return cmp.Compare(o.present, s.present)
}

func (c *Calendar) candidate(a Agenda, day Date, start Minute) (s candidate) {
	s.start = day.At(start, c.Location).UTC()
	span := Span{s.start, s.start.Add(VisitLength)}
	from, to := c.Span(day, a.Hours[day.Weekday()])
	home := Drive(a.Home, a.Postcode)
	midnight := Span{day.At(0, c.Location), day.AddDays(1).At(0, c.Location)}
	s.fits = !span.From.Add(-home).Before(from) && !span.To.Add(home).After(to) && a.Bookable(span, midnight) &&
		!slices.ContainsFunc(a.Busy, Span{span.From.Add(-unknownDrive), span.To.Add(unknownDrive)}.Overlaps)
	sameDay := 0
	for _, v := range a.Visits {
		s.awaited = s.awaited || v.Proposed && a.Clashes(span, v)
		if v.Overlaps(midnight) {
			sameDay++
		}
	}
	s.awaited = s.awaited || sameDay >= visitsPerDay
	end := start + Minute(VisitLength/time.Minute)
	for _, shift := range a.Shifts {
		at, ok := shiftHours[shift]
		if !ok {
			at = shiftHours[DayShift]
		}
		if start <= at.To && at.From <= end || start <= at.To-24*60 {
			s.present++
		}
	}
	return s
}
