package reminders

import (
	"slices"
	"time"
)

// States of an enrolment, as people see it.
const (
	StateActive   = "active"
	StatePaused   = "paused"
	StateOptedOut = "opted_out"
	StateFinished = "finished"
)

// States of a buddy group's check-in.
const (
	CheckinPlanned   = "planned"
	CheckinOpen      = "open"      // asked, nobody has answered
	CheckinHalf      = "half"      // some have said yes
	CheckinConfirmed = "confirmed" // all have said yes
	CheckinNotYet    = "not_yet"   // answered, nobody with yes
	CheckinSkipped   = "skipped"
)

// Checkin is what a buddy group says of one week.
type Checkin struct {
	Step  string
	State string
}

// EnrolmentView is an enrolment with what follows from its steps.
type EnrolmentView struct {
	EnrolmentStatus
	State    string
	Checkins []Checkin
	Quiet    bool // silent for two exercises in a row
}

// quietAfter is how long somebody has for the last exercise before they count as quiet.
const quietAfter = 3 * 24 * time.Hour

// Views adds to each of all what follows from its steps and those of its buddies, which all must hold.
func Views(all []EnrolmentStatus, now time.Time) []EnrolmentView {
	byEnrolment := make(map[int64]EnrolmentStatus, len(all))
	for _, s := range all {
		byEnrolment[s.EnrolmentID] = s
	}
	out := make([]EnrolmentView, len(all))
	for i, s := range all {
		out[i] = EnrolmentView{EnrolmentStatus: s, State: s.state(now), Quiet: s.quiet(now)}
		for _, week := range checkinWeeks {
			if c, ok := s.checkin(CheckinStep(week), byEnrolment); ok {
				out[i].Checkins = append(out[i].Checkins, c)
			}
		}
	}
	return out
}

func (s EnrolmentStatus) state(now time.Time) string {
	switch {
	case !s.Person.OptedOutAt.IsZero():
		return StateOptedOut
	case now.Before(s.Person.PausedUntil):
		return StatePaused
	case len(s.Steps) > 0 && !slices.ContainsFunc(s.Steps, func(step StepStatus) bool { return step.State.Open() }):
		return StateFinished
	}
	return StateActive
}

// quiet says whether the last two exercises that left are unanswered and the last is some days old.
func (s EnrolmentStatus) quiet(now time.Time) bool {
	if !s.Person.OptedOutAt.IsZero() {
		return false
	}
	var left []StepStatus
	for _, step := range s.Steps {
		if step.Kind == KindExercise && step.State.HasLeft() {
			left = append(left, step)
		}
	}
	if len(left) < 2 {
		return false
	}
	slices.SortFunc(left, func(a, b StepStatus) int { return a.SentAt.Compare(b.SentAt) })
	last, before := left[len(left)-1], left[len(left)-2]
	return last.Answer == "" && before.Answer == "" && now.Sub(last.SentAt) >= quietAfter
}

// checkin sums up the answers of the whole group; false where the step is not planned.
func (s EnrolmentStatus) checkin(step string, all map[int64]EnrolmentStatus) (Checkin, bool) {
	find := func(s EnrolmentStatus) (StepStatus, bool) {
		i := slices.IndexFunc(s.Steps, func(st StepStatus) bool { return st.Step == step })
		if i < 0 {
			return StepStatus{}, false
		}
		return s.Steps[i], true
	}
	own, ok := find(s)
	if !ok {
		return Checkin{}, false
	}
	if own.State == Skipped && len(s.Peers) == 0 {
		return Checkin{step, CheckinSkipped}, true
	}
	members := append([]EnrolmentStatus{s}, make([]EnrolmentStatus, 0, len(s.Peers))...)
	for _, id := range s.Peers {
		if peer, ok := all[id]; ok {
			members = append(members, peer)
		}
	}
	asked, yes, no := 0, 0, 0
	for _, m := range members {
		st, ok := find(m)
		switch {
		case !ok:
		case st.Meaning == "yes":
			asked, yes = asked+1, yes+1
		case st.Meaning == "no":
			asked, no = asked+1, no+1
		case st.State.HasLeft():
			asked++
		}
	}
	state := CheckinOpen
	switch {
	case asked == 0 && own.State == Skipped:
		state = CheckinSkipped
	case asked == 0:
		state = CheckinPlanned
	case yes == len(members):
		state = CheckinConfirmed
	case yes > 0:
		state = CheckinHalf
	case no > 0:
		state = CheckinNotYet
	}
	return Checkin{step, state}, true
}
