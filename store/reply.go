package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"efterkurs/reminders"
)

// SaveReply stores what a person wrote. fresh is false where the provider delivers it again; id is then
// the one it has. A text without a provider's id is always new.
func (s *Store) SaveReply(ctx context.Context, in reminders.Inbound) (id int64, fresh bool, err error) {
	if in.ProviderID == "" {
		in.ProviderID = "none-" + randomHex(16)
	}
	err = s.write(ctx, func(t *tx) error {
		if in.QuestionID, err = namedQuestion(ctx, t, in); err != nil {
			return err
		}
		var v values
		v.add(in.Channel, in.ProviderID, in.From, in.To, in.Text, ref(in.QuestionID), toJSON(in.Media), in.OptOut, toJSON(in.Attributes), ms(in.At))
		n, err := t.insert(ctx, "replies", `channel, provider_id, from_address, to_address, body, question_id, media, opt_out, attributes, at`, &v,
			`ON CONFLICT (channel, provider_id) DO NOTHING`)
		if err != nil {
			return fmt.Errorf("storing a reply: %w", err)
		}
		fresh = n == 1
		return t.get(ctx, &id, `SELECT id FROM replies WHERE channel = $1 AND provider_id = $2`, in.Channel, clean(in.ProviderID))
	})
	return id, fresh, err
}

// PendingReplies returns replies that are stored but not interpreted, oldest first, from the one after reply after
// on (index replies_received).
func (s *Store) PendingReplies(ctx context.Context, after int64, limit int) (replies []reminders.Reply, err error) {
	return s.pending(ctx, `r.id > $1 ORDER BY r.id LIMIT $2`, after, limit)
}

// EarlierReplies returns what the sender of reply id wrote on its channel before it and is not interpreted yet,
// oldest first: the last limit of them.
func (s *Store) EarlierReplies(ctx context.Context, id int64, limit int) ([]reminders.Reply, error) {
	replies, err := s.pending(ctx, `r.id < $1 AND EXISTS (SELECT 1 FROM replies AS n WHERE n.id = $1 AND n.channel = r.channel AND n.from_address = r.from_address)
		ORDER BY r.id DESC LIMIT $2`, id, limit)
	slices.Reverse(replies)
	return replies, err
}

func (s *Store) pending(ctx context.Context, where string, args ...any) (replies []reminders.Reply, err error) {
	err = s.peek(ctx, func(t *tx) error {
		var rows []replyRow
		if err := t.all(ctx, &rows, `SELECT `+replyColumns+` FROM replies AS r WHERE r.state = 'received' AND `+where, args...); err != nil {
			return fmt.Errorf("looking for replies to interpret: %w", err)
		}
		for _, r := range rows {
			replies = append(replies, r.reply())
		}
		return nil
	})
	return replies, err
}

// questionAge is how far back a question can be that a reply answers.
const questionAge = 90 * 24 * time.Hour

// ReplyContext returns what is needed to interpret a reply; ENOTFOUND where there is none.
func (s *Store) ReplyContext(ctx context.Context, replyID int64) (rc reminders.ReplyContext, err error) {
	err = s.read(ctx, func(t *tx) error {
		rc = reminders.ReplyContext{}
		var r replyRow
		if err := t.get(ctx, &r, `SELECT `+replyColumns+` FROM replies AS r WHERE r.id = $1`, replyID); err != nil {
			return notFound(err, "there is no reply %d", replyID)
		}
		rc.Reply = r.reply()
		asked, err := invited(ctx, t, rc.Reply)
		if err != nil {
			return err
		}
		if rc.Person, rc.Sharers, err = senderOf(ctx, t, rc.Reply); err != nil {
			return err
		}
		if rc.Person == nil {
			err = stranger(ctx, t, &rc)
		} else {
			rc, err = contextOf(ctx, t, rc.Reply, *rc.Person)
		}
		rc.Invited = asked
		return err
	})
	return rc, err
}

// contextOf is the context of a reply of somebody known.
func contextOf(ctx context.Context, t *tx, r reminders.Reply, p reminders.Person) (rc reminders.ReplyContext, err error) {
	rc = reminders.ReplyContext{Reply: r, Person: &p}
	if rc.Said, rc.Same, err = lately(ctx, t, rc); err != nil {
		return rc, err
	}
	if rc.Participations, err = participations(ctx, t, p.ID); err != nil {
		return rc, err
	}
	if rc.Questions, err = askedOf(ctx, t, p.ID, r); err != nil {
		return rc, err
	}
	if rc.Overtaken, err = overtaken(ctx, t, rc); err != nil {
		return rc, err
	}
	return rc, leads(ctx, t, &rc)
}

