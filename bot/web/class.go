package web

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"efterkurs/reminders"
)

func (p *pages) classesPage(w http.ResponseWriter, r *http.Request, v *visitor) {
	all, err := p.Store.Status(r.Context(), v.sees(p))
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	p.show(w, r, v, http.StatusOK, "classes", p.Texts.Page(v.Lang, "classes-title"), classes(all, v.Now, p.Calendar.Location))
}

// classData is a class with everything about it.
type classData struct {
	Now       time.Time
	Class     reminders.Class
	Teacher   string
	Companies []string
	Columns   []column
	Rows      []row
	Rates     answerRates
	Groups    []group
	Alone     []reminders.Person
	Visits    []visitView
	Coming    []outgoing
	Skipped   []skipped
	Lost      []reminders.Finding // their Slack does not let us in
}

// column is a step of the grid.
type column struct {
	Step string
	Kind reminders.Kind
	Week int
}

// gridColumns are in the order in which things happen.
var gridColumns = func() []column {
	out := []column{{reminders.StepWelcome, reminders.KindWelcome, 0}}
	for week := 1; week <= reminders.Exercises; week++ {
		out = append(out, column{reminders.ExerciseStep(week), reminders.KindExercise, week})
		if week%2 == 0 {
			out = append(out, column{reminders.CheckinStep(week), reminders.KindCheckin, week})
		}
	}
	return append(out, column{reminders.StepVisitDay, reminders.KindVisitDay, 0})
}()

// row is a participant in the grid.
type row struct {
	Status reminders.EnrolmentStatus
	Cells  []cell
	Quiet  bool
}

// Looks of a cell. Each has a sign, a colour and a word of its own.
const (
	lookYes     = "yes"     // answered, done
	lookPart    = "part"    // answered, in part
	lookNo      = "no"      // answered, not done
	lookOther   = "other"   // answered what is neither: a barrier or none, a rating
	lookSent    = "sent"    // out, nothing to answer, or still time to
	lookSilent  = "silent"  // out for three days, no answer
	lookFault   = "fault"   // did not arrive
	lookUnknown = "unknown" // nobody knows whether it arrived
	lookSkipped = "skipped"
	lookPlanned = "planned"
	lookNone    = "none" // there is no such step, or it waits for something else first
)

// cell is one step of one participant.
type cell struct {
	Look   string
	Step   reminders.StepStatus
	Nudged bool      // reminded
	Visit  time.Time // of the visit's note: the visit itself, once it is booked
}

func lookOf(step reminders.StepStatus, now time.Time) string {
	asks := step.Kind == reminders.KindExercise || step.Kind == reminders.KindCheckin || step.Kind == reminders.KindNudge || step.Kind == reminders.KindCheckinAgain
	switch {
	case step.Answer != "" && step.Meaning == "no":
		return lookNo
	case step.Answer != "" && step.Meaning == "partly":
		return lookPart
	case step.Answer != "" && (step.Meaning == "rating" || step.Meaning == "none" || strings.HasPrefix(step.Meaning, "barrier:")):
		return lookOther
	case step.Answer != "":
		return lookYes
	case step.State == reminders.Undelivered || step.State == reminders.Failed:
		return lookFault
	case step.State == reminders.Unknown:
		return lookUnknown
	case step.State == reminders.Skipped:
		return lookSkipped
	case step.State.HasLeft() && asks && now.Sub(step.SentAt) >= settleAfter:
		return lookSilent
	case step.State.HasLeft():
		return lookSent
	}
	return lookPlanned
}

func rowOf(v reminders.EnrolmentView, now time.Time) row {
	s := v.EnrolmentStatus
	steps := map[string]reminders.StepStatus{}
	for _, step := range s.Steps {
		steps[step.Step] = step
	}
	out := row{Status: s, Quiet: v.Quiet}
	for _, col := range gridColumns {
		step, ok := steps[col.Step]
		c := cell{Look: lookNone, Step: step}
		if ok {
			c.Look = lookOf(step, now)
		}
		if c.Look == lookPlanned && col.Kind == reminders.KindVisitDay && !comesOut(s, step) {
			c.Look = lookNone // it stands at its last possible day until a visit is booked
		}
		if col.Kind == reminders.KindExercise {
			c.Nudged = steps[reminders.NudgeStep(col.Week)].State.HasLeft()
		}
		if v := s.Visit; ok && col.Kind == reminders.KindVisitDay && v != nil && (c.Look == lookPlanned || c.Look == lookSent) {
			c.Visit = v.Start
		}
		out.Cells = append(out.Cells, c)
	}
	return out
}

