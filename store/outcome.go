package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"efterkurs/reminders"
)

const outcomeColumns = `o.visit_id, o.version, o.held, o.met, o.used, o.unused, o.barriers, o.next_contact, o.note, o.tell, o.agreed, o.saved_by, o.saved_at`

type outcomeRow struct {
	VisitID     int64  `db:"visit_id"`
	Version     int    `db:"version"`
	Held        bool   `db:"held"`
	Met         string `db:"met"`
	Used        string `db:"used"`
	Unused      string `db:"unused"`
	Barriers    string `db:"barriers"`
	NextContact date   `db:"next_contact"`
	Note        string `db:"note"`
	Tell        bool   `db:"tell"`
	Agreed      string `db:"agreed"`
	SavedBy     ref    `db:"saved_by"`
	SavedAt     millis `db:"saved_at"`
}

type stepRow struct {
	What string `db:"what"`
	Who  string `db:"who"`
	By   date   `db:"by_date"`
}

// Outcome is what was last saved about a visit; of Version 0 where nothing was.
func (s *Store) Outcome(ctx context.Context, visitID int64) (o reminders.VisitOutcome, err error) {
	err = s.read(ctx, func(t *tx) error {
		o, err = findOutcome(ctx, t, visitID)
		return err
	})
	return o, err
}

func findOutcome(ctx context.Context, t *tx, visitID int64) (o reminders.VisitOutcome, err error) {
	var rows []outcomeRow
	if err := t.all(ctx, &rows, `SELECT `+outcomeColumns+` FROM visit_outcomes AS o WHERE o.visit_id = $1`, visitID); err != nil {
		return o, fmt.Errorf("reading the outcome of visit %d: %w", visitID, err)
	}
	if len(rows) == 0 {
		return reminders.VisitOutcome{VisitID: visitID}, nil
	}
	r := rows[0]
	o = reminders.VisitOutcome{VisitID: r.VisitID, Version: r.Version, Held: r.Held, Met: r.Met, Used: r.Used, Unused: r.Unused, Barriers: fromJSON[[]string](r.Barriers),
		NextContact: reminders.Date(r.NextContact), Note: r.Note, Tell: r.Tell, Agreed: r.Agreed, SavedBy: int64(r.SavedBy), SavedAt: r.SavedAt.Time()}
	var steps []stepRow
	if err := t.all(ctx, &steps, `SELECT s.what, s.who, s.by_date FROM visit_steps AS s WHERE s.visit_id = $1 ORDER BY s.position`, visitID); err != nil {
		return o, fmt.Errorf("reading the steps of visit %d: %w", visitID, err)
	}
	for _, s := range steps {
		o.Steps = append(o.Steps, reminders.AgreedStep{What: s.What, Who: s.Who, By: reminders.Date(s.By)})
	}
	return o, nil
}

// SaveOutcome stores what came of a visit that has begun, over the version that its writer knew, and plans what is said
// of it. One that was not held is without a time again. It returns what is stored then. ECONFLICT, and nothing
// changed, where somebody else saved meanwhile or the visit has not begun; the same words of the same user
// once more are a button pressed twice.
func (s *Store) SaveOutcome(ctx context.Context, now time.Time, o reminders.VisitOutcome, say []reminders.Message) (saved reminders.VisitOutcome, err error) {
	err = s.write(ctx, func(t *tx) error {
		saved, err = saveOutcome(ctx, t, now, o, say)
		return err
	})
	return saved, err
}

