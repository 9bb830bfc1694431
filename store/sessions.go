package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Sessions keeps the login sessions of alexedwards/scs. Expiry is a question of the moment a browser asks
// in, so this is the one place that reads the wall clock; Now may replace it.
type Sessions struct {
	Store *Store
	Now   func() time.Time // nil = time.Now
}

func (s Sessions) now() millis {
	if s.Now != nil {
		return ms(s.Now())
	}
	return ms(time.Now())
}

// FindCtx returns the data of a session that is not over.
func (s Sessions) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	err = s.Store.peek(ctx, func(t *tx) error {
		err := t.get(ctx, &data, `SELECT data FROM sessions WHERE token = $1 AND expires_at > $2`, clean(token), s.now())
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		found = err == nil
		return err
	})
	return data, found, err
}

// CommitCtx stores a session, and sweeps those that are over (index sessions_expiry).
func (s Sessions) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	return s.Store.write(ctx, func(t *tx) error {
		if _, err := t.exec(ctx, `DELETE FROM sessions WHERE expires_at <= $1`, s.now()); err != nil {
			return fmt.Errorf("sweeping sessions: %w", err)
		}
		_, err := t.exec(ctx, `INSERT INTO sessions (token, data, expires_at) VALUES ($1, $2, $3)
			ON CONFLICT (token) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at`, clean(token), data, ms(expiry))
		return err
	})
}

// DeleteCtx ends a session.
func (s Sessions) DeleteCtx(ctx context.Context, token string) error {
	return s.Store.write(ctx, func(t *tx) error {
		_, err := t.exec(ctx, `DELETE FROM sessions WHERE token = $1`, clean(token))
		return err
	})
}

// Find, Commit and Delete are for scs, which prefers the others.
func (s Sessions) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

func (s Sessions) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

func (s Sessions) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }
