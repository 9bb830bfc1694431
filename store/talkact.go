package store

import (
	"context"
	"fmt"
	"time"

	"efterkurs/reminders"
)

// What people of the school do in a conversation. Each of these locks it first: a person's by the row that every reply
// of theirs is applied under, an unknown address's by its replies. So of two who act at once the second sees what
// the first did, and a text that comes in stands before or after it.

// inTalk runs fn in a transaction with the conversation of a reply locked.
func (s *Store) inTalk(ctx context.Context, replyID int64, fn func(t *tx, reply reminders.Reply, k talk) error) error {
	return s.write(ctx, func(t *tx) error {
		_, k, err := findTalk(ctx, t, replyID)
		if err != nil {
			return err
		}
		if err := lockTalk(ctx, t, k); err != nil {
			return err
		}
		reply, locked, err := findTalk(ctx, t, replyID)
		if err != nil {
			return err
		}
		if locked != k {
			return reminders.Errorf(reminders.ECONFLICT, "somebody has just said whose reply %d is", replyID)
		}
		return fn(t, reply, k)
	})
}

func lockTalk(ctx context.Context, t *tx, k talk) error {
	if k.person != 0 {
		return t.lock(ctx, "persons", []int64{k.person})
	}
	if t.s.dialect != Postgres {
		return nil
	}
	replies, args := k.replies()
	var ids []int64
	if err := t.all(ctx, &ids, `SELECT r.id FROM replies AS r WHERE `+replies+` ORDER BY r.id FOR NO KEY UPDATE`, args...); err != nil {
		return fmt.Errorf("locking a conversation: %w", err)
	}
	return nil
}

// change updates those replies r of a conversation that meet a condition.
func change(ctx context.Context, t *tx, k talk, assignments, condition string) (int, error) {
	replies, args := k.replies()
	return t.exec(ctx, `UPDATE replies SET `+assignments+` WHERE id IN (SELECT r.id FROM replies AS r WHERE `+replies+` AND `+condition+`)`, args...)
}

// waitingOf returns what waits in a conversation. It is read before how far that has come: what an unknown address
// writes in between makes what was known stale, and what it writes later is not in the list.
func waitingOf(ctx context.Context, t *tx, k talk) (ids []int64, err error) {
	replies, args := k.replies()
	if err := t.all(ctx, &ids, `SELECT r.id FROM replies AS r WHERE `+replies+` AND r.state = 'inbox' ORDER BY r.id`, args...); err != nil {
		return nil, fmt.Errorf("reading what waits in a conversation: %w", err)
	}
	return ids, nil
}

// settle takes replies out of the inbox and says who dealt with them: what a rule handled is nobody's.
func settle(ctx context.Context, t *tx, now time.Time, userID int64, ids []int64) error {
	return inChunks(ids, func(list string) error {
		if _, err := t.exec(ctx, `UPDATE replies SET state = 'handled', handled_at = $1, assigned_id = $2, assigned_at = $1 WHERE id IN (`+list+`) AND state = 'inbox'`, ms(now), userID); err != nil {
			return fmt.Errorf("taking replies out of the inbox: %w", err)
		}
		return nil
	})
}

// TakeReply puts a user on a conversation. ECONFLICT where another has taken it since owner had it.
func (s *Store) TakeReply(ctx context.Context, now time.Time, userID, replyID, owner int64) error {
	return s.inTalk(ctx, replyID, func(t *tx, _ reminders.Reply, k talk) error {
		has, err := known(ctx, t, k)
		if err != nil {
			return err
		}
		if has.Owner != 0 && has.Owner != owner && has.Owner != userID {
			return reminders.Errorf(reminders.ECONFLICT, "user %d has just taken reply %d", has.Owner, replyID)
		}
		_, err = change(ctx, t, k, `assigned_id = `+itoa(userID)+`, assigned_at = `+itoa(int64(ms(now))), `r.state = 'inbox'`)
		return err
	})
}

// ReleaseReply gives a conversation that a user has taken back to whose it is.
func (s *Store) ReleaseReply(ctx context.Context, userID, replyID int64) error {
	return s.inTalk(ctx, replyID, func(t *tx, _ reminders.Reply, k talk) error {
		_, err := change(ctx, t, k, `assigned_id = NULL, assigned_at = 0`, `r.state = 'inbox' AND r.assigned_id = `+itoa(userID))
		return err
	})
}

// SettleReply takes a conversation out of the inbox without a word. ECONFLICT where something has been said that the user
// does not know of; without knew only the reply itself is taken out.
func (s *Store) SettleReply(ctx context.Context, now time.Time, userID, replyID int64, knew *reminders.Known) error {
	return s.inTalk(ctx, replyID, func(t *tx, _ reminders.Reply, k talk) error {
		if knew == nil {
			return settle(ctx, t, now, userID, []int64{replyID})
		}
		waiting, err := waitingOf(ctx, t, k)
		if err != nil {
			return err
		}
		has, err := known(ctx, t, k)
		if err != nil {
			return err
		}
		if knew.Stale(has, userID) {
			return reminders.Errorf(reminders.ECONFLICT, "something has been said in the conversation of reply %d", replyID)
		}
		return settle(ctx, t, now, userID, waiting)
	})
}

// ReopenReply puts a reply back that was taken out of the inbox.
func (s *Store) ReopenReply(ctx context.Context, now time.Time, userID, replyID int64) error {
	return s.inTalk(ctx, replyID, func(t *tx, _ reminders.Reply, k talk) error {
		_, err := change(ctx, t, k, `state = 'inbox', handled_at = 0, assigned_id = `+itoa(userID)+`, assigned_at = `+itoa(int64(ms(now))), `r.state = 'handled' AND r.id = `+itoa(replyID))
		return err
	})
}