// overtaken says whether a person's later STOP or START has been taken in already: a text can come late, when no
// webhook brought it, and must not undo what its writer has said since (index replies_person).
func overtaken(ctx context.Context, t *tx, rc reminders.ReplyContext) (bool, error) {
	var n int
	err := t.get(ctx, &n, `SELECT COUNT(*) FROM replies AS r WHERE r.person_id = $1 AND r.at > $2 AND r.id <> $3 AND r.kind IN ($4, $5)`,
		rc.Person.ID, ms(rc.Reply.At), rc.Reply.ID, reminders.ReplyStop, reminders.ReplyStart)
	if err != nil {
		return false, fmt.Errorf("looking for what person %d said since reply %d: %w", rc.Person.ID, rc.Reply.ID, err)
	}
	return n > 0, nil
}

// senderOf finds who wrote a reply: whoever was asked, where the reply names its question, else whoever
// has the address. An address that several share tells nobody apart, and a person decides.
func senderOf(ctx context.Context, t *tx, r reminders.Reply) (person *reminders.Person, sharers []reminders.Person, err error) {
	type attempt struct {
		where string
		args  []any
	}
	var attempts []attempt
	if r.PersonID != 0 { // somebody said whose it is
		attempts = append(attempts, attempt{`p.id = $1`, []any{r.PersonID}})
	}
	team, err := senderTeam(ctx, t, r.Channel, toJSON(r.Attributes))
	if err != nil {
		return nil, nil, err
	}
	switch {
	case r.QuestionID == 0:
	case r.Channel == reminders.Slack: // whoever presses a button: what was asked in another workspace is not theirs to answer
		attempts = append(attempts, attempt{`p.id = (SELECT m.person_id FROM messages AS m WHERE m.id = $1 AND m.workspace = $2)`, []any{r.QuestionID, team}})
	default:
		attempts = append(attempts, attempt{`p.id = (SELECT m.person_id FROM messages AS m WHERE m.id = $1)`, []any{r.QuestionID}})
	}
	switch r.Channel {
	case reminders.SMS:
		attempts = append(attempts, attempt{`p.phone = $1 AND p.phone <> ''`, []any{r.From}})
	case reminders.Slack:
		attempts = append(attempts, attempt{`p.slack_id = $1 AND p.slack_id <> '' AND ` + inWorkspace(2), []any{r.From, team}})
		email := r.Attributes["email"]
		if strings.Contains(r.From, "@") {
			email = r.From
		}
		attempts = append(attempts, attempt{`p.email = $1 AND p.email <> '' AND p.channel = 'slack' AND ` + inWorkspace(2), []any{strings.ToLower(email), team}})
	case reminders.Email:
		if r.QuestionID != 0 {
			break // a mail's From proves nothing beside the question that it names: it could be anybody's
		}
		attempts = append(attempts, attempt{`p.email = $1 AND p.email <> ''`, []any{strings.ToLower(r.From)}})
	}
	for _, a := range attempts {
		var rows []personRow
		if err := t.all(ctx, &rows, `SELECT `+personColumns+` FROM persons AS p WHERE p.erased_at = 0 AND `+a.where+` ORDER BY p.id LIMIT 9`, a.args...); err != nil {
			return nil, nil, fmt.Errorf("looking for the sender of reply %d: %w", r.ID, err)
		}
		if len(rows) == 1 {
			p := rows[0].person()
			return &p, nil, nil
		}
		if len(rows) > 1 && r.Channel == reminders.SMS {
			for _, row := range rows {
				sharers = append(sharers, row.person())
			}
		}
	}
	return nil, sharers, nil
}

