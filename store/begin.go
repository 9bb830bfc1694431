package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"efterkurs/reminders"
)

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
