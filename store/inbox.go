package store

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"efterkurs/reminders"
)

// sees is the condition, on a reply r, that viewer may read it. Nobody's are everybody's: they belong to nobody
// else. What sounds like trouble is for the consultant alone.
func sees(v reminders.Viewer) string {
	if v.All {
		return `TRUE`
	}
	id, taught := itoa(v.UserID), `r.kind <> 'trouble'`
	nobodys := `r.person_id IS NULL`
	if v.Role == reminders.Teacher {
		nobodys += ` AND ` + taught
	}
	return `(` + nobodys + `
		OR EXISTS (SELECT 1 FROM enrolments AS e JOIN companies AS co ON co.id = e.company_id JOIN classes AS cl ON cl.id = e.class_id
			WHERE e.person_id = r.person_id AND (co.consultant_id = ` + id + ` OR cl.teacher_id = ` + id + ` AND ` + taught + `))
		OR EXISTS (SELECT 1 FROM companies AS co WHERE co.contact_id = r.person_id AND (co.consultant_id = ` + id + ` OR ` + taught + ` AND EXISTS
			(SELECT 1 FROM enrolments AS e JOIN classes AS cl ON cl.id = e.class_id WHERE e.company_id = co.id AND cl.teacher_id = ` + id + `))))`
}

// ofConsultant is the condition, on a reply r, that its sender is of a company whose consultant is user.
func ofConsultant(user string) string {
	return `(EXISTS (SELECT 1 FROM enrolments AS e JOIN companies AS co ON co.id = e.company_id WHERE e.person_id = r.person_id AND co.consultant_id ` + user + `)
		OR EXISTS (SELECT 1 FROM companies AS co WHERE co.contact_id = r.person_id AND co.consultant_id ` + user + `))`
}

// owns is the condition, on a reply r that nobody has taken, that it is the viewer's to answer.
func owns(v reminders.Viewer) string {
	switch v.Role {
	case reminders.Teacher:
		return `FALSE`
	case reminders.Admin: // also what would otherwise be on nobody's list
		return `(r.person_id IS NULL OR ` + ofConsultant(`= `+itoa(v.UserID)) + ` OR NOT ` + ofConsultant(`IS NOT NULL`) + `)`
	}
	return `(r.person_id IS NULL OR ` + ofConsultant(`= `+itoa(v.UserID)) + `)`
}

// waiting selects the conversations that wait, one row each (index replies_inbox). who took one reply of a conversation has it whole.
func waiting(v reminders.Viewer, having ...string) string {
	return `SELECT w.person_id, MIN(w.id) AS first_id, MAX(w.id) AS last_id, MIN(w.at) AS since, MAX(w.urgent) AS urgent, COUNT(*) AS n, MAX(w.assigned) AS assigned,
			MAX(CASE WHEN w.assigned = ` + itoa(v.UserID) + ` THEN 1 ELSE 0 END) AS taken, MAX(w.own) AS own
		FROM (SELECT r.id, r.at, COALESCE(r.person_id, 0) AS person_id, CASE WHEN r.urgent THEN 1 ELSE 0 END AS urgent, COALESCE(r.assigned_id, 0) AS assigned,
				CASE WHEN r.person_id IS NULL THEN r.channel ELSE '' END AS channel, CASE WHEN r.person_id IS NULL THEN r.from_address ELSE '' END AS address,
				CASE WHEN ` + owns(v) + ` THEN 1 ELSE 0 END AS own
			FROM replies AS r WHERE r.state = 'inbox' AND ` + sees(v) + `) AS w
		GROUP BY w.person_id, w.channel, w.address` + and(` HAVING `, having)
}

// isMine is the condition, on a group of waiting, that its conversation is the viewer's.
func isMine(v reminders.Viewer) string {
	return `(MAX(w.assigned) = ` + itoa(v.UserID) + ` OR MAX(w.assigned) = 0 AND MAX(w.own) = 1)`
}

func and(begin string, conditions []string) string {
	if len(conditions) == 0 {
		return ""
	}
	return begin + strings.Join(conditions, ` AND `)
}

