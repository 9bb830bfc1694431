package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"efterkurs/reminders"
)

// Record makes transitions, each only if it still applies: see reminders.Change. One that no longer
// applies is left out without an error: somebody else has moved the message on.
func (s *Store) Record(ctx context.Context, now time.Time, changes []reminders.Change) error {
	if len(changes) == 0 {
		return nil
	}
	return s.write(ctx, func(t *tx) error { return record(ctx, t, now, changes) })
}

// lifeRow is what decides about a transition.
type lifeRow struct {
	ID         int64  `db:"id"`
	State      string `db:"state"`
	Worker     string `db:"worker"`
	Attempts   int    `db:"attempts"`
	PersonID   ref    `db:"person_id"`
	ProviderID string `db:"provider_id"`
	Status     string `db:"provider_status"`
	Code       string `db:"error_code"`
	Reason     string `db:"reason"`
	RunAt      millis `db:"run_at"`
	ValidUntil millis `db:"valid_until"`
	Resend     bool   `db:"resend"`
	Lease      millis `db:"lease_until"`
	SentAt     millis `db:"sent_at"`
	Channel    string `db:"channel"`
	Outcome    string `db:"outcome"` // of the last attempt
	Was        string `db:"was"`     // State, as it was read
}

const lifeColumns = `m.id, m.state, m.state AS was, m.channel, m.worker, m.attempts, m.person_id, m.provider_id, m.provider_status, m.error_code, m.reason, m.run_at,
	m.valid_until, m.resend, m.lease_until, m.sent_at,
	COALESCE((SELECT t.outcome FROM attempts AS t WHERE t.message_id = m.id AND t.number = m.attempts), '') AS outcome`

// update writes rows back as they are now, in one statement for up to a thousand. They are locked; that each is
// still what it was is asked once more all the same.
func update(ctx context.Context, t *tx, now time.Time, rows []lifeRow) error {
	var v values
	for _, r := range rows {
		v.add(r.ID, r.Was, r.Attempts, r.State, r.Worker, r.ProviderID, r.Status, r.Code, r.Reason, r.RunAt, r.ValidUntil, r.Resend, r.Lease, r.SentAt)
	}
	return v.each(1, func(list string, args []any) error {
		_, err := t.exec(ctx, `WITH n (id, was, attempts, state, worker, provider, status, code, reason, run, valid, resend, lease, sent) AS (VALUES `+list+`)
			UPDATE messages SET state = n.state, worker = n.worker, provider_id = n.provider, provider_status = n.status, error_code = n.code,
				reason = n.reason, run_at = n.run, valid_until = n.valid, resend = n.resend, lease_until = n.lease, sent_at = n.sent, updated_at = $1
			FROM n WHERE messages.id = n.id AND messages.state = n.was AND messages.attempts = n.attempts`, append([]any{ms(now)}, args...)...)
		if err != nil {
			return fmt.Errorf("moving messages on: %w", err)
		}
		return nil
	})
}

