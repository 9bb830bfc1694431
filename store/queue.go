package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"efterkurs/reminders"
)

// staleLine is how far ahead a channel's line can be: further ahead it was left by a clock set wrong.
const staleLine = time.Minute

// longestPause is how far ahead the end of a pause can be that a provider asked for, as reminders.LongestPause has it.
const longestPause = reminders.LongestPause + staleLine

// channelRow is a channel's line and its halt.
type channelRow struct {
	Channel   string `db:"channel"`
	NextAt    millis `db:"next_at"`
	Throttled millis `db:"throttled_until"`
	HaltedAt  millis `db:"halted_at"`
	Code      string `db:"halted_code"`
	Reason    string `db:"halted_reason"`
	Filtered  int    `db:"filtered"`
	Until     millis `db:"swept_until"`
	Missed    millis `db:"missed_since"`
}

const channelColumns = `channel, next_at, throttled_until, halted_at, halted_code, halted_reason, filtered, swept_until, missed_since`

// channel returns the row of a channel, locked, making it where it is not there.
func lockChannel(ctx context.Context, t *tx, channel string) (row channelRow, err error) {
	if _, err := t.exec(ctx, `INSERT INTO channels (channel) VALUES ($1) ON CONFLICT (channel) DO NOTHING`, channel); err != nil {
		return row, fmt.Errorf("opening the line of %s: %w", channel, err)
	}
	err = t.get(ctx, &row, `SELECT `+channelColumns+` FROM channels WHERE channel = $1`+t.forUpdate(`FOR NO KEY UPDATE`), channel)
	if err != nil {
		return row, fmt.Errorf("reading the line of %s: %w", channel, err)
	}
	return row, nil
}

// Reserve takes places in a channel's line. The row is the line: who locks it first stands first. A channel
// without a rate has no line, and only what holds all of it back is asked for.
func (s *Store) Reserve(ctx context.Context, channel string, now, latest time.Time, places int, every time.Duration) (place time.Time, err error) {
	if every <= 0 {
		return s.throttled(ctx, channel, now)
	}
	err = s.write(ctx, func(t *tx) error {
		row, err := lockChannel(ctx, t, channel)
		if err != nil {
			return err
		}
		place = now
		switch throttled := row.Throttled.Time(); {
		case throttled.After(now.Add(longestPause)): // left by a clock set wrong, as a stale line is
			row.Throttled = 0
		case throttled.After(place):
			place = throttled
		}
		if next := row.NextAt.Time(); next.After(place) && !next.After(place.Add(staleLine)) {
			place = next
		}
		if place.After(latest) {
			return nil
		}
		// Whole milliseconds are stored: round up, so that the rate is never exceeded.
		next := place.Add(time.Duration(places)*every + time.Millisecond - 1)
		_, err = t.exec(ctx, `UPDATE channels SET next_at = $1, throttled_until = $2 WHERE channel = $3`, ms(next), row.Throttled, channel)
		return err
	})
	return place, err
}

// throttled is now, or when a channel that was asked to slow down may go on.
func (s *Store) throttled(ctx context.Context, channel string, now time.Time) (time.Time, error) {
	until := now
	err := s.peek(ctx, func(t *tx) error {
		var rows []millis
		if err := t.all(ctx, &rows, `SELECT throttled_until FROM channels WHERE channel = $1`, channel); err != nil {
			return fmt.Errorf("reading the line of %s: %w", channel, err)
		}
		if len(rows) == 1 && rows[0].Time().After(now) && !rows[0].Time().After(now.Add(longestPause)) {
			until = rows[0].Time()
		}
		return nil
	})
	return until, err
}

// stopped are the channels on which nothing may leave. A halted one still leads into workspaces that are installed into.
type stopped struct{ halted, slowed map[string]bool }

// stoppedChannels returns the channels on which nothing may leave at now.
func stoppedChannels(ctx context.Context, t *tx, now time.Time) (stopped, error) {
	out := stopped{map[string]bool{}, map[string]bool{}}
	var rows []channelRow
	if err := t.all(ctx, &rows, `SELECT `+channelColumns+` FROM channels WHERE halted_at > 0 OR throttled_until > $1 AND throttled_until <= $2`,
		ms(now), ms(now.Add(longestPause))); err != nil {
		return out, fmt.Errorf("asking for stopped channels: %w", err)
	}
	for _, r := range rows {
		if r.HaltedAt > 0 {
			out.halted[r.Channel] = true
		}
		if until := r.Throttled.Time(); until.After(now) && !until.After(now.Add(longestPause)) {
			out.slowed[r.Channel] = true
		}
	}
	return out, nil
}

