package store

import (
	"context"
	"fmt"
	"time"

	"efterkurs/reminders"
)

// namedQuestion is the question that a text in Slack names by where it stands: under it, in a thread, or in the place of
// a text that answered it. 0 = it names none. Reads indexes replies_provider (the unique key) and messages_provider.
func namedQuestion(ctx context.Context, t *tx, in reminders.Inbound) (int64, error) {
	if in.Channel != reminders.Slack || in.QuestionID != 0 {
		return in.QuestionID, nil
	}
	team, room := in.Attributes["team_id"], in.Attributes["channel_id"]
	ofReply := func(providerID string) (id int64, err error) {
		var found []ref
		err = t.all(ctx, &found, `SELECT COALESCE(r.question_id, (SELECT MIN(a.question_id) FROM answers AS a WHERE a.reply_id = r.id)) FROM replies AS r
			WHERE r.channel = $1 AND r.provider_id = $2`, in.Channel, clean(providerID))
		if err != nil || len(found) == 0 {
			return 0, err
		}
		return int64(found[0]), nil
	}
	if original := in.Attributes["replaces"]; original != "" {
		if id, err := ofReply(original); err != nil || id != 0 {
			return id, err
		}
	}
	thread := in.Attributes["thread_ts"]
	if thread == "" || room == "" {
		return 0, nil
	}
	workspace, err := senderTeam(ctx, t, in.Channel, toJSON(in.Attributes))
	if err != nil {
		return 0, err
	}
	var ids []int64
	if err := t.all(ctx, &ids, `SELECT m.id FROM messages AS m WHERE m.provider_id = $1 AND m.channel = $2 AND m.workspace = $3 AND m.choices <> ''`,
		clean(room+":"+thread), in.Channel, workspace); err != nil {
		return 0, fmt.Errorf("looking for the question above a thread: %w", err)
	}
	if len(ids) == 1 {
		return ids[0], nil
	}
	return ofReply(team + ":" + room + ":" + thread) // under an answer of their own
}

// WithdrawReply records that a text was deleted by its writer, and what it was edited to with it. What it answered
// stays; its words are shown to nobody any more. known is false where there is no such text.
func (s *Store) WithdrawReply(ctx context.Context, now time.Time, channel, providerID string) (known bool, err error) {
	err = s.write(ctx, func(t *tx) error {
		n, err := t.exec(ctx, `UPDATE replies SET withdrawn_at = CASE WHEN withdrawn_at = 0 THEN $1 ELSE withdrawn_at END
			WHERE channel = $2 AND (provider_id = $3 OR provider_id LIKE $4 ESCAPE '!')`, ms(now), channel, clean(providerID), likeEscaper.Replace(clean(providerID))+":%")
		if err != nil {
			return fmt.Errorf("withdrawing a reply: %w", err)
		}
		known = n > 0
		return nil
	})
	return known, err
}

// PersonInSlack returns who a text from a Slack user would be from; ENOTFOUND where nobody can tell.
func (s *Store) PersonInSlack(ctx context.Context, team, userID, email string) (person reminders.Person, err error) {
	err = s.read(ctx, func(t *tx) error {
		found, _, err := senderOf(ctx, t, reminders.Reply{Inbound: reminders.Inbound{Channel: reminders.Slack, From: userID,
			Attributes: map[string]string{"team_id": team, "email": email}}})
		if err == nil && found == nil {
			return reminders.Errorf(reminders.ENOTFOUND, "nobody is known by this Slack user")
		}
		if err == nil {
			person = *found
		}
		return err
	})
	return person, err
}
