package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"efterkurs/reminders"
)

// Messages lists messages, newest first, a page at a time by BeforeID.
func (s *Store) Messages(ctx context.Context, f reminders.MessageFilter) (messages []reminders.Message, err error) {
	w := where{}
	if f.PersonID != 0 {
		w.add(`m.person_id = ?`, f.PersonID)
	}
	if f.UserID != 0 {
		w.add(`m.user_id = ?`, f.UserID)
	}
	if f.CompanyID != 0 {
		w.add(`m.company_id = ?`, f.CompanyID)
	}
	if !f.From.IsZero() {
		w.add(`m.sent_at >= ?`, ms(f.From))
	}
	if f.BeforeID != 0 {
		w.add(`m.id < ?`, f.BeforeID)
	}
	states := make([]string, len(f.States))
	for i, state := range f.States {
		states[i] = string(state)
	}
	w.in(`m.state`, states)
	err = s.peek(ctx, func(t *tx) error {
		var rows []messageRow
		if err := t.all(ctx, &rows, `SELECT `+messageColumns+` FROM messages AS m `+w.text()+` ORDER BY m.id DESC LIMIT `+strconv.Itoa(limit(f.Limit)), w.args...); err != nil {
			return fmt.Errorf("listing messages: %w", err)
		}
		messages = messagesOf(rows)
		return nil
	})
	return messages, err
}

// Message returns one message; ENOTFOUND where there is none.
func (s *Store) Message(ctx context.Context, id int64) (message reminders.Message, err error) {
	err = s.peek(ctx, func(t *tx) error {
		var r messageRow
		if err := t.get(ctx, &r, `SELECT `+messageColumns+` FROM messages AS m WHERE m.id = $1`, id); err != nil {
			return notFound(err, "there is no message %d", id)
		}
		message = r.message()
		return nil
	})
	return message, err
}

// AnswerTo returns the digit that counts as the answer to what a message asks, "" where it is unanswered. A reminder asks
// what its exercise asked; a check-in that is asked once more is answered anew (index answers_question).
func (s *Store) AnswerTo(ctx context.Context, messageID int64) (digit string, err error) {
	err = s.peek(ctx, func(t *tx) error {
		var r messageRow
		if err := t.get(ctx, &r, `SELECT `+messageColumns+` FROM messages AS m WHERE m.id = $1`, messageID); err != nil {
			return notFound(err, "there is no message %d", messageID)
		}
		m := r.message()
		ids := []int64{m.ID}
		if m.Kind != reminders.KindCheckinAgain {
			if m.QuestionID != 0 {
				ids = append(ids, m.QuestionID)
			}
			if step := reminders.QuestionStep(m.Kind, m.Week); step != "" {
				var asked []int64
				if err := t.all(ctx, &asked, `SELECT m.id FROM messages AS m WHERE m.subject = $1 AND m.step = $2`, m.Subject, step); err != nil {
					return fmt.Errorf("looking for what message %d asks again: %w", messageID, err)
				}
				ids = append(ids, asked...)
			}
		}
		var last answerRow
		err := inChunks(ids, func(list string) error {
			return t.get(ctx, &last, `SELECT a.question_id, a.digit, a.meaning FROM answers AS a WHERE a.question_id IN (`+list+`) AND a.digit <> '' AND a.moved_at = 0
				ORDER BY a.at DESC, a.id DESC LIMIT 1`)
		})
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("reading the answer to message %d: %w", messageID, err)
		}
		digit = last.Digit
		return nil
	})
	return digit, err
}

// Replies lists replies, newest first, a page at a time by BeforeID.
func (s *Store) Replies(ctx context.Context, f reminders.ReplyFilter) (replies []reminders.Reply, err error) {
	w := where{}
	if f.PersonID != 0 {
		w.add(`r.person_id = ?`, f.PersonID)
	}
	if f.State != "" {
		w.add(`r.state = ?`, f.State)
	}
	if f.BeforeID != 0 {
		w.add(`r.id < ?`, f.BeforeID)
	}
	err = s.peek(ctx, func(t *tx) error {
		var rows []replyRow
		if err := t.all(ctx, &rows, `SELECT `+replyColumns+` FROM replies AS r `+w.text()+` ORDER BY r.id DESC LIMIT `+strconv.Itoa(limit(f.Limit)), w.args...); err != nil {
			return fmt.Errorf("listing replies: %w", err)
		}
		for _, r := range rows {
			replies = append(replies, r.shown())
		}
		return nil
	})
	return replies, err
}

// Classes lists classes, newest first. A viewer who is not 0 sees those they teach, and those with people
// of their companies.
func (s *Store) Classes(ctx context.Context, viewer int64) (classes []reminders.Class, err error) {
	w := where{}
	if viewer != 0 {
		w.add(`(cl.teacher_id = ? OR EXISTS (SELECT 1 FROM enrolments AS e JOIN companies AS co ON co.id = e.company_id
			WHERE e.class_id = cl.id AND co.consultant_id = ?))`, viewer)
	}
	err = s.peek(ctx, func(t *tx) error {
		var rows []classRow
		if err := t.all(ctx, &rows, `SELECT `+classColumns+` FROM classes AS cl `+w.text()+` ORDER BY cl.end_date DESC, cl.id DESC`, w.args...); err != nil {
			return fmt.Errorf("listing classes: %w", err)
		}
		for _, r := range rows {
			classes = append(classes, r.class())
		}
		return nil
	})
	return classes, err
}

