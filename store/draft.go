package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"efterkurs/reminders"
)

// Drafts returns what is drafted about the buddies of companies, by company, with who is near and has no group. A viewer
// who is not 0 sees their own companies, and those with people on their classes; near and past as in CompaniesToPair.
func (s *Store) Drafts(ctx context.Context, viewer int64, near time.Time, past reminders.Date) (drafts []reminders.Draft, err error) {
	err = s.read(ctx, func(t *tx) error {
		drafts, err = findDrafts(ctx, t, 0, viewer, near, past)
		return err
	})
	return drafts, err
}

// findDrafts are those of one company, or with 0 of all that viewer sees.
func findDrafts(ctx context.Context, t *tx, companyID, viewer int64, near time.Time, past reminders.Date) ([]reminders.Draft, error) {
	var companies []int64
	if err := t.all(ctx, &companies, `SELECT DISTINCT g.company_id FROM buddy_groups AS g JOIN companies AS co ON co.id = g.company_id
		WHERE g.published_at = 0 AND ($1 = 0 OR g.company_id = $1) AND EXISTS (SELECT 1 FROM buddy_members AS b JOIN enrolments AS e ON e.id = b.enrolment_id
			JOIN classes AS cl ON cl.id = e.class_id WHERE b.group_id = g.id AND b.left_at = 0 AND ($2 = 0 OR co.consultant_id = $2 OR cl.teacher_id = $2))
		ORDER BY g.company_id`, companyID, viewer); err != nil {
		return nil, fmt.Errorf("looking for drafts of buddies: %w", err)
	}
	if len(companies) == 0 {
		return nil, nil
	}
	alone, err := withoutGroup(ctx, t, near, past)
	if err != nil {
		return nil, err
	}
	alone = slices.DeleteFunc(alone, func(e enrolmentRow) bool { return !slices.Contains(companies, e.CompanyID) })
	subjects, err := pairSubjects(ctx, t, companies, alone, past)
	if err != nil {
		return nil, err
	}
	drafts := make([]reminders.Draft, len(subjects))
	for i, subject := range subjects {
		subject.Groups = slices.DeleteFunc(subject.Groups, func(g reminders.BuddyGroup) bool { return !g.PublishedAt.IsZero() })
		d := reminders.Draft{PairSubject: subject}
		people := set{}
		for _, c := range subject.Candidates {
			people.add(c.Person.ID)
		}
		var enrolments []int64
		sum := sha256.New()
		for _, g := range subject.Groups {
			for _, m := range g.Members {
				people.add(m.PersonID)
				enrolments = append(enrolments, m.EnrolmentID)
				fmt.Fprintf(sum, "%d %d\n", g.ID, m.EnrolmentID)
			}
		}
		for _, b := range subject.Blocked { // of these people's: shown, and part of what was seen
			_, one := people[b[0]]
			_, other := people[b[1]]
			if !one && !other {
				continue
			}
			persons, err := findPersons(ctx, t, b[:])
			if err != nil {
				return nil, err
			}
			d.Blocks = append(d.Blocks, reminders.Block{Person: persons[b[0]], Other: persons[b[1]]})
			fmt.Fprintf(sum, "blocked %d %d\n", b[0], b[1])
		}
		d.Version = hex.EncodeToString(sum.Sum(nil)[:8])
		first, err := allIn[millis](ctx, t, `SELECT m.due_at FROM messages AS m JOIN enrolments AS e ON m.subject = 'enrolment/' || e.id
			WHERE m.step = 'exercise-1' AND e.id IN (%s)`, enrolments)
		if err != nil {
			return nil, fmt.Errorf("reading when drafts publish themselves: %w", err)
		}
		if len(first) > 0 {
			d.Publishes = slices.Min(first).Time().Add(-reminders.PublishAhead)
		}
		drafts[i] = d
	}
	return drafts, nil
}

// ChangeDraft makes one change. ECONFLICT where the draft is not as change.Known says any more; EINVALID for a swap that is
// none, or that the rules forbid; ENOTFOUND where nothing is drafted for the company.
func (s *Store) ChangeDraft(ctx context.Context, now time.Time, near time.Time, past reminders.Date, change reminders.DraftChange) error {
	return s.write(ctx, func(t *tx) error {
		if err := t.lock(ctx, "companies", []int64{change.CompanyID}); err != nil {
			return err
		}
		find := func() (reminders.Draft, error) {
			drafts, err := findDrafts(ctx, t, change.CompanyID, 0, near, past)
			if err == nil && len(drafts) == 0 {
				err = reminders.Errorf(reminders.ENOTFOUND, "nothing is drafted for company %d", change.CompanyID)
			}
			if err != nil {
				return reminders.Draft{}, err
			}
			return drafts[0], nil
		}
		d, err := find()
		if err != nil {
			return err
		}
		ids := make([]int64, len(d.Groups))
		for i, g := range d.Groups {
			ids[i] = g.ID
		}
		if err := t.lock(ctx, "buddy_groups", ids); err != nil {
			return err
		}
		if t.s.dialect == Postgres { // what was read before the locks may have changed until they were had
			if d, err = find(); err != nil {
				return err
			}
		}
		if d.Version != change.Known {
			return reminders.Errorf(reminders.ECONFLICT, "the draft of company %d is another one now", change.CompanyID)
		}
		switch {
		case change.Publish:
			return publish(ctx, t, now, ids)
		case change.Swap != [2]int64{}:
			return swap(ctx, t, d, change.Swap)
		case change.Block != [2]int64{}:
			return block(ctx, t, now, d, change)
		case change.Unblock != [2]int64{}:
			_, err := t.exec(ctx, `DELETE FROM buddy_blocks WHERE person_id = $1 AND other_id = $2`, min(change.Unblock[0], change.Unblock[1]), max(change.Unblock[0], change.Unblock[1]))
			return err
		}
		return reminders.Errorf(reminders.EINVALID, "there is nothing to change")
	})
}

