package store

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"efterkurs/migrations"
	"efterkurs/reminders"
)

// Migration is one step of the database's history.
type Migration struct {
	Number    int64
	Name      string
	AppliedAt time.Time // zero = not yet
}

// migrationTries is how often a process on SQLite begins anew when others migrate at the same moment.
const migrationTries = 20

// provider is goose over its own connections on PostgreSQL, whose time-outs would cut a long migration
// short; its session lock lets one process migrate at a time.
func (s *Store) provider(_ context.Context) (p *goose.Provider, done func(), err error) {
	db, dialect, options := s.db.DB, goose.DialectSQLite3, []goose.ProviderOption{
		goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger())}
	done = func() {}
	if s.dialect == Postgres {
		own, err := sql.Open("postgres", s.migrateDSN)
		if err != nil {
			return nil, nil, err
		}
		db, dialect, done = own, goose.DialectPostgres, func() { own.Close() }
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
		if err != nil {
			done()
			return nil, nil, err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	files, err := fs.Sub(migrations.Files, s.dialect)
	if err == nil {
		p, err = goose.NewProvider(dialect, db, files, options...)
	}
	if err != nil {
		done()
		return nil, nil, fmt.Errorf("reading migrations: %w", err)
	}
	return p, done, nil
}

// Migrate brings the database to what this binary knows and returns the names of what it applied. Any
// number of processes may call it at once. ECONFLICT where the database is newer than the binary.
func (s *Store) Migrate(ctx context.Context) (applied []string, err error) {
	p, done, err := s.provider(ctx)
	if err != nil {
		return nil, s.coded(err)
	}
	defer done()
	for try := 1; ; try++ {
		before, err := s.databaseVersion(ctx)
		if err != nil {
			return nil, s.coded(err)
		}
		switch known := latest(p); {
		case before > known:
			return nil, newer(before, known)
		case before == known:
			return applied, nil
		}
		results, err := p.Up(ctx)
		for _, r := range results {
			if r.Error == nil {
				applied = append(applied, fmt.Sprintf("%05d_%s", r.Source.Version, nameOf(r.Source.Path)))
			}
		}
		if err == nil {
			return applied, nil
		}
		// On SQLite each migration is a transaction of its own. Who comes second finds its tables there and fails
		// without a trace: where somebody else has gone forward, look again at what is left to do.
		after, versionErr := s.databaseVersion(ctx)
		if versionErr != nil || try == migrationTries || s.dialect == Postgres || after == before && !turnedBack(err) {
			return applied, s.coded(fmt.Errorf("migrating the database: %w", err))
		}
	}
}

// MigrationStatus lists all migrations this binary knows.
func (s *Store) MigrationStatus(ctx context.Context) ([]Migration, error) {
	p, done, err := s.provider(ctx)
	if err != nil {
		return nil, s.coded(err)
	}
	defer done()
	if version, err := s.databaseVersion(ctx); err != nil || version == 0 {
		var out []Migration
		for _, source := range p.ListSources() {
			out = append(out, Migration{Number: source.Version, Name: nameOf(source.Path)})
		}
		return out, s.coded(err)
	}
	status, err := p.Status(ctx)
	if err != nil {
		return nil, s.coded(fmt.Errorf("reading migrations: %w", err))
	}
	out := make([]Migration, len(status))
	for i, m := range status {
		out[i] = Migration{Number: m.Source.Version, Name: nameOf(m.Source.Path), AppliedAt: m.AppliedAt}
	}
	return out, nil
}

// CheckVersion says whether this binary and the database belong together: ECONFLICT where the database
// is newer, EUNAVAILABLE where it needs migrating.
func (s *Store) CheckVersion(ctx context.Context) error {
	version, err := s.databaseVersion(ctx)
	if err != nil {
		return s.coded(err)
	}
	p, done, err := s.provider(ctx)
	if err != nil {
		return s.coded(err)
	}
	defer done()
	switch known := latest(p); {
	case version > known:
		return newer(version, known)
	case version < known:
		return reminders.Errorf(reminders.EUNAVAILABLE, "the database needs migrating (it is at migration %d, this binary knows %d): run efterkurs migrate up", version, known)
	}
	return nil
}

func newer(version, known int64) error {
	return reminders.Errorf(reminders.ECONFLICT, "database is newer than this binary (database at migration %d, binary knows %d): update efterkurs", version, known)
}

// databaseVersion is the number of the last migration applied, 0 in an empty database.
func (s *Store) databaseVersion(ctx context.Context) (version int64, err error) {
	err = s.peek(ctx, func(t *tx) error {
		exists := `SELECT COUNT(*) FROM sqlite_master WHERE name = 'goose_db_version'`
		if s.dialect == Postgres {
			exists = `SELECT COUNT(to_regclass('goose_db_version'))`
		}
		var n int
		if err := t.get(ctx, &n, exists); err != nil || n == 0 {
			return err
		}
		return t.get(ctx, &version, `SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version`)
	})
	return version, err
}

func latest(p *goose.Provider) (version int64) {
	for _, source := range p.ListSources() {
		version = max(version, source.Version)
	}
	return version
}

// nameOf is the middle of 00001_init.sql.
func nameOf(path string) string {
	name := path
	if len(name) > 10 {
		name = name[6 : len(name)-4]
	}
	return name
}