type talkRow struct {
	PersonID int64  `db:"person_id"`
	First    int64  `db:"first_id"`
	Last     int64  `db:"last_id"`
	Since    millis `db:"since"`
	Urgent   int    `db:"urgent"`
	N        int    `db:"n"`
	Assigned int64  `db:"assigned"`
	Taken    int    `db:"taken"`
	Own      int    `db:"own"`
}

// Talks lists conversations, a page at a time: of those that wait the urgent first, then whoever has waited longest.
func (s *Store) Talks(ctx context.Context, f reminders.TalkFilter) (talks []reminders.Talk, err error) {
	err = s.read(ctx, func(t *tx) error {
		talks = nil
		if f.View == reminders.TalksHandled {
			talks, err = handledTalks(ctx, t, f)
			return err
		}
		var having []string
		if f.View == reminders.TalksMine {
			having = append(having, isMine(f.Viewer))
		}
		if urgent, first, ok := cursor(f.After); ok {
			having = append(having, fmt.Sprintf(`(MAX(w.urgent) < %d OR MAX(w.urgent) = %d AND MIN(w.id) > %d)`, urgent, urgent, first))
		}
		var rows []talkRow
		if err := t.all(ctx, &rows, waiting(f.Viewer, having...)+` ORDER BY MAX(w.urgent) DESC, MIN(w.id) LIMIT `+strconv.Itoa(limit(f.Limit))); err != nil {
			return fmt.Errorf("listing what waits for a person: %w", err)
		}
		talks, err = talksOf(ctx, t, rows)
		return err
	})
	return talks, err
}

// CountTalks says how many conversations wait for the viewer, and how many of all that the viewer sees.
func (s *Store) CountTalks(ctx context.Context, v reminders.Viewer) (mine, all int, err error) {
	err = s.peek(ctx, func(t *tx) error {
		var row struct {
			All  int `db:"n"`
			Mine int `db:"mine"`
		}
		if err := t.get(ctx, &row, `SELECT COUNT(*) AS n, COALESCE(SUM(CASE WHEN g.assigned = `+itoa(v.UserID)+` OR g.assigned = 0 AND g.own = 1 THEN 1 ELSE 0 END), 0) AS mine
			FROM (`+waiting(v)+`) AS g`); err != nil {
			return fmt.Errorf("counting what waits for a person: %w", err)
		}
		mine, all = row.Mine, row.All
		return nil
	})
	return mine, all, err
}

// cursor reads the two numbers of a Talk's Cursor.
func cursor(text string) (a, b int64, ok bool) {
	left, right, _ := strings.Cut(text, "-")
	a, errA := strconv.ParseInt(left, 10, 64)
	b, errB := strconv.ParseInt(right, 10, 64)
	return a, b, errA == nil && errB == nil
}

// handledTalks lists what persons dealt with, a conversation once, at its latest, unless something waits in it
// (indexes replies_dealt, replies_person, replies_nobody).
func handledTalks(ctx context.Context, t *tx, f reminders.TalkFilter) ([]reminders.Talk, error) {
	at, id, ok := cursor(f.After)
	if !ok {
		at, id = math.MaxInt64, math.MaxInt64
	}
	const later = `(o.state = 'inbox' OR o.state = 'handled' AND o.assigned_id IS NOT NULL AND (o.handled_at, o.id) > (r.handled_at, r.id))`
	var rows []struct {
		talkRow
		HandledAt int64 `db:"handled_at"`
	}
	if err := t.all(ctx, &rows, `SELECT COALESCE(r.person_id, 0) AS person_id, r.id AS first_id, r.id AS last_id, r.at AS since, 0 AS urgent, 0 AS n, r.assigned_id AS assigned,
			0 AS taken, 0 AS own, r.handled_at
		FROM replies AS r LEFT JOIN persons AS p ON p.id = r.person_id
		WHERE r.state = 'handled' AND r.assigned_id IS NOT NULL AND (r.handled_at, r.id) < ($1, $2) AND COALESCE(p.erased_at, 0) = 0 AND `+sees(f.Viewer)+`
			AND NOT EXISTS (SELECT 1 FROM replies AS o WHERE o.person_id = r.person_id AND `+later+`)
			AND NOT EXISTS (SELECT 1 FROM replies AS o WHERE r.person_id IS NULL AND o.person_id IS NULL AND o.channel = r.channel AND o.from_address = r.from_address AND `+later+`)
		ORDER BY r.handled_at DESC, r.id DESC LIMIT $3`, at, id, limit(f.Limit)); err != nil {
		return nil, fmt.Errorf("listing what persons dealt with: %w", err)
	}
	plain := make([]talkRow, len(rows))
	for i, r := range rows {
		plain[i] = r.talkRow
	}
	talks, err := talksOf(ctx, t, plain)
	for i := range talks {
		talks[i].Cursor = fmt.Sprintf("%d-%d", rows[i].HandledAt, rows[i].Last)
	}
	return talks, err
}

