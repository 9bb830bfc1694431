package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"efterkurs/reminders"
)

// Status lists enrolments with everything that was due and what came of it, sorted by company, last
// course day, class and name. It takes ten statements a thousand enrolments.
func (s *Store) Status(ctx context.Context, f reminders.Filter) (out []reminders.EnrolmentStatus, err error) {
	err = s.read(ctx, func(t *tx) error {
		out, err = statuses(ctx, t, f)
		return err
	})
	return out, err
}

func statuses(ctx context.Context, t *tx, f reminders.Filter) ([]reminders.EnrolmentStatus, error) {
	w := where{}
	if f.Company != "" {
		w.add(`co.name_key = ?`, key(clean(f.Company)))
	}
	if f.Class != "" {
		w.add(`cl.name_key = ?`, key(clean(f.Class)))
	}
	if f.ClassID != 0 {
		w.add(`e.class_id = ?`, f.ClassID)
	}
	if f.CompanyID != 0 {
		w.add(`e.company_id = ?`, f.CompanyID)
	}
	if f.PersonID != 0 {
		w.add(`e.person_id = ?`, f.PersonID)
	}
	if f.UserID != 0 {
		// Who stands in for a visit sees what it is about.
		w.add(`(co.consultant_id = ? OR cl.teacher_id = ? OR EXISTS (SELECT 1 FROM visits AS v
			WHERE v.class_id = e.class_id AND v.company_id = e.company_id AND v.consultant_id = ? AND v.state = 'booked'))`, f.UserID)
	}
	var rows []enrolmentRow
	if err := t.all(ctx, &rows, `SELECT `+enrolmentColumns+` FROM enrolments AS e JOIN companies AS co ON co.id = e.company_id
		JOIN classes AS cl ON cl.id = e.class_id `+w.text(), w.args...); err != nil {
		return nil, fmt.Errorf("listing enrolments: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	ids, persons, classes, companies := set{}, set{}, set{}, set{}
	for _, e := range rows {
		ids.add(e.ID)
		persons.add(e.PersonID)
		classes.add(e.ClassID)
		companies.add(e.CompanyID)
	}
	groups, err := groupsOf(ctx, t, ids.ids())
	if err != nil {
		return nil, err
	}
	own := persons.ids()
	for _, g := range groups {
		for _, m := range g {
			persons.add(m.PersonID)
		}
	}
	personByID, err := findPersons(ctx, t, persons.ids())
	if err != nil {
		return nil, err
	}
	classByID, err := findClasses(ctx, t, classes.ids())
	if err != nil {
		return nil, err
	}
	companyByID, err := findCompanies(ctx, t, companies.ids())
	if err != nil {
		return nil, err
	}
	visits, err := visitsOf(ctx, t, classes.ids())
	if err != nil {
		return nil, err
	}
	steps, err := stepsOf(ctx, t, ids.ids())
	if err != nil {
		return nil, err
	}
	lastReply, err := lastReplies(ctx, t, own)
	if err != nil {
		return nil, err
	}
	out := make([]reminders.EnrolmentStatus, len(rows))
	for i, e := range rows {
		st := reminders.EnrolmentStatus{EnrolmentID: e.ID, Person: personByID[e.PersonID], Company: companyByID[e.CompanyID], Class: classByID[e.ClassID],
			Team: e.Team, Goal: e.Goal, Steps: steps[e.ID], Visit: at(visits, pair{e.ClassID, e.CompanyID}), LastReplyAt: lastReply[e.PersonID].Time()}
		for _, m := range groups[e.ID] {
			st.Group = m.GroupID
			if m.EnrolmentID != e.ID {
				st.Buddies = append(st.Buddies, personByID[m.PersonID].Name)
				st.Peers = append(st.Peers, m.EnrolmentID)
			}
		}
		out[i] = st
	}
	slices.SortFunc(out, func(a, b reminders.EnrolmentStatus) int {
		return cmp.Or(cmp.Compare(key(a.Company.Name), key(b.Company.Name)), cmp.Compare(a.Class.End.String(), b.Class.End.String()),
			cmp.Compare(key(a.Class.Name), key(b.Class.Name)), cmp.Compare(key(a.Person.Name), key(b.Person.Name)), cmp.Compare(a.EnrolmentID, b.EnrolmentID))
	})
	return out, nil
}

// stepsOf returns the steps of enrolments by due time, with the answers that count: those written last, and none that
// a person placed elsewhere. What was said back to a reply belongs to an enrolment too, and
// so does a text to a whole buddy group; neither is a step of it.
func stepsOf(ctx context.Context, t *tx, enrolmentIDs []int64) (map[int64][]reminders.StepStatus, error) {
	type row struct {
		EnrolmentID int64  `db:"enrolment_id"`
		ID          int64  `db:"id"`
		Step        string `db:"step"`
		Kind        string `db:"kind"`
		Week        int    `db:"week"`
		DueAt       millis `db:"due_at"`
		RunAt       millis `db:"run_at"`
		State       string `db:"state"`
		Reason      string `db:"reason"`
		SentAt      millis `db:"sent_at"`
		Channel     string `db:"channel"`
		ErrorCode   string `db:"error_code"`
	}
	rows, err := allIn[row](ctx, t, `SELECT m.enrolment_id, m.id, m.step, m.kind, m.week, m.due_at, m.run_at, m.state, m.reason, m.sent_at, m.channel, m.error_code
		FROM messages AS m WHERE m.enrolment_id IN (%s) AND m.kind NOT IN ('reply', 'note', 'buddy-group') ORDER BY m.due_at, m.id`, enrolmentIDs)
	if err != nil {
		return nil, fmt.Errorf("reading steps: %w", err)
	}
	given, err := allIn[answerRow](ctx, t, `SELECT a.question_id, a.digit, a.meaning FROM answers AS a
		WHERE a.enrolment_id IN (%s) AND a.digit <> '' AND a.moved_at = 0 ORDER BY a.at, a.id`, enrolmentIDs)
	if err != nil {
		return nil, fmt.Errorf("reading answers: %w", err)
	}
	answers := make(map[int64]answerRow, len(given))
	for _, a := range given {
		answers[a.QuestionID] = a
	}
	out := map[int64][]reminders.StepStatus{}
	for _, r := range rows {
		out[r.EnrolmentID] = append(out[r.EnrolmentID], reminders.StepStatus{MessageID: r.ID, Step: r.Step, Kind: reminders.Kind(r.Kind), Week: r.Week,
			Due: r.DueAt.Time(), RunAt: r.RunAt.Time(), State: reminders.State(r.State), Reason: r.Reason, SentAt: r.SentAt.Time(),
			Answer: answers[r.ID].Digit, Meaning: answers[r.ID].Meaning, Channel: r.Channel, ErrorCode: r.ErrorCode})
	}
	return out, nil
}

// lastReplies returns when persons last wrote, which their machines do not do for them (index replies_person).
func lastReplies(ctx context.Context, t *tx, personIDs []int64) (map[int64]millis, error) {
	type row struct {
		PersonID int64  `db:"person_id"`
		At       millis `db:"at"`
	}
	rows, err := allIn[row](ctx, t, `SELECT r.person_id, MAX(r.at) AS at FROM replies AS r WHERE r.person_id IN (%s) AND r.kind <> 'auto' GROUP BY r.person_id`, personIDs)
	if err != nil {
		return nil, fmt.Errorf("reading last replies: %w", err)
	}
	out := make(map[int64]millis, len(rows))
	for _, r := range rows {
		out[r.PersonID] = r.At
	}
	return out, nil
}