// Throttle lets nothing leave on channel before until; an earlier until does not shorten a later one.
func (s *Store) Throttle(ctx context.Context, channel string, until time.Time) error {
	return s.write(ctx, func(t *tx) error {
		if _, err := lockChannel(ctx, t, channel); err != nil {
			return err
		}
		_, err := t.exec(ctx, `UPDATE channels SET throttled_until = $1 WHERE channel = $2 AND throttled_until < $1`, ms(until), channel)
		return err
	})
}

// Halt stops a channel until Resume; the first reason stays.
func (s *Store) Halt(ctx context.Context, now time.Time, channel, code, reason string) error {
	return s.write(ctx, func(t *tx) error { return halt(ctx, t, now, channel, code, reason) })
}

func halt(ctx context.Context, t *tx, now time.Time, channel, code, reason string) error {
	if _, err := lockChannel(ctx, t, channel); err != nil {
		return err
	}
	if _, err := t.exec(ctx, `UPDATE channels SET halted_at = $1, halted_code = $2, halted_reason = $3 WHERE channel = $4 AND halted_at = 0`,
		ms(now), clean(code), clean(reason), channel); err != nil {
		return fmt.Errorf("halting %s: %w", channel, err)
	}
	return nil
}

// Resume lets a halted channel go on. ENOTFOUND where it is not halted.
func (s *Store) Resume(ctx context.Context, channel string) error {
	return s.write(ctx, func(t *tx) error {
		n, err := t.exec(ctx, `UPDATE channels SET halted_at = 0, halted_code = '', halted_reason = '', throttled_until = 0, filtered = 0 WHERE channel = $1 AND halted_at > 0`, channel)
		if err == nil && n == 0 {
			return reminders.Errorf(reminders.ENOTFOUND, "the channel %s is not halted", channel)
		}
		return err
	})
}

// Halted returns the halted channels and why.
func (s *Store) Halted(ctx context.Context) (map[string]string, error) {
	halted := map[string]string{}
	err := s.peek(ctx, func(t *tx) error {
		var rows []channelRow
		if err := t.all(ctx, &rows, `SELECT `+channelColumns+` FROM channels WHERE halted_at > 0`); err != nil {
			return fmt.Errorf("reading halted channels: %w", err)
		}
		for _, r := range rows {
			halted[r.Channel] = r.Reason
		}
		return nil
	})
	return halted, err
}

// ticksKept is a week of minutes.
const ticksKept = 10080

// SaveTick stores the record of a tick, and forgets those of more than ticksKept ticks ago.
func (s *Store) SaveTick(ctx context.Context, tick reminders.Tick) error {
	counts, err := json.Marshal(tick.Counts)
	if err != nil {
		return fmt.Errorf("writing a tick's counts: %w", err)
	}
	return s.write(ctx, func(t *tx) error {
		var id int64
		if err := t.get(ctx, &id, `INSERT INTO ticks (started_at, took_ms, worker, counts, error) VALUES ($1, $2, $3, $4, $5) RETURNING id`,
			ms(tick.StartedAt), tick.Took.Milliseconds(), clean(tick.Worker), string(counts), clean(tick.Error)); err != nil {
			return fmt.Errorf("saving a tick: %w", err)
		}
		_, err := t.exec(ctx, `DELETE FROM ticks WHERE id <= $1`, id-ticksKept)
		return err
	})
}

type tickRow struct {
	StartedAt millis `db:"started_at"`
	Took      int64  `db:"took_ms"`
	Worker    string `db:"worker"`
	Counts    string `db:"counts"`
	Error     string `db:"error"`
}

// LastTick returns the last tick that ended; ENOTFOUND where there was none.
func (s *Store) LastTick(ctx context.Context) (tick reminders.Tick, err error) {
	err = s.peek(ctx, func(t *tx) error {
		tick, err = lastTick(ctx, t)
		return err
	})
	return tick, err
}

func lastTick(ctx context.Context, t *tx) (reminders.Tick, error) {
	var r tickRow
	if err := t.get(ctx, &r, `SELECT started_at, took_ms, worker, counts, error FROM ticks ORDER BY id DESC LIMIT 1`); err != nil {
		return reminders.Tick{}, notFound(err, "there was no tick yet")
	}
	return reminders.Tick{StartedAt: r.StartedAt.Time(), Took: time.Duration(r.Took) * time.Millisecond, Worker: r.Worker,
		Counts: fromJSON[reminders.Counts](r.Counts), Error: r.Error}, nil
}
