package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"efterkurs/reminders"
)

// Export is everything kept about a person.
type Export struct {
	Person     reminders.Person    `json:"person"`
	Enrolments []ExportedEnrolment `json:"enrolments"`
	Leads      []string            `json:"contact_of"` // companies
	Messages   []reminders.Message `json:"messages"`
	Replies    []reminders.Reply   `json:"replies"`
	Answers    []ExportedAnswer    `json:"answers"`
	Visits     []ExportedVisit     `json:"visits"`     // what was written about visits that names the person
	Suppressed bool                `json:"suppressed"` // an address is on the list of those never written to
}

// ExportedEnrolment is an enrolment with the names of what it belongs to.
type ExportedEnrolment struct {
	Company string    `json:"company"`
	Course  string    `json:"course"`
	Class   string    `json:"class"`
	Start   string    `json:"start"`
	End     string    `json:"end"`
	Team    string    `json:"team"`
	Goal    string    `json:"goal"`
	Basis   string    `json:"basis"`
	BasisAt time.Time `json:"basis_at"`
	Version string    `json:"basis_version"` // of the texts in force then
	Roster  string    `json:"roster"`        // what the roster's last row said, as JSON
	Buddies []string  `json:"buddies"`       // first names
	Since   time.Time `json:"since"`
}

// ExportedVisit is what somebody of the school wrote about a visit, where it names a person.
type ExportedVisit struct {
	Visit   int64     `json:"visit"`
	Texts   []string  `json:"texts"`
	SavedAt time.Time `json:"saved_at"`
}

// ExportedAnswer is one answer; all are kept, the last one to a step that was not moved counts.
type ExportedAnswer struct {
	Step    string    `json:"step"`
	Digit   string    `json:"digit"`
	Meaning string    `json:"meaning"`
	At      time.Time `json:"at"`
	MovedAt time.Time `json:"moved_at,omitzero"` // when a consultant placed it elsewhere: it counts no more
}

// Export returns everything kept about a person; ENOTFOUND where there is no such person.
func (s *Store) Export(ctx context.Context, personID int64) (out Export, err error) {
	err = s.read(ctx, func(t *tx) error {
		out, err = export(ctx, t, personID)
		return err
	})
	return out, err
}

