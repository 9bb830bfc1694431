package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"efterkurs/reminders"
)

// dueRow is a message that is due, and whether its person may still be written to.
type dueRow struct {
	messageRow
	OptedOut bool `db:"opted_out"`
	Erased   bool `db:"erased"`
}

// Claim takes messages that are due: replies first, then visits, then the weekly bulk, of that from all
// classes in turn. Opt-out and erasure are asked in the same transaction.
func (s *Store) Claim(ctx context.Context, q reminders.ClaimQuery) (claimed []reminders.Claim, optedOut int, err error) {
	err = s.write(ctx, func(t *tx) error {
		claimed, optedOut = nil, 0
		var rows []dueRow
		for priority := 0; priority <= q.MaxPriority && len(rows) < q.Limit; priority++ {
			var more []dueRow
			var err error
			if priority == reminders.PriorityBulk {
				more, err = dueInTurn(ctx, t, q.Now, q.Limit-len(rows))
			} else {
				more, err = due(ctx, t, q.Now, priority, q.Limit-len(rows))
			}
			if err != nil {
				return fmt.Errorf("looking for messages that are due: %w", err)
			}
			rows = append(rows, more...)
		}
		var take []reminders.Message
		var taken, stopped, erased []int64
		for _, r := range rows {
			switch {
			case r.Erased:
				erased = append(erased, r.ID)
			case r.OptedOut:
				stopped = append(stopped, r.ID)
			default:
				taken = append(taken, r.ID)
				m := r.message()
				m.State, m.Worker, m.UpdatedAt = reminders.Claimed, q.Worker, ms(q.Now).Time()
				m.LeaseUntil = ms(q.Now.Add(q.Lease)).Time()
				take = append(take, m)
			}
		}
		if err := skip(ctx, t, q.Now, stopped, reminders.ReasonOptedOut); err != nil {
			return err
		}
		if err := skip(ctx, t, q.Now, erased, reminders.ReasonErased); err != nil {
			return err
		}
		err := inChunks(taken, func(list string) error {
			_, err := t.exec(ctx, `UPDATE messages SET state = 'claimed', worker = $1, lease_until = $2, updated_at = $3
				WHERE id IN (`+list+`) AND state = 'planned'`, q.Worker, ms(q.Now.Add(q.Lease)), ms(q.Now))
			return err
		})
		if err != nil {
			return fmt.Errorf("claiming: %w", err)
		}
		optedOut = len(stopped) + len(erased)
		claimed, err = loadClaims(ctx, t, take)
		return err
	})
	return claimed, optedOut, err
}

const dueColumns = messageColumns + `, COALESCE(p.opted_out_at, 0) > 0 AS opted_out, COALESCE(p.erased_at, 0) > 0 AS erased`

// due returns messages of one priority. Each priority is asked for by itself: then index messages_due gives its
// rows in order and stops at now, where one range over all priorities would walk past everything that is still
// to come. On PostgreSQL SKIP LOCKED keeps workers out of each other's way.
func due(ctx context.Context, t *tx, now time.Time, priority, limit int) (rows []dueRow, err error) {
	err = t.all(ctx, &rows, `SELECT `+dueColumns+` FROM messages AS m LEFT JOIN persons AS p ON p.id = m.person_id
		WHERE m.state = 'planned' AND m.priority = $1 AND m.run_at <= $2
		ORDER BY m.run_at, m.id LIMIT $3`+t.forUpdate(`FOR NO KEY UPDATE OF m SKIP LOCKED`), priority, ms(now), limit)
	return rows, err
}

// dueInTurn returns messages of the weekly bulk, the same number of each class that has some, in turn: a class of
// twelve is through in a minute, whatever a class of five thousand has due. Index messages_fair leads from class
// to class, and in each to what is due first; the priority is written out because the index is partial.
func dueInTurn(ctx context.Context, t *tx, now time.Time, limit int) ([]dueRow, error) {
	var classes []int64 // 0 = of no class
	if err := t.all(ctx, &classes, `WITH RECURSIVE planned (class_id) AS (
			SELECT MIN(m.class_id) FROM messages AS m WHERE m.state = 'planned' AND m.priority = 2
			UNION ALL SELECT (SELECT MIN(m.class_id) FROM messages AS m WHERE m.state = 'planned' AND m.priority = 2 AND m.class_id > planned.class_id)
				FROM planned WHERE planned.class_id IS NOT NULL)
		SELECT class_id FROM planned WHERE class_id IS NOT NULL AND EXISTS
			(SELECT 1 FROM messages AS m WHERE m.state = 'planned' AND m.priority = 2 AND m.class_id = planned.class_id AND m.run_at <= $1)
		UNION ALL SELECT 0 WHERE EXISTS (SELECT 1 FROM messages AS m WHERE m.state = 'planned' AND m.priority = 2 AND m.class_id IS NULL AND m.run_at <= $1)`,
		ms(now)); err != nil || len(classes) == 0 {
		return nil, err
	}
	// Where there are more classes than places, another one begins each time.
	first := int(t.s.turn.Add(1)) % len(classes)
	classes = slices.Concat(classes[first:], classes[:first])
	var rows []dueRow
	after := make(map[int64]dueRow, len(classes)) // the last one taken of a class
	for len(classes) > 0 && len(rows) < limit {
		each := max(1, (limit-len(rows))/len(classes))
		var again []int64
		for _, class := range classes {
			n := min(each, limit-len(rows))
			if n == 0 {
				break
			}
			of := `m.class_id = $1`
			if class == 0 {
				of = `m.class_id IS NULL AND $1 = 0`
			}
			var more []dueRow
			last := after[class]
			if err := t.all(ctx, &more, `SELECT `+dueColumns+` FROM messages AS m LEFT JOIN persons AS p ON p.id = m.person_id
				WHERE m.state = 'planned' AND m.priority = 2 AND `+of+` AND m.run_at <= $2 AND (m.run_at, m.id) > ($3, $4)
				ORDER BY m.run_at, m.id LIMIT $5`+t.forUpdate(`FOR NO KEY UPDATE OF m SKIP LOCKED`),
				class, ms(now), last.RunAt, last.ID, n); err != nil {
				return nil, err
			}
			rows = append(rows, more...)
			if len(more) == n { // it may have more
				after[class] = more[n-1]
				again = append(again, class)
			}
		}
		classes = again
	}
	return rows, nil
}

