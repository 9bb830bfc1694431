package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"efterkurs/reminders"
)

// Agenda returns what decides when the visit's consultant can be at its company (index visits_consultant): the other visits
// that are booked, slots that were proposed to other companies and may still be chosen, and the rest of what is within.
func (s *Store) Agenda(ctx context.Context, v reminders.Visit, within reminders.Span) (a reminders.Agenda, err error) {
	err = s.peek(ctx, func(t *tx) error {
		a, err = findAgenda(ctx, t, v, within)
		return err
	})
	return a, err
}

func findAgenda(ctx context.Context, t *tx, v reminders.Visit, within reminders.Span) (a reminders.Agenda, err error) {
	var place struct {
		Hours    string `db:"hours"`
		Home     string `db:"home"`
		Postcode string `db:"postcode"`
	}
	if err := t.get(ctx, &place, `SELECT u.hours, u.postcode AS home, co.postcode FROM users AS u, companies AS co WHERE u.id = $1 AND co.id = $2`,
		v.ConsultantID, v.CompanyID); err != nil {
		return a, notFound(err, "there is no user %d or no company %d", v.ConsultantID, v.CompanyID)
	}
	if a.Hours, err = reminders.ParseHours(place.Hours); err != nil {
		return a, fmt.Errorf("reading the hours of user %d: %w", v.ConsultantID, err)
	}
	a.Home, a.Postcode = place.Home, place.Postcode
	var rows []struct {
		visitRow
		Postcode string `db:"postcode"`
	}
	if err := t.all(ctx, &rows, `SELECT `+visitColumns+`, co.postcode FROM visits AS v JOIN companies AS co ON co.id = v.company_id
		WHERE v.consultant_id = $1 AND v.id <> $2 AND (v.state IN ('booked', 'held') AND v.start_at < $3 AND v.end_at > $4 OR v.state = 'proposed')
		ORDER BY v.start_at, v.id`, v.ConsultantID, v.ID, ms(within.To), ms(within.From)); err != nil {
		return a, fmt.Errorf("reading the visits of user %d: %w", v.ConsultantID, err)
	}
	for _, r := range rows {
		other := r.visit()
		if other.State != reminders.VisitProposed {
			a.Visits = append(a.Visits, reminders.AgendaVisit{Span: reminders.Span{From: other.Start, To: other.End}, Postcode: r.Postcode})
			continue
		}
		for _, slot := range other.Slots {
			if span := (reminders.Span{From: slot, To: slot.Add(reminders.VisitLength)}); span.Overlaps(within) {
				a.Visits = append(a.Visits, reminders.AgendaVisit{Span: span, Postcode: r.Postcode, Proposed: true})
			}
		}
	}
	var busy []struct {
		From millis `db:"from_at"`
		To   millis `db:"to_at"`
	}
	if err := t.all(ctx, &busy, `SELECT from_at, to_at FROM busy WHERE user_id = $1 AND from_at < $2 AND to_at > $3 ORDER BY from_at, to_at`,
		v.ConsultantID, ms(within.To), ms(within.From)); err != nil {
		return a, fmt.Errorf("reading when user %d is taken: %w", v.ConsultantID, err)
	}
	for _, b := range busy {
		a.Busy = append(a.Busy, reminders.Span{From: b.From.Time(), To: b.To.Time()})
	}
	if err := t.all(ctx, &a.Shifts, `SELECT p.shift FROM enrolments AS e JOIN persons AS p ON p.id = e.person_id
		WHERE e.class_id = $1 AND e.company_id = $2 ORDER BY e.id`, v.ClassID, v.CompanyID); err != nil {
		return a, fmt.Errorf("reading the shifts of visit %d: %w", v.ID, err)
	}
	return a, nil
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
// ECONFLICT where the consultant has another visit then or two that day, where there is no time for the drive between two, or where
// the visit can no longer be booked. What was proposed to other companies does not count: who answers first has the time.
func book(ctx context.Context, t *tx, now time.Time, b reminders.Booking) error {
	var r visitRow
	if err := t.get(ctx, &r, `SELECT `+visitColumns+` FROM visits AS v WHERE v.id = $1`, b.VisitID); err != nil {
		return notFound(err, "there is no visit %d", b.VisitID)
	}
	if r.ConsultantID != 0 {
		if err := t.lock(ctx, "users", []int64{int64(r.ConsultantID)}); err != nil {
			return err
		}
		on := reminders.DateOf(b.Span.From.In(t.s.loc))
		day := reminders.Span{From: on.At(0, t.s.loc), To: on.AddDays(1).At(0, t.s.loc)}
		agenda, err := findAgenda(ctx, t, r.visit(), reminders.Span{From: day.From.AddDate(0, 0, -1), To: day.To.AddDate(0, 0, 1)})
		if err != nil {
			return err
		}
		if !agenda.Bookable(b.Span, day) {
			return reminders.Errorf(reminders.ECONFLICT, "the consultant has another visit then, or two that day, or cannot drive there in time")
		}
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
