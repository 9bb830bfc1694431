package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"efterkurs/reminders"
)

// talk is whose conversation it is: a person's, or that of an address that nobody is known by.
type talk struct {
	person           int64
	channel, address string
}

// replies is the condition that a reply r is of the conversation, and its arguments (indexes replies_person, replies_nobody).
// What nobody has interpreted yet is of none: it may turn out to be somebody else's.
func (k talk) replies() (string, []any) {
	if k.person != 0 {
		return `r.person_id = ` + itoa(k.person), nil
	}
	return `r.person_id IS NULL AND r.state <> 'received' AND r.channel = $1 AND r.from_address = $2`, []any{k.channel, k.address}
}

// messages is the condition that a message m is of the conversation (index messages_person, and the key (subject, step)).
func (k talk) messages() (string, []any) {
	if k.person != 0 {
		return `m.person_id = ` + itoa(k.person), nil
	}
	replies, args := k.replies()
	return `m.subject IN (SELECT 'reply/' || CAST(r.id AS TEXT) FROM replies AS r WHERE ` + replies + `)`, args
}

// findTalk reads the reply that names a conversation.
func findTalk(ctx context.Context, t *tx, replyID int64) (reminders.Reply, talk, error) {
	var row replyRow
	if err := t.get(ctx, &row, `SELECT `+replyColumns+` FROM replies AS r WHERE r.id = $1 AND r.state <> 'received'`, replyID); err != nil {
		return reminders.Reply{}, talk{}, notFound(err, "there is no reply %d in a conversation", replyID)
	}
	k := talk{person: int64(row.PersonID)}
	if k.person == 0 {
		k.channel, k.address = row.Channel, row.From
	}
	return row.reply(), k, nil
}

// maxTalk is how much of a conversation is shown: six weeks have some twenty texts each way.
const maxTalk = 200

// Conversation returns all that was said with the sender of a reply. ENOTFOUND where there is no such reply, or it is
// not for viewer to read.
func (s *Store) Conversation(ctx context.Context, now time.Time, viewer reminders.Viewer, replyID int64) (c reminders.Conversation, err error) {
	err = s.read(ctx, func(t *tx) error {
		c, err = conversation(ctx, t, now, viewer, replyID)
		return err
	})
	return c, err
}

func conversation(ctx context.Context, t *tx, now time.Time, viewer reminders.Viewer, replyID int64) (c reminders.Conversation, err error) {
	var k talk
	if c.Reply, k, err = findTalk(ctx, t, replyID); err != nil {
		return c, err
	}
	var readable int
	if err := t.get(ctx, &readable, `SELECT COUNT(*) FROM replies AS r WHERE r.id = $1 AND `+sees(viewer), replyID); err != nil {
		return c, err
	}
	if readable == 0 {
		return c, reminders.Errorf(reminders.ENOTFOUND, "reply %d is not for user %d to read", replyID, viewer.UserID)
	}
	if c.Known, err = known(ctx, t, k); err != nil {
		return c, err
	}
	if err := textsOf(ctx, t, viewer, k, &c); err != nil {
		return c, err
	}
	if err := surroundings(ctx, t, now, k, &c); err != nil {
		return c, err
	}
	users := set{}
	users.add(c.Known.Owner)
	for _, r := range c.Replies {
		users.add(r.AssignedID)
	}
	for _, m := range c.Messages {
		users.add(m.AuthorID)
	}
	if c.Company != nil {
		users.add(c.Company.ConsultantID)
	}
	if c.Users, err = findUsers(ctx, t, users.ids()); err != nil {
		return c, err
	}
	c.Taken = c.Known.Owner != 0
	owner := c.Known.Owner
	if owner == 0 && c.Company != nil {
		owner = c.Company.ConsultantID
	}
	c.Owner = at(c.Users, owner)
	c.Placed, err = placed(ctx, t, c.Replies)
	return c, err
}

// known returns how far a conversation has come.
func known(ctx context.Context, t *tx, k talk) (out reminders.Known, err error) {
	var row struct {
		Newest int64 `db:"newest"`
		N      int   `db:"n"`
		Owner  int64 `db:"owner"`
	}
	replies, args := k.replies()
	if err := t.get(ctx, &row, `SELECT COALESCE(MAX(r.id), 0) AS newest, COUNT(*) AS n, COALESCE(MAX(CASE WHEN r.state = 'inbox' THEN r.assigned_id END), 0) AS owner
		FROM replies AS r WHERE `+replies, args...); err != nil {
		return out, fmt.Errorf("reading how far a conversation has come: %w", err)
	}
	out.Reply, out.Replies, out.Owner = row.Newest, row.N, row.Owner
	messages, args := k.messages()
	if err := t.get(ctx, &out.Note, `SELECT COALESCE(MAX(m.id), 0) FROM messages AS m WHERE m.kind = 'note' AND `+messages, args...); err != nil {
		return out, fmt.Errorf("reading what was last written back: %w", err)
	}
	return out, nil
}