func saveOutcome(ctx context.Context, t *tx, now time.Time, o reminders.VisitOutcome, say []reminders.Message) (reminders.VisitOutcome, error) {
	none := reminders.VisitOutcome{}
	// Who saves the same visit waits here, and then finds another version than the one they knew.
	if err := t.lock(ctx, "visits", []int64{o.VisitID}); err != nil {
		return none, err
	}
	visits, err := findVisits(ctx, t, []int64{o.VisitID})
	if err != nil {
		return none, err
	}
	v, ok := visits[o.VisitID]
	if !ok {
		return none, reminders.Errorf(reminders.ENOTFOUND, "there is no visit %d", o.VisitID)
	}
	has, err := findOutcome(ctx, t, o.VisitID)
	switch {
	case err != nil:
		return none, err
	case has.Version == o.Version+1 && has.SavedBy == o.SavedBy && has.Same(o):
		return has, nil
	case has.Version != o.Version:
		return none, reminders.Errorf(reminders.ECONFLICT, "user %d has saved the outcome of visit %d meanwhile", has.SavedBy, o.VisitID)
	case !v.Begun(now):
		return none, reminders.Errorf(reminders.ECONFLICT, "visit %d has not begun", o.VisitID)
	}
	var row values
	row.add(o.VisitID, o.Version+1, o.Held, o.Met, o.Used, o.Unused, toJSON(o.Barriers), dayText(o.NextContact), o.Note, o.Tell, o.Agreed, ref(o.SavedBy), ms(now))
	if _, err := t.insert(ctx, "visit_outcomes", `visit_id, version, held, met, used, unused, barriers, next_contact, note, tell, agreed, saved_by, saved_at`, &row,
		`ON CONFLICT (visit_id) DO UPDATE SET version = excluded.version, held = excluded.held, met = excluded.met, used = excluded.used, unused = excluded.unused,
			barriers = excluded.barriers, next_contact = excluded.next_contact, note = excluded.note, tell = excluded.tell, agreed = excluded.agreed,
			saved_by = excluded.saved_by, saved_at = excluded.saved_at`); err != nil {
		return none, fmt.Errorf("saving the outcome of visit %d: %w", o.VisitID, err)
	}
	if _, err := t.exec(ctx, `DELETE FROM visit_steps WHERE visit_id = $1`, o.VisitID); err != nil {
		return none, fmt.Errorf("replacing the steps of visit %d: %w", o.VisitID, err)
	}
	var steps values
	for i, step := range o.Steps {
		steps.add(o.VisitID, i+1, step.What, step.Who, dayText(step.By))
	}
	if _, err := t.insert(ctx, "visit_steps", `visit_id, position, what, who, by_date`, &steps, ""); err != nil {
		return none, fmt.Errorf("saving the steps of visit %d: %w", o.VisitID, err)
	}
	if err := closeVisit(ctx, t, now, v, o.Held, say); err != nil {
		return none, err
	}
	// A text to the participants that was switched off before it left can be switched on again.
	var messages values
	for _, m := range say {
		plannedRow(&messages, now, m)
	}
	if _, err := t.insert(ctx, "messages", plannedColumns, &messages, `ON CONFLICT (subject, step) DO UPDATE SET state = 'planned', reason = '',
		due_at = excluded.due_at, run_at = excluded.run_at, valid_until = excluded.valid_until, updated_at = excluded.updated_at
		WHERE messages.state = 'skipped' AND messages.reason = 'superseded' AND messages.kind = excluded.kind AND messages.kind IN ('visit-letter', 'visit-agreed', 'visit-followup')`); err != nil {
		return none, fmt.Errorf("planning what follows visit %d: %w", o.VisitID, err)
	}
	return findOutcome(ctx, t, o.VisitID)
}

// closeVisit makes a visit held, or takes its time from it: it is to be proposed anew, or, where nobody can be asked, the
// consultant's to arrange.
func closeVisit(ctx context.Context, t *tx, now time.Time, v reminders.Visit, held bool, say []reminders.Message) error {
	if held {
		_, err := t.exec(ctx, `UPDATE visits SET state = 'held', updated_at = $1 WHERE id = $2 AND state = 'booked'`, ms(now), v.ID)
		return err
	}
	state := reminders.VisitUnplaced
	if len(say) > 0 {
		state = reminders.VisitPlanned
	}
	if _, err := t.exec(ctx, `UPDATE visits SET state = $1, start_at = 0, end_at = 0, slots = '[]', slots_until = 0, round = 0, proposed_at = 0,
		sequence = sequence + 1, updated_at = $2 WHERE id = $3`, state, ms(now), v.ID); err != nil {
		return fmt.Errorf("taking its time from visit %d: %w", v.ID, err)
	}
	if err := freeKeys(ctx, t, now, v); err != nil {
		return err
	}
	return dirty(ctx, t, `e.class_id = $1 AND e.company_id = $2`, v.ClassID, v.CompanyID)
}

