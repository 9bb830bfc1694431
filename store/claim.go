package store

import (
	"context"
	"fmt"
	"maps"
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
		for _, r := range in.Group {
			persons.add(r.PersonID)
		}
	}
	suppressed, silenced, err := suppressedNow(ctx, t, intents)
	if err != nil {
		return nil, err
	}
	if err := t.lock(ctx, "persons", slices.Concat(persons.ids(), suppressed)); err != nil {
		return nil, fmt.Errorf("locking persons: %w", err)
	}
	if err := markOptedOut(ctx, t, now, suppressed); err != nil {
		return nil, err
	}
	left, asked, err := leftAlone(ctx, t, intents)
	if err != nil {
		return nil, err
	}
	stopped, err := stoppedChannels(ctx, t, now)
	if err != nil {
		return nil, err
	}
	unread, err := unreadOf(ctx, t, persons.ids())
	if err != nil {
		return nil, err
	}
	earlier, err := strays(ctx, t, intents)
	if err != nil {
		return nil, err
	}
	type held struct {
		ID       int64  `db:"id"`
		Worker   string `db:"worker"`
		Attempts int    `db:"attempts"`
		DueAt    millis `db:"due_at"`
		OptedOut bool   `db:"opted_out"`
		InDoubt  bool   `db:"in_doubt"`
		Erased   bool   `db:"erased"`
	}
	rows, err := allIn[held](ctx, t, `SELECT m.id, m.worker, m.attempts, m.due_at, COALESCE(p.opted_out_at, 0) > 0 AS opted_out,
			COALESCE(p.doubt_at, 0) > 0 AS in_doubt, COALESCE(p.erased_at, 0) > 0 AS erased
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
	var optedOut, erased []int64
	var begun, attempts, sentBefore, leftAttempts values
	for _, in := range intents {
		m, ok := mine[in.ID]
		day := personDay{in.PersonID, in.Day}
		var stray strayRow
		gone := false
		if ok && m.Worker == in.Worker && !m.Erased && !m.OptedOut { // what has left already is not held: nothing is sent
			stray, gone = earlier.take(in, m.DueAt)
		}
		switch {
		case !ok || m.Worker != in.Worker:
			continue
		case m.Erased:
			erased = append(erased, in.ID)
			fates[in.ID] = reminders.OptedOut
			continue
		case m.OptedOut, silenced[in.ID], anyOf(in, left):
			optedOut = append(optedOut, in.ID)
			fates[in.ID] = reminders.OptedOut
			continue
		case (m.InDoubt || anyOf(in, asked)) && !gone && in.Kind != reminders.KindReply && in.Kind != reminders.KindNote:
			fates[in.ID] = reminders.InDoubt
			continue
		case anyOf(in, unread) && !gone:
			fates[in.ID] = reminders.Unread
			continue
		case stopped.slowed[in.Channel], stopped.halted[in.Channel] && in.Workspace == "":
			fates[in.ID] = reminders.Held
			continue
		case !in.Day.IsZero() && taken[day]:
			fates[in.ID] = reminders.DayTaken
			continue
		}
		if !in.Day.IsZero() {
			taken[day] = true
		}
		fates[in.ID] = reminders.Begun
		if gone {
			fates[in.ID] = reminders.LeftBefore
			sentBefore.add(in.ID, stray.ProviderID, stray.At)
			leftAttempts.add(in.ID, m.Attempts+1, ms(now), string(reminders.OutcomeAccepted), stray.ProviderID, "", "", reminders.DecisionEarlier)
		}
		begun.add(in.ID, in.Channel, in.Address, in.Workspace, in.Body, toJSON(in.Choices), ms(in.ValidUntil), in.Day)
		attempts.add(in.ID, m.Attempts+1, in.Worker, ms(now))
	}
	if err := skip(ctx, t, now, optedOut, reminders.ReasonOptedOut); err != nil {
		return nil, err
	}
	if err := skip(ctx, t, now, erased, reminders.ReasonErased); err != nil {
		return nil, err
	}
	err = begun.each(2, func(list string, args []any) error {
		_, err := t.exec(ctx, `WITH begun (id, channel, address, workspace, body, choices, valid, day) AS (VALUES `+list+`)
			UPDATE messages SET state = 'sending', attempts = attempts + 1, channel = begun.channel, address = begun.address, workspace = begun.workspace,
				body = begun.body, choices = begun.choices, valid_until = begun.valid, day = begun.day, provider_id = '', provider_status = '', error_code = '',
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
	if err := markLeft(ctx, t, now, &sentBefore); err != nil {
		return nil, err
	}
	return fates, endAttempts(ctx, t, &leftAttempts)
}