func export(ctx context.Context, t *tx, id int64) (out Export, err error) {
	persons, err := findPersons(ctx, t, []int64{id})
	if err != nil {
		return out, err
	}
	var ok bool
	if out.Person, ok = persons[id]; !ok {
		return out, reminders.Errorf(reminders.ENOTFOUND, "there is no person %d", id)
	}
	parts, err := participations(ctx, t, id)
	if err != nil {
		return out, err
	}
	for _, p := range parts {
		e := ExportedEnrolment{Company: p.Company.Name, Course: p.Class.Course, Class: p.Class.Name, Start: p.Class.Start.String(), End: p.Class.End.String(),
			Team: p.Enrolment.Team, Goal: p.Enrolment.Goal, Basis: p.Enrolment.Basis, Since: p.Enrolment.CreatedAt}
		for _, b := range p.Buddies {
			e.Buddies = append(e.Buddies, b.FirstName())
		}
		var kept struct {
			At      millis `db:"basis_at"`
			Version string `db:"basis_version"`
			Row     string `db:"roster_row"`
		}
		if err := t.get(ctx, &kept, `SELECT basis_at, basis_version, roster_row FROM enrolments WHERE id = $1`, p.Enrolment.ID); err != nil {
			return out, fmt.Errorf("reading enrolment %d: %w", p.Enrolment.ID, err)
		}
		e.BasisAt, e.Version, e.Roster = kept.At.Time(), kept.Version, kept.Row
		out.Enrolments = append(out.Enrolments, e)
	}
	if err := t.all(ctx, &out.Leads, `SELECT name FROM companies WHERE contact_id = $1 ORDER BY name`, id); err != nil {
		return out, fmt.Errorf("reading companies of contact %d: %w", id, err)
	}
	var messages []messageRow
	if err := t.all(ctx, &messages, `SELECT `+messageColumns+` FROM messages AS m WHERE m.person_id = $1 ORDER BY m.due_at, m.id`, id); err != nil {
		return out, fmt.Errorf("reading messages to person %d: %w", id, err)
	}
	out.Messages = messagesOf(messages)
	var replies []replyRow
	if err := t.all(ctx, &replies, `SELECT `+replyColumns+` FROM replies AS r WHERE r.person_id = $1 ORDER BY r.id`, id); err != nil {
		return out, fmt.Errorf("reading replies of person %d: %w", id, err)
	}
	for _, r := range replies {
		out.Replies = append(out.Replies, r.shown())
	}
	var answers []struct {
		Step    string `db:"step"`
		Digit   string `db:"digit"`
		Meaning string `db:"meaning"`
		At      millis `db:"at"`
		Moved   millis `db:"moved_at"`
	}
	if err := t.all(ctx, &answers, `SELECT step, digit, meaning, at, moved_at FROM answers WHERE person_id = $1 ORDER BY id`, id); err != nil {
		return out, fmt.Errorf("reading answers of person %d: %w", id, err)
	}
	for _, a := range answers {
		out.Answers = append(out.Answers, ExportedAnswer{a.Step, a.Digit, a.Meaning, a.At.Time(), a.Moved.Time()})
	}
	outcomes, err := outcomesNaming(ctx, t, id, out.Person)
	if err != nil {
		return out, err
	}
	for _, o := range outcomes {
		out.Visits = append(out.Visits, ExportedVisit{o.VisitID, naming(o, out.Person), o.SavedAt})
	}
	return out, textChunks(t.s.hashes(out.Person), func(list string, args []any) error {
		var n int
		err := t.get(ctx, &n, `SELECT COUNT(*) FROM suppressions WHERE hash IN (`+list+`)`, args...)
		out.Suppressed = out.Suppressed || n > 0
		return err
	})
}

// Erase takes a person out of the database: name, addresses, every text to and from them, their goals and
// what the roster said. Rows and counts stay, about nobody. What is planned is skipped; the hashes
// of a STOP stay, so that it survives. Copies at providers are put down for deletion: see PendingErasures.
// Erasing somebody again changes nothing. ENOTFOUND where there is no such person.
func (s *Store) Erase(ctx context.Context, now time.Time, personID int64) error {
	return s.write(ctx, func(t *tx) error { return erase(ctx, t, now, personID) })
}

