package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"efterkurs/reminders"
)

// CompaniesToPair returns companies with a participant who has no group and whose exercise 1 is near,
// with all that pairing depends on. Groups are of the company, with somebody whose programme is not over.
func (s *Store) CompaniesToPair(ctx context.Context, near time.Time, past reminders.Date) (subjects []reminders.PairSubject, err error) {
	err = s.read(ctx, func(t *tx) error {
		subjects, err = companiesToPair(ctx, t, near, past)
		return err
	})
	return subjects, err
}

func companiesToPair(ctx context.Context, t *tx, near time.Time, past reminders.Date) ([]reminders.PairSubject, error) {
	alone, err := withoutGroup(ctx, t, near, past)
	if err != nil || len(alone) == 0 {
		return nil, err
	}
	companies := set{}
	for _, e := range alone {
		companies.add(e.CompanyID)
	}
	return pairSubjects(ctx, t, companies.ids(), alone, past)
}

// withoutGroup returns the enrolments that are in no group and whose exercise 1 is due before near, by company (index
// classes_end, then the enrolments of those classes, then the key (subject, step)).
func withoutGroup(ctx context.Context, t *tx, near time.Time, past reminders.Date) (alone []enrolmentRow, err error) {
	if err := t.all(ctx, &alone, `SELECT `+enrolmentColumns+` FROM classes AS cl
		JOIN enrolments AS e ON e.class_id = cl.id JOIN persons AS p ON p.id = e.person_id
		WHERE cl.end_date >= $1 AND p.opted_out_at = 0 AND p.erased_at = 0
			AND NOT EXISTS (SELECT 1 FROM buddy_members AS b WHERE b.enrolment_id = e.id AND b.left_at = 0)
			AND EXISTS (SELECT 1 FROM messages AS m WHERE m.subject = 'enrolment/' || e.id AND m.step = 'exercise-1' AND m.due_at < $2)
		ORDER BY e.company_id, e.id`, past.String(), ms(near)); err != nil {
		return nil, fmt.Errorf("looking for people without a buddy: %w", err)
	}
	return alone, nil
}

// pairSubjects returns companies, by id, with what pairing alone in them depends on.
func pairSubjects(ctx context.Context, t *tx, companies []int64, alone []enrolmentRow, past reminders.Date) ([]reminders.PairSubject, error) {
	companyByID, err := findCompanies(ctx, t, companies)
	if err != nil {
		return nil, err
	}
	type member struct {
		memberRow
		CompanyID int64  `db:"company_id"`
		Why       string `db:"why"`
		Published millis `db:"published_at"`
		Left      millis `db:"left_at"`
		End       date   `db:"end_date"`
	}
	members, err := allIn[member](ctx, t, `SELECT b.group_id, b.enrolment_id, b.person_id, b.starter, b.left_at, g.company_id, g.why, g.published_at, cl.end_date
		FROM buddy_groups AS g JOIN buddy_members AS b ON b.group_id = g.id JOIN enrolments AS e ON e.id = b.enrolment_id
		JOIN classes AS cl ON cl.id = e.class_id
		WHERE g.company_id IN (%s) ORDER BY b.group_id, b.enrolment_id`, companies)
	if err != nil {
		return nil, fmt.Errorf("reading buddy groups: %w", err)
	}
	persons, enrolments, running := set{}, set{}, map[int64]bool{}
	for _, m := range members {
		if m.Left == 0 && !reminders.Date(m.End).Before(past) {
			running[m.GroupID] = true
		}
	}
	for _, m := range members {
		if running[m.GroupID] && m.Left == 0 {
			persons.add(m.PersonID)
			enrolments.add(m.EnrolmentID)
		}
	}
	for _, e := range alone {
		persons.add(e.PersonID)
	}
	personByID, err := findPersons(ctx, t, persons.ids())
	if err != nil {
		return nil, err
	}
	enrolmentByID, err := findEnrolments(ctx, t, enrolments.ids())
	if err != nil {
		return nil, err
	}
	subjects := make([]reminders.PairSubject, len(companies))
	byCompany := map[int64]*reminders.PairSubject{}
	slices.Sort(companies)
	for i, id := range companies {
		subjects[i] = reminders.PairSubject{Company: companyByID[id], Members: map[int64]reminders.Candidate{}}
		byCompany[id] = &subjects[i]
	}
	for _, e := range alone {
		subject := byCompany[e.CompanyID]
		subject.Candidates = append(subject.Candidates, reminders.Candidate{Enrolment: e.enrolment(), Person: personByID[e.PersonID]})
	}
	together := map[int64][]int64{} // persons, by group
	for _, m := range members {
		subject := byCompany[m.CompanyID]
		if m.Published != 0 { // who was in one draft only was no pair
			for _, other := range together[m.GroupID] {
				subject.Past = append(subject.Past, [2]int64{other, m.PersonID})
			}
			together[m.GroupID] = append(together[m.GroupID], m.PersonID)
		}
		if !running[m.GroupID] || m.Left != 0 {
			continue
		}
		if n := len(subject.Groups); n == 0 || subject.Groups[n-1].ID != m.GroupID {
			subject.Groups = append(subject.Groups, reminders.BuddyGroup{ID: m.GroupID, CompanyID: m.CompanyID, Why: m.Why, PublishedAt: m.Published.Time()})
		}
		g := &subject.Groups[len(subject.Groups)-1]
		g.Members = append(g.Members, reminders.BuddyMember{EnrolmentID: m.EnrolmentID, PersonID: m.PersonID, Starter: m.Starter})
		subject.Members[m.EnrolmentID] = reminders.Candidate{Enrolment: enrolmentByID[m.EnrolmentID], Person: personByID[m.PersonID]}
	}
	var blocks []blockRow
	if err := t.all(ctx, &blocks, `SELECT person_id, other_id FROM buddy_blocks ORDER BY person_id, other_id`); err != nil {
		return nil, fmt.Errorf("reading who is not to be a buddy of whom: %w", err)
	}
	for i := range subjects {
		for _, b := range blocks {
			subjects[i].Blocked = append(subjects[i].Blocked, [2]int64{b.PersonID, b.OtherID})
		}
	}
	return subjects, nil
}

