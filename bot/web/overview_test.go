package web

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"efterkurs/reminders"
)

var noon = time.Date(2027, 1, 14, 12, 0, 0, 0, time.UTC) // a Thursday

func days(n float64) time.Duration { return time.Duration(n * 24 * float64(time.Hour)) }

// asked is exercise week, delivered ago before noon, with the digit answered ("" = none).
func asked(week int, ago time.Duration, answer string) reminders.StepStatus {
	at := noon.Add(-ago)
	return reminders.StepStatus{MessageID: int64(week), Step: reminders.ExerciseStep(week), Kind: reminders.KindExercise, Week: week,
		Due: at, RunAt: at, SentAt: at, State: reminders.Delivered, Answer: answer}
}

func person(id int64, steps ...reminders.StepStatus) reminders.EnrolmentStatus {
	return reminders.EnrolmentStatus{EnrolmentID: id, Person: reminders.Person{ID: id, Name: fmt.Sprintf("Person %d", id), Phone: "+4520100001"},
		Company: reminders.Company{ID: 1, Name: "Nordisk Plast"}, Class: reminders.Class{ID: 1, Course: "5s"}, Steps: steps}
}

func TestWhoIsQuietIsATaskUntilTheProgrammeIsOver(t *testing.T) {
	quiet := person(1, asked(3, days(12), "1"), asked(4, days(11), ""), asked(5, days(4), ""))
	held := quiet
	held.Visit = &reminders.Visit{State: reminders.VisitHeld}
	out := quiet
	out.Person.OptedOutAt = noon.Add(-days(1))
	for name, c := range map[string]struct {
		status reminders.EnrolmentStatus
		weeks  []int
	}{
		"two unanswered, the last four days old": {quiet, []int{4, 5}},
		"the last one only two days old":         {person(1, asked(4, days(9), ""), asked(5, days(2), "")), nil},
		"the last one answered":                  {person(1, asked(4, days(11), ""), asked(5, days(4), "2")), nil},
		"one exercise only":                      {person(1, asked(1, days(9), "")), nil},
		"opted out":                              {out, nil},
		"the visit is held":                      {held, nil},
		"last year's class":                      {person(1, asked(5, days(300), ""), asked(6, days(293), "")), nil},
	} {
		got := quietPeople([]reminders.EnrolmentStatus{c.status}, noon)
		if c.weeks == nil {
			if len(got) != 0 {
				t.Errorf("%s: on the list, for weeks %v", name, got[0].Weeks)
			}
			continue
		}
		if len(got) != 1 || !slices.Equal(got[0].Weeks, c.weeks) {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestAnswerRatesAreJudgedByTheLastTwoSettledWeeks(t *testing.T) {
	var all []reminders.EnrolmentStatus
	for i := range 10 { // weeks 1 to 4 settled, week 5 out since yesterday
		yes := func(n int) string {
			if i < n {
				return "1"
			}
			return ""
		}
		all = append(all, person(int64(i+1), asked(1, days(29), yes(9)), asked(2, days(22), yes(8)), asked(3, days(15), yes(3)), asked(4, days(8), yes(2)), asked(5, days(1), yes(1))))
	}
	got := rates(all, noon)
	for week, want := range []int{90, 80, 30, 20, 10, 0} {
		if got.Weeks[week].Percent() != want {
			t.Errorf("week %d: %d %%, want %d", week+1, got.Weeks[week].Percent(), want)
		}
	}
	if got.Weeks[4].Settled() || !got.Weeks[3].Settled() || got.Weeks[5].Settled() {
		t.Errorf("settled: %+v", got.Weeks)
	}
	if got.Percent() != 25 || got.Level() != levelLow {
		t.Errorf("got %d %%, level %q; weeks 3 and 4 are 25 %%, which is low", got.Percent(), got.Level())
	}
}

func TestLevelsFollowWhatIsKnown(t *testing.T) {
	for _, c := range []struct {
		answered, sent int
		want           string
	}{{0, 0, levelNone}, {0, 3, levelNone}, {0, 4, levelLow}, {29, 100, levelLow}, {30, 100, levelFair}, {44, 100, levelFair}, {45, 100, levelNormal}, {100, 100, levelNormal}} {
		if got := (answerRates{Sent: c.sent, Answered: c.answered}).Level(); got != c.want {
			t.Errorf("%d of %d: %q, want %q", c.answered, c.sent, got, c.want)
		}
	}
}

func TestWhomTextsDoNotReachIsATaskUntilOneArrives(t *testing.T) {
	lost := asked(4, days(8), "")
	lost.State, lost.ErrorCode = reminders.Undelivered, "30003"
	failed := lost
	failed.State, failed.SentAt = reminders.Failed, time.Time{}
	old := lost
	old.SentAt = noon.Add(-days(60))
	noAddress := person(1, reminders.StepStatus{Kind: reminders.KindWelcome, State: reminders.Planned, RunAt: noon})
	noAddress.Person.Phone = ""
	wrong := person(1, asked(4, days(8), ""))
	wrong.Person.AddressFault = "30005"
	out := person(1, lost)
	out.Person.OptedOutAt = noon
	for name, c := range map[string]struct {
		status reminders.EnrolmentStatus
		why    string
	}{
		"undelivered":            {person(1, asked(3, days(15), "1"), lost), "undelivered"},
		"failed, never sent":     {person(1, asked(3, days(15), "1"), failed), "failed"},
		"the next one arrived":   {person(1, lost, asked(5, days(1), "")), ""},
		"long ago":               {person(1, old), ""},
		"no address":             {noAddress, "no-address"},
		"wrong address":          {wrong, "wrong-address"},
		"opted out meanwhile":    {out, ""},
		"everything is as usual": {person(1, asked(4, days(8), "")), ""},
	} {
		got := troubles([]reminders.EnrolmentStatus{c.status, c.status}, noon)
		switch {
		case c.why == "" && len(got) > 0:
			t.Errorf("%s: on the list as %s", name, got[0].Why)
		case c.why != "" && (len(got) != 1 || got[0].Why != c.why):
			t.Errorf("%s: got %+v, want it once, as %s", name, got, c.why)
		}
	}
}

func TestWhatGoesOutNextLeavesOutWhatWillNot(t *testing.T) {
	planned := func(step string, kind reminders.Kind, week int, in time.Duration) reminders.StepStatus {
		at := noon.Add(in)
		return reminders.StepStatus{Step: step, Kind: kind, Week: week, Due: at, RunAt: at, State: reminders.Planned}
	}
	answered := person(1, asked(3, days(1), "1"), planned("nudge-3", reminders.KindNudge, 3, days(1)), planned("exercise-4", reminders.KindExercise, 4, days(6)), planned("visit-day", reminders.KindVisitDay, 0, days(40)))
	silent := person(2, asked(3, days(1), ""), planned("nudge-3", reminders.KindNudge, 3, days(1)), planned("nudge-4", reminders.KindNudge, 4, days(8)), planned("exercise-4", reminders.KindExercise, 4, days(6)+time.Hour))
	gone := person(3, planned("exercise-4", reminders.KindExercise, 4, days(6)))
	gone.Person.OptedOutAt = noon
	got := coming([]reminders.EnrolmentStatus{answered, silent, gone}, time.UTC)
	if len(got) != 2 || got[0].Step != "nudge-3" || len(got[0].People) != 1 || got[0].People[0].ID != 2 {
		t.Fatalf("got %+v, want the reminder to the silent one first", got)
	}
	if got[1].Step != "exercise-4" || len(got[1].People) != 2 || !got[1].At.Equal(noon.Add(days(6))) {
		t.Errorf("got %+v, want exercise 4 to the two who get it, at the first one's time", got[1])
	}
	answered.Visit = &reminders.Visit{State: reminders.VisitBooked}
	if got := coming([]reminders.EnrolmentStatus{answered}, time.UTC); got[len(got)-1].Step != "visit-day" {
		t.Errorf("got %+v; once a visit is booked its note is to come", got)
	}
}

func TestVisitsThatNeedSomebody(t *testing.T) {
	visit := func(id int64, state string, in time.Duration) reminders.EnrolmentStatus {
		s := person(id)
		s.Visit = &reminders.Visit{ID: id, State: state, Start: noon.Add(in), End: noon.Add(in + time.Hour)}
		return s
	}
	n := needsOf([]reminders.EnrolmentStatus{visit(1, reminders.VisitBooked, days(3)), visit(2, reminders.VisitBooked, days(8)),
		visit(3, reminders.VisitBooked, -days(0.02)), visit(4, reminders.VisitUnplaced, 0), visit(5, reminders.VisitHeld, days(-3)), visit(1, reminders.VisitBooked, days(3))}, noon)
	var soonIDs []int64
	for _, v := range n.Soon {
		soonIDs = append(soonIDs, v.Visit.ID)
	}
	if !slices.Equal(soonIDs, []int64{3, 1}) || n.Soon[1].People != 2 {
		t.Errorf("soon: %+v, want the one that is on now and the one in three days", n.Soon)
	}
	if len(n.Unplaced) != 1 || n.Unplaced[0].Visit.ID != 4 || n.Tasks() != 1 {
		t.Errorf("unplaced: %+v, %d tasks", n.Unplaced, n.Tasks())
	}
}

func TestEveryLookOfACellIsTold(t *testing.T) {
	with := func(s reminders.StepStatus, f func(*reminders.StepStatus)) reminders.StepStatus { f(&s); return s }
	for want, step := range map[string]reminders.StepStatus{
		lookYes:     asked(1, days(1), "1"),
		lookPart:    with(asked(1, days(9), "2"), func(s *reminders.StepStatus) { s.Meaning = "partly" }),
		lookNo:      with(asked(1, days(9), "3"), func(s *reminders.StepStatus) { s.Meaning = "no" }),
		lookOther:   with(asked(4, days(9), "2"), func(s *reminders.StepStatus) { s.Meaning = "barrier:daily_run" }),
		lookSent:    asked(1, days(2.9), ""),
		lookSilent:  asked(1, days(3), ""),
		lookFault:   with(asked(1, days(9), ""), func(s *reminders.StepStatus) { s.State = reminders.Undelivered }),
		lookUnknown: with(asked(1, days(9), ""), func(s *reminders.StepStatus) { s.State = reminders.Unknown }),
		lookSkipped: with(asked(1, days(9), ""), func(s *reminders.StepStatus) { s.State = reminders.Skipped }),
		lookPlanned: with(asked(1, days(-9), ""), func(s *reminders.StepStatus) { s.State = reminders.Planned }),
	} {
		if got := lookOf(step, noon); got != want {
			t.Errorf("%+v looks %s, want %s", step, got, want)
		}
	}
}

func TestWhatWasSkippedIsSaidOncePersonAndReason(t *testing.T) {
	skip := func(step string, kind reminders.Kind, reason string, ago time.Duration) reminders.StepStatus {
		return reminders.StepStatus{Step: step, Kind: kind, State: reminders.Skipped, Reason: reason, Due: noon.Add(-ago)}
	}
	got := notSent([]reminders.EnrolmentStatus{
		person(1, skip("welcome", reminders.KindWelcome, reminders.ReasonTooLate, days(20)), skip("nudge-1", reminders.KindNudge, reminders.ReasonAnswered, days(9)),
			skip("exercise-2", reminders.KindExercise, reminders.ReasonOptedOut, days(8)), skip("exercise-3", reminders.KindExercise, reminders.ReasonOptedOut, days(1))),
		person(2, skip("buddy", reminders.KindBuddy, reminders.ReasonNoBuddy, days(30))),
	})
	if len(got) != 3 || got[0].Person.ID != 2 || got[1].Reason != reminders.ReasonTooLate || len(got[2].Steps) != 2 {
		t.Errorf("got %+v", got)
	}
}