// participations returns a person's enrolments with what surrounds them, newest class first.
func participations(ctx context.Context, t *tx, personID int64) ([]reminders.Participation, error) {
	var rows []enrolmentRow
	if err := t.all(ctx, &rows, `SELECT `+enrolmentColumns+` FROM enrolments AS e JOIN classes AS cl ON cl.id = e.class_id
		WHERE e.person_id = $1 ORDER BY cl.end_date DESC, e.id DESC`, personID); err != nil {
		return nil, fmt.Errorf("reading enrolments of person %d: %w", personID, err)
	}
	ids, classes, companies, consultants, persons := set{}, set{}, set{}, set{}, set{}
	for _, e := range rows {
		ids.add(e.ID)
		classes.add(e.ClassID)
		companies.add(e.CompanyID)
	}
	classByID, err := findClasses(ctx, t, classes.ids())
	if err != nil {
		return nil, err
	}
	companyByID, err := findCompanies(ctx, t, companies.ids())
	if err != nil {
		return nil, err
	}
	for _, c := range companyByID {
		consultants.add(c.ConsultantID)
	}
	userByID, err := findUsers(ctx, t, consultants.ids())
	if err != nil {
		return nil, err
	}
	plans, err := ownPlans(ctx, t, ids.ids())
	if err != nil {
		return nil, err
	}
	groups, err := groupsOf(ctx, t, ids.ids())
	if err != nil {
		return nil, err
	}
	for _, g := range groups {
		for _, m := range g {
			persons.add(m.PersonID)
		}
	}
	personByID, err := findPersons(ctx, t, persons.ids())
	if err != nil {
		return nil, err
	}
	out := make([]reminders.Participation, len(rows))
	for i, e := range rows {
		p := reminders.Participation{Enrolment: e.enrolment(), Class: classByID[e.ClassID], Company: companyByID[e.CompanyID]}
		p.Consultant = at(userByID, p.Company.ConsultantID)
		p.Plan = plans[e.ID]
		p.Buddies, p.Starter = buddiesOf(groups[e.ID], e.ID, personByID)
		for _, m := range groups[e.ID] {
			if m.Shared != 0 {
				p.Shared = append(p.Shared, m.PersonID)
			}
		}
		out[i] = p
	}
	return out, nil
}

// askedOf returns the questions sent to a person on the reply's channel, newest first (index messages_person).
func askedOf(ctx context.Context, t *tx, personID int64, r reminders.Reply) ([]reminders.Question, error) {
	var rows []messageRow
	if err := t.all(ctx, &rows, `SELECT `+messageColumns+` FROM messages AS m WHERE m.person_id = $1 AND m.channel = $2 AND m.choices <> ''
		AND m.state IN ('sending', 'unknown', 'accepted', 'sent', 'delivered', 'undelivered') AND m.updated_at >= $3
		ORDER BY CASE WHEN m.sent_at = 0 THEN m.updated_at ELSE m.sent_at END DESC, m.id DESC LIMIT 200`, personID, r.Channel, ms(r.At.Add(-questionAge))); err != nil {
		return nil, fmt.Errorf("reading questions to person %d: %w", personID, err)
	}
	ids := make([]int64, len(rows))
	for i, m := range rows {
		ids[i] = m.ID
	}
	answers, err := latestAnswers(ctx, t, ids)
	if err != nil {
		return nil, err
	}
	out := make([]reminders.Question, 0, len(rows))
	for _, m := range rows {
		if m.SentAt != 0 && m.SentAt < ms(r.At.Add(-questionAge)) {
			continue
		}
		out = append(out, reminders.Question{Message: m.message(), Answer: answers[m.ID].Digit, Meaning: answers[m.ID].Meaning})
	}
	return out, nil
}

// leads adds the companies whose contact the person is, and their visits that are not over.
func leads(ctx context.Context, t *tx, rc *reminders.ReplyContext) error {
	var companies []companyRow
	if err := t.all(ctx, &companies, `SELECT `+companyColumns+` FROM companies AS co WHERE co.contact_id = $1 ORDER BY co.id`, rc.Person.ID); err != nil {
		return fmt.Errorf("reading companies of contact %d: %w", rc.Person.ID, err)
	}
	var ids []int64
	consultants := set{}
	for _, c := range companies {
		rc.Leads = append(rc.Leads, reminders.Lead{Company: c.company()})
		ids = append(ids, c.ID)
		consultants.add(rc.Leads[len(rc.Leads)-1].ConsultantID)
	}
	userByID, err := findUsers(ctx, t, consultants.ids())
	if err != nil {
		return err
	}
	for i, l := range rc.Leads {
		rc.Leads[i].Consultant = at(userByID, l.ConsultantID)
	}
	visits, err := allIn[visitRow](ctx, t, `SELECT `+visitColumns+` FROM visits AS v WHERE v.company_id IN (%s) AND v.state NOT IN ('held', 'cancelled')
		ORDER BY CASE WHEN v.start_at = 0 THEN 1 ELSE 0 END, v.start_at, v.earliest, v.id`, ids)
	if err != nil {
		return err
	}
	for _, v := range visits {
		rc.Visits = append(rc.Visits, v.visit())
	}
	return nil
}

// ApplyReply makes all effects of a reply in one transaction, once: applied is false where the reply is no
// longer just received. ECONFLICT, and nothing applied, where the slot it chooses is taken.
//
// The person is locked first, then visits, enrolments and messages, as everywhere: so this waits for a Begin that has
// the person, and never the other way round. What a STOP skips is locked by rising id.
func (s *Store) ApplyReply(ctx context.Context, now time.Time, e reminders.Effects) (applied bool, err error) {
	err = s.write(ctx, func(t *tx) error {
		applied, err = applyReply(ctx, t, now, e)
		return err
	})
	return applied, err
}