func record(ctx context.Context, t *tx, now time.Time, changes []reminders.Change) error {
	var ids, optOut []int64
	var reached []reminders.Change
	persons := set{}
	faults := map[int64]fault{}
	for _, c := range changes {
		ids = append(ids, c.ID)
		if c.PersonID != 0 && c.Result.OptOut {
			persons.add(c.PersonID)
			optOut = append(optOut, c.PersonID)
		}
		if c.PersonID != 0 && c.Result.BadAddress {
			persons.add(c.PersonID)
			faults[c.PersonID] = fault{code: c.Result.Code}
		}
		if c.PersonID != 0 && c.Workspace != "" && c.To.HasLeft() {
			persons.add(c.PersonID)
			reached = append(reached, c)
		}
	}
	// What a provider says about a person holds whatever became of the message. Persons come before messages.
	if err := t.lock(ctx, "persons", persons.ids()); err != nil {
		return err
	}
	if err := markOptedOut(ctx, t, now, optOut); err != nil {
		return err
	}
	rows, err := allIn[lifeRow](ctx, t, `SELECT `+lifeColumns+` FROM messages AS m WHERE m.id IN (%s) ORDER BY m.id`+t.forUpdate(`FOR NO KEY UPDATE OF m`), ids)
	if err != nil {
		return fmt.Errorf("reading messages to move on: %w", err)
	}
	byID := make(map[int64]*lifeRow, len(rows))
	for i := range rows {
		byID[rows[i].ID] = &rows[i]
	}
	for _, c := range changes {
		if r := byID[c.ID]; r != nil && faults[c.PersonID].code == c.Result.Code && c.Result.BadAddress {
			faults[c.PersonID] = fault{r.Channel, c.Result.Code}
		}
	}
	if err := markFaults(ctx, t, now, faults); err != nil {
		return err
	}
	known, err := holders(ctx, t, changes)
	if err != nil {
		return err
	}
	moved := set{}
	var ended values
	for _, c := range changes {
		r := byID[c.ID]
		if r == nil {
			continue
		}
		// A record that another message was given meanwhile is not this one's: it is asked about again.
		if other := known[c.Result.ProviderID]; other != 0 && other != c.ID {
			if c.Decision == reminders.DecisionFound {
				t.s.log.Info("a provider's record belongs to another message", "message", c.ID)
				continue
			}
			// An answer says whose it is; a list does not.
			if err := disown(ctx, t, now, c.ID, c.Result.ProviderID); err != nil {
				return err
			}
		}
		known[c.Result.ProviderID] = c.ID
		if c.Attempt > 0 {
			ended.add(c.ID, c.Attempt, ms(c.EndedAt), string(outcomeOf(c)), c.Result.ProviderID, c.Result.Code, c.Result.Detail, c.Decision)
		}
		if r.apply(c) {
			moved.add(c.ID)
		} else {
			t.s.log.Info("a change no longer applies", "message", c.ID, "from", c.From, "to", c.To, "state", r.State, "attempt", c.Attempt)
		}
	}
	var changed []lifeRow
	for _, r := range rows {
		if _, ok := moved[r.ID]; ok {
			changed = append(changed, r)
		}
	}
	if err := update(ctx, t, now, changed); err != nil {
		return err
	}
	if err := learnTeams(ctx, t, reached); err != nil {
		return err
	}
	return endAttempts(ctx, t, &ended)
}

// holders returns which message has each provider's id that changes bring (index messages_provider).
func holders(ctx context.Context, t *tx, changes []reminders.Change) (map[string]int64, error) {
	var ids []string
	for _, c := range changes {
		if c.To.HasLeft() {
			ids = append(ids, c.Result.ProviderID)
		}
	}
	out := map[string]int64{}
	err := textChunks(ids, func(list string, args []any) error {
		var rows []struct {
			ID       int64  `db:"id"`
			Provider string `db:"provider_id"`
		}
		if err := t.all(ctx, &rows, `SELECT id, provider_id FROM messages WHERE provider_id IN (`+list+`) AND provider_id <> ''`, args...); err != nil {
			return fmt.Errorf("looking for who has a provider's record: %w", err)
		}
		for _, r := range rows {
			out[r.Provider] = r.ID
		}
		return nil
	})
	return out, err
}

// outcomeOf is the outcome that a change means for its attempt.
func outcomeOf(c reminders.Change) reminders.Outcome {
	switch {
	case c.Result.Outcome != "":
		return c.Result.Outcome
	case c.To.HasLeft():
		return reminders.OutcomeAccepted
	default:
		return reminders.OutcomeUnknown
	}
}

// endAttempts writes what came of tries. An outcome that is known is not overwritten by another.
func endAttempts(ctx context.Context, t *tx, ended *values) error {
	return ended.each(0, func(list string, args []any) error {
		_, err := t.exec(ctx, `WITH n (id, number, ended, outcome, provider, code, detail, decision) AS (VALUES `+list+`)
			UPDATE attempts SET ended_at = n.ended, outcome = n.outcome, code = n.code, detail = CASE WHEN n.detail = '' THEN attempts.detail ELSE n.detail END,
				decision = n.decision,
				provider_id = CASE WHEN n.provider = '' THEN attempts.provider_id ELSE n.provider END
			FROM n WHERE attempts.message_id = n.id AND attempts.number = n.number AND attempts.outcome IN ('', 'unknown')`, args...)
		if err != nil {
			return fmt.Errorf("ending attempts: %w", err)
		}
		return nil
	})
}

