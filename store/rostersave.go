package store

import (
	"context"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"efterkurs/reminders"
)

// save writes what came to differ from what was loaded, and marks whose plans depend on it.
func (im *importer) save(ctx context.Context) (result reminders.ImportResult, err error) {
	result.Rows = len(im.rows)
	dirtyPersons, dirtyCompanies, dirtyClasses := set{}, set{}, set{}
	if err := im.saveUsers(ctx); err != nil {
		return result, err
	}
	if err := im.savePersons(ctx, dirtyPersons); err != nil {
		return result, err
	}
	changedCompanies, err := im.saveCompanies(ctx, &result, dirtyCompanies)
	if err != nil {
		return result, err
	}
	changedClasses, err := im.saveClasses(ctx, &result, dirtyClasses)
	if err != nil {
		return result, err
	}
	for _, p := range im.newPersons {
		if p.counts {
			result.People++
		}
	}
	seen := map[*rosterEnrolment]bool{}
	for _, e := range im.rows {
		switch {
		case seen[e]: // a second row about the same one
			if e.ID != 0 {
				result.Unchanged++
			}
		case e.ID == 0:
			result.Created++
		case e.changed() || e.person.personRow != e.person.was || changedCompanies[e.company] || changedClasses[e.class]:
			result.Updated++
		default:
			result.Unchanged++
		}
		seen[e] = true
	}
	// Those whose plans depend on what changed, before new ones are added, which are to be planned anyway.
	for where, ids := range map[string]set{
		"person_id IN (%s)": dirtyPersons, "company_id IN (SELECT id FROM companies WHERE contact_id IN (%s))": dirtyPersons, // as ofPerson
		"company_id IN (%s)": dirtyCompanies, "class_id IN (%s)": dirtyClasses} {
		err := inChunks(ids.ids(), func(list string) error {
			_, err := im.t.exec(ctx, `UPDATE enrolments SET plan_version = plan_version + 1 WHERE `+fmt.Sprintf(where, list))
			return err
		})
		if err != nil {
			return result, fmt.Errorf("marking enrolments: %w", err)
		}
	}
	return result, im.saveEnrolments(ctx)
}

func (im *importer) saveUsers(ctx context.Context) error {
	var v values
	for _, u := range im.users {
		if u.id == 0 {
			v.add(u.email, nameFromEmail(u.email), u.role, randomHex(32), ms(im.now), ms(im.now))
		}
	}
	return v.each(0, func(list string, args []any) error {
		var rows []userRow
		if err := im.t.all(ctx, &rows, `INSERT INTO users (email, name, role, calendar_token, created_at, updated_at) VALUES `+list+`
			ON CONFLICT (email) DO UPDATE SET email = excluded.email RETURNING id, email`, args...); err != nil {
			return fmt.Errorf("adding users: %w", err)
		}
		for _, r := range rows {
			im.users[r.Email].id = r.ID
		}
		return nil
	})
}

// nameFromEmail makes "Anna B Hansen" of anna.b.hansen@skole.dk.
func nameFromEmail(email string) string {
	local, _, _ := strings.Cut(email, "@")
	words := strings.FieldsFunc(local, func(r rune) bool { return r == '.' || r == '_' || r == '-' || r == '+' })
	for i, word := range words {
		r, size := utf8.DecodeRuneInString(word)
		words[i] = string(unicode.ToUpper(r)) + word[size:]
	}
	if len(words) == 0 {
		return email
	}
	return strings.Join(words, " ")
}

// suppressed returns when addresses said STOP, by hash.
func (im *importer) suppressed(ctx context.Context, persons []*rosterPerson) (map[string]millis, error) {
	var hashes []string
	for _, p := range persons {
		hashes = append(hashes, im.t.s.hashes(p.person())...)
	}
	out := map[string]millis{}
	err := textChunks(hashes, func(list string, args []any) error {
		var rows []struct {
			Hash string `db:"hash"`
			At   millis `db:"at"`
		}
		if err := im.t.all(ctx, &rows, `SELECT hash, at FROM suppressions WHERE hash IN (`+list+`)`, args...); err != nil {
			return fmt.Errorf("reading suppressed addresses: %w", err)
		}
		for _, r := range rows {
			out[r.Hash] = r.At
		}
		return nil
	})
	return out, err
}