// textsOf reads the texts in and out. What sounds like trouble is left out for who may not read it, and so is what was
// said back to it.
func textsOf(ctx context.Context, t *tx, viewer reminders.Viewer, k talk, c *reminders.Conversation) error {
	replies, args := k.replies()
	var rows []struct {
		replyRow
		Readable bool `db:"readable"`
	}
	if err := t.all(ctx, &rows, `SELECT `+replyColumns+`, `+sees(viewer)+` AS readable FROM replies AS r WHERE `+replies+` ORDER BY r.id DESC LIMIT `+itoa(maxTalk), args...); err != nil {
		return fmt.Errorf("reading a conversation: %w", err)
	}
	hidden := map[string]bool{}
	for _, r := range slices.Backward(rows) {
		if !r.Readable {
			hidden[reminders.ReplySubject(r.ID)] = true
			continue
		}
		c.Replies = append(c.Replies, r.reply())
	}
	c.Hidden = len(hidden)
	messages, args := k.messages()
	var texts []messageRow
	if err := t.all(ctx, &texts, `SELECT `+messageColumns+` FROM messages AS m WHERE `+messages+`
		AND (m.state NOT IN ('planned', 'claimed', 'skipped') OR m.kind IN ('note', 'reply')) ORDER BY m.id DESC LIMIT `+itoa(maxTalk), args...); err != nil {
		return fmt.Errorf("reading a conversation: %w", err)
	}
	for _, m := range slices.Backward(texts) {
		if !hidden[m.Subject] {
			c.Messages = append(c.Messages, m.message())
		}
	}
	return nil
}

// surroundings adds who it is.
func surroundings(ctx context.Context, t *tx, now time.Time, k talk, c *reminders.Conversation) error {
	if k.person == 0 {
		return nobody(ctx, t, k, c)
	}
	persons, err := findPersons(ctx, t, []int64{k.person})
	if err != nil {
		return err
	}
	c.Person = at(persons, k.person)
	c.Stopped = !c.Person.OptedOutAt.IsZero()
	if c.Participations, err = participations(ctx, t, k.person); err != nil {
		return err
	}
	rc := reminders.ReplyContext{Person: c.Person}
	if err := leads(ctx, t, &rc); err != nil {
		return err
	}
	c.Leads = rc.Leads
	employers, err := employersOf(ctx, t, []int64{k.person})
	if err != nil {
		return err
	}
	c.Company = at(employers, k.person)
	c.Questions, err = askedLately(ctx, t, k.person, now)
	return err
}

// nobody adds what is known of an address that tells no person: whether it said STOP, and who shares it.
func nobody(ctx context.Context, t *tx, k talk, c *reminders.Conversation) error {
	from := sender{Channel: k.channel, Address: k.address, Attributes: toJSON(c.Reply.Attributes)}.addresses()
	var err error
	if c.Stopped, err = suppressed(ctx, t, from); err != nil {
		return err
	}
	var rows []personRow
	if err := t.all(ctx, &rows, `SELECT `+personColumns+` FROM persons AS p WHERE p.erased_at = 0 AND
		(p.phone <> '' AND p.phone = $1 OR p.email <> '' AND p.email = $2 OR p.slack_id <> '' AND p.slack_id = $3) ORDER BY p.name_key, p.id LIMIT 20`,
		from.Phone, from.Email, from.SlackID); err != nil {
		return fmt.Errorf("looking for who shares an address: %w", err)
	}
	for _, r := range rows {
		c.Sharers = append(c.Sharers, r.person())
	}
	return nil
}

// suppressed says whether one of the addresses of p has said STOP.
func suppressed(ctx context.Context, t *tx, p reminders.Person) (yes bool, err error) {
	err = textChunks(t.s.hashes(p), func(list string, args []any) error {
		var n int
		err := t.get(ctx, &n, `SELECT COUNT(*) FROM suppressions WHERE hash IN (`+list+`)`, args...)
		yes = yes || n > 0
		return err
	})
	return yes, err
}