func erase(ctx context.Context, t *tx, now time.Time, id int64) error {
	if err := t.lock(ctx, "persons", []int64{id}); err != nil {
		return err
	}
	var r personRow
	if err := t.get(ctx, &r, `SELECT `+personColumns+` FROM persons AS p WHERE p.id = $1`, id); err != nil {
		return notFound(err, "there is no person %d", id)
	}
	if r.ErasedAt != 0 {
		return nil
	}
	p := r.person()
	run := func(what, query string, args ...any) error {
		if _, err := t.exec(ctx, query, args...); err != nil {
			return fmt.Errorf("erasing %s of person %d: %w", what, id, err)
		}
		return nil
	}
	// Also texts that came from an address of theirs and that nobody placed, and those that name a question to them.
	theirs := `(person_id = $1 OR question_id IN (SELECT m.id FROM messages AS m WHERE m.person_id = $1)`
	args := []any{id}
	for _, a := range []struct{ channel, address string }{{reminders.SMS, p.Phone}, {reminders.Slack, p.SlackID}, {reminders.Email, p.Email}} {
		if a.address != "" {
			args = append(args, a.channel, a.address)
			theirs += fmt.Sprintf(` OR person_id IS NULL AND channel = $%d AND LOWER(from_address) = LOWER($%d)`, len(args)-1, len(args))
			if a.channel == reminders.Slack && p.SlackTeam != "" { // the same id elsewhere is somebody else
				args = append(args, `%"team_id":"`+likeEscaper.Replace(p.SlackTeam)+`"%`)
				theirs += fmt.Sprintf(` AND attributes LIKE $%d ESCAPE '!'`, len(args))
			}
		}
	}
	theirs += `)`
	var ids []int64
	if err := t.all(ctx, &ids, `SELECT id FROM replies WHERE `+theirs+` ORDER BY id`, args...); err != nil {
		return fmt.Errorf("looking for replies of person %d: %w", id, err)
	}
	// What was written back to such an address is theirs as well.
	err := inChunks(ids, func(list string) error {
		return run("answers", `UPDATE messages SET person_id = $1 WHERE person_id IS NULL AND user_id IS NULL AND subject IN
			(SELECT 'reply/' || CAST(r.id AS TEXT) FROM replies AS r WHERE r.id IN (`+list+`))`, id)
	})
	if err != nil {
		return err
	}
	// Twilio and Slack keep copies. Mails lie in people's mailboxes, where nothing of ours is deleted: see README.
	copies := func(query string, args ...any) error {
		return run("copies", `INSERT INTO erasures (channel, address, workspace, provider_id, not_before, created_at) `+query+` ON CONFLICT (channel, provider_id) DO NOTHING`, args...)
	}
	if err := copies(`SELECT m.channel, CASE m.channel WHEN 'slack' THEN m.address ELSE '' END, m.workspace, m.provider_id, CAST($1 AS BIGINT), CAST($1 AS BIGINT)
		FROM messages AS m WHERE m.person_id = $2 AND m.provider_id <> '' AND m.channel IN ('sms', 'slack')`, ms(now), id); err != nil {
		return err
	}
	if err := copies(`SELECT m.channel, CASE m.channel WHEN 'slack' THEN m.address ELSE '' END, m.workspace, a.provider_id, CAST($1 AS BIGINT), CAST($1 AS BIGINT)
		FROM attempts AS a JOIN messages AS m ON m.id = a.message_id
		WHERE m.person_id = $2 AND a.provider_id <> '' AND m.channel IN ('sms', 'slack')`, ms(now), id); err != nil {
		return err
	}
	err = inChunks(ids, func(list string) error {
		if err := copies(`SELECT r.channel, CASE r.channel WHEN 'slack' THEN r.from_address ELSE '' END, '', r.provider_id, CAST($1 AS BIGINT), CAST($1 AS BIGINT)
			FROM replies AS r WHERE r.id IN (`+list+`) AND r.channel = 'sms'`, ms(now)); err != nil {
			return err
		}
		return run("replies", `UPDATE replies SET from_address = '', body = '', media = '', attributes = '', why = '',
			state = 'handled', person_id = $1 WHERE id IN (`+list+`)`, id)
	})
	if err != nil {
		return err
	}
	if err := run("key", `UPDATE persons SET person_key = $1, name = '', name_key = '', phone = '', email = '', slack_id = '', slack_team = '', channel = '', language = '',
		easy = FALSE, shift = '', window_from = 0, window_to = 0, paused_until = 0, address_fault = '', erased_at = $2, updated_at = $2 WHERE id = $3`,
		"erased:"+itoa(id), ms(now), id); err != nil {
		return err
	}
	if err := run("enrolments", `UPDATE enrolments SET team = '', goal = '', roster_key = '', roster_row = '', planned_version = plan_version, updated_at = $1
		WHERE person_id = $2`, ms(now), id); err != nil {
		return err
	}
	if err := run("answers to invitations", `DELETE FROM visit_answers WHERE person_id = $1`, id); err != nil {
		return err
	}
	if err := run("companies", `UPDATE companies SET contact_id = NULL, updated_at = $1 WHERE contact_id = $2`, ms(now), id); err != nil {
		return err
	}
	// Out of their buddy group they are taken by the next tick, which tells the others.
	if err := run("buddy blocks", `DELETE FROM buddy_blocks WHERE person_id = $1 OR other_id = $1`, id); err != nil {
		return err
	}
	if err := skipPlanned(ctx, t, now, id, reminders.ReasonErased); err != nil {
		return err
	}
	if err := run("tries", `UPDATE attempts SET detail = '' WHERE message_id IN (SELECT m.id FROM messages AS m WHERE m.person_id = $1)`, id); err != nil {
		return err
	}
	if err := run("messages", `UPDATE messages SET address = '', body = '', params = '', choices = '' WHERE person_id = $1`, id); err != nil {
		return err
	}
	if err := forgetOutcomes(ctx, t, id, p); err != nil {
		return err
	}
	return forgetNamed(ctx, t, id, p)
}

