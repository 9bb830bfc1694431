package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"efterkurs/reminders"
)

// Health says how the clockwork is doing. All of it comes from partial indexes and small tables, however many
// messages there are: some 1 ms on SQLite and 5 ms on PostgreSQL among a million, 10,000 of them due. Census counts all.
func (s *Store) Health(ctx context.Context, now time.Time) (h reminders.Health, err error) {
	err = s.read(ctx, func(t *tx) error {
		h = reminders.Health{Halted: map[string]reminders.Halt{}, Throttled: map[string]time.Time{}, Ahead: map[string]time.Time{}, Heard: map[string]reminders.Listening{}}
		var row struct {
			Due           int    `db:"due"`
			OldestDue     millis `db:"oldest_due"`
			Claimed       int    `db:"claimed"`
			OldestClaimed millis `db:"oldest_claimed"`
			NewestClaimed millis `db:"newest_claimed"`
			Lapsed        int    `db:"lapsed"`
			LapsedSince   millis `db:"lapsed_since"`
			Unknown       int    `db:"unknown"`
			OldestUnknown millis `db:"oldest_unknown"`
			Unread        int    `db:"unread"`
			OldestUnread  millis `db:"oldest_unread"`
			Inbox         int    `db:"inbox"`
			OldestInbox   millis `db:"oldest_inbox"`
		}
		// Indexes messages_due, messages_lease, messages_unknown, replies_inbox, replies_unread.
		if err := t.get(ctx, &row, `SELECT due.n AS due, due.oldest AS oldest_due, hand.n AS claimed, hand.oldest AS oldest_claimed, hand.newest AS newest_claimed,
				lapsed.n AS lapsed, lapsed.since AS lapsed_since, doubt.n AS unknown, doubt.oldest AS oldest_unknown,
				unread.n AS unread, unread.oldest AS oldest_unread, mail.n AS inbox, mail.oldest AS oldest_inbox
			FROM (SELECT COUNT(*) AS n, COALESCE(MIN(run_at), 0) AS oldest FROM messages WHERE state = 'planned' AND priority IN (0, 1, 2) AND run_at <= $1) AS due,
				(SELECT COUNT(*) AS n, COALESCE(MIN(updated_at), 0) AS oldest, COALESCE(MAX(updated_at), 0) AS newest FROM messages WHERE state IN ('claimed', 'sending')) AS hand,
				(SELECT COUNT(*) AS n, COALESCE(MIN(lease_until), 0) AS since FROM messages WHERE state IN ('claimed', 'sending') AND lease_until <= $1) AS lapsed,
				(SELECT COUNT(*) AS n, COALESCE(MIN(updated_at), 0) AS oldest FROM messages WHERE state = 'unknown') AS doubt,
				(SELECT COUNT(*) AS n, COALESCE(MIN(at), 0) AS oldest FROM replies WHERE state = 'received') AS unread,
				(SELECT COUNT(*) AS n, COALESCE(MIN(at), 0) AS oldest FROM replies WHERE state = 'inbox') AS mail`, ms(now)); err != nil {
			return fmt.Errorf("reading health: %w", err)
		}
		h.Due, h.OldestDue, h.Claimed, h.OldestClaimed = row.Due, row.OldestDue.Time(), row.Claimed, row.OldestClaimed.Time()
		h.Lapsed, h.LapsedSince, h.WorkedAt = row.Lapsed, row.LapsedSince.Time(), row.NewestClaimed.Time()
		h.Unknown, h.OldestUnknown, h.Inbox = row.Unknown, row.OldestUnknown.Time(), row.Inbox
		h.Unread, h.OldestUnread = row.Unread, row.OldestUnread.Time()
		h.OldestInbox = row.OldestInbox.Time()
		if err := channelHealth(ctx, t, now, &h); err != nil {
			return err
		}
		if err := lostHealth(ctx, t, &h); err != nil {
			return err
		}
		h.LastTick, err = lastTick(ctx, t)
		if reminders.ErrorCode(err) == reminders.ENOTFOUND {
			return nil
		}
		return err
	})
	return h, err
}

// channelHealth reads the lines. A place given out lately is a sign of a worker too: between two batches it has
// nothing in its hands.
func channelHealth(ctx context.Context, t *tx, now time.Time, h *reminders.Health) error {
	var channels []channelRow
	if err := t.all(ctx, &channels, `SELECT `+channelColumns+` FROM channels`); err != nil {
		return fmt.Errorf("reading the channels: %w", err)
	}
	for _, c := range channels {
		h.Ahead[c.Channel] = c.NextAt.Time()
		h.Heard[c.Channel] = reminders.Listening{Until: c.Until.Time(), MissedSince: c.Missed.Time()}
		if until := c.Throttled.Time(); until.After(now) {
			h.Throttled[c.Channel] = until
		}
		if c.HaltedAt > 0 {
			h.Halted[c.Channel] = reminders.Halt{At: c.HaltedAt.Time(), Code: c.Code, Reason: c.Reason}
		}
		if next := c.NextAt.Time(); next.After(h.WorkedAt) && !next.After(now.Add(staleLine)) {
			h.WorkedAt = next
		}
	}
	return nil
}