// apply makes the change if it applies, and says whether it did.
func (r *lifeRow) apply(c reminders.Change) bool {
	state := reminders.State(r.State)
	accepted := c.To.HasLeft()
	switch {
	case c.Attempt == 0:
		if state != c.From || state == reminders.Claimed && r.Worker != c.Worker {
			return false
		}
	case r.Attempts != c.Attempt:
		return false
	case state == reminders.Sending || state == reminders.Unknown:
	case accepted && (state.HasLeft() || state == reminders.Failed):
		// The callback was faster: fill in what is missing.
		changed := false
		if r.ProviderID == "" && c.Result.ProviderID != "" {
			r.ProviderID, changed = c.Result.ProviderID, true
		}
		if r.Status == "" && c.Result.Status != "" {
			r.Status, changed = c.Result.Status, true
		}
		if r.SentAt == 0 {
			r.SentAt, changed = ms(c.EndedAt), true
		}
		if reminders.Advances(state, c.To) {
			r.State, changed = string(c.To), true
		}
		return changed
	case accepted && (state == reminders.Planned || state == reminders.Claimed) && (r.Outcome == "" || r.Outcome == string(reminders.OutcomeUnknown)):
		// It was given up as unsent, and its slow worker now says that it was sent after all: whoever has
		// claimed it since finds it gone in Begin.
	default:
		return false
	}
	r.State, r.Reason = string(c.To), c.Reason
	if c.Attempt > 0 {
		r.Status, r.Code = c.Result.Status, c.Result.Code
		if c.Result.ProviderID != "" {
			r.ProviderID = c.Result.ProviderID
		}
	}
	if accepted && r.SentAt == 0 {
		r.SentAt = ms(c.EndedAt)
	}
	if c.To == reminders.Planned {
		r.RunAt, r.ValidUntil = ms(c.RunAt), ms(c.ValidUntil)
		r.Resend = r.Resend || c.Resend
	}
	if c.To != reminders.Sending && c.To != reminders.Claimed {
		r.Lease = 0
		if c.To == reminders.Planned {
			r.Worker = ""
		}
	}
	return true
}

// learnTeams notes of which workspace the Slack ids of persons are that a message has reached.
func learnTeams(ctx context.Context, t *tx, reached []reminders.Change) error {
	for _, c := range reached {
		if _, err := t.exec(ctx, `UPDATE persons SET slack_team = $1 WHERE id = $2 AND slack_team = ''
			AND slack_id = (SELECT m.address FROM messages AS m WHERE m.id = $3)`, clean(c.Workspace), c.PersonID, c.ID); err != nil {
			return fmt.Errorf("noting the workspace of person %d: %w", c.PersonID, err)
		}
	}
	return nil
}

// fault is what a provider says of an address on a channel; "" = of whichever the person is written to on.
type fault struct{ channel, code string }

// markFaults notes which addresses are wrong, by person. A mail address that is not the one they are written to at takes the
// place of no other fault, and keeps nothing else from them.
func markFaults(ctx context.Context, t *tx, now time.Time, faults map[int64]fault) error {
	var mailed []int64
	for id, f := range faults {
		if f.channel == reminders.Email {
			mailed = append(mailed, id)
		}
	}
	persons, err := findPersons(ctx, t, mailed)
	if err != nil {
		return err
	}
	for id, f := range faults {
		code, unless := f.code, ""
		if code == "" {
			code = "refused"
		}
		switch f.channel {
		case reminders.Slack:
			if f.code != "" {
				code = reminders.SlackFault(f.code)
			}
		case reminders.Email:
			if way, _ := persons[id].Address(); way != reminders.Email {
				code, unless = reminders.EmailFault(code), ` AND address_fault = ''`
			}
		}
		if _, err := t.exec(ctx, `UPDATE persons SET address_fault = $1, updated_at = $2 WHERE id = $3 AND erased_at = 0`+unless, code, ms(now), id); err != nil {
			return fmt.Errorf("marking the address of person %d: %w", id, err)
		}
	}
	return nil
}

// markOptedOut records STOP for persons whose rows are locked: on the person, and as hashes of the
// addresses. What is planned for them is skipped by whoever comes to it.
func markOptedOut(ctx context.Context, t *tx, now time.Time, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	slices.Sort(ids)
	persons, err := findPersons(ctx, t, slices.Compact(ids))
	if err != nil {
		return err
	}
	var hashes values
	for _, id := range slices.Compact(ids) {
		for _, hash := range t.s.hashes(persons[id]) {
			hashes.add(hash, ms(now))
		}
	}
	if _, err := t.insert(ctx, "suppressions", `hash, at`, &hashes, `ON CONFLICT (hash) DO NOTHING`); err != nil {
		return fmt.Errorf("suppressing addresses: %w", err)
	}
	return inChunks(ids, func(list string) error {
		_, err := t.exec(ctx, `UPDATE persons SET opted_out_at = $1, updated_at = $1 WHERE id IN (`+list+`) AND opted_out_at = 0`, ms(now))
		return err
	})
}