type blockRow struct {
	PersonID int64 `db:"person_id"`
	OtherID  int64 `db:"other_id"`
}

// SaveGroups stores groups as drafts, and members who join groups that exist, and inserts say. ECONFLICT, and
// nothing stored, where somebody is in a group already or a group has changed since it was read.
func (s *Store) SaveGroups(ctx context.Context, now time.Time, groups []reminders.BuddyGroup, say []reminders.Message) error {
	return s.write(ctx, func(t *tx) error { return saveGroups(ctx, t, now, groups, say) })
}

func saveGroups(ctx context.Context, t *tx, now time.Time, groups []reminders.BuddyGroup, say []reminders.Message) error {
	var joined []int64
	for _, g := range groups {
		if g.ID != 0 {
			joined = append(joined, g.ID)
		}
	}
	if err := t.lock(ctx, "buddy_groups", joined); err != nil {
		return err
	}
	type newcomer struct {
		group int64
		reminders.BuddyMember
	}
	var newcomers []newcomer
	for _, g := range groups {
		id, isNew := g.ID, g.ID == 0
		if isNew {
			if err := t.get(ctx, &id, `INSERT INTO buddy_groups (company_id, why, created_at) VALUES ($1, $2, $3) RETURNING id`, g.CompanyID, clean(g.Why), ms(now)); err != nil {
				return fmt.Errorf("making a buddy group: %w", err)
			}
		} else {
			var n int
			if err := t.get(ctx, &n, `SELECT COUNT(*) FROM buddy_members WHERE group_id = $1 AND left_at = 0`, id); err != nil {
				return fmt.Errorf("counting buddy group %d: %w", id, err)
			}
			if old := slices.DeleteFunc(slices.Clone(g.Members), func(m reminders.BuddyMember) bool { return m.New }); n != len(old) {
				return reminders.Errorf(reminders.ECONFLICT, "buddy group %d has changed", id)
			}
		}
		for _, m := range g.Members {
			if isNew || m.New {
				newcomers = append(newcomers, newcomer{id, m})
			}
		}
	}
	slices.SortFunc(newcomers, func(a, b newcomer) int { return int(a.EnrolmentID - b.EnrolmentID) })
	var rows, messages values
	for _, m := range newcomers {
		rows.add(m.EnrolmentID, m.group, m.PersonID, m.Starter, ms(now))
	}
	n, err := t.insert(ctx, "buddy_members", `enrolment_id, group_id, person_id, starter, joined_at`, &rows, `ON CONFLICT (enrolment_id) WHERE left_at = 0 DO NOTHING`)
	if err != nil {
		return fmt.Errorf("joining buddy groups: %w", err)
	}
	if n != len(newcomers) {
		return reminders.Errorf(reminders.ECONFLICT, "somebody is in a buddy group already")
	}
	for _, m := range say {
		plannedRow(&messages, now, m)
	}
	_, err = t.insert(ctx, "messages", plannedColumns, &messages, `ON CONFLICT (subject, step) DO NOTHING`)
	return err
}