// group is a buddy group with those check-ins that were asked about.
type group struct {
	ID       int64
	Company  string
	Members  []reminders.Person
	Checkins []groupCheckin
}

type groupCheckin struct {
	Week  int
	State string // of reminders.Checkin
}

func groupsOf(all []reminders.EnrolmentView) (groups []group, alone []reminders.Person) {
	at := map[int64]int{}
	for _, v := range all {
		if v.Group == 0 {
			for _, step := range v.Steps {
				if step.Kind == reminders.KindBuddy && step.State == reminders.Skipped && step.Reason == reminders.ReasonNoBuddy {
					alone = append(alone, v.Person)
				}
			}
			continue
		}
		i, ok := at[v.Group]
		if !ok {
			i = len(groups)
			at[v.Group] = i
			groups = append(groups, group{ID: v.Group, Company: v.Company.Name, Checkins: groupCheckins(v.Checkins)})
		}
		groups[i].Members = append(groups[i].Members, v.Person)
	}
	for _, v := range all { // a buddy from another class of the company has no link here, but a name
		if v.Group == 0 {
			continue
		}
		g := &groups[at[v.Group]]
		for _, name := range v.Buddies {
			if !slices.ContainsFunc(g.Members, func(p reminders.Person) bool { return p.Name == name }) {
				g.Members = append(g.Members, reminders.Person{Name: name})
			}
		}
	}
	slices.SortFunc(groups, func(a, b group) int { return cmp.Or(strings.Compare(a.Company, b.Company), cmp.Compare(a.ID, b.ID)) })
	return groups, alone
}

func groupCheckins(all []reminders.Checkin) (out []groupCheckin) {
	for _, c := range all {
		if c.State == reminders.CheckinPlanned || c.State == reminders.CheckinSkipped {
			continue
		}
		for week := 1; week <= reminders.Exercises; week++ {
			if c.Step == reminders.CheckinStep(week) {
				out = append(out, groupCheckin{week, c.State})
			}
		}
	}
	return out
}

func (p *pages) classPage(w http.ResponseWriter, r *http.Request, v *visitor) {
	ctx := r.Context()
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id <= 0 {
		p.missing(w, r, v)
		return
	}
	filter := v.sees(p)
	filter.ClassID = id
	all, err := p.Store.Status(ctx, filter)
	if err == nil && len(all) == 0 {
		err = reminders.Errorf(reminders.ENOTFOUND, "class %d has nobody that user %d may see", id, v.User.ID)
	}
	if err != nil {
		p.fail(w, r, v, err)
		return
	}
	slices.SortStableFunc(all, func(a, b reminders.EnrolmentStatus) int {
		return cmp.Or(strings.Compare(a.Company.Name, b.Company.Name), strings.Compare(a.Person.Name, b.Person.Name))
	})
	data := classData{Now: v.Now, Class: all[0].Class, Columns: gridColumns, Rates: rates(all, v.Now), Visits: visitsOf(all),
		Coming: coming(all, p.Calendar.Location), Skipped: notSent(all)}
	views := reminders.Views(all, v.Now)
	for i, s := range all {
		data.Rows = append(data.Rows, rowOf(views[i], v.Now))
		if !slices.Contains(data.Companies, s.Company.Name) {
			data.Companies = append(data.Companies, s.Company.Name)
		}
	}
	data.Groups, data.Alone = groupsOf(views)
	if data.Lost, err = p.lost(ctx, v, all); err != nil {
		p.fail(w, r, v, err)
		return
	}
	if data.Class.TeacherID != 0 {
		teacher, err := p.Store.User(ctx, data.Class.TeacherID)
		if err != nil && reminders.ErrorCode(err) != reminders.ENOTFOUND {
			p.fail(w, r, v, err)
			return
		}
		data.Teacher = teacher.Name
	}
	p.show(w, r, v, http.StatusOK, "class", data.Class.Name, data)
}
