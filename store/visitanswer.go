package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"efterkurs/reminders"
)

// invited finds the visit whose invitation a reply answers, and which of those who were invited does; nil = it answers none
// of ours. The attributes are as bot.AttributeInvitation and bot.AttributeAttendee name them.
func invited(ctx context.Context, t *tx, r reminders.Reply) (*reminders.Invited, error) {
	uid, attendee := r.Attributes["invitation"], strings.ToLower(r.Attributes["attendee"])
	if uid == "" || attendee == "" {
		return nil, nil
	}
	var row visitRow
	err := t.get(ctx, &row, `SELECT `+visitColumns+` FROM visits AS v WHERE v.uid = $1`, clean(uid))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for the visit that reply %d answers: %w", r.ID, err)
	}
	in := reminders.Invited{Visit: row.visit()}
	users, err := findUsers(ctx, t, []int64{in.Visit.ConsultantID, in.Visit.TeacherID})
	if err != nil {
		return nil, err
	}
	for _, u := range users {
		if strings.EqualFold(u.Email, attendee) {
			in.UserID = u.ID
			return &in, nil
		}
	}
	var person ref
	err = t.get(ctx, &person, `SELECT p.id FROM companies AS co JOIN persons AS p ON p.id = co.contact_id WHERE co.id = $1 AND LOWER(p.email) = $2`, in.Visit.CompanyID, clean(attendee))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for who answers with reply %d: %w", r.ID, err)
	}
	in.PersonID = int64(person)
	return &in, nil
}

func saveVisitAnswer(ctx context.Context, t *tx, replyID int64, a reminders.VisitAnswer) error {
	var rows values
	rows.add(a.VisitID, ref(a.PersonID), ref(a.UserID), replyID, a.Sequence, a.Answer, ms(a.At))
	if _, err := t.insert(ctx, "visit_answers", `visit_id, person_id, user_id, reply_id, sequence, answer, at`, &rows, `ON CONFLICT (visit_id, reply_id) DO NOTHING`); err != nil {
		return fmt.Errorf("storing an answer to the invitation to visit %d: %w", a.VisitID, err)
	}
	return nil
}

// VisitAnswers returns the latest answer of each who was invited to visits as they are now (their Sequence), by visit.
func (s *Store) VisitAnswers(ctx context.Context, visitIDs []int64) (answers map[int64][]reminders.VisitAnswer, err error) {
	type row struct {
		VisitID  int64  `db:"visit_id"`
		PersonID ref    `db:"person_id"`
		UserID   ref    `db:"user_id"`
		Name     string `db:"name"`
		Sequence int    `db:"sequence"`
		Answer   string `db:"answer"`
		At       millis `db:"at"`
	}
	err = s.peek(ctx, func(t *tx) error {
		rows, err := allIn[row](ctx, t, `SELECT a.visit_id, a.person_id, a.user_id, COALESCE(p.name, u.name, '') AS name, a.sequence, a.answer, a.at
			FROM visit_answers AS a JOIN visits AS v ON v.id = a.visit_id AND v.sequence = a.sequence
			LEFT JOIN persons AS p ON p.id = a.person_id LEFT JOIN users AS u ON u.id = a.user_id
			WHERE a.visit_id IN (%s) ORDER BY a.visit_id, a.at, a.id`, visitIDs)
		if err != nil {
			return fmt.Errorf("reading answers to invitations: %w", err)
		}
		answers = map[int64][]reminders.VisitAnswer{}
		for _, r := range rows {
			a := reminders.VisitAnswer{VisitID: r.VisitID, PersonID: int64(r.PersonID), UserID: int64(r.UserID), Name: r.Name, Sequence: r.Sequence, Answer: r.Answer, At: r.At.Time()}
			list := answers[r.VisitID]
			for i, old := range list {
				if old.PersonID == a.PersonID && old.UserID == a.UserID {
					list = append(list[:i], list[i+1:]...)
					break
				}
			}
			answers[r.VisitID] = append(list, a)
		}
		return nil
	})
	return answers, err
}