// AnswerReply plans what a user writes back and takes the conversation out of the inbox. ECONFLICT, and nothing is sent,
// where something has been said that they do not know of, or the person has said STOP. The same words of the same
// user once more, sent without knowing of the first, are a button pressed twice.
func (s *Store) AnswerReply(ctx context.Context, now time.Time, w reminders.Written) error {
	return s.inTalk(ctx, w.ReplyID, func(t *tx, reply reminders.Reply, k talk) error {
		waiting, err := waitingOf(ctx, t, k)
		if err != nil {
			return err
		}
		has, err := known(ctx, t, k)
		if err != nil {
			return err
		}
		if w.Known.Stale(has, w.AuthorID) {
			if twice, err := isLast(ctx, t, has, w); err != nil || twice {
				return err
			}
			return reminders.Errorf(reminders.ECONFLICT, "something has been said in the conversation of reply %d", w.ReplyID)
		}
		note := reminders.Message{Subject: reminders.ReplySubject(reply.ID), Kind: reminders.KindNote, PersonID: k.person, AuthorID: w.AuthorID, Priority: reminders.PriorityReply,
			DueAt: now, RunAt: w.RunAt, ValidUntil: w.ValidUntil, Channel: reply.Channel, Address: reply.From, Body: w.Text}
		if note.Workspace, err = senderTeam(ctx, t, reply.Channel, toJSON(reply.Attributes)); err != nil {
			return err
		}
		if persons, err := findPersons(ctx, t, []int64{k.person}); err != nil {
			return err
		} else if p := persons[k.person]; reply.Channel == reminders.Email && p.Email != "" { // a mail's From is what its sender wrote there
			note.Address = p.Email
		}
		if w.Subject != "" {
			note.Params = map[string]string{"subject": w.Subject}
		}
		if err := mayWrite(ctx, t, reply, k); err != nil {
			return err
		}
		if err := place(ctx, t, k, &note); err != nil {
			return err
		}
		var before int
		if err := t.get(ctx, &before, `SELECT COUNT(*) FROM messages AS m WHERE m.subject = $1 AND m.kind = 'note'`, note.Subject); err != nil {
			return fmt.Errorf("counting answers to reply %d: %w", reply.ID, err)
		}
		note.Step = reminders.NoteStep(before + 1)
		var row values
		plannedRow(&row, now, note)
		if _, err := t.insert(ctx, "messages", plannedColumns, &row, ""); err != nil {
			return fmt.Errorf("planning an answer to reply %d: %w", reply.ID, err)
		}
		err = inChunks(append(waiting, reply.ID), func(list string) error {
			_, err := t.exec(ctx, `UPDATE replies SET answered_at = $1 WHERE id IN (`+list+`) AND answered_at = 0`, ms(now))
			return err
		})
		if err != nil {
			return fmt.Errorf("marking what was answered: %w", err)
		}
		return settle(ctx, t, now, w.AuthorID, waiting)
	})
}

// isLast says whether what was last written back, and nothing else since, is what is to be written.
func isLast(ctx context.Context, t *tx, has reminders.Known, w reminders.Written) (bool, error) {
	if has.Note == w.Known.Note || has.Reply != w.Known.Reply || has.Replies != w.Known.Replies {
		return false, nil
	}
	var n int
	err := t.get(ctx, &n, `SELECT COUNT(*) FROM messages AS m WHERE m.id = $1 AND m.author_id = $2 AND m.body = $3 AND m.subject = $4`,
		has.Note, w.AuthorID, clean(w.Text), reminders.ReplySubject(w.ReplyID))
	return n > 0, err
}

// mayWrite refuses where the sender has said STOP. It is asked again by who sends.
func mayWrite(ctx context.Context, t *tx, reply reminders.Reply, k talk) error {
	from := sender{Channel: reply.Channel, Address: reply.From}.addresses()
	stopped, err := suppressed(ctx, t, from)
	if err != nil {
		return err
	}
	if k.person != 0 {
		persons, err := findPersons(ctx, t, []int64{k.person})
		if err != nil {
			return err
		}
		stopped = stopped || !persons[k.person].OptedOutAt.IsZero()
	}
	if stopped {
		return reminders.Errorf(reminders.ECONFLICT, "the sender of reply %d has said STOP", reply.ID)
	}
	if reply.From == "" {
		return reminders.Errorf(reminders.ECONFLICT, "reply %d has no address any more", reply.ID)
	}
	return nil
}

// place says which class and company a message to a person belongs to, as what the bot says back does.
func place(ctx context.Context, t *tx, k talk, m *reminders.Message) error {
	if k.person == 0 {
		return nil
	}
	var rows []enrolmentRow
	if err := t.all(ctx, &rows, `SELECT `+enrolmentColumns+` FROM enrolments AS e JOIN classes AS cl ON cl.id = e.class_id
		WHERE e.person_id = $1 ORDER BY cl.end_date DESC, e.id DESC LIMIT 1`, k.person); err != nil {
		return fmt.Errorf("reading enrolments of person %d: %w", k.person, err)
	}
	if len(rows) > 0 {
		m.EnrolmentID, m.ClassID, m.CompanyID = rows[0].ID, rows[0].ClassID, rows[0].CompanyID
		return nil
	}
	employers, err := employersOf(ctx, t, []int64{k.person})
	m.CompanyID = employers[k.person].ID
	return err
}