// PublishGroups publishes drafts with somebody whose exercise 1 is due before near (index buddy_groups_drafts).
func (s *Store) PublishGroups(ctx context.Context, now, near time.Time) error {
	const due = `SELECT g.id FROM buddy_groups AS g WHERE g.published_at = 0 AND EXISTS (SELECT 1 FROM buddy_members AS b JOIN messages AS m
		ON m.subject = 'enrolment/' || b.enrolment_id AND m.step = 'exercise-1' WHERE b.group_id = g.id AND b.left_at = 0 AND m.due_at < $1) ORDER BY g.id`
	var ids []int64
	if err := s.peek(ctx, func(t *tx) error { return t.all(ctx, &ids, due, ms(near)) }); err != nil || len(ids) == 0 {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		if err := t.lock(ctx, "buddy_groups", ids); err != nil {
			return err
		}
		if err := t.all(ctx, &ids, due, ms(near)); err != nil { // a consultant may have changed them meanwhile
			return fmt.Errorf("looking for drafts to publish: %w", err)
		}
		return publish(ctx, t, now, ids)
	})
}

// publish makes drafts groups: whoever is asked about their buddy is told now, and a group on Slack gets its conversation.
func publish(ctx context.Context, t *tx, now time.Time, ids []int64) error {
	rows, err := allIn[memberRow](ctx, t, `SELECT b.group_id, b.enrolment_id, b.person_id, b.starter FROM buddy_members AS b
		WHERE b.group_id IN (%s) AND b.left_at = 0 ORDER BY b.group_id, b.enrolment_id`, ids)
	if err != nil {
		return fmt.Errorf("reading drafts to publish: %w", err)
	}
	made := map[int64][]reminders.BuddyMember{}
	for _, r := range rows {
		made[r.GroupID] = append(made[r.GroupID], reminders.BuddyMember{EnrolmentID: r.EnrolmentID, PersonID: r.PersonID, Starter: r.Starter})
	}
	together, err := togetherRows(ctx, t, made)
	if err != nil {
		return err
	}
	if err := inChunks(ids, func(list string) error {
		_, err := t.exec(ctx, `UPDATE buddy_groups SET published_at = $1 WHERE id IN (`+list+`) AND published_at = 0`, ms(now))
		return err
	}); err != nil {
		return fmt.Errorf("publishing buddy groups: %w", err)
	}
	var messages values
	for _, m := range together {
		plannedRow(&messages, now, m)
	}
	_, err = t.insert(ctx, "messages", plannedColumns, &messages, `ON CONFLICT (subject, step) DO NOTHING`)
	return err
}

