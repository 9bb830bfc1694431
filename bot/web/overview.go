package web

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"efterkurs/reminders"
)

// What the overview says is computed here from the enrolments' status, without a clock or a database.

const (
	// settleAfter is how long an exercise is out before its silence counts: the reminder comes after two
	// days, and an answer to that within another.
	settleAfter = 3 * 24 * time.Hour
	// quietFor is how long after the last exercise a silence is somebody's task. The visit is about 18 days
	// after exercise 6 and sought within ten working days; after that it is history.
	quietFor = 35 * 24 * time.Hour
	// troubleFor is how long a text that did not arrive is shown as something to do today.
	troubleFor = 21 * 24 * time.Hour
	// soon is how far ahead visits are shown.
	soon = 7 * 24 * time.Hour
)

// Answer rates: 45 % from week 3 on is normal, and a course below about 30 % is flagged (Naughton 2016, see
// FACTS.md): colour by what is known, not by wish.
const (
	normalRate = 45
	lowRate    = 30
)

// Levels of an answer rate.
const (
	levelNone   = ""       // nothing to judge yet
	levelNormal = "normal" // 45 % or more
	levelFair   = "fair"   // below, as happens
	levelLow    = "low"    // below 30 %: look at the texts and the leader
)

// quietWeeks are the two weeks that a quiet person has not answered; nil for one who is not quiet.
func quietWeeks(v reminders.EnrolmentView) []int {
	sent := sentExercises(v.EnrolmentStatus)
	if !v.Quiet || len(sent) < 2 {
		return nil
	}
	return []int{sent[len(sent)-2].Week, sent[len(sent)-1].Week}
}

func sentExercises(s reminders.EnrolmentStatus) []reminders.StepStatus {
	var out []reminders.StepStatus
	for _, step := range s.Steps {
		if step.Kind == reminders.KindExercise && step.State.HasLeft() && !step.SentAt.IsZero() {
			out = append(out, step)
		}
	}
	slices.SortStableFunc(out, func(a, b reminders.StepStatus) int { return a.SentAt.Compare(b.SentAt) })
	return out
}

// weekRate counts one week's exercise.
type weekRate struct {
	Week, Sent, Answered int
	Open                 int // sent so lately that an answer may still come
}

// Percent is the answered share of those that were sent.
func (w weekRate) Percent() int { return percent(w.Answered, w.Sent) }

// Settled says whether the week can be judged.
func (w weekRate) Settled() bool { return w.Sent > 0 && w.Open == 0 }

func percent(n, of int) int {
	if of == 0 {
		return 0
	}
	return (200*n + of) / (2 * of)
}

// answerRates are the weeks of a class, and the rate of the last two that can be judged: how a class does
// now is not hidden behind a good first week.
type answerRates struct {
	Weeks          [reminders.Exercises]weekRate
	Sent, Answered int // of those two weeks
}

// Percent is the answered share of the last two weeks.
func (r answerRates) Percent() int { return percent(r.Answered, r.Sent) }

// Level judges the rate. Four judged exercises are the least: one silent person is no low rate.
func (r answerRates) Level() string {
	switch p := r.Percent(); {
	case r.Sent < 4:
		return levelNone
	case p < lowRate:
		return levelLow
	case p < normalRate:
		return levelFair
	}
	return levelNormal
}

func rates(all []reminders.EnrolmentStatus, now time.Time) answerRates {
	var out answerRates
	for i := range out.Weeks {
		out.Weeks[i].Week = i + 1
	}
	for _, s := range all {
		for _, step := range sentExercises(s) {
			if step.Week < 1 || step.Week > len(out.Weeks) {
				continue
			}
			w := &out.Weeks[step.Week-1]
			w.Sent++
			switch {
			case step.Answer != "":
				w.Answered++
			case now.Sub(step.SentAt) < settleAfter:
				w.Open++
			}
		}
	}
	judged := 0
	for _, w := range slices.Backward(out.Weeks[:]) {
		if w.Settled() && judged < 2 {
			judged++
			out.Sent += w.Sent
			out.Answered += w.Answered
		}
	}
	return out
}

// outgoing is what goes out next: the same step to so many people at about the same time.
type outgoing struct {
	At     time.Time
	Kind   reminders.Kind
	Week   int
	Step   string
	People []reminders.Person
}

// comesOut says whether a planned step is really going to be sent, as far as is known now.
func comesOut(s reminders.EnrolmentStatus, step reminders.StepStatus) bool {
	switch {
	case !step.State.Open() || !s.Person.OptedOutAt.IsZero():
		return false
	case step.Kind == reminders.KindNudge: // only where the exercise is out and unanswered
		exercise := stepOf(s, reminders.ExerciseStep(step.Week))
		return exercise.State.HasLeft() && exercise.Answer == ""
	case step.Kind == reminders.KindVisitDay: // stands at its last possible day until there is a visit
		return s.Visit != nil && s.Visit.State == reminders.VisitBooked
	case step.Kind == reminders.KindCheckin: // of pairs only
		return s.Group != 0
	}
	return true
}