// talksOf adds to rows what they are about, in their order.
func talksOf(ctx context.Context, t *tx, rows []talkRow) ([]reminders.Talk, error) {
	replyIDs, persons, users := set{}, set{}, set{}
	for _, r := range rows {
		replyIDs.add(r.Last)
		persons.add(r.PersonID)
		users.add(r.Assigned)
	}
	replyByID, err := byID(ctx, t, `SELECT `+replyColumns+` FROM replies AS r WHERE r.id IN (%s)`, replyIDs.ids(), func(r replyRow) (int64, reminders.Reply) { return r.ID, r.reply() })
	if err != nil {
		return nil, fmt.Errorf("reading replies: %w", err)
	}
	personByID, err := findPersons(ctx, t, persons.ids())
	if err != nil {
		return nil, err
	}
	employers, err := employersOf(ctx, t, persons.ids())
	if err != nil {
		return nil, err
	}
	for _, c := range employers {
		users.add(c.ConsultantID)
	}
	userByID, err := findUsers(ctx, t, users.ids())
	if err != nil {
		return nil, err
	}
	out := make([]reminders.Talk, len(rows))
	for i, r := range rows {
		company := employers[r.PersonID]
		out[i] = reminders.Talk{Reply: replyByID[r.Last], Person: at(personByID, r.PersonID), Company: company.Name, Urgent: r.Urgent == 1, Waiting: r.N, Since: r.Since.Time(),
			Owner: at(userByID, cmp.Or(r.Assigned, company.ConsultantID)), Taken: r.Assigned != 0, Cursor: fmt.Sprintf("%d-%d", r.Urgent, r.First)}
	}
	return out, nil
}

// employersOf returns the company of each person: that of their newest class, else one whose contact they are.
func employersOf(ctx context.Context, t *tx, personIDs []int64) (map[int64]reminders.Company, error) {
	type row struct {
		PersonID  int64 `db:"of_person"`
		CompanyID int64 `db:"company_id"`
	}
	rows, err := allIn[row](ctx, t, `SELECT co.contact_id AS of_person, co.id AS company_id FROM companies AS co WHERE co.contact_id IN (%s) ORDER BY co.id DESC`, personIDs)
	if err != nil {
		return nil, fmt.Errorf("reading companies of contacts: %w", err)
	}
	enrolled, err := allIn[row](ctx, t, `SELECT e.person_id AS of_person, e.company_id FROM enrolments AS e JOIN classes AS cl ON cl.id = e.class_id
		WHERE e.person_id IN (%s) ORDER BY cl.end_date, e.id`, personIDs)
	if err != nil {
		return nil, fmt.Errorf("reading companies of participants: %w", err)
	}
	of, ids := map[int64]int64{}, set{}
	for _, r := range slices.Concat(rows, enrolled) { // the last one counts
		of[r.PersonID] = r.CompanyID
		ids.add(r.CompanyID)
	}
	companies, err := findCompanies(ctx, t, ids.ids())
	if err != nil {
		return nil, err
	}
	out := map[int64]reminders.Company{}
	for person, company := range of {
		out[person] = companies[company]
	}
	return out, nil
}
