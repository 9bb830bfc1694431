package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"efterkurs/reminders"
)

// SaveUser inserts a user, or changes the one with this e-mail address: name, role, and language and
// password where they are given. A user who was disabled is active again. It returns what is stored.
func (s *Store) SaveUser(ctx context.Context, now time.Time, u reminders.User) (saved reminders.User, err error) {
	email := strings.ToLower(strings.TrimSpace(clean(u.Email)))
	if email == "" {
		return saved, reminders.Errorf(reminders.EINVALID, "a user needs an e-mail address")
	}
	if u.Name = strings.TrimSpace(clean(u.Name)); u.Name == "" {
		u.Name = nameFromEmail(email)
	}
	token := u.CalendarToken
	if token == "" {
		token = randomHex(32)
	}
	err = s.write(ctx, func(t *tx) error {
		var r userRow
		if err := t.get(ctx, &r, `INSERT INTO users AS u (email, name, role, language, password_hash, calendar_token, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
			ON CONFLICT (email) DO UPDATE SET name = excluded.name, role = excluded.role, disabled_at = 0, updated_at = excluded.updated_at,
				language = CASE WHEN excluded.language = '' THEN u.language ELSE excluded.language END,
				password_hash = CASE WHEN excluded.password_hash = '' THEN u.password_hash ELSE excluded.password_hash END
			RETURNING id, email, name, role, language, password_hash, calendar_token, disabled_at, hours, postcode, busy_url, busy_fault`,
			email, u.Name, u.Role, u.Language, u.PasswordHash, token, ms(now)); err != nil {
			return fmt.Errorf("saving a user: %w", err)
		}
		saved = r.user()
		return nil
	})
	return saved, err
}

// DisableUser ends a user's access, feed included; ENOTFOUND where there is no such user.
func (s *Store) DisableUser(ctx context.Context, now time.Time, email string) error {
	return s.write(ctx, func(t *tx) error {
		n, err := t.exec(ctx, `UPDATE users SET disabled_at = $1, updated_at = $1 WHERE email = $2`, ms(now), strings.ToLower(strings.TrimSpace(email)))
		if err == nil && n == 0 {
			return reminders.Errorf(reminders.ENOTFOUND, "there is no user %s", email)
		}
		return err
	})
}

// User returns a user; ENOTFOUND where there is none. So do UserByEmail and UserByCalendarToken, which
// knows no disabled user.
func (s *Store) User(ctx context.Context, id int64) (reminders.User, error) {
	return s.user(ctx, `u.id = $1`, id)
}

func (s *Store) UserByEmail(ctx context.Context, email string) (reminders.User, error) {
	return s.user(ctx, `u.email = $1`, strings.ToLower(strings.TrimSpace(clean(email))))
}

func (s *Store) UserByCalendarToken(ctx context.Context, token string) (reminders.User, error) {
	return s.user(ctx, `u.calendar_token = $1 AND u.disabled_at = 0`, clean(token))
}

func (s *Store) user(ctx context.Context, where string, arg any) (user reminders.User, err error) {
	err = s.peek(ctx, func(t *tx) error {
		var r userRow
		if err := t.get(ctx, &r, `SELECT `+userColumns+` FROM users AS u WHERE `+where, arg); err != nil {
			return notFound(err, "there is no such user")
		}
		user = r.user()
		return nil
	})
	return user, err
}

// Users lists all users by e-mail address, the disabled ones too.
func (s *Store) Users(ctx context.Context) (users []reminders.User, err error) {
	err = s.peek(ctx, func(t *tx) error {
		var rows []userRow
		if err := t.all(ctx, &rows, `SELECT `+userColumns+` FROM users AS u ORDER BY u.email`); err != nil {
			return fmt.Errorf("listing users: %w", err)
		}
		for _, r := range rows {
			users = append(users, r.user())
		}
		return nil
	})
	return users, err
}
