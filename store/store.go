// Package store is every SQL statement of efterkurs: one Store over SQLite (embedded, the default) and
// PostgreSQL (several machines).
//
// An exported method opens and commits one transaction; lower-case helpers take the transaction and
// compose. One instant a transaction, given by the caller. A statement's text is the same for both
// databases but for row locks, which SQLite neither has nor needs: there is one writer at a time.
//
// Locks are taken in one order everywhere, so that nobody waits in a circle: users, persons, visits,
// enrolments, messages, and rows of one table by rising id. What slips through is rolled back by
// PostgreSQL (40P01) and tried again by write.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	_ "time/tzdata" // days are counted in Config.Location on machines without zone files too

	"github.com/jmoiron/sqlx"

	"efterkurs/reminders"
)

// Config says where the database is and how it is used.
type Config struct {
	URL      string         // sqlite:efterkurs.db, sqlite:/var/lib/efterkurs/efterkurs.db or postgres://user:password@host/database
	Secret   []byte         // keys the hashes of suppressed addresses; may be set later by SetSecret
	MaxConns int            // to PostgreSQL; 0 = 10
	Log      *slog.Logger   // nil = none
	Version  string         // of the binary and its texts: recorded with the basis of an enrolment
	Location *time.Location // the zone that days are counted in; nil = Europe/Copenhagen

	// Border is called where a transaction that writes begins and ends, and before reads: where a process can die, and
	// others come in between. An error at Begin or Commit undoes it, one at Committed comes when it is done. nil
	// outside of simulations.
	Border func(ctx context.Context, at Border) error
}

// Border is where a transaction begins or ends.
type Border string

// Borders.
const (
	Read      Border = "read"
	Begin     Border = "begin"
	Commit    Border = "commit"
	Committed Border = "committed"
)

// Dialects.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// Store is a database. It is safe for any number of goroutines, and of processes on one database.
type Store struct {
	dialect string
	target  string   // for errors: without a password
	db      *sqlx.DB // writes; on SQLite a single connection
	ro      *sqlx.DB // reads; on PostgreSQL the same as db
	dsn     string
	// migrateDSN is dsn without time-outs (PostgreSQL)
	migrateDSN string
	log        *slog.Logger
	version    string
	loc        *time.Location
	secret     *atomic.Pointer[[]byte]
	turn       *atomic.Int64 // which class is first in the next claim
	pin        *pin          // not nil: everything happens in this transaction
	border     func(context.Context, Border) error
}

// pin is the transaction of a trial.
type pin struct {
	mu sync.Mutex
	tx *sqlx.Tx
}

var _ reminders.Store = (*Store)(nil)

// Open opens the database and checks that it can be reached. It migrates nothing: see Migrate and
// CheckVersion. EINVALID for an address it cannot use, EUNAVAILABLE for a database that does not answer;
// neither tells a password.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	s := &Store{log: cfg.Log, version: cfg.Version, loc: cfg.Location, secret: &atomic.Pointer[[]byte]{}, turn: &atomic.Int64{}, border: cfg.Border}
	if s.border == nil {
		s.border = func(context.Context, Border) error { return nil }
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.loc == nil {
		loc, err := time.LoadLocation("Europe/Copenhagen")
		if err != nil {
			return nil, reminders.Errorf(reminders.EINTERNAL, "loading the zone: %w", err)
		}
		s.loc = loc
	}
	s.SetSecret(cfg.Secret)
	var err error
	scheme, rest, ok := strings.Cut(cfg.URL, ":")
	switch {
	case ok && scheme == "sqlite":
		err = s.openSQLite(ctx, rest)
	case ok && (scheme == "postgres" || scheme == "postgresql"):
		err = s.openPostgres(ctx, cfg)
	default:
		err = reminders.Errorf(reminders.EINVALID, "DATABASE_URL begins with neither sqlite: nor postgres:// (examples: sqlite:efterkurs.db, postgres://user@host/efterkurs)")
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close waits for statements that run and closes the database.
func (s *Store) Close() error {
	if s.pin != nil {
		return nil
	}
	var errs []error
	if s.ro != nil && s.ro != s.db {
		errs = append(errs, s.ro.Close())
	}
	if s.db != nil {
		// A connection that was given up has been closed already: there is nobody to say goodbye to.
		if err := s.db.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Dialect is SQLite or Postgres.
func (s *Store) Dialect() string { return s.dialect }

// SetSecret sets the key of the suppression hashes. With another key than before, old hashes match nobody.
func (s *Store) SetSecret(secret []byte) {
	secret = append([]byte(nil), secret...)
	s.secret.Store(&secret)
}

// Ping asks the database for a sign of life, through the connections that write.
func (s *Store) Ping(ctx context.Context) error {
	if s.pin != nil {
		return nil
	}
	if err := s.db.PingContext(ctx); err != nil {
		return s.unavailable(err)
	}
	return nil
}

// Trial returns a Store all of whose methods run within one transaction, which rollback undoes: the same
// code, nothing kept. On SQLite nobody else can write until rollback is called.
func (s *Store) Trial(ctx context.Context) (trial *Store, rollback func(), err error) {
	if s.pin != nil {
		return nil, nil, reminders.Errorf(reminders.EINTERNAL, "a trial within a trial")
	}
	sqltx, err := s.db.BeginTxx(ctx, nil)
	if err != nil {
		return nil, nil, s.coded(err)
	}
	pinned := *s
	pinned.pin = &pin{tx: sqltx}
	return &pinned, func() { _ = sqltx.Rollback() }, nil
}

// tx is what statements run in: a transaction, or a connection for a single read.
type tx struct {
	sqlx.ExtContext
	s *Store
}

func (t *tx) get(ctx context.Context, dest any, query string, args ...any) error {
	return sqlx.GetContext(ctx, t.ExtContext, dest, query, args...)
}

func (t *tx) all(ctx context.Context, dest any, query string, args ...any) error {
	return sqlx.SelectContext(ctx, t.ExtContext, dest, query, args...)
}

// exec runs a statement and says how many rows it changed.
func (t *tx) exec(ctx context.Context, query string, args ...any) (int, error) {
	res, err := t.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// forUpdate is suffix on PostgreSQL, nothing on SQLite.
func (t *tx) forUpdate(suffix string) string {
	if t.s.dialect == Postgres {
		return " " + suffix
	}
	return ""
}

// lock locks rows of table by rising id, in the strength an UPDATE takes: foreign keys to them may still
// be checked. On SQLite the transaction is the lock.
func (t *tx) lock(ctx context.Context, table string, ids []int64) error {
	if t.s.dialect != Postgres || len(ids) == 0 {
		return nil
	}
	return inChunks(ids, func(list string) error {
		var locked []int64
		return t.all(ctx, &locked, `SELECT id FROM `+table+` WHERE id IN (`+list+`) ORDER BY id FOR NO KEY UPDATE`)
	})
}

// writeTries is how often a transaction is tried that the database itself turned back.
const writeTries = 4

// write runs fn in a transaction and commits it. What the database rolled back only because of
// others (a deadlock, a lock not had in time) is tried again: fn must not count what it did before.
func (s *Store) write(ctx context.Context, fn func(*tx) error) error {
	if s.pin != nil {
		return s.pinned(ctx, fn)
	}
	for try := 1; ; try++ {
		err := s.writeOnce(ctx, fn)
		if err == nil || try == writeTries || !turnedBack(err) || ctx.Err() != nil {
			return s.coded(err)
		}
		s.log.Debug("transaction tried again", "try", try, "error", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(try) * (5*time.Millisecond + rand.N(20*time.Millisecond))):
		}
	}
}

func (s *Store) writeOnce(ctx context.Context, fn func(*tx) error) error {
	if err := s.border(ctx, Begin); err != nil {
		return err
	}
	sqltx, err := s.db.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = sqltx.Rollback() }() // nothing after a commit
	if err := fn(&tx{sqltx, s}); err != nil {
		return err
	}
	if err := s.border(ctx, Commit); err != nil {
		return err
	}
	if err := sqltx.Commit(); err != nil {
		return err
	}
	return s.border(ctx, Committed)
}

// pinned runs fn in the trial's transaction; a savepoint keeps an error from spoiling what came before.
func (s *Store) pinned(ctx context.Context, fn func(*tx) error) error {
	s.pin.mu.Lock()
	defer s.pin.mu.Unlock()
	if _, err := s.pin.tx.ExecContext(ctx, `SAVEPOINT step`); err != nil {
		return s.coded(err)
	}
	end := `RELEASE SAVEPOINT step`
	err := fn(&tx{s.pin.tx, s})
	if err != nil {
		end = `ROLLBACK TO SAVEPOINT step`
	}
	if _, endErr := s.pin.tx.ExecContext(ctx, end); endErr != nil && err == nil {
		err = endErr
	}
	return s.coded(err)
}

// read runs fn on one snapshot.
func (s *Store) read(ctx context.Context, fn func(*tx) error) error {
	if s.pin != nil {
		return s.pinned(ctx, fn)
	}
	var opts *sql.TxOptions
	if s.dialect == Postgres {
		opts = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	if err := s.border(ctx, Read); err != nil {
		return err
	}
	sqltx, err := s.ro.BeginTxx(ctx, opts)
	if err != nil {
		return s.coded(err)
	}
	defer func() { _ = sqltx.Rollback() }()
	return s.coded(fn(&tx{sqltx, s}))
}

// peek runs fn, which makes a single statement, without a transaction around it.
func (s *Store) peek(ctx context.Context, fn func(*tx) error) error {
	if s.pin != nil {
		return s.pinned(ctx, fn)
	}
	if err := s.border(ctx, Read); err != nil {
		return err
	}
	return s.coded(fn(&tx{s.ro, s}))
}

// coded gives a database's error its code; errors that have one, and those of ctx, stay as they are.
func (s *Store) coded(err error) error {
	var coded *reminders.Error
	switch {
	case err == nil, errors.As(err, &coded), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case unreachable(err):
		return s.unavailable(err)
	}
	return err
}

func (s *Store) unavailable(err error) error {
	return reminders.Errorf(reminders.EUNAVAILABLE, "the database %s cannot be used now: %w", s.target, err)
}

// notFound turns "no rows" into ENOTFOUND with what was sought.
func notFound(err error, format string, args ...any) error {
	if errors.Is(err, sql.ErrNoRows) {
		return reminders.Errorf(reminders.ENOTFOUND, format, args...)
	}
	return err
}

// redact is address without its password.
func redact(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "at DATABASE_URL"
	}
	return fmt.Sprintf("%s%s", u.Host, u.Path)
}