// swap lets two take each other's place, and who starts stays with the place.
func swap(ctx context.Context, t *tx, d reminders.Draft, enrolments [2]int64) error {
	groups := [2]*reminders.BuddyGroup{}
	places := [2]int{}
	for i, id := range enrolments {
		for g := range d.Groups {
			if at := slices.IndexFunc(d.Groups[g].Members, func(m reminders.BuddyMember) bool { return m.EnrolmentID == id }); at >= 0 {
				groups[i], places[i] = &d.Groups[g], at
			}
		}
	}
	if groups[0] == nil || groups[1] == nil || groups[0] == groups[1] {
		return reminders.Errorf(reminders.EINVALID, "enrolments %d and %d are not in two drafts of one company", enrolments[0], enrolments[1])
	}
	one, other := &groups[0].Members[places[0]], &groups[1].Members[places[1]]
	one.EnrolmentID, one.PersonID, other.EnrolmentID, other.PersonID = other.EnrolmentID, other.PersonID, one.EnrolmentID, one.PersonID
	for _, g := range groups {
		for i, m := range g.Members {
			for _, o := range g.Members[:i] {
				if !d.May(d.Members[m.EnrolmentID], d.Members[o.EnrolmentID]) {
					return reminders.Errorf(reminders.EINVALID, "persons %d and %d are not to be buddies", o.PersonID, m.PersonID)
				}
			}
		}
	}
	for i, g := range groups {
		m := g.Members[places[i]]
		if _, err := t.exec(ctx, `UPDATE buddy_members SET group_id = $1, starter = $2 WHERE enrolment_id = $3 AND left_at = 0`, g.ID, m.Starter, m.EnrolmentID); err != nil {
			return fmt.Errorf("swapping buddies: %w", err)
		}
		var members []reminders.Candidate
		for _, m := range g.Members {
			members = append(members, d.Members[m.EnrolmentID])
		}
		if _, err := t.exec(ctx, `UPDATE buddy_groups SET why = $1 WHERE id = $2`, d.Why(members), g.ID); err != nil {
			return fmt.Errorf("saying why buddy group %d fits: %w", g.ID, err)
		}
	}
	return nil
}

// block keeps two apart, and makes the company's drafts anew.
func block(ctx context.Context, t *tx, now time.Time, d reminders.Draft, change reminders.DraftChange) error {
	pair := [2]int64{min(change.Block[0], change.Block[1]), max(change.Block[0], change.Block[1])}
	for _, id := range pair {
		if !slices.ContainsFunc(d.Groups, func(g reminders.BuddyGroup) bool {
			return slices.ContainsFunc(g.Members, func(m reminders.BuddyMember) bool { return m.PersonID == id })
		}) || pair[0] == pair[1] {
			return reminders.Errorf(reminders.EINVALID, "persons %d and %d are not two of a draft", pair[0], pair[1])
		}
	}
	if _, err := t.exec(ctx, `INSERT INTO buddy_blocks (person_id, other_id, user_id, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (person_id, other_id) DO NOTHING`,
		pair[0], pair[1], ref(change.UserID), ms(now)); err != nil {
		return fmt.Errorf("keeping two apart: %w", err)
	}
	d.Blocked = append(d.Blocked, pair)
	var ids []int64
	for _, g := range d.Groups {
		ids = append(ids, g.ID)
		for _, m := range g.Members {
			d.Candidates = append(d.Candidates, d.Members[m.EnrolmentID])
			delete(d.Members, m.EnrolmentID)
		}
	}
	d.Groups = nil
	if err := inChunks(ids, func(list string) error {
		if _, err := t.exec(ctx, `DELETE FROM buddy_members WHERE group_id IN (`+list+`)`); err != nil {
			return err
		}
		_, err := t.exec(ctx, `DELETE FROM buddy_groups WHERE id IN (`+list+`)`)
		return err
	}); err != nil {
		return fmt.Errorf("taking drafts back: %w", err)
	}
	groups, joined := reminders.Pair(d.PairSubject, now)
	return saveGroups(ctx, t, now, groups, joined)
}
