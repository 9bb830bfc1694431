package store

import (
	"context"
	"fmt"
	"strings"

	"efterkurs/reminders"
)

// load reads all that rows may be about: their users, companies, classes with everybody on them, and
// the persons known by one of their keys.
func (im *importer) load(ctx context.Context, rows []reminders.RosterRow) error {
	im.users, im.persons = map[string]*rosterUser{}, map[string]*rosterPerson{}
	im.companies, im.classes = map[string]*rosterCompany{}, map[string]*rosterClass{}
	var emails, keys, companies, classes []string
	seen := map[string]bool{}
	put := func(list *[]string, kind, text string) {
		if text != "" && !seen[kind+text] {
			seen[kind+text] = true
			*list = append(*list, text)
		}
	}
	for _, r := range rows {
		put(&emails, "u", strings.ToLower(strings.TrimSpace(clean(r.ConsultantEmail))))
		put(&emails, "u", strings.ToLower(strings.TrimSpace(clean(r.TeacherEmail))))
		put(&keys, "p", rowKey(r))
		if strings.HasPrefix(rowKey(r), "slack:") {
			put(&keys, "p", scopedKey(r))
		}
		put(&keys, "p", contactKey(r))
		put(&companies, "c", key(clean(r.Company)))
		put(&classes, "h", key(className(r.Class)))
	}
	if err := im.loadUsers(ctx, emails); err != nil {
		return err
	}
	byID, err := im.loadPersons(ctx, keys)
	if err != nil {
		return err
	}
	companyByID, err := im.loadCompanies(ctx, companies)
	if err != nil {
		return err
	}
	if err := im.loadClasses(ctx, classes, byID, companyByID); err != nil {
		return err
	}
	return im.loadSlack(ctx, byID, companyByID)
}

// loadSlack finds out whose people those are who are known by a Slack id alone.
func (im *importer) loadSlack(ctx context.Context, persons map[int64]*rosterPerson, companies map[int64]*rosterCompany) error {
	im.at = map[*rosterPerson]map[*rosterCompany]bool{}
	var ids []int64
	for id, p := range persons {
		if strings.HasPrefix(p.Key, "slack:") {
			ids, im.at[p] = append(ids, id), map[*rosterCompany]bool{}
		}
	}
	type row struct {
		PersonID  int64 `db:"person_id"`
		CompanyID int64 `db:"company_id"`
	}
	rows, err := allIn[row](ctx, im.t, `SELECT DISTINCT e.person_id, e.company_id FROM enrolments AS e WHERE e.person_id IN (%s)`, ids)
	for _, r := range rows {
		company := companies[r.CompanyID]
		if company == nil { // not in this roster
			company = &rosterCompany{}
		}
		im.at[persons[r.PersonID]][company] = true
	}
	return err
}

func (im *importer) loadUsers(ctx context.Context, emails []string) error {
	return textChunks(emails, func(list string, args []any) error {
		var rows []userRow
		if err := im.t.all(ctx, &rows, `SELECT `+userColumns+` FROM users AS u WHERE u.email IN (`+list+`)`, args...); err != nil {
			return fmt.Errorf("reading users: %w", err)
		}
		for _, r := range rows {
			im.users[r.Email] = &rosterUser{id: r.ID, email: r.Email, role: r.Role}
		}
		return nil
	})
}

func (im *importer) loadPersons(ctx context.Context, keys []string) (map[int64]*rosterPerson, error) {
	byID := map[int64]*rosterPerson{}
	err := textChunks(keys, func(list string, args []any) error {
		var rows []personRow
		if err := im.t.all(ctx, &rows, `SELECT `+personColumns+` FROM persons AS p WHERE p.person_key IN (`+list+`) ORDER BY p.id`+
			im.t.forUpdate(`FOR NO KEY UPDATE`), args...); err != nil {
			return fmt.Errorf("reading persons: %w", err)
		}
		for _, r := range rows {
			byID[r.ID] = im.known(r)
		}
		return nil
	})
	return byID, err
}