func applyReply(ctx context.Context, t *tx, now time.Time, e reminders.Effects) (bool, error) {
	// The row is the turnstile: of many callers one changes it, the others wait for that one and find it changed.
	var kept sender
	err := t.get(ctx, &kept, `UPDATE replies SET state = $1, kind = $2, why = $3, person_id = $4, handled_at = $5, urgent = $6
		WHERE id = $7 AND state = 'received' RETURNING channel, from_address, attributes, at`, e.State, e.Kind, clean(e.Why), ref(e.PersonID), ms(now), e.Urgent, e.ReplyID)
	if errors.Is(err, sql.ErrNoRows) {
		var n int
		if err := t.get(ctx, &n, `SELECT COUNT(*) FROM replies WHERE id = $1`, e.ReplyID); err != nil {
			return false, err
		}
		if n == 0 {
			return false, reminders.Errorf(reminders.ENOTFOUND, "there is no reply %d", e.ReplyID)
		}
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("handling reply %d: %w", e.ReplyID, err)
	}
	if kept.Team, err = senderTeam(ctx, t, kept.Channel, kept.Attributes); err != nil {
		return false, err
	}
	if e.Book != nil {
		// The consultant comes before the person.
		var consultant ref
		if err := t.get(ctx, &consultant, `SELECT consultant_id FROM visits WHERE id = $1`, e.Book.VisitID); err != nil {
			return false, notFound(err, "there is no visit %d", e.Book.VisitID)
		}
		if consultant != 0 {
			if err := t.lock(ctx, "users", []int64{int64(consultant)}); err != nil {
				return false, err
			}
		}
	}
	switch {
	case e.PersonID != 0:
		if err := applyToPerson(ctx, t, now, e, kept); err != nil {
			return false, err
		}
	case e.OptOut:
		if err := optOutAddress(ctx, t, now, kept); err != nil {
			return false, err
		}
	}
	if e.NewSlots != nil {
		if err := proposeVisit(ctx, t, now, *e.NewSlots); err != nil {
			return false, err
		}
	}
	if e.Book != nil {
		if err := book(ctx, t, now, *e.Book); err != nil {
			return false, err
		}
	}
	if a := e.Invited; a != nil {
		if err := saveVisitAnswer(ctx, t, e.ReplyID, *a); err != nil {
			return false, err
		}
	}
	var answers, say values
	if e.Share != nil {
		told, err := share(ctx, t, now, *e.Share)
		if err != nil {
			return false, err
		}
		for _, m := range told {
			plannedRow(&say, now, m)
		}
	}
	for _, a := range e.Answers {
		answers.add(a.QuestionID, ref(a.EnrolmentID), ref(e.PersonID), e.ReplyID, a.Step, a.Digit, a.Meaning, kept.At)
	}
	if _, err := t.insert(ctx, "answers", `question_id, enrolment_id, person_id, reply_id, step, digit, meaning, at`, &answers, ""); err != nil {
		return false, fmt.Errorf("storing answers of reply %d: %w", e.ReplyID, err)
	}
	for _, m := range e.Say {
		if m.PersonID == 0 && m.UserID == 0 {
			m.PersonID = e.PersonID
		}
		if m.Channel == reminders.Slack && m.Channel == kept.Channel { // back to where it came from
			m.Workspace = kept.Team
		}
		plannedRow(&say, now, m)
	}
	if _, err := t.insert(ctx, "messages", plannedColumns, &say, `ON CONFLICT (subject, step) DO NOTHING`); err != nil {
		return false, fmt.Errorf("planning what is said to reply %d: %w", e.ReplyID, err)
	}
	if err := reread(ctx, t, e); err != nil {
		return false, err
	}
	if e.Erase {
		return true, erase(ctx, t, now, e.PersonID)
	}
	if e.OptOut && e.PersonID != 0 {
		return true, skipPlanned(ctx, t, now, e.PersonID, reminders.ReasonOptedOut)
	}
	return true, nil
}