// skip ends messages that are planned or claimed.
func skip(ctx context.Context, t *tx, now time.Time, ids []int64, reason string) error {
	return inChunks(ids, func(list string) error {
		_, err := t.exec(ctx, `UPDATE messages SET state = 'skipped', reason = $1, worker = '', lease_until = 0, updated_at = $2
			WHERE id IN (`+list+`) AND state IN ('planned', 'claimed')`, reason, ms(now))
		return err
	})
}

// Unknowns returns messages that became unknown before before, oldest first (index messages_unknown), and those
// that would have become so only long after it: the clock has been set back since.
func (s *Store) Unknowns(ctx context.Context, before time.Time, limit int) (claims []reminders.Claim, err error) {
	err = s.read(ctx, func(t *tx) error {
		var rows []messageRow
		if err := t.all(ctx, &rows, `SELECT `+messageColumns+` FROM messages AS m
			WHERE m.state = 'unknown' AND (m.updated_at < $1 OR m.updated_at > $2) ORDER BY m.updated_at, m.id LIMIT $3`, ms(before), ms(before.Add(longestLease)), limit); err != nil {
			return fmt.Errorf("looking for unknown outcomes: %w", err)
		}
		claims, err = loadClaims(ctx, t, messagesOf(rows))
		if err != nil {
			return err
		}
		return loadTries(ctx, t, claims)
	})
	return claims, err
}

// loadTries says of each message when its latest try began: that is what its provider is asked about,
// however much later it was found out that nobody saw the outcome.
func loadTries(ctx context.Context, t *tx, claims []reminders.Claim) error {
	ids, index := make([]int64, len(claims)), make(map[int64]*reminders.Claim, len(claims))
	for i := range claims {
		ids[i], index[claims[i].ID] = claims[i].ID, &claims[i]
	}
	return inChunks(ids, func(list string) error {
		var rows []struct {
			MessageID int64  `db:"message_id"`
			StartedAt millis `db:"started_at"`
		}
		if err := t.all(ctx, &rows, `SELECT message_id, MAX(started_at) AS started_at FROM attempts WHERE message_id IN (`+list+`) GROUP BY message_id`); err != nil {
			return fmt.Errorf("looking for tries: %w", err)
		}
		for _, r := range rows {
			index[r.MessageID].TriedAt = r.StartedAt.Time()
		}
		return nil
	})
}

func messagesOf(rows []messageRow) []reminders.Message {
	out := make([]reminders.Message, len(rows))
	for i, r := range rows {
		out[i] = r.message()
	}
	return out
}

// longestLease is how far ahead the end of a lease can be: further ahead it was taken by a clock that was wrong
// and has been set back, and would bind its message until the wrong hour comes round again.
const longestLease = 10 * time.Minute

// Rescue frees what a dead worker left (index messages_lease). The UPDATEs check state and lease again:
// a slow worker may have come back in between.
func (s *Store) Rescue(ctx context.Context, now time.Time) (released, unknown int, err error) {
	err = s.write(ctx, func(t *tx) error {
		released, unknown, err = rescue(ctx, t, now)
		return err
	})
	return released, unknown, err
}

func rescue(ctx context.Context, t *tx, now time.Time) (released, unknown int, err error) {
	type row struct {
		ID    int64  `db:"id"`
		State string `db:"state"`
	}
	var rows []row
	if err := t.all(ctx, &rows, `SELECT m.id, m.state FROM messages AS m WHERE m.state IN ('claimed', 'sending') AND (m.lease_until <= $1 OR m.lease_until > $2)
		ORDER BY m.id`+t.forUpdate(`FOR NO KEY UPDATE SKIP LOCKED`), ms(now), ms(now.Add(longestLease))); err != nil {
		return 0, 0, fmt.Errorf("looking for leases that are over: %w", err)
	}
	var claimed, sending []int64
	for _, r := range rows {
		if r.State == string(reminders.Claimed) {
			claimed = append(claimed, r.ID)
		} else {
			sending = append(sending, r.ID)
		}
	}
	err = inChunks(claimed, func(list string) error {
		n, err := t.exec(ctx, `UPDATE messages SET state = 'planned', worker = '', lease_until = 0, updated_at = $1
			WHERE id IN (`+list+`) AND state = 'claimed' AND (lease_until <= $1 OR lease_until > $2)`, ms(now), ms(now.Add(longestLease)))
		released += n
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("releasing claims: %w", err)
	}
	err = inChunks(sending, func(list string) error {
		n, err := t.exec(ctx, `UPDATE messages SET state = 'unknown', reason = 'the worker died while sending', updated_at = $1
			WHERE id IN (`+list+`) AND state = 'sending' AND (lease_until <= $1 OR lease_until > $2)`, ms(now), ms(now.Add(longestLease)))
		unknown += n
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, `UPDATE attempts SET outcome = 'unknown', detail = 'the worker died while sending', ended_at = $1
			WHERE message_id IN (`+list+`) AND outcome = ''`, ms(now))
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("marking unknown outcomes: %w", err)
	}
	return released, unknown, nil
}