// suppressedNow returns the persons of intents whose very address has said STOP while nobody could tell that it was
// theirs: the STOP and the roster came at the same time. silenced are the intents to an address of nobody's that has.
func suppressedNow(ctx context.Context, t *tx, intents []reminders.Intent) (persons []int64, silenced map[int64]bool, err error) {
	type to struct{ intent, person int64 }
	of := map[string][]to{}
	for _, in := range intents {
		recipients := in.Group
		if len(recipients) == 0 && (in.PersonID != 0 || in.Stranger) {
			recipients = []reminders.Recipient{{PersonID: in.PersonID, Address: in.Address}}
		}
		for _, r := range recipients {
			for _, hash := range t.s.hashes(sender{Channel: in.Channel, Address: r.Address, Team: in.Workspace}.addresses()) {
				of[hash] = append(of[hash], to{in.ID, r.PersonID})
			}
		}
	}
	silenced = map[int64]bool{}
	err = textChunks(slices.Collect(maps.Keys(of)), func(list string, args []any) error {
		var found []string
		if err := t.all(ctx, &found, `SELECT hash FROM suppressions WHERE hash IN (`+list+`)`, args...); err != nil {
			return fmt.Errorf("asking for suppressed addresses: %w", err)
		}
		for _, hash := range found {
			for _, r := range of[hash] {
				if r.person != 0 {
					persons = append(persons, r.person)
				} else {
					silenced[r.intent] = true
				}
			}
		}
		return nil
	})
	slices.Sort(persons)
	return slices.Compact(persons), silenced, err
}

// unreadOf returns which of persons have written something that is stored and not interpreted, from any of their
// addresses: the database went away between the two, and it may be a STOP (index replies_unread).
func unreadOf(ctx context.Context, t *tx, personIDs []int64) (unread map[int64]bool, err error) {
	persons, err := findPersons(ctx, t, personIDs)
	if err != nil {
		return nil, err
	}
	of := map[string][]int64{}
	for _, id := range personIDs {
		for _, address := range addressValues(persons[id]) {
			of[address] = append(of[address], id)
		}
	}
	unread = map[int64]bool{}
	err = textChunks(slices.Collect(maps.Keys(of)), func(list string, args []any) error {
		var found []string
		if err := t.all(ctx, &found, `SELECT r.from_address FROM replies AS r WHERE r.state = 'received' AND r.from_address IN (`+list+`)`, args...); err != nil {
			return fmt.Errorf("looking for replies nobody has interpreted: %w", err)
		}
		for _, address := range found {
			for _, id := range of[address] {
				unread[id] = true
			}
		}
		return nil
	})
	return unread, err
}

// leftAlone returns who, among the recipients of texts to several, has said STOP or is erased, and who has been asked
// whether they want to stop.
func leftAlone(ctx context.Context, t *tx, intents []reminders.Intent) (left, asked map[int64]bool, err error) {
	type row struct {
		ID      int64 `db:"id"`
		InDoubt bool  `db:"in_doubt"`
	}
	persons := set{}
	for _, in := range intents {
		for _, r := range in.Group {
			persons.add(r.PersonID)
		}
	}
	rows, err := allIn[row](ctx, t, `SELECT id, opted_out_at = 0 AND erased_at = 0 AS in_doubt FROM persons
		WHERE id IN (%s) AND (opted_out_at > 0 OR erased_at > 0 OR doubt_at > 0)`, persons.ids())
	if err != nil {
		return nil, nil, fmt.Errorf("asking who is to be left alone: %w", err)
	}
	left, asked = map[int64]bool{}, map[int64]bool{}
	for _, r := range rows {
		if r.InDoubt {
			asked[r.ID] = true
		} else {
			left[r.ID] = true
		}
	}
	return left, asked, nil
}

// anyOf says whether one of those whom a text goes to is in persons.
func anyOf(in reminders.Intent, persons map[int64]bool) bool {
	return persons[in.PersonID] || slices.ContainsFunc(in.Group, func(r reminders.Recipient) bool { return persons[r.PersonID] })
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