func (im *importer) known(r personRow) *rosterPerson {
	p := &rosterPerson{personRow: r, was: r}
	im.persons[r.Key] = p
	im.allPersons = append(im.allPersons, p)
	return p
}

func (im *importer) loadCompanies(ctx context.Context, keys []string) (map[int64]*rosterCompany, error) {
	byID := map[int64]*rosterCompany{}
	err := textChunks(keys, func(list string, args []any) error {
		var rows []companyRow
		if err := im.t.all(ctx, &rows, `SELECT `+companyColumns+` FROM companies AS co WHERE co.name_key IN (`+list+`)`, args...); err != nil {
			return fmt.Errorf("reading companies: %w", err)
		}
		for _, r := range rows {
			c := &rosterCompany{companyRow: r, was: r}
			im.companies[key(r.Name)], byID[r.ID] = c, c
		}
		return nil
	})
	return byID, err
}

func (im *importer) loadClasses(ctx context.Context, names []string, persons map[int64]*rosterPerson, companies map[int64]*rosterCompany) error {
	byID := map[int64]*rosterClass{}
	var ids []int64
	err := textChunks(names, func(list string, args []any) error {
		var rows []classRow
		if err := im.t.all(ctx, &rows, `SELECT `+classColumns+` FROM classes AS cl WHERE cl.name_key IN (`+list+`)`, args...); err != nil {
			return fmt.Errorf("reading classes: %w", err)
		}
		for _, r := range rows {
			c := newRosterClass(r)
			im.classes[classKey(r.class())], byID[r.ID] = c, c
			ids = append(ids, r.ID)
		}
		return nil
	})
	if err != nil {
		return err
	}
	type row struct {
		ID        int64  `db:"id"`
		PersonID  int64  `db:"person_id"`
		ClassID   int64  `db:"class_id"`
		CompanyID int64  `db:"company_id"`
		Team      string `db:"team"`
		Goal      string `db:"goal"`
		Basis     string `db:"basis"`
		Key       string `db:"roster_key"`
		Row       string `db:"roster_row"`
	}
	enrolments, err := allIn[row](ctx, im.t, `SELECT id, person_id, class_id, company_id, team, goal, basis, roster_key, roster_row
		FROM enrolments WHERE class_id IN (%s) ORDER BY id`, ids)
	if err != nil {
		return fmt.Errorf("reading enrolments: %w", err)
	}
	missing, missingCompanies := set{}, set{}
	for _, e := range enrolments {
		if persons[e.PersonID] == nil {
			missing.add(e.PersonID)
		}
		if companies[e.CompanyID] == nil {
			missingCompanies.add(e.CompanyID)
		}
	}
	more, err := allIn[personRow](ctx, im.t, `SELECT `+personColumns+` FROM persons AS p WHERE p.id IN (%s) ORDER BY p.id`+im.t.forUpdate(`FOR NO KEY UPDATE`), missing.ids())
	if err != nil {
		return fmt.Errorf("reading participants: %w", err)
	}
	for _, r := range more {
		persons[r.ID] = im.known(r)
	}
	moreCompanies, err := allIn[companyRow](ctx, im.t, `SELECT `+companyColumns+` FROM companies AS co WHERE co.id IN (%s)`, missingCompanies.ids())
	if err != nil {
		return err
	}
	for _, r := range moreCompanies {
		c := &rosterCompany{companyRow: r, was: r}
		im.companies[key(r.Name)], companies[r.ID] = c, c
	}
	for _, r := range enrolments {
		e := &rosterEnrolment{ID: r.ID, person: persons[r.PersonID], class: byID[r.ClassID], company: companies[r.CompanyID],
			Team: r.Team, Goal: r.Goal, Basis: r.Basis, Key: r.Key, Row: r.Row}
		e.keep()
		im.allEnrolments = append(im.allEnrolments, e)
		e.class.index(e)
	}
	return nil
}