// Companies lists companies by name. A viewer who is not 0 sees their own, and those with people on
// classes they teach.
func (s *Store) Companies(ctx context.Context, viewer int64) (companies []reminders.Company, err error) {
	w := where{}
	if viewer != 0 {
		w.add(`(co.consultant_id = ? OR EXISTS (SELECT 1 FROM enrolments AS e JOIN classes AS cl ON cl.id = e.class_id
			WHERE e.company_id = co.id AND cl.teacher_id = ?))`, viewer)
	}
	err = s.peek(ctx, func(t *tx) error {
		var rows []companyRow
		if err := t.all(ctx, &rows, `SELECT `+companyColumns+` FROM companies AS co `+w.text()+` ORDER BY co.name_key`, w.args...); err != nil {
			return fmt.Errorf("listing companies: %w", err)
		}
		for _, r := range rows {
			companies = append(companies, r.company())
		}
		return nil
	})
	return companies, err
}

// Class, Company and Person return one; ENOTFOUND where there is none.
func (s *Store) Class(ctx context.Context, id int64) (reminders.Class, error) {
	return one(ctx, s, id, "class", findClasses)
}

func (s *Store) Company(ctx context.Context, id int64) (reminders.Company, error) {
	return one(ctx, s, id, "company", findCompanies)
}

func (s *Store) Person(ctx context.Context, id int64) (reminders.Person, error) {
	return one(ctx, s, id, "person", findPersons)
}

// Persons returns persons by id; who is not known is missing.
func (s *Store) Persons(ctx context.Context, ids ...int64) (persons map[int64]reminders.Person, err error) {
	err = s.read(ctx, func(t *tx) error {
		persons, err = findPersons(ctx, t, ids)
		return err
	})
	return persons, err
}

func one[T any](ctx context.Context, s *Store, id int64, what string, find func(context.Context, *tx, []int64) (map[int64]T, error)) (found T, err error) {
	err = s.peek(ctx, func(t *tx) error {
		byID, err := find(ctx, t, []int64{id})
		if err != nil {
			return err
		}
		var ok bool
		if found, ok = byID[id]; !ok {
			return reminders.Errorf(reminders.ENOTFOUND, "there is no %s %d", what, id)
		}
		return nil
	})
	return found, err
}

// FindPersons finds persons by id, phone (E.164), e-mail address, Slack id or whole name without case.
func (s *Store) FindPersons(ctx context.Context, query string) (persons []reminders.Person, err error) {
	query = strings.TrimSpace(clean(query))
	if query == "" {
		return nil, nil
	}
	w := where{}
	if id, err := strconv.ParseInt(query, 10, 64); err == nil {
		w.add(`p.id = ?`, id)
	}
	w.add(`p.phone = ?`, query)
	w.add(`p.email = ?`, strings.ToLower(query))
	w.add(`p.slack_id = ?`, query)
	w.add(`p.name_key = ?`, key(query))
	err = s.peek(ctx, func(t *tx) error {
		var rows []personRow
		if err := t.all(ctx, &rows, `SELECT `+personColumns+` FROM persons AS p WHERE p.erased_at = 0 AND (`+strings.Join(w.conditions, " OR ")+`)
			ORDER BY p.id LIMIT 100`, w.args...); err != nil {
			return fmt.Errorf("looking for a person: %w", err)
		}
		for _, r := range rows {
			persons = append(persons, r.person())
		}
		return nil
	})
	return persons, err
}

// Trouble is what did not arrive: messages, and persons whose address is wrong.
type Trouble struct {
	Messages []reminders.Message
	Persons  []reminders.Person
}

// Undelivered lists what did not arrive, newest first (indexes messages_trouble, persons_fault). A viewer who is
// not 0 sees their own companies and the classes they teach.
func (s *Store) Undelivered(ctx context.Context, viewer int64, most int) (trouble Trouble, err error) {
	err = s.read(ctx, func(t *tx) error {
		trouble = Trouble{}
		ofMessage, ofPerson, args := "", "", []any{}
		if viewer != 0 {
			ofMessage = ` AND (m.company_id IN (SELECT co.id FROM companies AS co WHERE co.consultant_id = $1)
				OR m.class_id IN (SELECT cl.id FROM classes AS cl WHERE cl.teacher_id = $1))`
			ofPerson = ` AND (EXISTS (SELECT 1 FROM companies AS co WHERE co.contact_id = p.id AND co.consultant_id = $1)
				OR EXISTS (SELECT 1 FROM enrolments AS e JOIN companies AS co ON co.id = e.company_id JOIN classes AS cl ON cl.id = e.class_id
					WHERE e.person_id = p.id AND (co.consultant_id = $1 OR cl.teacher_id = $1)))`
			args = append(args, viewer)
		}
		end := ` DESC LIMIT ` + strconv.Itoa(limit(most))
		var messages []messageRow
		if err := t.all(ctx, &messages, `SELECT `+messageColumns+` FROM messages AS m
			WHERE m.state IN ('unknown', 'undelivered', 'failed')`+ofMessage+` ORDER BY m.id`+end, args...); err != nil {
			return fmt.Errorf("listing what was not delivered: %w", err)
		}
		var persons []personRow
		if err := t.all(ctx, &persons, `SELECT `+personColumns+` FROM persons AS p WHERE p.address_fault <> ''`+ofPerson+` ORDER BY p.id`+end, args...); err != nil {
			return fmt.Errorf("listing wrong addresses: %w", err)
		}
		trouble.Messages = messagesOf(messages)
		for _, p := range persons {
			trouble.Persons = append(trouble.Persons, p.person())
		}
		return nil
	})
	return trouble, err
}
