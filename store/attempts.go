package store

import (
	"context"
	"fmt"

	"efterkurs/reminders"
)

const attemptColumns = `t.message_id, t.number, t.worker, t.started_at, t.ended_at, t.outcome, t.code, t.detail, t.decision`

type attemptRow struct {
	MessageID int64  `db:"message_id"`
	Number    int    `db:"number"`
	Worker    string `db:"worker"`
	StartedAt millis `db:"started_at"`
	EndedAt   millis `db:"ended_at"`
	Outcome   string `db:"outcome"`
	Code      string `db:"code"`
	Detail    string `db:"detail"`
	Decision  string `db:"decision"`
}

func (r attemptRow) attempt() reminders.Attempt {
	return reminders.Attempt{MessageID: r.MessageID, Number: r.Number, Worker: r.Worker, StartedAt: r.StartedAt.Time(), EndedAt: r.EndedAt.Time(),
		Outcome: reminders.Outcome(r.Outcome), Code: r.Code, Detail: r.Detail, Decision: r.Decision}
}

// Attempts lists the tries of a message, first to last.
func (s *Store) Attempts(ctx context.Context, messageID int64) ([]reminders.Attempt, error) {
	return s.attempts(ctx, `attempts AS t WHERE t.message_id = $1`, messageID)
}

// Tries lists the tries to reach a person that are worth telling of, by message and first to last: those of messages
// that were tried more than once, or of which nobody saw what came of it (index messages_person).
func (s *Store) Tries(ctx context.Context, personID int64) ([]reminders.Attempt, error) {
	return s.attempts(ctx, `attempts AS t JOIN messages AS m ON m.id = t.message_id
		WHERE m.person_id = $1 AND (m.attempts > 1 OR t.decision <> '' OR t.outcome = 'unknown')`, personID)
}

func (s *Store) attempts(ctx context.Context, from string, id int64) (attempts []reminders.Attempt, err error) {
	err = s.peek(ctx, func(t *tx) error {
		var rows []attemptRow
		if err := t.all(ctx, &rows, `SELECT `+attemptColumns+` FROM `+from+` ORDER BY t.message_id, t.number`, id); err != nil {
			return fmt.Errorf("reading tries: %w", err)
		}
		for _, r := range rows {
			attempts = append(attempts, r.attempt())
		}
		return nil
	})
	return attempts, err
}
