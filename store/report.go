package store

import (
	"context"
	"fmt"
	"time"

	"efterkurs/reminders"
)

// Report applies a provider's report. It may come twice, late, out of order, or about an earlier try of
// a message that was tried again since: reports only move a message forward, and only by the try that
// is the last one. ENOTFOUND for a message that is not ours.
func (s *Store) Report(ctx context.Context, now time.Time, report reminders.StatusReport) error {
	return s.write(ctx, func(t *tx) error {
		id, number, err := reported(ctx, t, report)
		if err != nil {
			return err
		}
		if report.MessageID == id { // it bears our id
			if err := disown(ctx, t, now, id, report.ProviderID); err != nil {
				return err
			}
		}
		var to struct {
			PersonID ref    `db:"person_id"`
			Channel  string `db:"channel"`
		}
		if err := t.get(ctx, &to, `SELECT person_id, channel FROM messages WHERE id = $1`, id); err != nil {
			return err
		}
		personID := to.PersonID
		if to.Channel != reminders.Email {
			to.Channel = ""
		}
		if personID != 0 && (report.OptOut || report.BadAddress || report.Mute) {
			if err := t.lock(ctx, "persons", []int64{int64(personID)}); err != nil {
				return err
			}
		}
		if personID != 0 && report.OptOut {
			if err := markOptedOut(ctx, t, now, []int64{int64(personID)}); err != nil {
				return err
			}
		}
		if personID != 0 && report.BadAddress {
			if err := markFaults(ctx, t, now, map[int64]fault{int64(personID): {to.Channel, report.Code}}); err != nil {
				return err
			}
		}
		if personID != 0 && report.Mute {
			if _, err := t.exec(ctx, `UPDATE persons SET muted_at = $1, updated_at = $1 WHERE id = $2 AND muted_at = 0`, ms(now), personID); err != nil {
				return fmt.Errorf("muting person %d: %w", personID, err)
			}
		}
		var r lifeRow
		if err := t.get(ctx, &r, `SELECT `+lifeColumns+` FROM messages AS m WHERE m.id = $1`+t.forUpdate(`FOR NO KEY UPDATE OF m`), id); err != nil {
			return fmt.Errorf("reading message %d: %w", id, err)
		}
		if number != 0 && number != r.Attempts || r.ProviderID != "" && report.ProviderID != "" && r.ProviderID != report.ProviderID {
			s.log.Info("a report about an earlier try", "message", id, "status", report.Raw)
			return nil
		}
		if !r.report(now, report) {
			return nil // also where it comes again: it counts once
		}
		if err := judge(ctx, t, now, report); err != nil {
			return err
		}
		if err := update(ctx, t, now, []lifeRow{r}); err != nil {
			return err
		}
		// A text that was accepted and did not arrive: the try keeps the reason, and stays what it was.
		if report.Code != "" {
			if _, err := t.exec(ctx, `UPDATE attempts SET code = $1 WHERE message_id = $2 AND number = $3 AND outcome = 'accepted'`, clean(report.Code), id, r.Attempts); err != nil {
				return fmt.Errorf("noting why message %d did not arrive: %w", id, err)
			}
		}
		var ended values
		decision := "" // settles a try whose answer nobody saw
		if r.Outcome == string(reminders.OutcomeUnknown) {
			decision = reminders.DecisionReported
		}
		if state := reminders.State(r.State); state.HasLeft() {
			ended.add(id, r.Attempts, ms(now), string(reminders.OutcomeAccepted), r.ProviderID, report.Code, "", decision)
		} else if state == reminders.Failed || state == reminders.Planned {
			ended.add(id, r.Attempts, ms(now), string(reminders.OutcomeFailed), r.ProviderID, report.Code, "", decision)
		}
		return endAttempts(ctx, t, &ended)
	})
}

// disown takes a provider's record away from a message that was given it by its text alone, when a report or a late
// answer names the message it belongs to: of two with the same text, both in doubt, the wrong one got it. That one is in
// doubt again (index messages_provider).
func disown(ctx context.Context, t *tx, now time.Time, owner int64, providerID string) error {
	if providerID == "" {
		return nil
	}
	var wrong []int64
	if err := t.all(ctx, &wrong, `SELECT m.id FROM messages AS m JOIN attempts AS t ON t.message_id = m.id AND t.number = m.attempts
		WHERE m.provider_id = $1 AND m.id <> $2 AND t.decision IN ('found', 'earlier') AND m.state IN ('accepted', 'sent', 'delivered', 'undelivered', 'failed')
		ORDER BY m.id`+t.forUpdate(`FOR NO KEY UPDATE OF m`), providerID, owner); err != nil {
		return fmt.Errorf("looking for who else has a record: %w", err)
	}
	return inChunks(wrong, func(list string) error {
		t.s.log.Info("a provider's record was another message's", "messages", list, "owner", owner)
		if _, err := t.exec(ctx, `UPDATE messages SET state = 'unknown', reason = '', provider_id = '', provider_status = '', error_code = '', sent_at = 0, updated_at = $1
			WHERE id IN (`+list+`)`, ms(now)); err != nil {
			return fmt.Errorf("taking a record back: %w", err)
		}
		_, err := t.exec(ctx, `UPDATE attempts SET outcome = 'unknown', provider_id = '', code = '', decision = '' WHERE message_id IN (`+list+`) AND decision IN ('found', 'earlier')`)
		return err
	})
}

