package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"efterkurs/reminders"
)

// Listening says how far a channel's incoming texts are known to be in. Where nobody has looked yet, that is since
// somebody is known: before that nobody wrote to us.
func (s *Store) Listening(ctx context.Context, channel string) (heard reminders.Listening, err error) {
	err = s.read(ctx, func(t *tx) error {
		var r struct {
			Until  millis `db:"swept_until"`
			Missed millis `db:"missed_since"`
		}
		err := t.get(ctx, &r, `SELECT swept_until, missed_since FROM channels WHERE channel = $1`, channel)
		if err == nil && r.Until == 0 || errors.Is(err, sql.ErrNoRows) {
			err = t.get(ctx, &r.Until, `SELECT COALESCE(MIN(created_at), 0) FROM persons`)
		}
		if err != nil {
			return fmt.Errorf("reading how far %s was listened to: %w", channel, err)
		}
		heard = reminders.Listening{Until: r.Until.Time(), MissedSince: r.Missed.Time()}
		return nil
	})
	return heard, err
}

// Swept records that everything written before until is in. What was missed anew while the provider was being
// asked stays missed.
func (s *Store) Swept(ctx context.Context, channel string, until, missed time.Time) error {
	return s.write(ctx, func(t *tx) error {
		if _, err := lockChannel(ctx, t, channel); err != nil {
			return err
		}
		_, err := t.exec(ctx, `UPDATE channels SET swept_until = $1, missed_since = CASE WHEN missed_since = $2 THEN 0 ELSE missed_since END WHERE channel = $3`,
			ms(until), ms(missed), channel)
		return err
	})
}

// Missed records that texts written on a source since since may not be in: a webhook could not be stored. A workspace
// that the app was not installed into by us is the single one's.
func (s *Store) Missed(ctx context.Context, source string, since time.Time) error {
	return s.write(ctx, func(t *tx) error {
		channel, team := reminders.CutSource(source)
		known, err := knownTeam(ctx, t, team)
		if err != nil {
			return err
		}
		if known {
			channel = source
		}
		if _, err := lockChannel(ctx, t, channel); err != nil {
			return err
		}
		_, err = t.exec(ctx, `UPDATE channels SET missed_since = $1 WHERE channel = $2 AND (missed_since = 0 OR missed_since > $1)`, ms(since), channel)
		return err
	})
}

// Heard records that webhooks have been taken in until now without a break longer than gap: then the provider, which
// repeats what is not acknowledged, need not be asked. A longer break is left for a sweep to close. One address takes the
// webhooks of all workspaces.
func (s *Store) Heard(ctx context.Context, channel string, now time.Time, gap time.Duration) error {
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(ctx, `UPDATE channels SET swept_until = $1 WHERE (channel = $2 OR channel LIKE $2 || '/%') AND missed_since = 0 AND swept_until >= $3 AND swept_until < $1`,
			ms(now), channel, ms(now.Add(-gap)))
		return err
	})
}

// Taken says which texts are in (the replies' unique key).
func (s *Store) Taken(ctx context.Context, channel string, providerIDs []string) (taken map[string]bool, err error) {
	taken = map[string]bool{}
	err = s.peek(ctx, func(t *tx) error {
		return textChunks(providerIDs, func(list string, args []any) error {
			var ids []string
			if err := t.all(ctx, &ids, `SELECT provider_id FROM replies WHERE provider_id IN (`+list+`) AND channel = `+fmt.Sprintf("$%d", len(args)+1), append(args, channel)...); err != nil {
				return fmt.Errorf("asking which texts are in: %w", err)
			}
			for _, id := range ids {
				taken[id] = true
			}
			return nil
		})
	})
	return taken, err
}

// Conversations returns the addresses that were written to on channel, through workspace, since since (index
// messages_address). What is written in a group is read by nobody.
func (s *Store) Conversations(ctx context.Context, channel, workspace string, since time.Time) (addresses []string, err error) {
	err = s.peek(ctx, func(t *tx) error {
		err := t.all(ctx, &addresses, `SELECT DISTINCT address FROM messages WHERE channel = $1 AND sent_at > 0 AND sent_at >= $2 AND address <> '' AND workspace = $3
			AND address NOT LIKE '%,%' ORDER BY address`, channel, ms(since), workspace)
		if err != nil {
			return fmt.Errorf("looking for conversations on %s: %w", channel, err)
		}
		return nil
	})
	return addresses, err
}

// Knows says whether a message of ours has a provider's id (indexes messages_provider, attempts_provider).
func (s *Store) Knows(ctx context.Context, channel, providerID string) (known bool, err error) {
	err = s.peek(ctx, func(t *tx) error {
		var n int
		err := t.get(ctx, &n, `SELECT COUNT(*) FROM (SELECT 1 FROM messages WHERE provider_id = $1 AND provider_id <> '' AND channel = $2
			UNION ALL SELECT 1 FROM attempts WHERE provider_id = $1 AND provider_id <> '') AS k`, providerID, channel)
		known = n > 0
		return err
	})
	return known, err
}

const (
	// strayAge is how young a record may be that is no stray yet: a worker may be about to write down that it sent it.
	strayAge = 5 * time.Minute
	// straysKept is how long a stray is of use: what is later than this is not sent any more.
	straysKept = 30 * 24 * time.Hour
)