// forgetNamed takes a person's number and first name out of texts to their buddies and others of their companies that
// name them: introductions, check-ins, and what was said back.
func forgetNamed(ctx context.Context, t *tx, id int64, p reminders.Person) error {
	// Their number, which their buddies were given.
	if _, err := t.exec(ctx, `UPDATE messages SET body = '' WHERE params LIKE $2 AND company_id IN
		(SELECT e.company_id FROM enrolments AS e WHERE e.person_id = $1 UNION SELECT o.company_id FROM messages AS o WHERE o.person_id = $1)`,
		id, `%"of":"`+itoa(id)+`"%`); err != nil {
		return fmt.Errorf("taking the number of person %d out of texts: %w", id, err)
	}
	name := strings.TrimSpace(p.Name)
	if name == "" {
		return nil
	}
	var rows []struct {
		ID     int64  `db:"id"`
		Body   string `db:"body"`
		Params string `db:"params"`
	}
	if err := t.all(ctx, &rows, `SELECT m.id, m.body, m.params FROM messages AS m WHERE m.company_id IN
		(SELECT e.company_id FROM enrolments AS e WHERE e.person_id = $1 UNION SELECT o.company_id FROM messages AS o WHERE o.person_id = $1)
		AND (m.body LIKE $2 ESCAPE '!' OR m.params LIKE $2 ESCAPE '!')`, id, "%"+likeEscaper.Replace(p.FirstName())+"%"); err != nil {
		return fmt.Errorf("looking for texts that name person %d: %w", id, err)
	}
	for _, r := range rows {
		body, params := r.Body, r.Params
		for _, n := range []string{name, p.FirstName()} {
			body, params = withoutName(body, n), withoutName(params, n)
		}
		if body == r.Body && params == r.Params {
			continue
		}
		if _, err := t.exec(ctx, `UPDATE messages SET body = $1, params = $2 WHERE id = $3`, body, params, r.ID); err != nil {
			return fmt.Errorf("taking person %d out of message %d: %w", id, r.ID, err)
		}
	}
	return nil
}

// withoutName replaces name where it stands as a word of its own.
func withoutName(text, name string) string { return reminders.WithoutWord(text, name, "…") }

var likeEscaper = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")

// PendingErasures returns copies to delete now, oldest first.
func (s *Store) PendingErasures(ctx context.Context, now time.Time, most int) (erasures []reminders.Erasure, err error) {
	err = s.peek(ctx, func(t *tx) error {
		var rows []struct {
			ID         int64  `db:"id"`
			Channel    string `db:"channel"`
			Address    string `db:"address"`
			Workspace  string `db:"workspace"`
			ProviderID string `db:"provider_id"`
			Tries      int    `db:"tries"`
		}
		if err := t.all(ctx, &rows, `SELECT id, channel, address, workspace, provider_id, tries FROM erasures WHERE not_before <= $1 ORDER BY not_before, id LIMIT $2`, ms(now), limit(most)); err != nil {
			return fmt.Errorf("looking for copies to delete: %w", err)
		}
		for _, r := range rows {
			erasures = append(erasures, reminders.Erasure(r))
		}
		return nil
	})
	return erasures, err
}

// DoneErasure forgets a copy that is deleted.
func (s *Store) DoneErasure(ctx context.Context, id int64) error {
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(ctx, `DELETE FROM erasures WHERE id = $1`, id)
		return err
	})
}

// DeferErasure puts a copy off that could not be deleted yet, and why.
func (s *Store) DeferErasure(ctx context.Context, id int64, until time.Time, why string) error {
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(ctx, `UPDATE erasures SET not_before = $1, tries = tries + 1, last_error = $2 WHERE id = $3`, ms(until), clean(why), id)
		return err
	})
}