// askedLately returns the questions of the programme that a person was asked on any channel, newest first. A reminder's is its
// exercise's, and a visit's times are booked, not counted (index messages_person).
func askedLately(ctx context.Context, t *tx, personID int64, now time.Time) ([]reminders.Question, error) {
	var rows []messageRow
	if err := t.all(ctx, &rows, `SELECT `+messageColumns+` FROM messages AS m WHERE m.person_id = $1 AND m.choices <> '' AND m.kind IN ('exercise', 'checkin', 'checkin-again')
		AND m.state IN ('sending', 'unknown', 'accepted', 'sent', 'delivered', 'undelivered') AND m.updated_at >= $2 ORDER BY m.id DESC LIMIT 100`, personID, ms(now.Add(-questionAge))); err != nil {
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
	var out []reminders.Question
	for _, m := range rows {
		out = append(out, reminders.Question{Message: m.message(), Answer: answers[m.ID].Digit, Meaning: answers[m.ID].Meaning})
	}
	slices.SortStableFunc(out, func(a, b reminders.Question) int {
		return cmp.Or(cmp.Or(b.SentAt, b.RunAt).Compare(cmp.Or(a.SentAt, a.RunAt)), cmp.Compare(b.ID, a.ID))
	})
	return out, nil
}

// Asked returns the questions that a person was asked in the last 90 days, newest first.
func (s *Store) Asked(ctx context.Context, now time.Time, personID int64) (questions []reminders.Question, err error) {
	err = s.read(ctx, func(t *tx) error {
		questions, err = askedLately(ctx, t, personID, now)
		return err
	})
	return questions, err
}

// Placed returns what the replies of a person were counted as, moved ones too, by reply.
func (s *Store) Placed(ctx context.Context, replies []reminders.Reply) (out map[int64][]reminders.Placed, err error) {
	err = s.peek(ctx, func(t *tx) error {
		out, err = placed(ctx, t, replies)
		return err
	})
	return out, err
}

// placed reads answers by reply (index answers_reply). That of a check-in asked again stands for both.
func placed(ctx context.Context, t *tx, replies []reminders.Reply) (map[int64][]reminders.Placed, error) {
	ids := make([]int64, len(replies))
	for i, r := range replies {
		ids[i] = r.ID
	}
	type row struct {
		ReplyID    int64  `db:"reply_id"`
		QuestionID int64  `db:"question_id"`
		Kind       string `db:"kind"`
		Week       int    `db:"week"`
		Digit      string `db:"digit"`
		Meaning    string `db:"meaning"`
		Choices    string `db:"choices"`
		MovedAt    millis `db:"moved_at"`
	}
	rows, err := allIn[row](ctx, t, `SELECT a.reply_id, a.question_id, m.kind, m.week, a.digit, a.meaning, m.choices, a.moved_at
		FROM answers AS a JOIN messages AS m ON m.id = a.question_id WHERE a.reply_id IN (%s) ORDER BY a.id`, ids)
	if err != nil {
		return nil, fmt.Errorf("reading what replies were counted as: %w", err)
	}
	out := map[int64][]reminders.Placed{}
	for _, r := range rows {
		p := reminders.Placed{QuestionID: r.QuestionID, Kind: reminders.Kind(r.Kind), Week: r.Week, Digit: r.Digit, Meaning: r.Meaning, MovedAt: r.MovedAt.Time()}
		for _, c := range fromJSON[[]reminders.Choice](r.Choices) {
			if c.Digit == r.Digit {
				p.Label = c.Label
			}
		}
		before := out[r.ReplyID]
		if n := len(before); n > 0 && before[n-1].Kind == reminders.KindCheckinAgain && p.Kind == reminders.KindCheckin && before[n-1].MovedAt.Equal(p.MovedAt) {
			continue
		}
		out[r.ReplyID] = append(before, p)
	}
	return out, nil
}

// Sees says whether viewer may see a person.
func (s *Store) Sees(ctx context.Context, viewer reminders.Viewer, personID int64) (yes bool, err error) {
	err = s.peek(ctx, func(t *tx) error {
		var n int
		err := t.get(ctx, &n, `SELECT COUNT(*) FROM (SELECT p.id AS person_id, 'text' AS kind FROM persons AS p WHERE p.id = $1 AND p.erased_at = 0) AS r WHERE `+sees(viewer), personID)
		yes = n > 0
		return err
	})
	return yes, err
}

// SearchPersons finds people whom viewer may see by parts of their name and company: every word of query stands in one of them.
func (s *Store) SearchPersons(ctx context.Context, viewer reminders.Viewer, query string, most int) (found []reminders.Found, err error) {
	words := strings.Fields(key(clean(query)))
	if len(words) == 0 {
		return nil, nil
	}
	w := where{}
	for _, word := range words[:min(len(words), 8)] {
		w.add(`(r.name_key LIKE ? ESCAPE '!' OR EXISTS (SELECT 1 FROM companies AS co WHERE co.name_key LIKE ? ESCAPE '!' AND
			(co.contact_id = r.person_id OR co.id IN (SELECT e.company_id FROM enrolments AS e WHERE e.person_id = r.person_id))))`, "%"+likeEscaper.Replace(word)+"%")
	}
	err = s.read(ctx, func(t *tx) error {
		found = nil
		var ids []int64
		if err := t.all(ctx, &ids, `SELECT r.person_id FROM (SELECT p.id AS person_id, p.name_key, 'text' AS kind FROM persons AS p WHERE p.erased_at = 0) AS r `+w.text()+`
			AND `+sees(viewer)+` ORDER BY r.name_key, r.person_id LIMIT `+itoa(int64(limit(most))), w.args...); err != nil {
			return fmt.Errorf("looking for a person: %w", err)
		}
		persons, err := findPersons(ctx, t, ids)
		if err != nil {
			return err
		}
		employers, err := employersOf(ctx, t, ids)
		if err != nil {
			return err
		}
		for _, id := range ids {
			found = append(found, reminders.Found{Person: persons[id], Company: employers[id].Name})
		}
		return nil
	})
	return found, err
}
