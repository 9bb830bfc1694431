package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"efterkurs/reminders"
)

// ChangeVisits makes changes of visits, all of them or none, and plans what is said about them in the same transaction.
//
// The consultants of before and after are locked first, as where a visit is booked. A visit is changed only while it is as
// the change saw it; ECONFLICT where somebody was faster, or where a consultant would be in two places at once.
func (s *Store) ChangeVisits(ctx context.Context, now time.Time, changes ...reminders.VisitChange) error {
	return s.write(ctx, func(t *tx) error { return changeVisits(ctx, t, now, changes, 0) })
}

// ReplaceUser hands everything of one user that is still to come to another: their companies and classes, the visits that
// nobody has a time for yet, and with changes those that are booked. ECONFLICT, and nothing changed, where a booked one is
// left over, because it was booked meanwhile, or where the other has another visit then.
func (s *Store) ReplaceUser(ctx context.Context, now time.Time, oldID, newID int64, changes []reminders.VisitChange) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.lock(ctx, "users", []int64{oldID, newID}); err != nil {
			return err
		}
		if err := changeVisits(ctx, t, now, changes, newID); err != nil {
			return err
		}
		var left int
		if err := t.get(ctx, &left, `SELECT COUNT(*) FROM visits WHERE state = 'booked' AND start_at > $1 AND (consultant_id = $2 OR teacher_id = $2)`, ms(now), oldID); err != nil {
			return fmt.Errorf("looking for visits of user %d: %w", oldID, err)
		}
		if left > 0 {
			return reminders.Errorf(reminders.ECONFLICT, "a visit was booked meanwhile; please try again")
		}
		if err := dirty(ctx, t, `e.company_id IN (SELECT id FROM companies WHERE consultant_id = $1) OR e.class_id IN (SELECT id FROM classes WHERE teacher_id = $1)
			OR EXISTS (SELECT 1 FROM visits AS v WHERE v.class_id = e.class_id AND v.company_id = e.company_id AND (v.consultant_id = $1 OR v.teacher_id = $1))`, oldID); err != nil {
			return err
		}
		for _, statement := range []string{
			`UPDATE visits SET consultant_id = $1, updated_at = $2 WHERE consultant_id = $3 AND state IN ('planned', 'proposed', 'unplaced')`,
			`UPDATE visits SET teacher_id = $1, updated_at = $2 WHERE teacher_id = $3 AND state IN ('planned', 'proposed', 'unplaced')`,
			`UPDATE companies SET consultant_id = $1, updated_at = $2 WHERE consultant_id = $3`,
			`UPDATE classes SET teacher_id = $1, updated_at = $2 WHERE teacher_id = $3`,
		} {
			if _, err := t.exec(ctx, statement, newID, ms(now), oldID); err != nil {
				return fmt.Errorf("replacing user %d: %w", oldID, err)
			}
		}
		return nil
	})
}

// changeVisits also locks user, if it is not 0.
func changeVisits(ctx context.Context, t *tx, now time.Time, changes []reminders.VisitChange, user int64) error {
	users, ids := set{}, make([]int64, len(changes))
	users.add(user)
	for i, c := range changes {
		ids[i] = c.Before.ID
		users.add(c.Before.ConsultantID)
		users.add(c.After.ConsultantID)
	}
	if err := t.lock(ctx, "users", users.ids()); err != nil {
		return err
	}
	if err := t.lock(ctx, "visits", ids); err != nil {
		return err
	}
	for _, c := range changes {
		if err := changeVisit(ctx, t, now, c); err != nil {
			return err
		}
	}
	var say values
	for _, c := range changes {
		if err := unclashed(ctx, t, c.After); err != nil { // after all of them: two visits may trade places
			return err
		}
		if err := dirty(ctx, t, `e.class_id = $1 AND e.company_id = $2`, c.After.ClassID, c.After.CompanyID); err != nil {
			return err
		}
		if c.After.State != c.Before.State || c.After.Round != c.Before.Round {
			if err := dropProposals(ctx, t, now, c.After.ClassID, c.After.CompanyID); err != nil {
				return err
			}
		}
		for _, m := range c.Say {
			plannedRow(&say, now, m)
		}
	}
	if _, err := t.insert(ctx, "messages", plannedColumns, &say, `ON CONFLICT (subject, step) DO NOTHING`); err != nil {
		return fmt.Errorf("planning what is said about visits: %w", err)
	}
	return nil
}

func changeVisit(ctx context.Context, t *tx, now time.Time, c reminders.VisitChange) error {
	before, after := c.Before, c.After
	slots, last := slotsJSON(after.Slots)
	n, err := t.exec(ctx, `UPDATE visits SET state = $1, consultant_id = NULLIF($2, 0), teacher_id = NULLIF($3, 0), slots = $4, slots_until = $5, round = $6,
			proposed_at = $7, start_at = $8, end_at = $9, why = $10, sequence = $11, updated_at = $12
		WHERE id = $13 AND sequence = $14 AND state = $15 AND round = $16 AND COALESCE(consultant_id, 0) = $17`,
		after.State, after.ConsultantID, after.TeacherID, slots, last, after.Round, ms(after.ProposedAt), ms(after.Start), ms(after.End), clean(after.Why), after.Sequence, ms(now),
		before.ID, before.Sequence, before.State, before.Round, before.ConsultantID)
	if err != nil {
		return fmt.Errorf("changing visit %d: %w", before.ID, err)
	}
	if n == 0 {
		return reminders.Errorf(reminders.ECONFLICT, "visit %d was changed by somebody else meanwhile", before.ID)
	}
	return nil
}

// unclashed is ECONFLICT where a visit is booked while its consultant has another one (index visits_consultant).
func unclashed(ctx context.Context, t *tx, v reminders.Visit) error {
	if v.State != reminders.VisitBooked || v.ConsultantID == 0 {
		return nil
	}
	var overlapping int
	if err := t.get(ctx, &overlapping, `SELECT COUNT(*) FROM visits WHERE consultant_id = $1 AND id <> $2 AND state = 'booked' AND start_at < $3 AND end_at > $4`,
		v.ConsultantID, v.ID, ms(v.End), ms(v.Start)); err != nil {
		return fmt.Errorf("looking for a clash with visit %d: %w", v.ID, err)
	}
	if overlapping > 0 {
		return reminders.Errorf(reminders.ECONFLICT, "the consultant has another visit at the time of visit %d", v.ID)
	}
	return nil
}

// RenewCalendar gives a user's feed another address; the old one is nobody's at once. ENOTFOUND where there is no such user.
func (s *Store) RenewCalendar(ctx context.Context, now time.Time, email string) (user reminders.User, err error) {
	err = s.write(ctx, func(t *tx) error {
		var r userRow
		if err := t.get(ctx, &r, `UPDATE users SET calendar_token = $1, updated_at = $2 WHERE email = $3
			RETURNING id, email, name, role, language, password_hash, calendar_token, disabled_at`,
			randomHex(32), ms(now), strings.ToLower(strings.TrimSpace(clean(email)))); err != nil {
			return notFound(err, "there is no user %s", email)
		}
		user = r.user()
		return nil
	})
	return user, err
}