// applyToPerson makes what a reply changes about its sender.
func applyToPerson(ctx context.Context, t *tx, now time.Time, e reminders.Effects, from sender) error {
	id := e.PersonID
	if err := t.lock(ctx, "persons", []int64{id}); err != nil {
		return err
	}
	if err := reached(ctx, t, now, id, from); err != nil {
		return err
	}
	if from.Team != "" {
		if _, err := t.exec(ctx, `UPDATE persons SET slack_team = $1 WHERE id = $2 AND slack_id = $3 AND slack_team = ''`, from.Team, id, from.Address); err != nil {
			return fmt.Errorf("noting the workspace of person %d: %w", id, err)
		}
	}
	set := func(assignment string, arg any) error {
		if _, err := t.exec(ctx, `UPDATE persons SET `+assignment+`, updated_at = $2 WHERE id = $3`, arg, ms(now), id); err != nil {
			return fmt.Errorf("changing person %d: %w", id, err)
		}
		return nil
	}
	if e.OptOut {
		if err := markOptedOut(ctx, t, now, []int64{id}); err != nil {
			return err
		}
	}
	if e.Doubt {
		if err := set(`doubt_at = $1`, ms(now)); err != nil {
			return err
		}
	}
	if e.Certain || e.OptIn || e.OptOut {
		if err := set(`doubt_at = $1`, millis(0)); err != nil {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE replies SET state = 'handled' WHERE person_id = $1 AND state = 'inbox' AND kind = $2`, id, reminders.ReplyDoubt); err != nil {
			return fmt.Errorf("settling what person %d was asked: %w", id, err)
		}
	}
	if e.Mute {
		if err := set(`muted_at = $1`, ms(now)); err != nil {
			return err
		}
	}
	if e.OptIn {
		persons, err := findPersons(ctx, t, []int64{id})
		if err != nil {
			return err
		}
		known := persons[id]
		everywhere := t.s.hashes(known)
		known.SlackTeam = "" // as it was known before the workspace was
		for _, hash := range append(everywhere, t.s.hashes(known)...) {
			if _, err := t.exec(ctx, `DELETE FROM suppressions WHERE hash = $1`, hash); err != nil {
				return fmt.Errorf("opting person %d in: %w", id, err)
			}
		}
		if err := set(`muted_at = 0, opted_out_at = $1`, millis(0)); err != nil {
			return err
		}
		if err := dirty(ctx, t, ofPerson, id); err != nil {
			return err
		}
	}
	if e.Unpause || !e.PauseUntil.IsZero() {
		if err := set(`paused_until = $1`, ms(e.PauseUntil)); err != nil {
			return err
		}
	}
	if e.Language != "" {
		return set(`language = $1`, e.Language)
	}
	return nil
}

// skipPlanned ends all that is planned for a person (index messages_person).
func skipPlanned(ctx context.Context, t *tx, now time.Time, personID int64, reason string) error {
	var ids []int64
	if err := t.all(ctx, &ids, `SELECT m.id FROM messages AS m WHERE m.person_id = $1 AND m.state = 'planned' ORDER BY m.id`+t.forUpdate(`FOR NO KEY UPDATE`), personID); err != nil {
		return fmt.Errorf("looking for what is planned for person %d: %w", personID, err)
	}
	return inChunks(ids, func(list string) error {
		_, err := t.exec(ctx, `UPDATE messages SET state = 'skipped', reason = $1, updated_at = $2 WHERE id IN (`+list+`) AND state = 'planned'`, reason, ms(now))
		return err
	})
}

// LinkSlack remembers the Slack id of a person who was known by e-mail only. ENOTFOUND where there is no
// such person; another id than the one known is kept out with ECONFLICT.
func (s *Store) LinkSlack(ctx context.Context, personID int64, slackID string) error {
	return s.write(ctx, func(t *tx) error {
		var has string
		if err := t.get(ctx, &has, `SELECT slack_id FROM persons WHERE id = $1 AND erased_at = 0`+t.forUpdate(`FOR NO KEY UPDATE`), personID); err != nil {
			return notFound(err, "there is no person %d", personID)
		}
		if has != "" && has != slackID {
			return reminders.Errorf(reminders.ECONFLICT, "person %d has another Slack id", personID)
		}
		_, err := t.exec(ctx, `UPDATE persons SET slack_id = $1 WHERE id = $2`, slackID, personID)
		return err
	})
}

// KnowsSlackUser says whether somebody has this Slack id in the workspace of team.
func (s *Store) KnowsSlackUser(ctx context.Context, team, slackID string) (known bool, err error) {
	err = s.read(ctx, func(t *tx) error {
		ours, err := knownTeam(ctx, t, team)
		if err != nil {
			return err
		}
		if !ours {
			team = ""
		}
		var n int
		err = t.get(ctx, &n, `SELECT COUNT(*) FROM persons AS p WHERE p.slack_id = $1 AND p.slack_id <> '' AND `+inWorkspace(2), slackID, team)
		known = n > 0
		return err
	})
	return known, err
}
