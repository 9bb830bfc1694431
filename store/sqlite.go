package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"efterkurs/reminders"
)

// sqliteReaders is how many read at once beside the one writer.
const sqliteReaders = 4

func init() { sqlx.BindDriver("sqlite", sqlx.DOLLAR) }

// openSQLite opens the file. busy_timeout comes first, since the pragmas after it may meet a lock
// themselves. A transaction takes the write lock at its start (_txlock=immediate): one that first reads
// and then writes is turned back without waiting otherwise. FULL survives a power cut at each commit,
// which is what "committed before it is sent" means.
func (s *Store) openSQLite(ctx context.Context, path string) error {
	s.dialect, s.target = SQLite, path
	path = strings.TrimPrefix(path, "//")
	switch {
	case path == "":
		return reminders.Errorf(reminders.EINVALID, "DATABASE_URL names no file (example: sqlite:efterkurs.db)")
	case strings.Contains(path, ":memory:") || strings.ContainsRune(path, 0):
		return reminders.Errorf(reminders.EINVALID, "DATABASE_URL must name a file: %q is none", path)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return reminders.Errorf(reminders.EINVALID, "the database %s is a folder, not a file", path)
	}
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return reminders.Errorf(reminders.EUNAVAILABLE, "the database %s cannot be opened: its folder %s is not there", path, filepath.Dir(path))
	}
	escaped := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
	s.dsn = "file:" + escaped + "?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=synchronous(FULL)"
	open := func(pragmas string, conns int) (*sqlx.DB, error) {
		connector, err := newKeeper(s.dsn + pragmas)
		if err != nil {
			return nil, err
		}
		db := sqlx.NewDb(sql.OpenDB(connector), "sqlite")
		db.SetMaxOpenConns(conns)
		db.SetMaxIdleConns(conns)
		return db, nil
	}
	var err error
	if s.db, err = open("&_pragma=journal_mode(WAL)&_txlock=immediate", 1); err != nil {
		return s.refused(path, err)
	}
	// Several processes may turn the same new file to WAL: SQLite answers busy without waiting then.
	for try := 1; ; try++ {
		err = s.db.PingContext(ctx)
		if err == nil || try == 50 || !turnedBack(err) || ctx.Err() != nil {
			break
		}
		time.Sleep(time.Duration(try) * time.Millisecond)
	}
	if err != nil {
		return s.refused(path, err)
	}
	if s.ro, err = open("&_pragma=query_only(1)", sqliteReaders); err != nil {
		return s.refused(path, err)
	}
	return nil
}

func (s *Store) refused(path string, err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) && e.Code()&0xff == lib.SQLITE_NOTADB {
		return reminders.Errorf(reminders.EINVALID, "%s is not a database of efterkurs", path)
	}
	return reminders.Errorf(reminders.EUNAVAILABLE, "the database %s cannot be opened: %w", path, err)
}

// sqliteCode is the primary result code of a SQLite error, 0 for all others.
func sqliteCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// Backup writes a copy of the database to file while it is in use. EINVALID where file is there already,
// and on PostgreSQL, which has pg_dump for it.
func (s *Store) Backup(ctx context.Context, file string) error {
	if s.dialect == Postgres {
		return reminders.Errorf(reminders.EINVALID, "a PostgreSQL database is backed up with its own tool: pg_dump --format=custom --file=%s \"$DATABASE_URL\"", file)
	}
	if _, err := os.Stat(file); err == nil {
		return reminders.Errorf(reminders.EINVALID, "%s is there already: name a new file", file)
	}
	if _, err := os.Stat(filepath.Dir(file)); err != nil {
		return reminders.Errorf(reminders.EINVALID, "the folder %s is not there", filepath.Dir(file))
	}
	// A connection of its own: those that read may not write, not even another file, and the one that
	// writes is needed meanwhile.
	db, err := sql.Open("sqlite", s.dsn)
	if err != nil {
		return fmt.Errorf("backing up to %s: %w", file, err)
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, `VACUUM INTO $1`, file); err != nil {
		return s.coded(fmt.Errorf("backing up to %s: %w", file, err))
	}
	return nil
}
