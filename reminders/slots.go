package reminders

import (
	"slices"
	"time"
)

// A visit lasts an hour; the consultant has an hour's drive before and after it.
const (
	VisitLength   = time.Hour
	visitTravel   = time.Hour
	visitsPerDay  = 2
	slotsProposed = 3
)

// visitStarts are the times of day at which visits begin, between the breaks of a day shift.
var visitStarts = []Minute{9 * 60, 13 * 60, 10*60 + 30}

// Slots proposes up to three times for a visit, on different days where it can: on or after earliest and
// at least three working days from now, within ten working days, outside busy. Round 1 proposes the
// first ones, round 2 the next and so on; fewer than three, or none, where the days are used up.
func (c *Calendar) Slots(now time.Time, earliest Date, closed ClosedWeeks, busy []Span, round int) []time.Time {
	first := c.NextWorking(earliest, closed)
	soonest := c.Today(now)
	for range 3 {
		soonest = c.NextWorking(soonest.AddDays(1), closed)
	}
	if first.Before(soonest) {
		first = soonest
	}
	var days []Date
	for d := first; len(days) < visitSearchDays; d = c.NextWorking(d.AddDays(1), closed) {
		days = append(days, d)
	}
	// Each day's free times, the first of them at another hour than the day before's.
	free := make([][]time.Time, len(days))
	for i, d := range days {
		for turn := range visitStarts {
			start := d.At(visitStarts[(i+turn)%len(visitStarts)], c.Location)
			if c.fits(start, d, busy) {
				free[i] = append(free[i], start.UTC())
			}
		}
	}
	// One time of each day before a second of any.
	var inOrder []time.Time
	for turn := range visitStarts {
		for _, times := range free {
			if turn < len(times) {
				inOrder = append(inOrder, times[turn])
			}
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

// Free says whether a visit at start fits between the stretches of busy, driving included.
func (c *Calendar) Free(start time.Time, busy []Span) bool {
	return c.fits(start, c.Today(start), busy)
}

func (c *Calendar) fits(start time.Time, day Date, busy []Span) bool {
	wanted := Span{start.Add(-visitTravel), start.Add(VisitLength + visitTravel)}
	sameDay := 0
	for _, b := range busy {
		if wanted.Overlaps(b) {
			return false
		}
		if c.Today(b.From) == day {
			sameDay++
		}
	}
	return sameDay < visitsPerDay
}
