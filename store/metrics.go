package store

import (
	"context"
	"fmt"

	"efterkurs/reminders"
)

// Census counts all messages, attempts and replies. It reads every row of three tables: with a million messages
// and 600,000 tries 1.5 s on SQLite and 0.5 s on PostgreSQL (BenchmarkHealth).
//
// A try under way has no outcome, and one that nobody saw has none yet: neither is counted, so that the counts
// only rise. What is given up as unknown is.
func (s *Store) Census(ctx context.Context) (c reminders.Census, err error) {
	type row struct {
		Channel string `db:"channel"`
		What    string `db:"what"`
		N       int    `db:"n"`
	}
	err = s.read(ctx, func(t *tx) error {
		c = reminders.Census{}
		var states, attempts, replies []row
		if err := t.all(ctx, &states, `SELECT channel, state AS what, COUNT(*) AS n FROM messages GROUP BY channel, state ORDER BY channel, state`); err != nil {
			return fmt.Errorf("counting messages: %w", err)
		}
		if err := t.all(ctx, &attempts, `SELECT m.channel, a.outcome AS what, COUNT(*) AS n FROM attempts AS a JOIN messages AS m ON m.id = a.message_id
			WHERE a.outcome <> '' AND NOT (a.outcome = 'unknown' AND m.state = 'unknown' AND a.number = m.attempts)
			GROUP BY m.channel, a.outcome ORDER BY m.channel, a.outcome`); err != nil {
			return fmt.Errorf("counting attempts: %w", err)
		}
		if err := t.all(ctx, &replies, `SELECT channel, kind AS what, COUNT(*) AS n FROM replies GROUP BY channel, kind ORDER BY channel, kind`); err != nil {
			return fmt.Errorf("counting replies: %w", err)
		}
		for _, r := range states {
			c.Messages = append(c.Messages, reminders.StateCount{Channel: r.Channel, State: reminders.State(r.What), Count: r.N})
		}
		for _, r := range attempts {
			c.Attempts = append(c.Attempts, reminders.Tally{Channel: r.Channel, What: r.What, Count: r.N})
		}
		for _, r := range replies {
			c.Replies = append(c.Replies, reminders.Tally{Channel: r.Channel, What: r.What, Count: r.N})
		}
		return nil
	})
	return c, err
}
