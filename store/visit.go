package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"efterkurs/reminders"
)

// Busy returns when a consultant is taken (index visits_consultant): visits booked, and slots that were
// proposed to other companies and may still be chosen.
func (s *Store) Busy(ctx context.Context, consultantID, exceptVisitID int64, within reminders.Span) (busy []reminders.Span, err error) {
	err = s.peek(ctx, func(t *tx) error {
		var rows []visitRow
		if err := t.all(ctx, &rows, `SELECT `+visitColumns+` FROM visits AS v WHERE v.consultant_id = $1 AND v.id <> $2
			AND (v.state IN ('booked', 'held') AND v.start_at < $3 AND v.end_at > $4 OR v.state = 'proposed')`,
			consultantID, exceptVisitID, ms(within.To), ms(within.From)); err != nil {
			return fmt.Errorf("reading the diary of user %d: %w", consultantID, err)
		}
		for _, r := range rows {
			v := r.visit()
			if v.State != reminders.VisitProposed {
				busy = append(busy, reminders.Span{From: v.Start, To: v.End})
				continue
			}
			for _, slot := range v.Slots {
				if span := (reminders.Span{From: slot, To: slot.Add(reminders.VisitLength)}); span.Overlaps(within) {
					busy = append(busy, span)
				}
			}
		}
		return nil
	})
	return busy, err
}

// ProposeVisit replaces Slots, Round, State and ProposedAt of a visit that is not booked yet; ECONFLICT else.
func (s *Store) ProposeVisit(ctx context.Context, now time.Time, visit reminders.Visit) error {
	return s.write(ctx, func(t *tx) error { return proposeVisit(ctx, t, now, visit) })
}

func proposeVisit(ctx context.Context, t *tx, now time.Time, v reminders.Visit) error {
	text, last := slotsJSON(v.Slots)
	n, err := t.exec(ctx, `UPDATE visits SET slots = $1, slots_until = $2, round = $3, state = $4, proposed_at = $5, updated_at = $6
		WHERE id = $7 AND state IN ('planned', 'proposed', 'unplaced')`, text, last, v.Round, v.State, ms(v.ProposedAt), ms(now), v.ID)
	if err != nil {
		return fmt.Errorf("proposing visit %d: %w", v.ID, err)
	}
	if n == 0 {
		return reminders.Errorf(reminders.ECONFLICT, "visit %d is booked, over or called off", v.ID)
	}
	return nil
}

// CloseVisits moves on visits whose time has passed (index visits_open).
func (s *Store) CloseVisits(ctx context.Context, now time.Time) (closed int, err error) {
	err = s.write(ctx, func(t *tx) error {
		closed, err = t.exec(ctx, `UPDATE visits SET state = CASE state WHEN 'booked' THEN 'held' ELSE 'unplaced' END, updated_at = $1
			WHERE state = 'booked' AND end_at <= $1 OR state = 'proposed' AND slots_until <= $1`, ms(now))
		return err
	})
	return closed, err
}

// book books a visit for a reply's sender. Its consultant's row is locked first, so that two bookings of
// one consultant look for each other one after the other; on SQLite they are the only writer anyway.
// ECONFLICT where the consultant has another visit then, or the visit can no longer be booked.
func book(ctx context.Context, t *tx, now time.Time, b reminders.Booking) error {
	var consultant ref
	if err := t.get(ctx, &consultant, `SELECT consultant_id FROM visits WHERE id = $1`, b.VisitID); err != nil {
		return notFound(err, "there is no visit %d", b.VisitID)
	}
	if err := t.lock(ctx, "users", []int64{int64(consultant)}); err != nil {
		return err
	}
	wanted := reminders.Visit{ID: b.VisitID, ConsultantID: int64(consultant), State: reminders.VisitBooked, Start: b.Span.From, End: b.Span.To}
	if err := unclashed(ctx, t, wanted); err != nil {
		return err
	}
	var p struct {
		ClassID   int64 `db:"class_id"`
		CompanyID int64 `db:"company_id"`
	}
	err := t.get(ctx, &p, `UPDATE visits SET state = 'booked', start_at = $1, end_at = $2, sequence = sequence + 1, updated_at = $3
		WHERE id = $4 AND state IN ('planned', 'proposed', 'unplaced', 'booked') RETURNING class_id, company_id`,
		ms(b.Span.From), ms(b.Span.To), ms(now), b.VisitID)
	if coded := notFound(err, ""); coded != nil {
		if reminders.ErrorCode(coded) == reminders.ENOTFOUND {
			return reminders.Errorf(reminders.ECONFLICT, "visit %d is over or called off", b.VisitID)
		}
		return fmt.Errorf("booking visit %d: %w", b.VisitID, err)
	}
	if err := dirty(ctx, t, `e.class_id = $1 AND e.company_id = $2`, p.ClassID, p.CompanyID); err != nil {
		return err
	}
	return dropProposals(ctx, t, now, p.ClassID, p.CompanyID)
}