func (im *importer) savePersons(ctx context.Context, dirty set) error {
	suppressed, err := im.suppressed(ctx, im.newPersons)
	if err != nil {
		return err
	}
	var inserted, updated values
	byKey := map[string]*rosterPerson{}
	for _, p := range im.newPersons {
		for _, hash := range im.t.s.hashes(p.person()) {
			p.OptedOutAt = max(p.OptedOutAt, suppressed[hash])
		}
		byKey[p.Key] = p
		inserted.add(p.Key, p.Name, key(p.Name), p.Phone, p.Email, p.SlackID, p.Channel, p.Language, p.Easy, p.Shift, p.From, p.To, p.OptedOutAt, ms(im.now), ms(im.now))
	}
	for _, p := range im.allPersons {
		if p.personRow == p.was {
			continue
		}
		w := p.was
		address := p.Phone != w.Phone || p.Email != w.Email || p.SlackID != w.SlackID || p.Channel != w.Channel
		if address {
			p.AddressFault = "" // another address: what was wrong with the old one says nothing of it
		}
		if address || p.Shift != w.Shift || p.From != w.From || p.To != w.To {
			dirty.add(p.ID)
		}
		updated.add(p.ID, p.Key, p.Name, key(p.Name), p.Phone, p.Email, p.SlackID, p.Channel, p.Language, p.Easy, p.Shift, p.From, p.To, p.AddressFault)
	}
	err = updated.each(1, func(list string, args []any) error {
		_, err := im.t.exec(ctx, `WITH n (id, person_key, name, name_key, phone, email, slack_id, channel, language, easy, shift, window_from, window_to, fault) AS (VALUES `+list+`)
			UPDATE persons SET person_key = n.person_key, name = n.name, name_key = n.name_key, phone = n.phone, email = n.email, slack_id = n.slack_id,
				slack_team = CASE WHEN persons.slack_id = n.slack_id THEN persons.slack_team ELSE '' END, channel = n.channel, language = n.language, easy = n.easy, shift = n.shift, window_from = n.window_from, window_to = n.window_to,
				address_fault = n.fault, updated_at = $1
			FROM n WHERE persons.id = n.id`, append([]any{ms(im.now)}, args...)...)
		return err
	})
	if err != nil {
		return fmt.Errorf("changing persons: %w", err)
	}
	return inserted.each(0, func(list string, args []any) error {
		var rows []personRow
		if err := im.t.all(ctx, &rows, `INSERT INTO persons (person_key, name, name_key, phone, email, slack_id, channel, language, easy, shift, window_from,
			window_to, opted_out_at, created_at, updated_at) VALUES `+list+` RETURNING id, person_key`, args...); err != nil {
			return fmt.Errorf("adding persons: %w", err)
		}
		for _, r := range rows {
			byKey[r.Key].ID = r.ID
		}
		return nil
	})
}

func (im *importer) saveCompanies(ctx context.Context, result *reminders.ImportResult, dirty set) (map[*rosterCompany]bool, error) {
	changed := map[*rosterCompany]bool{}
	var inserted values
	for _, c := range im.companies {
		if c.contact != nil {
			c.ContactID = ref(c.contact.ID)
		}
		if c.consultant != nil {
			c.ConsultantID = ref(c.consultant.id)
		}
		switch {
		case c.ID == 0:
			result.Companies++
			inserted.add(c.Name, key(c.Name), c.ClosedWeeks, c.Postcode, c.ContactID, c.ConsultantID, ms(im.now), ms(im.now))
		case c.companyRow != c.was:
			changed[c] = true
			dirty.add(c.ID)
			if _, err := im.t.exec(ctx, `UPDATE companies SET closed_weeks = $1, postcode = $2, contact_id = $3, consultant_id = $4, updated_at = $5 WHERE id = $6`,
				c.ClosedWeeks, c.Postcode, c.ContactID, c.ConsultantID, ms(im.now), c.ID); err != nil {
				return nil, fmt.Errorf("changing company %d: %w", c.ID, err)
			}
		}
	}
	err := inserted.each(0, func(list string, args []any) error {
		var rows []companyRow
		if err := im.t.all(ctx, &rows, `INSERT INTO companies (name, name_key, closed_weeks, postcode, contact_id, consultant_id, created_at, updated_at)
			VALUES `+list+` RETURNING id, name`, args...); err != nil {
			return fmt.Errorf("adding companies: %w", err)
		}
		for _, r := range rows {
			im.companies[key(r.Name)].ID = r.ID
		}
		return nil
	})
	return changed, err
}