// LeaveGroups ends the membership of who has said STOP, was erased or is of another company now, and of who is left alone
// by it: the next pairing finds them a group. Those who stay are told, once for each who left.
func (s *Store) LeaveGroups(ctx context.Context, now time.Time, past reminders.Date) error {
	const gone = `SELECT DISTINCT b.group_id FROM buddy_members AS b JOIN persons AS p ON p.id = b.person_id JOIN enrolments AS e ON e.id = b.enrolment_id
		JOIN classes AS cl ON cl.id = e.class_id JOIN buddy_groups AS g ON g.id = b.group_id
		WHERE b.left_at = 0 AND cl.end_date >= $1 AND (p.opted_out_at > 0 OR p.erased_at > 0 OR e.company_id <> g.company_id) ORDER BY b.group_id`
	var ids []int64
	if err := s.peek(ctx, func(t *tx) error { return t.all(ctx, &ids, gone, past.String()) }); err != nil || len(ids) == 0 {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		if err := t.lock(ctx, "buddy_groups", ids); err != nil {
			return err
		}
		type row struct {
			memberRow
			CompanyID int64  `db:"company_id"`
			ClassID   int64  `db:"class_id"`
			Published millis `db:"published_at"`
			Gone      bool   `db:"gone"`
		}
		rows, err := allIn[row](ctx, t, `SELECT b.group_id, b.enrolment_id, b.person_id, b.starter, g.company_id, e.class_id, g.published_at,
				(p.opted_out_at > 0 OR p.erased_at > 0 OR e.company_id <> g.company_id) AS gone
			FROM buddy_members AS b JOIN persons AS p ON p.id = b.person_id JOIN enrolments AS e ON e.id = b.enrolment_id JOIN buddy_groups AS g ON g.id = b.group_id
			WHERE b.group_id IN (%s) AND b.left_at = 0 ORDER BY b.group_id, b.enrolment_id`, ids)
		if err != nil {
			return fmt.Errorf("reading who has left a buddy group: %w", err)
		}
		var leaving []int64
		var messages values
		for group := range slices.Values(ids) {
			var left, stay []row
			for _, r := range rows {
				switch {
				case r.GroupID != group:
				case r.Gone:
					left = append(left, r)
				default:
					stay = append(stay, r)
				}
			}
			for _, r := range left {
				leaving = append(leaving, r.EnrolmentID)
			}
			if len(left) == 0 {
				continue
			}
			if len(stay) == 1 {
				leaving = append(leaving, stay[0].EnrolmentID)
			}
			if len(stay) > 1 && !slices.ContainsFunc(stay, func(r row) bool { return r.Starter }) {
				if _, err := t.exec(ctx, `UPDATE buddy_members SET starter = TRUE WHERE enrolment_id = $1 AND left_at = 0`, stay[0].EnrolmentID); err != nil {
					return fmt.Errorf("naming who starts in buddy group %d: %w", group, err)
				}
			}
			for _, r := range stay {
				if r.Published == 0 {
					continue
				}
				plannedRow(&messages, now, reminders.Message{Subject: reminders.EnrolmentSubject(r.EnrolmentID), Step: fmt.Sprintf("%s-%d", reminders.KindBuddyLeft, left[0].EnrolmentID),
					Kind: reminders.KindBuddyLeft, PersonID: r.PersonID, EnrolmentID: r.EnrolmentID, CompanyID: r.CompanyID, ClassID: r.ClassID, Priority: reminders.PriorityBulk,
					State: reminders.Planned, DueAt: now, RunAt: now, ValidUntil: now.Add(time.Minute)}) // in their next window
			}
		}
		if err := inChunks(leaving, func(list string) error {
			_, err := t.exec(ctx, `UPDATE buddy_members SET left_at = $1 WHERE enrolment_id IN (`+list+`) AND left_at = 0`, ms(now))
			return err
		}); err != nil {
			return fmt.Errorf("leaving buddy groups: %w", err)
		}
		_, err = t.insert(ctx, "messages", plannedColumns, &messages, `ON CONFLICT (subject, step) DO NOTHING`)
		return err
	})
}

// togetherRows are the texts to whole groups, for those made of people who are all on Slack: due with the introduction of
// who starts (the key (subject, step)). Whether they can be written to at once is decided when it is due.
func togetherRows(ctx context.Context, t *tx, made map[int64][]reminders.BuddyMember) (out []reminders.Message, err error) {
	persons := set{}
	for _, members := range made {
		for _, m := range members {
			persons.add(m.PersonID)
		}
	}
	personByID, err := findPersons(ctx, t, persons.ids())
	if err != nil {
		return nil, err
	}
	for id, members := range made {
		starter := slices.IndexFunc(members, func(m reminders.BuddyMember) bool { return m.Starter })
		if starter < 0 || slices.ContainsFunc(members, func(m reminders.BuddyMember) bool {
			channel, _ := personByID[m.PersonID].Address()
			return channel != reminders.Slack
		}) {
			continue
		}
		var introduction []messageRow
		if err := t.all(ctx, &introduction, `SELECT `+messageColumns+` FROM messages AS m WHERE m.subject = $1 AND m.step = $2`,
			reminders.EnrolmentSubject(members[starter].EnrolmentID), reminders.StepBuddy); err != nil {
			return nil, fmt.Errorf("reading the introduction of buddy group %d: %w", id, err)
		}
		for _, r := range introduction {
			m := r.message()
			out = append(out, reminders.Message{Subject: reminders.BuddyGroupSubject(id), Step: string(reminders.KindBuddyGroup), Kind: reminders.KindBuddyGroup,
				PersonID: m.PersonID, EnrolmentID: m.EnrolmentID, CompanyID: m.CompanyID, ClassID: m.ClassID, Priority: m.Priority,
				DueAt: m.DueAt, RunAt: m.RunAt, ValidUntil: m.ValidUntil})
		}
	}
	slices.SortFunc(out, func(a, b reminders.Message) int { return int(a.EnrolmentID - b.EnrolmentID) })
	return out, nil
}