// dropProposals takes back the programme's own proposal of a visit, and its reminder, where the visit is past them.
func dropProposals(ctx context.Context, t *tx, now time.Time, classID, companyID int64) error {
	_, err := t.exec(ctx, `UPDATE messages SET state = 'skipped', reason = 'superseded', updated_at = $1
		WHERE subject = $2 AND step IN ('visit-proposal', 'visit-proposal-again') AND state = 'planned'`, ms(now), reminders.CompanySubject(classID, companyID))
	return err
}

// Visits lists visits, by start and by earliest day where they have none.
func (s *Store) Visits(ctx context.Context, f reminders.VisitFilter) (visits []reminders.Visit, err error) {
	w := where{}
	if f.UserID != 0 {
		w.add(`(v.consultant_id = ? OR v.teacher_id = ?)`, f.UserID)
	}
	if !f.From.IsZero() {
		w.add(`v.start_at >= ?`, ms(f.From))
	}
	if !f.To.IsZero() {
		w.add(`v.start_at < ?`, ms(f.To))
		w.add(`v.start_at > ?`, 0)
	}
	if f.CompanyID != 0 {
		w.add(`v.company_id = ?`, f.CompanyID)
	}
	if f.ClassID != 0 {
		w.add(`v.class_id = ?`, f.ClassID)
	}
	w.in(`v.state`, f.States)
	most := ""
	if f.Limit > 0 {
		most = ` LIMIT ` + strconv.Itoa(f.Limit)
	}
	err = s.peek(ctx, func(t *tx) error {
		var rows []visitRow
		if err := t.all(ctx, &rows, `SELECT `+visitColumns+` FROM visits AS v `+w.text()+`
			ORDER BY CASE WHEN v.start_at = 0 THEN 1 ELSE 0 END, v.start_at, v.earliest, v.id`+most, w.args...); err != nil {
			return fmt.Errorf("listing visits: %w", err)
		}
		for _, r := range rows {
			visits = append(visits, r.visit())
		}
		return nil
	})
	return visits, err
}

// Visit returns one visit; ENOTFOUND where there is none.
func (s *Store) Visit(ctx context.Context, id int64) (visit reminders.Visit, err error) {
	err = s.peek(ctx, func(t *tx) error {
		var r visitRow
		if err := t.get(ctx, &r, `SELECT `+visitColumns+` FROM visits AS v WHERE v.id = $1`, id); err != nil {
			return notFound(err, "there is no visit %d", id)
		}
		visit = r.visit()
		return nil
	})
	return visit, err
}

// where collects conditions. In each, ? is its own argument, however often it stands there.
type where struct {
	conditions []string
	args       []any
}

func (w *where) add(condition string, arg any) {
	w.args = append(w.args, arg)
	w.conditions = append(w.conditions, strings.ReplaceAll(condition, "?", "$"+strconv.Itoa(len(w.args))))
}

func (w *where) in(column string, texts []string) {
	if len(texts) == 0 {
		return
	}
	list := make([]string, len(texts))
	for i, text := range texts {
		w.args = append(w.args, text)
		list[i] = "$" + strconv.Itoa(len(w.args))
	}
	w.conditions = append(w.conditions, column+" IN ("+strings.Join(list, ",")+")")
}

func (w *where) text() string {
	if len(w.conditions) == 0 {
		return ""
	}
	return "WHERE " + strings.Join(w.conditions, " AND ")
}

// limit is n where it is between 1 and 1000, else 1000.
func limit(n int) int {
	if n < 1 || n > 1000 {
		return 1000
	}
	return n
}