// Waiting groups what is due and not sent by the channel it will go out on, which reminders.Person.Address
// decides in the end: the same rule is written here in SQL, so that ten thousand rows stay in the database.
// People who opted out wait for nothing. What was due and is put off by minutes, to be tried again or because its
// channel is stopped, waits all the same.
func (s *Store) Waiting(ctx context.Context, now time.Time) (out []reminders.Waiting, err error) {
	err = s.read(ctx, func(t *tx) error {
		var rows []struct {
			Channel    string `db:"way"`
			Priority   int    `db:"priority"`
			RunAt      millis `db:"run_at"`
			ValidUntil millis `db:"valid_until"`
			N          int    `db:"n"`
		}
		// Index messages_due.
		if err := t.all(ctx, &rows, `SELECT CASE
				WHEN m.priority = 0 AND m.channel <> '' THEN m.channel
				WHEN m.user_id IS NOT NULL THEN 'email'
				WHEN p.channel = 'slack' AND (p.address_fault = '' OR p.address_fault LIKE 'email:%') AND (p.slack_id <> '' OR p.email <> '') THEN 'slack'
				WHEN p.channel = 'email' AND p.email <> '' THEN 'email'
				WHEN p.phone <> '' THEN 'sms'
				WHEN p.slack_id <> '' AND (p.address_fault = '' OR p.address_fault LIKE 'email:%') THEN 'slack'
				WHEN p.email <> '' THEN 'email'
				ELSE '' END AS way, m.priority, m.run_at, m.valid_until, COUNT(*) AS n
			FROM messages AS m LEFT JOIN persons AS p ON p.id = m.person_id
			WHERE m.state = 'planned' AND m.priority IN (0, 1, 2) AND m.run_at <= $1 AND (m.run_at <= $2 OR m.due_at <= $2)
				AND COALESCE(p.opted_out_at, 0) = 0 AND COALESCE(p.erased_at, 0) = 0 AND (COALESCE(p.address_fault, '') = '' OR p.address_fault LIKE 'email:%' OR p.address_fault LIKE 'slack:%' AND (p.phone <> '' OR p.email <> ''))
			GROUP BY 1, 2, 3, 4`, ms(now.Add(reminders.RetryLater)), ms(now)); err != nil {
			return fmt.Errorf("counting what waits: %w", err)
		}
		out = nil
		for _, r := range rows {
			if r.Channel != "" { // without an address nothing is sent
				out = append(out, reminders.Waiting{Channel: r.Channel, Priority: r.Priority, RunAt: r.RunAt.Time(), ValidUntil: r.ValidUntil.Time(), Count: r.N})
			}
		}
		return nil
	})
	return out, err
}

// NextDue returns when something is to be done next; false where nothing is planned. What is to be done as
// soon as possible, such as planning an enrolment, is due at the zero time, which is before any now.
func (s *Store) NextDue(ctx context.Context) (due time.Time, ok bool, err error) {
	err = s.read(ctx, func(t *tx) error {
		due, ok = time.Time{}, false
		var dirty int
		if err := t.get(ctx, &dirty, `SELECT COUNT(*) FROM (SELECT 1 FROM enrolments WHERE plan_version <> planned_version LIMIT 1) AS d`); err != nil {
			return fmt.Errorf("looking for enrolments to plan: %w", err)
		}
		if dirty > 0 {
			ok = true
			return nil
		}
		var next millis // index messages_due, once a priority
		for priority := reminders.PriorityReply; priority <= reminders.PriorityBulk; priority++ {
			var first []millis
			if err := t.all(ctx, &first, `SELECT run_at FROM messages WHERE state = 'planned' AND priority = $1 ORDER BY run_at LIMIT 1`, priority); err != nil {
				return fmt.Errorf("looking for what is due next: %w", err)
			}
			if len(first) > 0 && (next == 0 || first[0] < next) {
				next, ok = first[0], true
			}
		}
		due = next.Time()
		return nil
	})
	return due, ok, err
}

// Setting returns a setting, "" where it was never set.
func (s *Store) Setting(ctx context.Context, name string) (value string, err error) {
	err = s.peek(ctx, func(t *tx) error {
		err := t.get(ctx, &value, `SELECT value FROM settings WHERE key = $1`, name)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return value, err
}

// SetSetting stores a setting.
func (s *Store) SetSetting(ctx context.Context, name, value string) error {
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, name, clean(value))
		return err
	})
}
