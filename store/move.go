package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"efterkurs/reminders"
)

// MoveReply makes a reply the answer to another question, or to none. What it counted as until now is kept and counts no more.
// EINVALID for a question that its sender was not asked, or a digit that it does not have.
func (s *Store) MoveReply(ctx context.Context, now time.Time, m reminders.Move) error {
	return s.inTalk(ctx, m.ReplyID, func(t *tx, reply reminders.Reply, k talk) error {
		if k.person == 0 {
			return reminders.Errorf(reminders.EINVALID, "nobody knows who wrote reply %d", m.ReplyID)
		}
		users, err := findUsers(ctx, t, []int64{m.UserID})
		if err != nil {
			return err
		}
		var given values
		why, kind := reminders.WhyMoved(users[m.UserID].Name, "", ""), reminders.ReplyText
		if m.QuestionID != 0 {
			asked, err := askedLately(ctx, t, k.person, now)
			if err != nil {
				return err
			}
			i := slices.IndexFunc(asked, func(q reminders.Question) bool { return q.ID == m.QuestionID })
			if i < 0 {
				return reminders.Errorf(reminders.EINVALID, "message %d asked person %d nothing lately", m.QuestionID, k.person)
			}
			q, meaning := asked[i], ""
			if m.Digit != "" {
				c := slices.IndexFunc(q.Choices, func(c reminders.Choice) bool { return c.Digit == m.Digit })
				if c < 0 {
					return reminders.Errorf(reminders.EINVALID, "message %d has no choice %q", q.ID, m.Digit)
				}
				meaning, kind = q.Choices[c].Meaning, reminders.ReplyAnswer
			}
			give := func(q reminders.Question) {
				given.add(q.ID, ref(q.EnrolmentID), ref(k.person), reply.ID, q.Step, m.Digit, meaning, ms(reply.At))
			}
			give(q)
			if q.Kind == reminders.KindCheckinAgain { // the pair's answer is one, however often it was asked
				for _, first := range asked {
					if first.Subject == q.Subject && first.Step == reminders.CheckinStep(q.Week) {
						give(first)
					}
				}
			}
			why = reminders.WhyMoved(users[m.UserID].Name, q.Step, m.Digit)
		}
		if _, err := t.exec(ctx, `UPDATE answers SET moved_at = $1 WHERE reply_id = $2 AND moved_at = 0`, ms(now), reply.ID); err != nil {
			return fmt.Errorf("moving answers of reply %d: %w", reply.ID, err)
		}
		if _, err := t.insert(ctx, "answers", `question_id, enrolment_id, person_id, reply_id, step, digit, meaning, at`, &given, ""); err != nil {
			return fmt.Errorf("placing reply %d: %w", reply.ID, err)
		}
		if _, err := t.exec(ctx, `UPDATE replies SET kind = $1, why = $2 WHERE id = $3`, kind, clean(why), reply.ID); err != nil {
			return fmt.Errorf("placing reply %d: %w", reply.ID, err)
		}
		return nil
	})
}

// AttachSender says whose the address is that a reply came from: it becomes that person's, instead of the one they
// had on that channel, and all that was written from it is theirs. An address that others have too stays as it is.
// ENOTFOUND where there is no such person, ECONFLICT where somebody has just said so.
func (s *Store) AttachSender(ctx context.Context, now time.Time, userID, replyID, personID int64) error {
	return s.write(ctx, func(t *tx) error {
		// Persons come before their replies, as where one is erased.
		if err := t.lock(ctx, "persons", []int64{personID}); err != nil {
			return err
		}
		reply, k, err := findTalk(ctx, t, replyID)
		if err != nil {
			return err
		}
		if k.person == personID {
			return nil
		}
		if k.person != 0 || reply.From == "" {
			return reminders.Errorf(reminders.ECONFLICT, "somebody has just said whose reply %d is", replyID)
		}
		if err := lockTalk(ctx, t, k); err != nil {
			return err
		}
		if _, again, err := findTalk(ctx, t, replyID); err != nil {
			return err
		} else if again != k {
			return reminders.Errorf(reminders.ECONFLICT, "somebody has just said whose reply %d is", replyID)
		}
		if err := giveAddress(ctx, t, now, personID, reply); err != nil {
			return err
		}
		users, err := findUsers(ctx, t, []int64{userID})
		if err != nil {
			return err
		}
		// Before the replies have an owner: they say which messages those are.
		messages, args := k.messages()
		if _, err := t.exec(ctx, `UPDATE messages SET person_id = `+itoa(personID)+` WHERE id IN (SELECT m.id FROM messages AS m WHERE m.person_id IS NULL AND m.user_id IS NULL AND `+messages+`)`, args...); err != nil {
			return fmt.Errorf("attaching what was written back: %w", err)
		}
		replies, args := k.replies()
		args = append(args, clean(reminders.WhyAttached(users[userID].Name)))
		if _, err := t.exec(ctx, fmt.Sprintf(`UPDATE replies SET person_id = %d, kind = CASE WHEN kind = 'unknown' THEN 'text' ELSE kind END, why = CAST($%d AS TEXT)
			WHERE id IN (SELECT r.id FROM replies AS r WHERE `, personID, len(args))+replies+`)`, args...); err != nil {
			return fmt.Errorf("attaching replies: %w", err)
		}
		return nil
	})
}

// giveAddress makes the address of a reply a person's own. Their STOP covers it, and a STOP from it covers them.
func giveAddress(ctx context.Context, t *tx, now time.Time, personID int64, reply reminders.Reply) error {
	var row personRow
	if err := t.get(ctx, &row, `SELECT `+personColumns+` FROM persons AS p WHERE p.id = $1 AND p.erased_at = 0`, personID); err != nil {
		return notFound(err, "there is no person %d", personID)
	}
	var shared int
	column := map[string]string{reminders.SMS: "phone", reminders.Slack: "slack_id", reminders.Email: "email"}[reply.Channel]
	address := reply.From
	switch reply.Channel {
	case reminders.SMS:
		row.Phone = address
	case reminders.Slack:
		if strings.Contains(address, "@") { // known by e-mail only: there is no id to keep
			return nil
		}
		row.SlackID = address
	case reminders.Email:
		address = strings.ToLower(address)
		row.Email = address
	default:
		return reminders.Errorf(reminders.EINVALID, "an address on %q is nobody's", reply.Channel)
	}
	if err := t.get(ctx, &shared, `SELECT COUNT(*) FROM persons AS p WHERE p.`+column+` = $1 AND p.id <> $2 AND p.erased_at = 0`, address, personID); err != nil {
		return fmt.Errorf("looking for who shares an address: %w", err)
	}
	if shared > 0 {
		return nil
	}
	p := row.person()
	stopped, err := suppressed(ctx, t, p)
	if err != nil {
		return err
	}
	if _, err := t.exec(ctx, `UPDATE persons SET `+column+` = $1, person_key = $2, address_fault = '', updated_at = $3 WHERE id = $4`, address, personKey(p), ms(now), personID); err != nil {
		return fmt.Errorf("giving person %d an address: %w", personID, err)
	}
	if reply.Channel == reminders.Slack {
		if _, err := t.exec(ctx, `UPDATE persons SET slack_team = $1 WHERE id = $2`, reply.Attributes["team_id"], personID); err != nil {
			return fmt.Errorf("giving person %d a workspace: %w", personID, err)
		}
	}
	if stopped || !p.OptedOutAt.IsZero() {
		if err := markOptedOut(ctx, t, now, []int64{personID}); err != nil {
			return err
		}
	}
	return dirty(ctx, t, ofPerson, personID)
}