// freeKeys gives what was sent about a visit that was not held keys of its own, by the visit's Sequence: the next time that
// is booked is then reminded of, and briefed, as the first one was. What has not left by now never does.
func freeKeys(ctx context.Context, t *tx, now time.Time, v reminders.Visit) error {
	var ids []int64
	if err := t.all(ctx, &ids, `SELECT m.id FROM messages AS m WHERE m.subject = $1 AND m.kind IN ('visit-reminder', 'visit-staff-reminder', 'visit-brief')
		UNION SELECT m.id FROM enrolments AS e JOIN messages AS m ON m.subject = 'enrolment/' || CAST(e.id AS TEXT) AND m.step = 'visit-day'
		WHERE e.class_id = $2 AND e.company_id = $3`, reminders.VisitSubject(v.ID), v.ClassID, v.CompanyID); err != nil {
		return fmt.Errorf("looking for what was sent about visit %d: %w", v.ID, err)
	}
	if err := t.lock(ctx, "messages", ids); err != nil {
		return err
	}
	return inChunks(ids, func(list string) error {
		_, err := t.exec(ctx, `UPDATE messages SET step = step || '-before-' || CAST($1 AS TEXT), reason = CASE state WHEN 'planned' THEN 'superseded' ELSE reason END,
			state = CASE state WHEN 'planned' THEN 'skipped' ELSE state END, updated_at = $2 WHERE id IN (`+list+`) AND step NOT LIKE '%-before-%'`, v.Sequence, ms(now))
		return err
	})
}

// dayText is a day as a column has it; ” for none.
func dayText(d reminders.Date) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}

// AfterVisit is what was sent after a visit and what came back.
func (s *Store) AfterVisit(ctx context.Context, visitID int64) (out reminders.AfterVisit, err error) {
	err = s.read(ctx, func(t *tx) error {
		out = reminders.AfterVisit{}
		var rows []messageRow
		if err := t.all(ctx, &rows, `SELECT `+messageColumns+` FROM messages AS m WHERE m.subject = $1 AND m.step IN ('visit-letter', 'visit-followup')
			UNION ALL SELECT `+messageColumns+` FROM visits AS v JOIN enrolments AS e ON e.class_id = v.class_id AND e.company_id = v.company_id
			JOIN messages AS m ON m.subject = 'enrolment/' || CAST(e.id AS TEXT) AND m.step = 'visit-agreed' WHERE v.id = $2`,
			reminders.VisitSubject(visitID), visitID); err != nil {
			return fmt.Errorf("reading what followed visit %d: %w", visitID, err)
		}
		for _, r := range rows {
			m := r.message()
			switch m.Kind {
			case reminders.KindVisitLetter:
				out.Letter = &m
			case reminders.KindVisitFollowup:
				out.Followup = &m
			default:
				out.Texts = append(out.Texts, m)
			}
		}
		if out.Followup == nil {
			return nil
		}
		var a struct {
			Meaning string `db:"meaning"`
			At      millis `db:"at"`
		}
		err := t.get(ctx, &a, `SELECT a.meaning, a.at FROM answers AS a WHERE a.question_id = $1 AND a.digit <> '' AND a.moved_at = 0
			ORDER BY a.at DESC, a.id DESC LIMIT 1`, out.Followup.ID)
		if coded := notFound(err, "no answer"); reminders.ErrorCode(coded) == reminders.ENOTFOUND {
			return nil
		}
		out.Answer, out.AnsweredAt = a.Meaning, a.At.Time()
		return err
	})
	return out, err
}

