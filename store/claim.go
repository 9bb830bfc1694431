package store

import (
	"context"
	"fmt"
	"time"

	"efterkurs/reminders"
)

// Claim takes messages that are due. Each priority is asked for by itself: then index messages_due gives
// its rows in order and stops at now, where one range over all priorities would walk past everything
// that is still to come. On PostgreSQL SKIP LOCKED keeps workers out of each other's way.
func (s *Store) Claim(ctx context.Context, q reminders.ClaimQuery) (claimed []reminders.Claim, optedOut int, err error) {
	type row struct {
		messageRow
		OptedOut bool `db:"opted_out"`
		Erased   bool `db:"erased"`
	}
	err = s.write(ctx, func(t *tx) error {
		claimed, optedOut = nil, 0
		var take []reminders.Message
		var taken, stopped, erased []int64
		for priority := 0; priority <= q.MaxPriority && len(taken)+len(stopped)+len(erased) < q.Limit; priority++ {
			var rows []row
			if err := t.all(ctx, &rows, `SELECT `+messageColumns+`, COALESCE(p.opted_out_at, 0) > 0 AS opted_out, COALESCE(p.erased_at, 0) > 0 AS erased
				FROM messages AS m LEFT JOIN persons AS p ON p.id = m.person_id
				WHERE m.state = 'planned' AND m.priority = $1 AND m.run_at <= $2
				ORDER BY m.run_at, m.id LIMIT $3`+t.forUpdate(`FOR NO KEY UPDATE OF m SKIP LOCKED`),
				priority, ms(q.Now), q.Limit-len(taken)-len(stopped)-len(erased)); err != nil {
				return fmt.Errorf("looking for messages that are due: %w", err)
			}
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
		}
		if err := skip(ctx, t, q.Now, stopped, reminders.ReasonOptedOut); err != nil {
			return err
		}
		if err := skip(ctx, t, q.Now, erased, reminders.ReasonErased); err != nil {
			return err
		}
		err := inChunks(taken, func(list string) error {
			_, err := t.exec(ctx, `UPDATE messages SET state = 'claimed', worker = $1, lease_until = $2, updated_at = $3 WHERE id IN (`+list+`)`,
				q.Worker, ms(q.Now.Add(q.Lease)), ms(q.Now))
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

// Begin commits what is about to be sent. Everybody's row is locked, so that it stands before or after a STOP:
// one that saw the person before it and committed after it would send what the STOP had been acknowledged
// to prevent. Two exercises to one person are serialized by the same lock: the second looks for the first only
// once it has it. A person who says STOP while a Begin runs gets what that Begin committed to, and nothing
// after it.
func (s *Store) Begin(ctx context.Context, now time.Time, intents []reminders.Intent) (fates map[int64]reminders.Began, err error) {
	if len(intents) == 0 {
		return nil, nil
	}
	err = s.write(ctx, func(t *tx) error {
		fates, err = begin(ctx, t, now, intents)
		return err
	})
	return fates, err
}

func begin(ctx context.Context, t *tx, now time.Time, intents []reminders.Intent) (map[int64]reminders.Began, error) {
	fates := make(map[int64]reminders.Began, len(intents))
	ids := make([]int64, len(intents))
	persons := set{}
	for i, in := range intents {
		ids[i] = in.ID
		fates[in.ID] = reminders.BegunNot
		if in.PersonID != 0 {
			persons.add(in.PersonID)
		}
	}
	if err := t.lock(ctx, "persons", persons.ids()); err != nil {
		return nil, fmt.Errorf("locking persons: %w", err)
	}
	type held struct {
		ID       int64  `db:"id"`
		Worker   string `db:"worker"`
		Attempts int    `db:"attempts"`
		OptedOut bool   `db:"opted_out"`
		Erased   bool   `db:"erased"`
	}
	rows, err := allIn[held](ctx, t, `SELECT m.id, m.worker, m.attempts, COALESCE(p.opted_out_at, 0) > 0 AS opted_out, COALESCE(p.erased_at, 0) > 0 AS erased
		FROM messages AS m LEFT JOIN persons AS p ON p.id = m.person_id
		WHERE m.id IN (%s) AND m.state = 'claimed' AND m.lease_until > $1 ORDER BY m.id`+t.forUpdate(`FOR NO KEY UPDATE OF m`), ids, ms(now))
	if err != nil {
		return nil, fmt.Errorf("checking claims: %w", err)
	}
	mine := make(map[int64]held, len(rows))
	for _, r := range rows {
		mine[r.ID] = r
	}
	taken, err := daysTaken(ctx, t, persons.ids())
	if err != nil {
		return nil, err
	}
	var stopped, erased []int64
	var begun, attempts values
	for _, in := range intents {
		m, ok := mine[in.ID]
		day := personDay{in.PersonID, in.Day}
		switch {
		case !ok || m.Worker != in.Worker:
			continue
		case m.Erased:
			erased = append(erased, in.ID)
			fates[in.ID] = reminders.OptedOut
			continue
		case m.OptedOut:
			stopped = append(stopped, in.ID)
			fates[in.ID] = reminders.OptedOut
			continue
		case !in.Day.IsZero() && taken[day]:
			fates[in.ID] = reminders.DayTaken
			continue
		}
		if !in.Day.IsZero() {
			taken[day] = true
		}
		fates[in.ID] = reminders.Begun
		begun.add(in.ID, in.Channel, in.Address, in.Body, toJSON(in.Choices), ms(in.ValidUntil), in.Day)
		attempts.add(in.ID, m.Attempts+1, in.Worker, ms(now))
	}
	if err := skip(ctx, t, now, stopped, reminders.ReasonOptedOut); err != nil {
		return nil, err
	}
	if err := skip(ctx, t, now, erased, reminders.ReasonErased); err != nil {
		return nil, err
	}
	err = begun.each(2, func(list string, args []any) error {
		_, err := t.exec(ctx, `WITH begun (id, channel, address, body, choices, valid, day) AS (VALUES `+list+`)
			UPDATE messages SET state = 'sending', attempts = attempts + 1, channel = begun.channel, address = begun.address, body = begun.body,
				choices = begun.choices, valid_until = begun.valid, day = begun.day, provider_id = '', provider_status = '', error_code = '',
				sent_at = 0, reason = '', updated_at = $1
			FROM begun WHERE messages.id = begun.id AND messages.state = 'claimed' AND messages.lease_until > $2`,
			append([]any{ms(now), ms(now)}, args...)...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("committing intents: %w", err)
	}
	if _, err := t.insert(ctx, "attempts", `message_id, number, worker, started_at`, &attempts, ""); err != nil {
		return nil, fmt.Errorf("opening attempts: %w", err)
	}
	return fates, nil
}

type personDay struct {
	person int64
	day    reminders.Date
}

// daysTaken returns the days on which an exercise left, or may have left, to persons (index messages_day).
func daysTaken(ctx context.Context, t *tx, personIDs []int64) (map[personDay]bool, error) {
	type row struct {
		PersonID int64 `db:"person_id"`
		Day      date  `db:"day"`
	}
	rows, err := allIn[row](ctx, t, `SELECT m.person_id, m.day FROM messages AS m WHERE m.person_id IN (%s) AND m.day <> '' AND m.kind = 'exercise'
		AND m.state IN ('sending', 'unknown', 'accepted', 'sent', 'delivered', 'undelivered')`, personIDs)
	if err != nil {
		return nil, fmt.Errorf("reading days of exercises: %w", err)
	}
	taken := map[personDay]bool{}
	for _, r := range rows {
		taken[personDay{r.PersonID, reminders.Date(r.Day)}] = true
	}
	return taken, nil
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
