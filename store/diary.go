package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"efterkurs/reminders"
)

// ClaimDiaries takes users whose calendar is to be fetched, the one that waited longest first. A time far ahead was noted by a
// clock that was wrong. Of the few users no index is needed.
func (s *Store) ClaimDiaries(ctx context.Context, now time.Time, every time.Duration, limit int) (claimed []reminders.UserDiary, err error) {
	err = s.write(ctx, func(t *tx) error {
		var rows []struct {
			ID  int64  `db:"id"`
			URL string `db:"busy_url"`
		}
		// The condition stands outside too: who waited for another worker's UPDATE sees what it wrote.
		if err := t.all(ctx, &rows, `UPDATE users SET busy_at = $1
			WHERE id IN (SELECT id FROM users WHERE busy_url <> '' AND disabled_at = 0 AND (busy_at <= $2 OR busy_at > $3) ORDER BY busy_at, id LIMIT $4)
				AND (busy_at <= $2 OR busy_at > $3) RETURNING id, busy_url`, ms(now), ms(now.Add(-every)), ms(now.Add(every)), limit); err != nil {
			return fmt.Errorf("claiming calendars: %w", err)
		}
		claimed = nil
		for _, r := range rows {
			claimed = append(claimed, reminders.UserDiary{UserID: r.ID, URL: r.URL})
		}
		return nil
	})
	return claimed, err
}

// SaveDiary stores what came of fetching a calendar: when its owner is taken, or what is wrong.
func (s *Store) SaveDiary(ctx context.Context, d reminders.UserDiary, spans []reminders.Span, fault string) error {
	return s.write(ctx, func(t *tx) error {
		n, err := t.exec(ctx, `UPDATE users SET busy_fault = $1 WHERE id = $2 AND busy_url = $3`, clean(fault), d.UserID, d.URL)
		if err != nil {
			return fmt.Errorf("saving the calendar of user %d: %w", d.UserID, err)
		}
		if n == 0 || fault != "" {
			return nil
		}
		if err := dropBusy(ctx, t, d.UserID); err != nil {
			return err
		}
		rows := values{}
		for _, span := range spans {
			rows.add(d.UserID, ms(span.From), ms(span.To))
		}
		if _, err := t.insert(ctx, "busy", "user_id, from_at, to_at", &rows, "ON CONFLICT DO NOTHING"); err != nil {
			return fmt.Errorf("saving when user %d is taken: %w", d.UserID, err)
		}
		return nil
	})
}

func dropBusy(ctx context.Context, t *tx, userID int64) error {
	if _, err := t.exec(ctx, `DELETE FROM busy WHERE user_id = $1`, userID); err != nil {
		return fmt.Errorf("dropping when user %d was taken: %w", userID, err)
	}
	return nil
}

// SetDiary changes a user's working hours, home postcode and calendar address, each where it is given; ENOTFOUND where there is
// no such user. What was known from another calendar goes with its address; the new one is fetched by the next tick.
func (s *Store) SetDiary(ctx context.Context, now time.Time, email string, hours *reminders.Hours, postcode, busy *string) (user reminders.User, err error) {
	err = s.write(ctx, func(t *tx) error {
		var r userRow
		if err := t.get(ctx, &r, `SELECT `+userColumns+` FROM users AS u WHERE u.email = $1`, strings.ToLower(strings.TrimSpace(clean(email)))); err != nil {
			return notFound(err, "there is no user %s", email)
		}
		if hours != nil {
			r.Hours = hours.String()
		}
		if postcode != nil {
			r.Postcode = *postcode
		}
		if _, err := t.exec(ctx, `UPDATE users SET hours = $1, postcode = $2, updated_at = $3 WHERE id = $4`, r.Hours, r.Postcode, ms(now), r.ID); err != nil {
			return fmt.Errorf("changing the diary of user %d: %w", r.ID, err)
		}
		if busy != nil {
			if *busy != r.BusyURL {
				if err := dropBusy(ctx, t, r.ID); err != nil {
					return err
				}
			}
			r.BusyURL, r.BusyFault = *busy, ""
			if _, err := t.exec(ctx, `UPDATE users SET busy_url = $1, busy_at = 0, busy_fault = '' WHERE id = $2`, r.BusyURL, r.ID); err != nil {
				return fmt.Errorf("changing the calendar of user %d: %w", r.ID, err)
			}
		}
		user = r.user()
		return nil
	})
	return user, err
}