func stepOf(s reminders.EnrolmentStatus, step string) reminders.StepStatus {
	for _, st := range s.Steps {
		if st.Step == step {
			return st
		}
	}
	return reminders.StepStatus{}
}

// coming lists what goes out, soonest first, one entry for a step on a day in loc.
func coming(all []reminders.EnrolmentStatus, loc *time.Location) []outgoing {
	type key struct {
		day  reminders.Date
		step string
	}
	found := map[key]*outgoing{}
	for _, s := range all {
		for _, step := range s.Steps {
			if !comesOut(s, step) {
				continue
			}
			k := key{reminders.DateOf(step.RunAt.In(loc)), step.Step}
			o := found[k]
			if o == nil {
				o = &outgoing{At: step.RunAt, Kind: step.Kind, Week: step.Week, Step: step.Step}
				found[k] = o
			}
			if step.RunAt.Before(o.At) {
				o.At = step.RunAt
			}
			o.People = append(o.People, s.Person)
		}
	}
	out := make([]outgoing, 0, len(found))
	for _, o := range found {
		out = append(out, *o)
	}
	slices.SortFunc(out, func(a, b outgoing) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Step, b.Step)) })
	return out
}

// skipped are the steps that a person did not get for one reason.
type skipped struct {
	Person reminders.Person
	Reason string
	Steps  []reminders.StepStatus // by due time
}

// notable says whether a skipped step is worth a line. A reminder of an answered exercise is the good case.
func notable(step reminders.StepStatus) bool {
	return step.State == reminders.Skipped && step.Reason != reminders.ReasonAnswered && step.Reason != reminders.ReasonNotAsked &&
		(step.Kind != reminders.KindNudge || step.Reason != reminders.ReasonSuperseded)
}

// notSent lists what was skipped, one entry for a person and a reason, oldest first.
func notSent(all []reminders.EnrolmentStatus) []skipped {
	var out []skipped
	for _, s := range all {
		for _, step := range s.Steps {
			if !notable(step) {
				continue
			}
			i := slices.IndexFunc(out, func(o skipped) bool { return o.Person.ID == s.Person.ID && o.Reason == step.Reason })
			if i < 0 {
				i = len(out)
				out = append(out, skipped{Person: s.Person, Reason: step.Reason})
			}
			out[i].Steps = append(out[i].Steps, step)
		}
	}
	slices.SortStableFunc(out, func(a, b skipped) int { return a.Steps[0].Due.Compare(b.Steps[0].Due) })
	return out
}

// classView is a class as a line of the overview.
type classView struct {
	Class     reminders.Class
	Companies []string
	People    int
	Rates     answerRates
	Next      *outgoing // nil = nothing is to come
}

// classes groups enrolments into classes: those with something to come first, by when; then the newest.
func classes(all []reminders.EnrolmentStatus, now time.Time, loc *time.Location) []classView {
	byClass := map[int64][]reminders.EnrolmentStatus{}
	for _, s := range all {
		byClass[s.Class.ID] = append(byClass[s.Class.ID], s)
	}
	var out []classView
	for _, members := range byClass {
		v := classView{Class: members[0].Class, People: len(members), Rates: rates(members, now)}
		for _, m := range members {
			if !slices.Contains(v.Companies, m.Company.Name) {
				v.Companies = append(v.Companies, m.Company.Name)
			}
		}
		slices.Sort(v.Companies)
		if next := coming(members, loc); len(next) > 0 {
			v.Next = &next[0]
		}
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b classView) int {
		switch {
		case a.Next != nil && b.Next != nil:
			return cmp.Or(a.Next.At.Compare(b.Next.At), cmp.Compare(a.Class.ID, b.Class.ID))
		case a.Next != nil:
			return -1
		case b.Next != nil:
			return 1
		}
		return cmp.Or(b.Class.End.Sub(a.Class.End), cmp.Compare(a.Class.ID, b.Class.ID))
	})
	return out
}

// quietPerson is a person to ring up.
type quietPerson struct {
	Status reminders.EnrolmentStatus
	Weeks  []int
	Since  time.Time // when the first of the two exercises was sent
}

// quietPeople lists who is quiet on a programme that is not over, longest first.
func quietPeople(all []reminders.EnrolmentStatus, now time.Time) []quietPerson {
	var out []quietPerson
	for _, v := range reminders.Views(all, now) {
		weeks := quietWeeks(v)
		if weeks == nil || v.Visit != nil && v.Visit.State == reminders.VisitHeld {
			continue
		}
		sent := sentExercises(v.EnrolmentStatus)
		if now.Sub(sent[len(sent)-1].SentAt) > quietFor {
			continue
		}
		out = append(out, quietPerson{v.EnrolmentStatus, weeks, sent[len(sent)-2].SentAt})
	}
	slices.SortStableFunc(out, func(a, b quietPerson) int { return a.Since.Compare(b.Since) })
	return out
}

