package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"efterkurs/reminders"
)

// Health says how the clockwork is doing. Its counts come from partial indexes, but for the table of
// states, which reads every message: some 200 ms a million.
func (s *Store) Health(ctx context.Context, now time.Time) (h reminders.Health, err error) {
	err = s.read(ctx, func(t *tx) error {
		h = reminders.Health{Halted: map[string]string{}}
		var row struct {
			Due           int    `db:"due"`
			OldestDue     millis `db:"oldest_due"`
			Claimed       int    `db:"claimed"`
			OldestClaimed millis `db:"oldest_claimed"`
			Unknown       int    `db:"unknown"`
			Inbox         int    `db:"inbox"`
		}
		if err := t.get(ctx, &row, `SELECT
			(SELECT COUNT(*) FROM messages WHERE state = 'planned' AND priority IN (0, 1, 2) AND run_at <= $1) AS due,
			COALESCE((SELECT MIN(run_at) FROM messages WHERE state = 'planned' AND priority IN (0, 1, 2) AND run_at <= $1), 0) AS oldest_due,
			(SELECT COUNT(*) FROM messages WHERE state IN ('claimed', 'sending')) AS claimed,
			COALESCE((SELECT MIN(updated_at) FROM messages WHERE state IN ('claimed', 'sending')), 0) AS oldest_claimed,
			(SELECT COUNT(*) FROM messages WHERE state = 'unknown') AS unknown,
			(SELECT COUNT(*) FROM replies WHERE state = 'inbox') AS inbox`, ms(now)); err != nil {
			return fmt.Errorf("reading health: %w", err)
		}
		h.Due, h.OldestDue, h.Claimed, h.OldestClaimed = row.Due, row.OldestDue.Time(), row.Claimed, row.OldestClaimed.Time()
		h.Unknown, h.Inbox = row.Unknown, row.Inbox
		var channels []channelRow
		if err := t.all(ctx, &channels, `SELECT `+channelColumns+` FROM channels WHERE halted_at > 0`); err != nil {
			return fmt.Errorf("reading halted channels: %w", err)
		}
		for _, c := range channels {
			h.Halted[c.Channel] = c.Reason
		}
		var states []struct {
			Channel string `db:"channel"`
			State   string `db:"state"`
			N       int    `db:"n"`
		}
		if err := t.all(ctx, &states, `SELECT channel, state, COUNT(*) AS n FROM messages GROUP BY channel, state ORDER BY channel, state`); err != nil {
			return fmt.Errorf("counting messages: %w", err)
		}
		for _, r := range states {
			h.Messages = append(h.Messages, reminders.StateCount{Channel: r.Channel, State: reminders.State(r.State), Count: r.N})
		}
		h.LastTick, err = lastTick(ctx, t)
		if reminders.ErrorCode(err) == reminders.ENOTFOUND {
			return nil
		}
		return err
	})
	return h, err
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