// NotYetDone returns, by visit, when a contact said that what was agreed is not done, as long as nobody has written
// anything about the visit since.
func (s *Store) NotYetDone(ctx context.Context) (said map[int64]time.Time, err error) {
	err = s.peek(ctx, func(t *tx) error {
		var rows []struct {
			VisitID int64  `db:"visit_id"`
			At      millis `db:"at"`
		}
		if err := t.all(ctx, &rows, `SELECT o.visit_id, a.at FROM visit_outcomes AS o
			JOIN messages AS m ON m.subject = 'visit/' || CAST(o.visit_id AS TEXT) AND m.step = 'visit-followup'
			JOIN answers AS a ON a.id = (SELECT x.id FROM answers AS x WHERE x.question_id = m.id AND x.digit <> '' AND x.moved_at = 0 ORDER BY x.at DESC, x.id DESC LIMIT 1)
			WHERE a.meaning = 'no' AND a.at > o.saved_at`); err != nil {
			return fmt.Errorf("looking for what is not done: %w", err)
		}
		said = map[int64]time.Time{}
		for _, r := range rows {
			said[r.VisitID] = r.At.Time()
		}
		return nil
	})
	return said, err
}

// forgetOutcomes takes a person's name out of what was written about visits at their companies.
func forgetOutcomes(ctx context.Context, t *tx, id int64, p reminders.Person) error {
	all, err := outcomesNaming(ctx, t, id, p)
	if err != nil {
		return err
	}
	bare := func(text string) string {
		return withoutName(withoutName(text, strings.TrimSpace(p.Name)), p.FirstName())
	}
	for _, o := range all {
		if _, err := t.exec(ctx, `UPDATE visit_outcomes SET met = $1, used = $2, unused = $3, note = $4, agreed = $5, version = version + 1 WHERE visit_id = $6`,
			bare(o.Met), bare(o.Used), bare(o.Unused), bare(o.Note), bare(o.Agreed), o.VisitID); err != nil {
			return fmt.Errorf("taking person %d out of the outcome of visit %d: %w", id, o.VisitID, err)
		}
		for i, step := range o.Steps {
			if _, err := t.exec(ctx, `UPDATE visit_steps SET what = $1, who = $2 WHERE visit_id = $3 AND position = $4`, bare(step.What), bare(step.Who), o.VisitID, i+1); err != nil {
				return fmt.Errorf("taking person %d out of the steps of visit %d: %w", id, o.VisitID, err)
			}
		}
	}
	return nil
}

// outcomesNaming returns the outcomes of visits at a person's companies that name them.
func outcomesNaming(ctx context.Context, t *tx, id int64, p reminders.Person) (out []reminders.VisitOutcome, err error) {
	if p.FirstName() == "" {
		return nil, nil
	}
	var visits []int64
	if err := t.all(ctx, &visits, `SELECT o.visit_id FROM visit_outcomes AS o JOIN visits AS v ON v.id = o.visit_id WHERE v.company_id IN
		(SELECT e.company_id FROM enrolments AS e WHERE e.person_id = $1 UNION SELECT m.company_id FROM messages AS m WHERE m.person_id = $1
		UNION SELECT co.id FROM companies AS co WHERE co.contact_id = $1) ORDER BY o.visit_id`, id); err != nil {
		return nil, fmt.Errorf("looking for visits at companies of person %d: %w", id, err)
	}
	for _, visit := range visits {
		o, err := findOutcome(ctx, t, visit)
		if err != nil {
			return nil, err
		}
		if len(naming(o, p)) > 0 {
			out = append(out, o)
		}
	}
	return out, nil
}

// naming returns the texts of an outcome that name a person.
func naming(o reminders.VisitOutcome, p reminders.Person) (texts []string) {
	all := []string{o.Met, o.Used, o.Unused, o.Note, o.Agreed}
	for _, step := range o.Steps {
		all = append(all, step.What, step.Who)
	}
	for _, text := range all {
		if text != "" && withoutName(text, p.FirstName()) != text {
			texts = append(texts, text)
		}
	}
	return texts
}
