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
	// Index classes_end, then the enrolments of those classes, then the key (subject, step).
	var alone []enrolmentRow
	if err := t.all(ctx, &alone, `SELECT `+enrolmentColumns+` FROM classes AS cl
		JOIN enrolments AS e ON e.class_id = cl.id JOIN persons AS p ON p.id = e.person_id
		LEFT JOIN buddy_members AS b ON b.enrolment_id = e.id
		WHERE cl.end_date >= $1 AND b.enrolment_id IS NULL AND p.opted_out_at = 0 AND p.erased_at = 0
			AND EXISTS (SELECT 1 FROM messages AS m WHERE m.subject = 'enrolment/' || e.id AND m.step = 'exercise-1' AND m.due_at < $2)
		ORDER BY e.company_id, e.id`, past.String(), ms(near)); err != nil {
		return nil, fmt.Errorf("looking for people without a buddy: %w", err)
	}
	if len(alone) == 0 {
		return nil, nil
	}
	companies := set{}
	for _, e := range alone {
		companies.add(e.CompanyID)
	}
	companyByID, err := findCompanies(ctx, t, companies.ids())
	if err != nil {
		return nil, err
	}
	type member struct {
		memberRow
		CompanyID int64  `db:"company_id"`
		Why       string `db:"why"`
		Left      millis `db:"left_at"`
		End       date   `db:"end_date"`
	}
	members, err := allIn[member](ctx, t, `SELECT b.group_id, b.enrolment_id, b.person_id, b.starter, b.left_at, g.company_id, g.why, cl.end_date
		FROM buddy_groups AS g JOIN buddy_members AS b ON b.group_id = g.id JOIN enrolments AS e ON e.id = b.enrolment_id
		JOIN classes AS cl ON cl.id = e.class_id
		WHERE g.company_id IN (%s) ORDER BY b.group_id, b.enrolment_id`, companies.ids())
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
	byCompany := map[int64]*reminders.PairSubject{}
	var order []int64
	for _, e := range alone {
		subject, ok := byCompany[e.CompanyID]
		if !ok {
			subject = &reminders.PairSubject{Company: companyByID[e.CompanyID], Members: map[int64]reminders.Candidate{}}
			byCompany[e.CompanyID] = subject
			order = append(order, e.CompanyID)
		}
		subject.Candidates = append(subject.Candidates, reminders.Candidate{Enrolment: e.enrolment(), Person: personByID[e.PersonID]})
	}
	together := map[int64][]int64{} // persons, by group
	for _, m := range members {
		subject := byCompany[m.CompanyID]
		for _, other := range together[m.GroupID] {
			subject.Past = append(subject.Past, [2]int64{other, m.PersonID})
		}
		together[m.GroupID] = append(together[m.GroupID], m.PersonID)
		if !running[m.GroupID] || m.Left != 0 {
			continue
		}
		if n := len(subject.Groups); n == 0 || subject.Groups[n-1].ID != m.GroupID {
			subject.Groups = append(subject.Groups, reminders.BuddyGroup{ID: m.GroupID, CompanyID: m.CompanyID, Why: m.Why})
		}
		g := &subject.Groups[len(subject.Groups)-1]
		g.Members = append(g.Members, reminders.BuddyMember{EnrolmentID: m.EnrolmentID, PersonID: m.PersonID, Starter: m.Starter})
		subject.Members[m.EnrolmentID] = reminders.Candidate{Enrolment: enrolmentByID[m.EnrolmentID], Person: personByID[m.PersonID]}
	}
	subjects := make([]reminders.PairSubject, len(order))
	for i, id := range order {
		subjects[i] = *byCompany[id]
	}
	return subjects, nil
}

// SaveGroups stores groups, and members who join groups that exist, and inserts say. ECONFLICT, and
// nothing stored, where somebody is in a group already or a group has changed since it was read.
func (s *Store) SaveGroups(ctx context.Context, now time.Time, groups []reminders.BuddyGroup, say []reminders.Message) error {
	return s.write(ctx, func(t *tx) error {
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
		made := map[int64][]reminders.BuddyMember{}
		for _, g := range groups {
			id, isNew := g.ID, g.ID == 0
			if isNew {
				if err := t.get(ctx, &id, `INSERT INTO buddy_groups (company_id, why, created_at) VALUES ($1, $2, $3) RETURNING id`, g.CompanyID, clean(g.Why), ms(now)); err != nil {
					return fmt.Errorf("making a buddy group: %w", err)
				}
				made[id] = g.Members
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
		n, err := t.insert(ctx, "buddy_members", `enrolment_id, group_id, person_id, starter, joined_at`, &rows, `ON CONFLICT (enrolment_id) DO NOTHING`)
		if err != nil {
			return fmt.Errorf("joining buddy groups: %w", err)
		}
		if n != len(newcomers) {
			return reminders.Errorf(reminders.ECONFLICT, "somebody is in a buddy group already")
		}
		together, err := togetherRows(ctx, t, made)
		if err != nil {
			return err
		}
		for _, m := range append(say, together...) {
			plannedRow(&messages, now, m)
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
