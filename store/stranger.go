package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"efterkurs/reminders"
)

const (
	// shareFor is how long who said which of several they are is taken to be the one who writes from their phone.
	shareFor = 12 * time.Hour
	// strangerFor is how far back texts from an address nobody has are counted.
	strangerFor = 30 * 24 * time.Hour
	// latelyFor is what counts as a dialogue: two machines that answer each other need less.
	latelyFor = 10 * time.Minute
)

// stranger adds what is known of a sender who is nobody, or one of several.
func stranger(ctx context.Context, t *tx, rc *reminders.ReplyContext) error {
	r := rc.Reply
	if err := t.get(ctx, &rc.Strangers, `SELECT COUNT(*) FROM replies AS r WHERE r.channel = $1 AND r.from_address = $2 AND r.at >= $3`,
		r.Channel, r.From, ms(r.At.Add(-strangerFor))); err != nil {
		return fmt.Errorf("counting texts from an unknown address: %w", err)
	}
	if len(rc.Sharers) == 0 {
		return nil
	}
	var chosen ref
	err := t.get(ctx, &chosen, `SELECT COALESCE(MAX(r.person_id), 0) FROM replies AS r WHERE r.id = (SELECT MAX(w.id) FROM replies AS w
		WHERE w.channel = $1 AND w.from_address = $2 AND w.kind = $3 AND w.at >= $4)`, r.Channel, r.From, reminders.ReplyWho, ms(r.At.Add(-shareFor)))
	if err != nil {
		return fmt.Errorf("looking for who writes from a shared phone: %w", err)
	}
	for _, p := range rc.Sharers {
		if p.ID == int64(chosen) {
			again, err := contextOf(ctx, t, rc.Reply, p)
			*rc = again
			return err
		}
	}
	var asked []messageRow
	if err := t.all(ctx, &asked, `SELECT `+messageColumns+` FROM messages AS m WHERE m.channel = $1 AND m.address = $2 AND m.person_id IS NULL AND m.choices <> ''
		AND m.sent_at >= $3 ORDER BY m.id DESC LIMIT 1`, r.Channel, r.From, ms(r.At.Add(-shareFor))); err != nil {
		return fmt.Errorf("looking for who was asked: %w", err)
	}
	if len(asked) > 0 {
		rc.Asked = &reminders.Question{Message: asked[0].message()}
		return t.all(ctx, &rc.Waiting, `SELECT r.id FROM replies AS r WHERE r.channel = $1 AND r.from_address = $2 AND r.state = 'inbox' AND r.person_id IS NULL
			AND r.at >= $3 ORDER BY r.id`, r.Channel, r.From, ms(r.At.Add(-shareFor)))
	}
	return nil
}

// lately counts what was said to a person, and how often they have written the same, in a short time.
func lately(ctx context.Context, t *tx, rc reminders.ReplyContext) (said, same int, err error) {
	since := ms(rc.Reply.At.Add(-latelyFor))
	if err := t.get(ctx, &said, `SELECT COUNT(*) FROM messages AS m WHERE m.person_id = $1 AND m.kind = 'reply' AND m.due_at >= $2`, rc.Person.ID, since); err != nil {
		return 0, 0, fmt.Errorf("counting what was said to person %d: %w", rc.Person.ID, err)
	}
	var bodies []string
	if err := t.all(ctx, &bodies, `SELECT r.body FROM replies AS r WHERE r.channel = $1 AND r.from_address = $2 AND r.at >= $3 AND r.id <= $4`,
		rc.Reply.Channel, rc.Reply.From, since, rc.Reply.ID); err != nil {
		return 0, 0, fmt.Errorf("reading what person %d wrote lately: %w", rc.Person.ID, err)
	}
	for _, body := range bodies {
		if strings.EqualFold(strings.TrimSpace(body), strings.TrimSpace(rc.Reply.Text)) {
			same++
		}
	}
	return said, same, nil
}

// reread gives replies to a person and has them interpreted anew.
func reread(ctx context.Context, t *tx, e reminders.Effects) error {
	return inChunks(e.Reread, func(list string) error {
		_, err := t.exec(ctx, `UPDATE replies SET state = 'received', person_id = $1, handled_at = 0 WHERE id IN (`+list+`) AND state = 'inbox'`, e.PersonID)
		return err
	})
}