// judge counts the reports of a channel that, coming in a row, say that something is wrong with every text: at
// HaltAfter of them the channel is halted. One that arrives begins the count anew.
func judge(ctx context.Context, t *tx, now time.Time, report reminders.StatusReport) error {
	switch {
	case report.HaltAfter == 1:
		return halt(ctx, t, now, report.Channel, report.Code, report.Detail)
	case report.HaltAfter > 1:
		row, err := lockChannel(ctx, t, report.Channel)
		if err != nil {
			return err
		}
		if _, err := t.exec(ctx, `UPDATE channels SET filtered = filtered + 1 WHERE channel = $1`, report.Channel); err != nil {
			return fmt.Errorf("counting filtered texts: %w", err)
		}
		if row.Filtered+1 >= report.HaltAfter {
			return halt(ctx, t, now, report.Channel, report.Code, report.Detail)
		}
	case report.State == reminders.Delivered:
		// Without touching the row where there is nothing to count: every delivered text comes by here.
		if _, err := t.exec(ctx, `UPDATE channels SET filtered = 0 WHERE channel = $1 AND filtered > 0`, report.Channel); err != nil {
			return fmt.Errorf("counting filtered texts: %w", err)
		}
	}
	return nil
}

// reported finds the message that a report is about and, where its provider's id is known, the number of
// the try that got that id.
func reported(ctx context.Context, t *tx, report reminders.StatusReport) (id int64, number int, err error) {
	if report.ProviderID != "" { // indexes attempts_provider, messages_provider
		var rows []struct {
			ID     int64 `db:"id"`
			Number int   `db:"number"`
			Found  bool  `db:"found"` // by its text alone: see disown
		}
		if err := t.all(ctx, &rows, `SELECT message_id AS id, number, decision IN ('found', 'earlier') AS found FROM attempts WHERE provider_id = $1
			UNION ALL SELECT m.id, m.attempts AS number, EXISTS (SELECT 1 FROM attempts AS t WHERE t.message_id = m.id AND t.number = m.attempts AND t.decision IN ('found', 'earlier')) AS found
				FROM messages AS m WHERE m.provider_id = $1`, report.ProviderID); err != nil {
			return 0, 0, fmt.Errorf("looking for a reported message: %w", err)
		}
		for _, r := range rows {
			if report.MessageID == 0 || report.MessageID == r.ID {
				return r.ID, r.Number, nil
			}
		}
		for _, r := range rows {
			if !r.Found { // it says two messages at once: it is believed about neither
				return 0, 0, reminders.Errorf(reminders.ENOTFOUND, "the report's id is that of message %d, not of %d", r.ID, report.MessageID)
			}
		}
	}
	if report.MessageID != 0 {
		var n int
		if err := t.get(ctx, &n, `SELECT COUNT(*) FROM messages WHERE id = $1`, report.MessageID); err != nil {
			return 0, 0, fmt.Errorf("looking for message %d: %w", report.MessageID, err)
		}
		if n == 1 {
			return report.MessageID, 0, nil
		}
	}
	return 0, 0, reminders.Errorf(reminders.ENOTFOUND, "no message of ours is known by the report's id")
}

// report moves r on, and says whether it changed.
func (r *lifeRow) report(now time.Time, report reminders.StatusReport) bool {
	state := reminders.State(r.State)
	if state == reminders.Planned || state == reminders.Claimed || state == reminders.Skipped {
		// Given up after an outcome that nobody saw, and here is the proof that it left after all.
		proof := report.State == reminders.Accepted || report.State == reminders.Sent || report.State == reminders.Delivered
		if !proof || r.Attempts == 0 || r.Outcome != string(reminders.OutcomeUnknown) || r.ProviderID == "" && report.ProviderID == "" {
			return false
		}
		state = reminders.Unknown
	}
	changed := false
	if r.ProviderID == "" && report.ProviderID != "" && r.Attempts > 0 {
		r.ProviderID, changed = report.ProviderID, true
	}
	if report.State == "" || !reminders.Advances(state, report.State) {
		return changed
	}
	r.State, r.Status, r.Code, r.Reason, r.Lease = string(report.State), report.Raw, report.Code, "", 0
	if report.State == reminders.Failed || report.State == reminders.Undelivered {
		r.Reason = report.Code
		if !report.RetryAt.IsZero() && r.Attempts < report.MaxAttempts {
			at := report.RetryAt
			switch end := r.ValidUntil.Time(); {
			case report.NextWindow && end.After(at):
				at = end // of this one: what follows is decided when it is due
			case report.NextWindow: // said back to somebody who wrote: no longer at once
				at = at.Add(time.Hour)
			}
			r.State, r.RunAt, r.Worker, r.SentAt = string(reminders.Planned), ms(at), "", 0
		}
	}
	if r.SentAt == 0 && reminders.State(r.State).HasLeft() {
		r.SentAt = ms(now)
	}
	return true
}