func (im *importer) saveClasses(ctx context.Context, result *reminders.ImportResult, dirty set) (map[*rosterClass]bool, error) {
	changed := map[*rosterClass]bool{}
	var inserted values
	for _, c := range im.classes {
		if c.teacher != nil {
			c.TeacherID = ref(c.teacher.id)
		}
		switch {
		case c.ID == 0:
			result.Classes++
			inserted.add(c.Course, c.Name, key(c.Name), reminders.Date(c.Start), reminders.Date(c.End), c.Weekday, c.TeacherID, ms(im.now), ms(im.now))
		case c.classRow != c.was:
			changed[c] = true
			dirty.add(c.ID)
			if _, err := im.t.exec(ctx, `UPDATE classes SET start_date = $1, end_date = $2, weekday = $3, teacher_id = $4, updated_at = $5 WHERE id = $6`,
				c.Start, c.End, c.Weekday, c.TeacherID, ms(im.now), c.ID); err != nil {
				return nil, fmt.Errorf("changing class %d: %w", c.ID, err)
			}
		}
	}
	err := inserted.each(0, func(list string, args []any) error {
		var rows []classRow
		if err := im.t.all(ctx, &rows, `INSERT INTO classes (course, name, name_key, start_date, end_date, weekday, teacher_id, created_at, updated_at)
			VALUES `+list+` RETURNING id, course, name, start_date, end_date`, args...); err != nil {
			return fmt.Errorf("adding classes: %w", err)
		}
		for _, r := range rows {
			im.classes[classKey(r.class())].ID = r.ID
		}
		return nil
	})
	return changed, err
}

func (im *importer) saveEnrolments(ctx context.Context) error {
	var inserted, updated values
	for _, e := range im.allEnrolments {
		switch {
		case e.ID == 0:
			basisAt, version := millis(0), ""
			if e.Basis != "" {
				basisAt, version = ms(im.now), im.t.s.version
			}
			inserted.add(e.person.ID, e.class.ID, e.company.ID, e.Team, e.Goal, e.Basis, basisAt, version, e.Key, e.Row, ms(im.now), ms(im.now))
		case e.changed():
			replan := e.person != e.was.person || e.company != e.was.company
			updated.add(e.ID, e.person.ID, e.company.ID, e.Team, e.Goal, e.Basis, e.Basis != e.was.Basis, e.Key, e.Row, replan)
		}
	}
	if _, err := im.t.insert(ctx, "enrolments", `person_id, class_id, company_id, team, goal, basis, basis_at, basis_version, roster_key, roster_row, created_at, updated_at`,
		&inserted, ""); err != nil {
		return fmt.Errorf("adding enrolments: %w", err)
	}
	return updated.each(2, func(list string, args []any) error {
		_, err := im.t.exec(ctx, `WITH n (id, person, company, team, goal, basis, rebased, roster_key, roster_row, replan) AS (VALUES `+list+`)
			UPDATE enrolments SET person_id = n.person, company_id = n.company, team = n.team, goal = n.goal, basis = n.basis,
				basis_at = CASE WHEN n.rebased THEN $1 ELSE basis_at END, basis_version = CASE WHEN n.rebased THEN $2 ELSE basis_version END,
				roster_key = n.roster_key, roster_row = n.roster_row, updated_at = $1,
				plan_version = plan_version + CASE WHEN n.replan THEN 1 ELSE 0 END
			FROM n WHERE enrolments.id = n.id`, append([]any{ms(im.now), im.t.s.version}, args...)...)
		if err != nil {
			return fmt.Errorf("changing enrolments: %w", err)
		}
		return nil
	})
}