// share writes down whether the others of a buddy group may have a member's number, and returns what is to be said: the numbers,
// to both of each two who agreed, or the question to who was not asked yet. The group is the turnstile: of two who agree at the
// same moment the second sees the first.
func share(ctx context.Context, t *tx, now time.Time, s reminders.Share) (say []reminders.Message, err error) {
	var group []int64
	if err := t.all(ctx, &group, `SELECT group_id FROM buddy_members WHERE enrolment_id = $1 AND left_at = 0`, s.EnrolmentID); err != nil || len(group) == 0 {
		return nil, err
	}
	if err := t.lock(ctx, "buddy_groups", group); err != nil {
		return nil, err
	}
	var at millis
	if s.Yes {
		at = ms(now)
	}
	if _, err := t.exec(ctx, `UPDATE buddy_members SET shared_at = $1 WHERE enrolment_id = $2 AND left_at = 0`, at, s.EnrolmentID); err != nil {
		return nil, fmt.Errorf("noting who may have whose number: %w", err)
	}
	if !s.Yes {
		return nil, nil
	}
	type row struct {
		memberRow
		CompanyID int64  `db:"company_id"`
		ClassID   int64  `db:"class_id"`
		Phone     string `db:"phone"`
		Name      string `db:"name"`
	}
	rows, err := allIn[row](ctx, t, `SELECT b.group_id, b.enrolment_id, b.person_id, b.starter, b.shared_at, e.company_id, e.class_id, p.phone, p.name
		FROM buddy_members AS b JOIN enrolments AS e ON e.id = b.enrolment_id JOIN persons AS p ON p.id = b.person_id
		WHERE b.group_id IN (%s) AND b.left_at = 0 AND p.opted_out_at = 0 AND p.erased_at = 0 ORDER BY b.enrolment_id`, group)
	if err != nil {
		return nil, fmt.Errorf("reading who may have whose number: %w", err)
	}
	self := slices.IndexFunc(rows, func(r row) bool { return r.EnrolmentID == s.EnrolmentID })
	if self < 0 {
		return nil, nil
	}
	to := func(r row) reminders.Message {
		return reminders.Message{Subject: reminders.EnrolmentSubject(r.EnrolmentID), PersonID: r.PersonID, EnrolmentID: r.EnrolmentID, CompanyID: r.CompanyID, ClassID: r.ClassID,
			State: reminders.Planned, DueAt: now, RunAt: now, Params: map[string]string{}}
	}
	for i, r := range rows {
		if i == self || r.Phone == "" || rows[self].Phone == "" {
			continue
		}
		if r.Shared == 0 {
			m := to(r)
			m.Step, m.Kind, m.Priority, m.ValidUntil = fmt.Sprintf("%s-%d", reminders.KindBuddyShare, s.EnrolmentID), reminders.KindBuddyShare, reminders.PriorityBulk, now.Add(time.Minute)
			m.Params["buddy"] = reminders.Person{Name: rows[self].Name}.FirstName()
			say = append(say, m)
			continue
		}
		for _, pair := range [2][2]row{{rows[self], r}, {r, rows[self]}} {
			m := to(pair[0])
			m.Step, m.Kind, m.Priority = fmt.Sprintf("buddy-number-%d", pair[1].EnrolmentID), reminders.KindReply, reminders.PriorityReply
			m.Params["key"], m.Params["of"] = "buddy-number", fmt.Sprint(pair[1].PersonID)
			if pair[0].EnrolmentID != s.EnrolmentID { // they did not write just now: in their next window
				m.Priority, m.ValidUntil = reminders.PriorityBulk, now.Add(time.Minute)
			}
			say = append(say, m)
		}
	}
	return say, nil
}
