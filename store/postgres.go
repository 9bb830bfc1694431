package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	lib "modernc.org/sqlite/lib"

	"efterkurs/reminders"
)

// postgresConns is how many connections a process opens unless told otherwise.
const postgresConns = 10

// openPostgres connects. binary_parameters saves a round trip a statement (568 → 248 µs a point query).
// The time-outs keep one stuck worker from stopping all: a statement ends after half a minute, a wait for a
// lock after ten seconds, a transaction left open after half a minute, and a connection that says nothing
// for longer than a statement may take is given up (patientDialer).
func (s *Store) openPostgres(ctx context.Context, cfg Config) error {
	s.dialect, s.target = Postgres, redact(cfg.URL)
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Host == "" && u.Query().Get("host") == "" {
		return reminders.Errorf(reminders.EINVALID, "DATABASE_URL is not an address such as postgres://user:password@host:5432/database")
	}
	// A migration may take longer than any of these, so it has none; what DATABASE_URL itself sets holds for both.
	s.dsn = with(u, map[string]string{"statement_timeout": strconv.FormatInt(statementTimeout.Milliseconds(), 10), "lock_timeout": "10000", "idle_in_transaction_session_timeout": "30000"})
	s.migrateDSN = with(u, nil)
	connector, err := pq.NewConnector(s.dsn)
	if err != nil {
		return reminders.Errorf(reminders.EINVALID, "DATABASE_URL cannot be used: %s", hide(err.Error(), u))
	}
	own, err := url.Parse(s.dsn)
	if err != nil {
		return reminders.Errorf(reminders.EINVALID, "DATABASE_URL is not an address such as postgres://user:password@host:5432/database")
	}
	connector.Dialer(newPatientDialer(own.Query().Get("statement_timeout")))
	db := sqlx.NewDb(sql.OpenDB(connector), "postgres")
	conns := cfg.MaxConns
	if conns <= 0 {
		conns = postgresConns
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	db.SetConnMaxLifetime(time.Hour)
	s.db, s.ro = db, db
	if err := db.PingContext(ctx); err != nil {
		return reminders.Errorf(reminders.EUNAVAILABLE, "the database %s cannot be reached: %s", s.target, hide(err.Error(), u))
	}
	return nil
}

// with is u with our own defaults and settings, unless u says otherwise.
func with(u *url.URL, settings map[string]string) string {
	query := u.Query()
	set := func(key, value string) {
		if !query.Has(key) {
			query.Set(key, value)
		}
	}
	set("binary_parameters", "yes")
	set("application_name", "efterkurs")
	set("connect_timeout", "5")
	for key, value := range settings {
		set(key, value)
	}
	out := *u
	out.RawQuery = query.Encode()
	return out.String()
}

// hide takes the password out of a driver's words.
func hide(text string, u *url.URL) string {
	if password, ok := u.User.Password(); ok && password != "" {
		text = strings.ReplaceAll(text, password, "…")
		text = strings.ReplaceAll(text, url.QueryEscape(password), "…")
		text = strings.ReplaceAll(text, url.PathEscape(password), "…")
	}
	return text
}

// turnedBack says whether the database rolled a transaction back, or did not begin it, only because of others.
func turnedBack(err error) bool {
	var e *pq.Error
	if errors.As(err, &e) {
		return e.Code == "40001" || e.Code == "40P01" // serialization failure, deadlock
	}
	code := sqliteCode(err)
	return code == lib.SQLITE_BUSY || code == lib.SQLITE_LOCKED
}

// unreachable says whether err tells of the way to the database or its state, not of the statement.
func unreachable(err error) bool {
	var e *pq.Error
	if errors.As(err, &e) {
		switch e.Code.Class() {
		case "08", "53", "57", "58": // connection, resources, operator intervention, system
			return true
		}
		return e.Code == "55P03" || e.Code == "25P03" // lock not available, idle in transaction
	}
	switch sqliteCode(err) {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED, lib.SQLITE_FULL, lib.SQLITE_IOERR, lib.SQLITE_CANTOPEN, lib.SQLITE_READONLY:
		return true
	}
	var netErr net.Error
	return errors.As(err, &netErr) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