// trouble is a person whom texts do not reach.
type trouble struct {
	Person  reminders.Person
	Company string
	Step    reminders.StepStatus // the text that did not arrive; zero = none was tried since
	Why     string               // undelivered, failed, unknown, no-address, wrong-address
}

// troubles lists whom texts do not reach: the last text did not arrive, or there is no good address. A text
// that arrives later takes the person off the list.
func troubles(all []reminders.EnrolmentStatus, now time.Time) []trouble {
	var out []trouble
	seen := map[int64]bool{}
	for _, s := range all {
		if seen[s.Person.ID] || !s.Person.OptedOutAt.IsZero() {
			continue
		}
		t := trouble{Person: s.Person, Company: s.Company.Name}
		var last reminders.StepStatus
		var lastAt time.Time
		for _, step := range s.Steps {
			when := step.SentAt
			if when.IsZero() {
				when = step.RunAt
			}
			tried := step.State.HasLeft() || step.State == reminders.Failed || step.State == reminders.Unknown
			if tried && when.After(lastAt) {
				last, lastAt = step, when
			}
		}
		switch {
		case s.Person.AddressFault != "":
			t.Step, t.Why = last, "wrong-address"
		case (last.State == reminders.Undelivered || last.State == reminders.Failed || last.State == reminders.Unknown) && now.Sub(lastAt) < troubleFor:
			t.Step, t.Why = last, string(last.State)
		case noAddress(s.Person) && stillRuns(s):
			t.Why = "no-address"
		default:
			continue
		}
		seen[s.Person.ID] = true
		out = append(out, t)
	}
	return out
}

func noAddress(p reminders.Person) bool {
	_, address := p.Address()
	return address == ""
}

func stillRuns(s reminders.EnrolmentStatus) bool {
	return slices.ContainsFunc(s.Steps, func(step reminders.StepStatus) bool { return step.State.Open() })
}

// visitView is a visit with the names that belong to it.
type visitView struct {
	Visit   reminders.Visit
	Company reminders.Company
	Class   reminders.Class
	People  int
	Answers []reminders.VisitAnswer // to its invitation, as it is now; filled in on the visits page
}

// visitsOf finds the visits of enrolments, by their day.
func visitsOf(all []reminders.EnrolmentStatus) []visitView {
	at := map[int64]int{}
	var out []visitView
	for _, s := range all {
		if s.Visit == nil {
			continue
		}
		i, ok := at[s.Visit.ID]
		if !ok {
			i = len(out)
			at[s.Visit.ID] = i
			out = append(out, visitView{Visit: *s.Visit, Company: s.Company, Class: s.Class})
		}
		out[i].People++
	}
	sortVisits(out)
	return out
}

func sortVisits(all []visitView) {
	day := func(v visitView) string {
		if !v.Visit.Start.IsZero() {
			return v.Visit.Start.UTC().Format(time.RFC3339)
		}
		return v.Visit.Earliest.String()
	}
	slices.SortStableFunc(all, func(a, b visitView) int {
		return cmp.Or(strings.Compare(day(a), day(b)), strings.Compare(a.Company.Name, b.Company.Name), cmp.Compare(a.Visit.ID, b.Visit.ID))
	})
}

// undoneVisit is a visit whose contact says that what was agreed is not done.
type undoneVisit struct {
	visitView
	At time.Time
}

// needs is what needs a person today.
type needs struct {
	Halted   []reminders.Finding
	Lost     []reminders.Finding // workspaces of the visitor's companies
	Replies  []reminders.Talk
	Troubles []trouble
	Unplaced []visitView
	Undone   []undoneVisit
	Quiet    []quietPerson
	Drafts   []reminders.Draft // of buddies, to look at before they publish themselves
	Unmet    []unmetGroup
	Soon     []visitView
}

// Tasks is how many lines ask for something to be done. Visits to come are there to be known.
func (n needs) Tasks() int {
	return len(n.Halted) + len(n.Lost) + len(n.Replies) + len(n.Troubles) + len(n.Unplaced) + len(n.Undone) + len(n.Quiet) + len(n.Drafts) + len(n.Unmet)
}

// needsOf is what the status alone says; halts and replies are added by the caller.
func needsOf(all []reminders.EnrolmentStatus, now time.Time) needs {
	n := needs{Troubles: troubles(all, now), Quiet: quietPeople(all, now), Unmet: unmet(reminders.Views(all, now), now)}
	for _, v := range visitsOf(all) {
		switch v.Visit.State {
		case reminders.VisitUnplaced:
			n.Unplaced = append(n.Unplaced, v)
		case reminders.VisitBooked:
			if v.Visit.End.After(now) && v.Visit.Start.Before(now.Add(soon)) {
				n.Soon = append(n.Soon, v)
			}
		}
	}
	return n
}
