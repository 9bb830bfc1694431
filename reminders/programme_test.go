package reminders

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var copenhagen = func() *time.Location {
	loc, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		panic(err)
	}
	return loc
}()

func day(s string) Date {
	d, err := ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

// subject is somebody on a class that ended on end, enrolled that morning.
func subject(end string, change ...func(*PlanSubject)) PlanSubject {
	s := PlanSubject{
		Enrolment: Enrolment{ID: 1, PersonID: 2, ClassID: 3, CompanyID: 4, CreatedAt: day(end).At(8*60, copenhagen)},
		Person:    Person{ID: 2, Name: "Ali Jensen", Phone: "+4520123456", Shift: DayShift},
		Class:     Class{ID: 3, Course: "5s", Start: day(end).AddDays(-1), End: day(end)},
		Company:   Company{ID: 4, Name: "Nordfald", ClosedWeeks: DefaultClosedWeeks, ContactID: 5, ConsultantID: 6},
	}
	for _, f := range change {
		f(&s)
	}
	return s
}

// due lists the days of the planned steps, by name.
func due(p Plan) map[string]string {
	out := map[string]string{}
	for _, m := range p.Insert {
		out[m.Step] = DateOf(m.DueAt.In(copenhagen)).String()
	}
	return out
}

func planned(t *testing.T, s PlanSubject) map[string]string {
	t.Helper()
	return due(NewCalendar(copenhagen).Plan(s.Enrolment.CreatedAt, s))
}

func expect(t *testing.T, got map[string]string, want string) {
	t.Helper()
	for line := range strings.Lines(want) {
		step, date, ok := strings.Cut(strings.TrimSpace(line), " ")
		if ok && got[step] != strings.TrimSpace(date) {
			t.Errorf("%s is on %q, want %s", step, got[step], strings.TrimSpace(date))
		}
	}
}

func TestProgrammeOfAnOrdinaryClass(t *testing.T) {
	expect(t, planned(t, subject("2026-09-01")), ` 
		welcome 2026-09-01
		leader 2026-09-07
		exercise-1 2026-09-08
		buddy 2026-09-08
		nudge-1 2026-09-10
		exercise-2 2026-09-15
		checkin-2 2026-09-18
		exercise-3 2026-09-22
		exercise-4 2026-09-29
		visit-proposal 2026-09-29
		checkin-4 2026-10-02
		exercise-5 2026-10-06
		exercise-6 2026-10-13
		nudge-6 2026-10-15
		checkin-6 2026-10-16`)
}

func TestWeekendsAndHolidaysMoveAStepToTheNextWorkingDay(t *testing.T) {
	// The class ends on a Thursday; five weeks later it is Maundy Thursday 2026, and Easter lasts until Monday 6 April.
	expect(t, planned(t, subject("2026-02-26")), `
		exercise-1 2026-03-05
		nudge-1 2026-03-09
		exercise-4 2026-03-26
		exercise-5 2026-04-07
		nudge-5 2026-04-08
		exercise-6 2026-04-09`)
	// Christmas: the 24th to the 26th are free, so is New Year's Eve.
	expect(t, planned(t, subject("2026-12-10")), `
		exercise-1 2026-12-17
		exercise-2 2026-12-28
		exercise-3 2027-01-04
		exercise-4 2027-01-07`)
}

func TestClosedWeeksMoveTheRestOfTheProgrammeByWholeWeeks(t *testing.T) {
	// Weeks 29–31 of 2026 are 13 July to 2 August.
	got := planned(t, subject("2026-06-23"))
	expect(t, got, `
		exercise-1 2026-06-30
		exercise-2 2026-07-07
		exercise-3 2026-08-04
		exercise-4 2026-08-11
		visit-proposal 2026-08-11
		exercise-5 2026-08-18
		exercise-6 2026-08-25`)
}

func TestAChosenWeekdayIsUsedInEachOfTheWeeks(t *testing.T) {
	got := planned(t, subject("2026-09-03", func(s *PlanSubject) { s.Class.Weekday = time.Tuesday })) // ends on a Thursday
	expect(t, got, `
		exercise-1 2026-09-08
		exercise-6 2026-10-13`)
}

func TestWindowsStayAtTheirWallClockAcrossDaylightSaving(t *testing.T) {
	for _, end := range []string{"2026-10-06", "2026-03-10"} { // clocks change on 25 October and 29 March
		p := NewCalendar(copenhagen).Plan(day(end).At(8*60, copenhagen), subject(end))
		for _, m := range p.Insert {
			at, to := m.DueAt.In(copenhagen), m.ValidUntil.In(copenhagen)
			if m.Kind == KindExercise && (MinuteOf(at) != 14*60 || MinuteOf(to) != 16*60) {
				t.Errorf("%s of the class of %s is at %s–%s", m.Step, end, at, to)
			}
		}
	}
}

func TestWindowIsThePersonsThenTheShiftsThenTheCompanys(t *testing.T) {
	own, company := Window{8 * 60, 9 * 60}, Window{10 * 60, 11 * 60}
	for _, c := range []struct {
		person Person
		window Window
		want   Window
	}{
		{Person{Window: own, Shift: NightShift}, company, own},
		{Person{Shift: NightShift}, company, Window{17 * 60, 20 * 60}},
		{Person{Shift: EveningShift}, company, Window{12 * 60, 13*60 + 30}},
		{Person{}, company, company},
		{Person{}, Window{}, DefaultWindow},
	} {
		if got := WindowOf(c.person, Company{Window: c.window}); got != c.want {
			t.Errorf("window of %+v is %s, want %s", c.person, got, c.want)
		}
	}
}

func TestTwoMonthsKeepTheMonthsEnd(t *testing.T) {
	for from, want := range map[string]string{"2026-12-31": "2027-02-28", "2027-12-31": "2028-02-29", "2026-08-31": "2026-10-31", "2026-11-15": "2027-01-15"} {
		if got := day(from).AddMonths(2).String(); got != want {
			t.Errorf("two months after %s is %s, want %s", from, got, want)
		}
	}
}

func TestNeverTwoExercisesOnOneDayOnTwoCourses(t *testing.T) {
	s := subject("2026-09-01", func(s *PlanSubject) { s.Exercises = []Date{day("2026-09-08"), day("2026-09-09"), day("2026-09-15")} })
	expect(t, planned(t, s), `
		exercise-1 2026-09-10
		exercise-2 2026-09-16
		exercise-3 2026-09-22`)
}

func TestALateJoinerIsWelcomedFirst(t *testing.T) {
	s := subject("2026-09-01", func(s *PlanSubject) { s.Enrolment.CreatedAt = day("2026-09-09").At(17*60, copenhagen) })
	expect(t, planned(t, s), `
		welcome 2026-09-10
		exercise-1 2026-09-08`)
	// Who comes when all is over is not welcomed to nothing.
	s.Enrolment.CreatedAt = day("2026-11-09").At(8*60, copenhagen)
	expect(t, planned(t, s), `welcome 2026-09-01`)
}

// inserted is the subject after its plan was saved.
func inserted(s PlanSubject, p Plan) PlanSubject {
	for i, m := range p.Insert {
		m.ID = int64(len(s.Steps) + i + 1)
		s.Steps = append(s.Steps, m)
	}
	if p.Visit != nil {
		v := *p.Visit
		v.ID = 1
		s.Visit = &v
	}
	return s
}

func TestPlanningAgainYieldsNothing(t *testing.T) {
	c := NewCalendar(copenhagen)
	rapid.Check(t, func(t *rapid.T) {
		end := day("2026-01-01").AddDays(rapid.IntRange(0, 1200).Draw(t, "end"))
		s := subject(end.String(), func(s *PlanSubject) {
			s.Class.Weekday = time.Weekday(rapid.IntRange(0, 5).Draw(t, "weekday"))
			s.Person.Shift = rapid.SampledFrom([]Shift{"", DayShift, EveningShift, NightShift}).Draw(t, "shift")
			s.Enrolment.CreatedAt = end.AddDays(rapid.IntRange(-10, 60).Draw(t, "joined")).At(9*60, copenhagen)
		})
		now := s.Enrolment.CreatedAt
		first := c.Plan(now, s)
		s = inserted(s, first)
		again := c.Plan(now, s)
		if again.Visit == nil { // the visit's id is new to the company's steps: they are told once
			t.Log("visit known")
		}
		for _, m := range again.Move {
			if m.VisitID == 0 {
				t.Fatalf("planning again moves %s", m.Step)
			}
		}
		if len(again.Insert) > 0 || len(again.Revive) > 0 || again.Visit != nil {
			t.Fatalf("planning again: %d inserted, %d revived, visit %v", len(again.Insert), len(again.Revive), again.Visit)
		}
		checkPlan(t, c, s, first)
	})
}

// checkPlan checks what holds for every programme.
func checkPlan(t *rapid.T, c *Calendar, s PlanSubject, p Plan) {
	days := map[Date]string{}
	previous := Date{}
	for week := 1; week <= Exercises; week++ {
		for _, m := range p.Insert {
			d := c.Today(m.DueAt)
			if m.State == Planned && (!c.Working(d) || s.Company.ClosedWeeks.Contains(d)) {
				t.Fatalf("%s is on %s, when nobody is there", m.Step, d)
			}
			if m.Step != ExerciseStep(week) {
				continue
			}
			if other := days[d]; other != "" {
				t.Fatalf("%s and %s are both on %s", other, m.Step, d)
			}
			if days[d] = m.Step; !previous.IsZero() && !d.After(previous) {
				t.Fatalf("%s is on %s, not after %s", m.Step, d, previous)
			}
			previous = d
		}
	}
	if len(days) != Exercises {
		t.Fatalf("%d exercises are planned", len(days))
	}
}

func TestAMovedClassMovesOnlyWhatIsNotSent(t *testing.T) {
	c := NewCalendar(copenhagen)
	s := subject("2026-09-01")
	s = inserted(s, c.Plan(s.Enrolment.CreatedAt, s))
	for i := range s.Steps {
		if s.Steps[i].Step == StepWelcome || s.Steps[i].Step == ExerciseStep(1) {
			s.Steps[i].State = Delivered
		}
	}
	s.Class.End = day("2026-09-08")
	p := c.Plan(day("2026-09-09").At(9*60, copenhagen), s)
	moved := map[string]string{}
	for _, m := range p.Move {
		moved[m.Step] = DateOf(m.DueAt.In(copenhagen)).String()
	}
	if _, ok := moved[ExerciseStep(1)]; ok || len(p.Insert) > 0 {
		t.Errorf("what was sent moves: %v, inserted %d", moved, len(p.Insert))
	}
	expect(t, moved, `
		exercise-2 2026-09-22
		exercise-6 2026-10-20
		visit-proposal 2026-10-06`)
}

func TestWhatWasTooLateComesAfterAllWhenTheDateIsCorrected(t *testing.T) {
	c := NewCalendar(copenhagen)
	s := subject("2026-08-01")
	s = inserted(s, c.Plan(s.Enrolment.CreatedAt, s))
	for i := range s.Steps {
		if s.Steps[i].Step == ExerciseStep(2) {
			s.Steps[i].State, s.Steps[i].Reason = Skipped, ReasonTooLate
		}
	}
	s.Class.End = day("2026-09-01") // typed a month early, and mended
	p := c.Plan(day("2026-08-25").At(9*60, copenhagen), s)
	if len(p.Revive) != 1 || p.Revive[0].Step != ExerciseStep(2) {
		t.Fatalf("revived: %+v", p.Revive)
	}
}

func TestABookedVisitBringsItsReminders(t *testing.T) {
	c := NewCalendar(copenhagen)
	s := subject("2026-09-01")
	s = inserted(s, c.Plan(s.Enrolment.CreatedAt, s))
	s.Visit.State, s.Visit.Start, s.Visit.Sequence = VisitBooked, day("2026-11-04").At(9*60, copenhagen), 1
	s.Visit.ConsultantID, s.Visit.TeacherID = 6, 7
	p := c.Plan(day("2026-10-05").At(10*60, copenhagen), s)
	expect(t, due(p), `
		visit-reminder-7-contact 2026-10-28
		visit-reminder-1-contact 2026-11-03
		visit-staff-reminder-1-teacher 2026-11-03
		visit-brief-2-consultant 2026-11-02
		visit-staff-booked-1-consultant 2026-10-05`)
	for _, m := range p.Move {
		if m.Step == StepVisitDay && c.Today(m.DueAt) != day("2026-11-03") {
			t.Errorf("participants are reminded on %s", c.Today(m.DueAt))
		}
	}
}

func TestClosedWeeksAreReadAndWritten(t *testing.T) {
	for in, want := range map[string]string{"": "29-31", "none": "none", "29-31, 52": "29-31,52", "7": "7", "30,29,30": "29-30"} {
		if got, err := ParseClosedWeeks(in); err != nil || got.String() != want {
			t.Errorf("%q is %v, %v, want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"0", "54", "31-29", "summer", "1-30"} {
		if got, err := ParseClosedWeeks(in); ErrorCode(err) != EINVALID {
			t.Errorf("%q is %v, %v, want EINVALID", in, got, err)
		}
	}
}

func FuzzParseWindow(f *testing.F) {
	for _, s := range []string{"14:00-16:00", "00:00-24:00", "", "9-10", "16:00-14:00", "14:00-16:00-18:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		w, err := ParseWindow(s)
		if err != nil {
			if ErrorCode(err) != EINVALID {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		again, err := ParseWindow(w.String())
		if err != nil || again != w || w != (Window{}) && w.From >= w.To {
			t.Fatalf("%q is %v, again %v, %v", s, w, again, err)
		}
	})
}

func Example_dates() {
	c := NewCalendar(copenhagen)
	fmt.Println(c.NextWorking(day("2026-12-24"), nil), c.NextWorking(day("2024-04-26"), nil)) // Store Bededag is no more
	// Output: 2026-12-28 2024-04-26
}