// KeepStrays keeps what left and no message knows of, as keyed hashes: neither text nor address.
func (s *Store) KeepStrays(ctx context.Context, now time.Time, left []reminders.Left) (kept int, err error) {
	err = s.write(ctx, func(t *tx) error {
		kept = 0
		known := map[string]bool{}
		var ids []string
		for _, l := range left {
			ids = append(ids, l.Result.ProviderID)
		}
		err := textChunks(ids, func(list string, args []any) error {
			var rows []string
			if err := t.all(ctx, &rows, `SELECT provider_id FROM attempts WHERE provider_id IN (`+list+`)
				UNION SELECT provider_id FROM messages WHERE provider_id IN (`+list+`)`, args...); err != nil {
				return fmt.Errorf("looking for messages that left: %w", err)
			}
			for _, id := range rows {
				known[id] = true
			}
			return nil
		})
		if err != nil {
			return err
		}
		var v values
		for _, l := range left {
			if !known[l.Result.ProviderID] && l.Result.ProviderID != "" && l.At.Before(now.Add(-strayAge)) && l.Result.Outcome == reminders.OutcomeAccepted {
				v.add(l.Channel, l.Result.ProviderID, s.strayHash(l.Channel, l.Address, l.Text), ms(l.At))
			}
		}
		if kept, err = t.insert(ctx, "strays", `channel, provider_id, hash, at`, &v, `ON CONFLICT (channel, provider_id) DO NOTHING`); err != nil {
			return fmt.Errorf("keeping strays: %w", err)
		}
		_, err = t.exec(ctx, `DELETE FROM strays WHERE at < $1`, ms(now.Add(-straysKept)))
		return err
	})
	return kept, err
}

func (s *Store) strayHash(channel, address, text string) string {
	return s.hash("left:" + channel + "\x00" + address + "\x00" + text)
}

type strayRow struct {
	ProviderID string `db:"provider_id"`
	Hash       string `db:"hash"`
	At         millis `db:"at"`
}

// strayText are the strays that say what intents are about to say, oldest first.
type strayText struct {
	s      *Store
	byHash map[string][]strayRow
}

// strays finds what left before the database was put back (index strays_hash). One that a message has since been
// found to know of is none.
func strays(ctx context.Context, t *tx, intents []reminders.Intent) (strayText, error) {
	out := strayText{t.s, map[string][]strayRow{}}
	var some int
	if err := t.get(ctx, &some, `SELECT COUNT(*) FROM (SELECT 1 FROM strays LIMIT 1) AS s`); err != nil || some == 0 {
		return out, err
	}
	var hashes []string
	for _, in := range intents {
		hashes = append(hashes, t.s.strayHash(in.Channel, in.Address, in.Body))
	}
	err := textChunks(hashes, func(list string, args []any) error {
		var rows []strayRow
		if err := t.all(ctx, &rows, `SELECT s.provider_id, s.hash, s.at FROM strays AS s WHERE s.hash IN (`+list+`)
			AND NOT EXISTS (SELECT 1 FROM attempts AS t WHERE t.provider_id = s.provider_id)
			AND NOT EXISTS (SELECT 1 FROM messages AS m WHERE m.provider_id = s.provider_id) ORDER BY s.at`, args...); err != nil {
			return fmt.Errorf("looking for what left before: %w", err)
		}
		for _, r := range rows {
			out.byHash[r.Hash] = append(out.byHash[r.Hash], r)
		}
		return nil
	})
	if err != nil || len(out.byHash) == 0 {
		return out, err
	}
	// One that says what a message in doubt says may be that message's: whose it is will be found out there, and what is
	// about to be said with the same words is another.
	var doubtful []struct {
		Channel string `db:"channel"`
		Address string `db:"address"`
		Body    string `db:"body"`
	}
	if err := t.all(ctx, &doubtful, `SELECT m.channel, m.address, m.body FROM messages AS m WHERE m.state IN ('sending', 'unknown')`); err != nil {
		return out, fmt.Errorf("looking for messages in doubt: %w", err)
	}
	for _, d := range doubtful {
		delete(out.byHash, t.s.strayHash(d.Channel, d.Address, d.Body))
	}
	return out, nil
}

// take gives the stray that an intent has become already, to it alone. One from before the message was due is another
// message's: the same words are said again.
func (x strayText) take(in reminders.Intent, due millis) (strayRow, bool) {
	hash := x.s.strayHash(in.Channel, in.Address, in.Body)
	i := slices.IndexFunc(x.byHash[hash], func(r strayRow) bool { return r.At.Time().After(due.Time().Add(-time.Minute)) })
	if i < 0 {
		return strayRow{}, false
	}
	row := x.byHash[hash][i]
	x.byHash[hash] = slices.Delete(x.byHash[hash], i, i+1)
	return row, true
}

// markLeft makes messages whose intent was committed a moment ago in this transaction what they were before the
// database was put back: accepted.
func markLeft(ctx context.Context, t *tx, now time.Time, left *values) error {
	return left.each(1, func(list string, args []any) error {
		_, err := t.exec(ctx, `WITH n (id, provider, at) AS (VALUES `+list+`)
			UPDATE messages SET state = 'accepted', provider_id = n.provider, sent_at = n.at, lease_until = 0, updated_at = $1
			FROM n WHERE messages.id = n.id AND messages.state = 'sending'`, append([]any{ms(now)}, args...)...)
		if err != nil {
			return fmt.Errorf("recording what left before: %w", err)
		}
		return nil
	})
}
