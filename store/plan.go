package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"strconv"
	"time"

	"efterkurs/reminders"
)

// EnrolmentsToPlan returns enrolments changed since they were last planned (index enrolments_dirty), in
// one snapshot with all that their plans depend on. A batch takes nine statements, whatever its size.
func (s *Store) EnrolmentsToPlan(ctx context.Context, limit int) (subjects []reminders.PlanSubject, err error) {
	err = s.read(ctx, func(t *tx) error {
		var rows []enrolmentRow
		if err := t.all(ctx, &rows, `SELECT `+enrolmentColumns+` FROM enrolments AS e
			WHERE e.plan_version <> e.planned_version ORDER BY e.id LIMIT $1`, limit); err != nil {
			return fmt.Errorf("looking for enrolments to plan: %w", err)
		}
		subjects, err = planSubjects(ctx, t, rows)
		return err
	})
	return subjects, err
}

func planSubjects(ctx context.Context, t *tx, rows []enrolmentRow) ([]reminders.PlanSubject, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	persons, classes, companies := set{}, set{}, set{}
	ids := make([]int64, len(rows))
	var shared []string
	seen := map[pair]bool{}
	for i, e := range rows {
		ids[i] = e.ID
		persons.add(e.PersonID)
		classes.add(e.ClassID)
		companies.add(e.CompanyID)
		if p := (pair{e.ClassID, e.CompanyID}); !seen[p] {
			seen[p] = true
			shared = append(shared, reminders.CompanySubject(e.ClassID, e.CompanyID))
		}
	}
	classByID, err := findClasses(ctx, t, classes.ids())
	if err != nil {
		return nil, err
	}
	companyByID, err := findCompanies(ctx, t, companies.ids())
	if err != nil {
		return nil, err
	}
	everybody := maps.Clone(persons)
	for _, c := range companyByID {
		everybody.add(c.ContactID)
	}
	people, err := findPersons(ctx, t, everybody.ids())
	if err != nil {
		return nil, err
	}
	visits, err := visitsOf(ctx, t, classes.ids())
	if err != nil {
		return nil, err
	}
	own, err := allIn[messageRow](ctx, t, `SELECT `+messageColumns+` FROM messages AS m WHERE m.enrolment_id IN (%s)`, ids)
	if err != nil {
		return nil, err
	}
	steps := map[int64][]reminders.Message{}
	for _, m := range own {
		steps[int64(m.EnrolmentID)] = append(steps[int64(m.EnrolmentID)], m.message())
	}
	for p, v := range visits {
		if seen[p] {
			shared = append(shared, reminders.VisitSubject(v.ID))
		}
	}
	bySubject := map[string][]reminders.Message{}
	err = textChunks(shared, func(list string, args []any) error {
		var rows []messageRow
		if err := t.all(ctx, &rows, `SELECT `+messageColumns+` FROM messages AS m WHERE m.subject IN (`+list+`)`, args...); err != nil {
			return err
		}
		for _, m := range rows {
			bySubject[m.Subject] = append(bySubject[m.Subject], m.message())
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the steps of companies: %w", err)
	}
	days, err := exerciseDays(ctx, t, persons.ids())
	if err != nil {
		return nil, err
	}
	subjects := make([]reminders.PlanSubject, len(rows))
	for i, e := range rows {
		p := reminders.PlanSubject{Enrolment: e.enrolment(), Person: people[e.PersonID], Class: classByID[e.ClassID],
			Company: companyByID[e.CompanyID], Contact: at(people, companyByID[e.CompanyID].ContactID), Version: e.PlanVersion, Visit: at(visits, pair{e.ClassID, e.CompanyID})}
		p.Steps = append(steps[e.ID], bySubject[reminders.CompanySubject(e.ClassID, e.CompanyID)]...)
		if p.Visit != nil {
			p.Steps = append(p.Steps, bySubject[reminders.VisitSubject(p.Visit.ID)]...)
		}
		for _, d := range days[e.PersonID] {
			if d.enrolment != e.ID {
				p.Exercises = append(p.Exercises, d.day)
			}
		}
		subjects[i] = p
	}
	return subjects, nil
}

type exerciseDay struct {
	enrolment int64
	day       reminders.Date
}

// exerciseDays returns the days on which persons have exercises that came or are to come (index messages_person).
func exerciseDays(ctx context.Context, t *tx, personIDs []int64) (map[int64][]exerciseDay, error) {
	type row struct {
		PersonID    int64  `db:"person_id"`
		EnrolmentID ref    `db:"enrolment_id"`
		DueAt       millis `db:"due_at"`
		Day         date   `db:"day"`
	}
	rows, err := allIn[row](ctx, t, `SELECT m.person_id, m.enrolment_id, m.due_at, m.day FROM messages AS m
		WHERE m.person_id IN (%s) AND m.kind = 'exercise' AND m.state NOT IN ('skipped', 'failed')`, personIDs)
	if err != nil {
		return nil, fmt.Errorf("reading days of exercises: %w", err)
	}
	days := map[int64][]exerciseDay{}
	for _, r := range rows {
		due := reminders.DateOf(r.DueAt.Time().In(t.s.loc))
		days[r.PersonID] = append(days[r.PersonID], exerciseDay{int64(r.EnrolmentID), due})
		if begun := reminders.Date(r.Day); !begun.IsZero() && begun != due {
			days[r.PersonID] = append(days[r.PersonID], exerciseDay{int64(r.EnrolmentID), begun})
		}
	}
	return days, nil
}

// SavePlans stores what planning came to. A step that is there already is left alone, a row that is no
// longer planned is not moved. An enrolment changed since its plan was made stays dirty, and so does one
// whose newer plan this one has just undone.
func (s *Store) SavePlans(ctx context.Context, now time.Time, plans []reminders.Plan) error {
	if len(plans) == 0 {
		return nil
	}
	return s.write(ctx, func(t *tx) error {
		var ids []int64
		var messages, moves, revived, done values
		var touched []int64
		for _, p := range plans {
			ids = append(ids, p.EnrolmentID)
			done.add(p.EnrolmentID, p.Version)
			for _, m := range p.Insert {
				plannedRow(&messages, now, m)
			}
			for _, m := range p.Move {
				touched = append(touched, m.ID)
				moves.add(m.ID, m.PersonID, m.UserID, m.VisitID, ms(m.DueAt), ms(m.RunAt), ms(m.ValidUntil))
			}
			for _, m := range p.Revive {
				touched = append(touched, m.ID)
				revived.add(m.ID, m.PersonID, m.UserID, m.VisitID, ms(m.DueAt), ms(m.RunAt), ms(m.ValidUntil))
			}
		}
		if err := saveVisits(ctx, t, now, plans); err != nil {
			return err
		}
		if err := t.lock(ctx, "enrolments", ids); err != nil {
			return err
		}
		if err := t.lock(ctx, "messages", touched); err != nil {
			return err
		}
		if _, err := t.insert(ctx, "messages", plannedColumns, &messages, `ON CONFLICT (subject, step) DO NOTHING`); err != nil {
			return fmt.Errorf("planning steps: %w", err)
		}
		if err := move(ctx, t, now, &moves, reminders.Planned); err != nil {
			return err
		}
		if err := move(ctx, t, now, &revived, reminders.Skipped); err != nil {
			return err
		}
		return done.each(0, func(list string, args []any) error {
			_, err := t.exec(ctx, `WITH done (id, version) AS (VALUES `+list+`)
				UPDATE enrolments SET planned_version = done.version FROM done WHERE enrolments.id = done.id`, args...)
			return err
		})
	})
}

// move gives rows that are still in state another recipient, visit and time, and plans them.
func move(ctx context.Context, t *tx, now time.Time, moves *values, state reminders.State) error {
	return moves.each(2, func(list string, args []any) error {
		_, err := t.exec(ctx, `WITH moved (id, person, staff, visit, due, run, valid) AS (VALUES `+list+`)
			UPDATE messages SET person_id = NULLIF(moved.person, 0), user_id = NULLIF(moved.staff, 0), visit_id = NULLIF(moved.visit, 0), due_at = moved.due, run_at = moved.run,
				valid_until = moved.valid, state = 'planned', reason = '', updated_at = $1
			FROM moved WHERE messages.id = moved.id AND messages.state = $2`, append([]any{ms(now), string(state)}, args...)...)
		if err != nil {
			return fmt.Errorf("moving %s steps: %w", state, err)
		}
		return nil
	})
}

// saveVisits inserts the visits that plans ask for, or changes those nobody was asked about yet.
func saveVisits(ctx context.Context, t *tx, now time.Time, plans []reminders.Plan) error {
	wanted := map[pair]reminders.Visit{}
	var rows values
	for _, p := range plans {
		if v := p.Visit; v != nil {
			if _, ok := wanted[pair{v.ClassID, v.CompanyID}]; !ok {
				rows.add(v.ClassID, v.CompanyID, ref(v.ConsultantID), ref(v.TeacherID), reminders.VisitPlanned, v.Earliest, newUID(), ms(now))
			}
			wanted[pair{v.ClassID, v.CompanyID}] = *v
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	if _, err := t.insert(ctx, "visits", `class_id, company_id, consultant_id, teacher_id, state, earliest, uid, updated_at`, &rows,
		`ON CONFLICT (class_id, company_id) DO NOTHING`); err != nil {
		return fmt.Errorf("planning visits: %w", err)
	}
	var changed values
	for p, v := range wanted {
		changed.add(p.class, p.company, v.ConsultantID, v.TeacherID, v.Earliest)
	}
	return changed.each(1, func(list string, args []any) error {
		_, err := t.exec(ctx, `WITH plan (class, company, consultant, teacher, earliest) AS (VALUES `+list+`)
			UPDATE visits SET consultant_id = NULLIF(plan.consultant, 0), teacher_id = NULLIF(plan.teacher, 0), earliest = plan.earliest, updated_at = $1
			FROM plan WHERE visits.class_id = plan.class AND visits.company_id = plan.company AND visits.state = 'planned'
				AND (COALESCE(visits.consultant_id, 0) <> plan.consultant OR COALESCE(visits.teacher_id, 0) <> plan.teacher OR visits.earliest <> plan.earliest)`,
			append([]any{ms(now)}, args...)...)
		return err
	})
}

// newUID is the name of a calendar entry, the same for ever.
func newUID() string { return "visit-" + randomHex(16) + "@efterkurs" }

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// dirty marks enrolments for planning anew. where is a condition on enrolments AS e.
func dirty(ctx context.Context, t *tx, where string, args ...any) error {
	var ids []int64
	if err := t.all(ctx, &ids, `SELECT e.id FROM enrolments AS e WHERE `+where+` ORDER BY e.id`+t.forUpdate(`FOR NO KEY UPDATE`), args...); err != nil {
		return fmt.Errorf("marking enrolments: %w", err)
	}
	return inChunks(ids, func(list string) error {
		_, err := t.exec(ctx, `UPDATE enrolments SET plan_version = plan_version + 1 WHERE id IN (`+list+`)`)
		return err
	})
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
