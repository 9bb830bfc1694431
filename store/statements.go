package store

import (
	"container/list"
	"context"
	"database/sql/driver"
	"strings"

	"modernc.org/sqlite"
)

// SQLite reads a statement's text anew each time it is run, which costs more than to run most of ours: the driver keeps
// no statements, so each connection keeps its own here. One whose rows are still read is in nobody's hands but the reader's: the same text
// is prepared anew meanwhile. SQLite prepares by itself again what a migration has changed.

const (
	// keptStatements is how many statements a connection keeps, those that were used last.
	keptStatements = 200
	// longestKept is how long a statement's text is at most (bytes): long ones are lists of a length that hardly comes again.
	longestKept = 4000
)

// keeper opens connections that keep their statements.
type keeper struct{ driver.Connector }

// newKeeper is for a data source of the driver. Errors are the driver's.
func newKeeper(dsn string) (keeper, error) {
	c, err := sqlite.NewConnector(dsn)
	return keeper{c}, err
}

func (k keeper) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := k.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	conn, ok := c.(sqliteConn)
	if !ok { // the driver's types have changed: then as it is
		return c, nil
	}
	return &keeping{sqliteConn: conn, kept: map[string]*list.Element{}, order: list.New()}, nil
}

// sqliteConn is what the driver's connection can do, and database/sql asks for.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// statement is one of the driver's.
type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// keeping is a connection with its statements. database/sql calls it from one goroutine at a time.
type keeping struct {
	sqliteConn
	kept  map[string]*list.Element // of order, by text
	order *list.List               // of named, the one used last in front
}

type named struct {
	query string
	statement
}

func (c *keeping) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.take(ctx, query)
	if err != nil || s == nil {
		return pass(err, func() (driver.Result, error) { return c.sqliteConn.ExecContext(ctx, query, args) })
	}
	res, err := s.ExecContext(ctx, args)
	return res, c.back(query, s, err)
}

func (c *keeping) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.take(ctx, query)
	if err != nil || s == nil {
		return pass(err, func() (driver.Rows, error) { return c.sqliteConn.QueryContext(ctx, query, args) })
	}
	rows, err := s.QueryContext(ctx, args)
	if err != nil {
		return nil, c.back(query, s, err)
	}
	return &keptRows{rows, func(err error) error { return c.back(query, s, err) }}, nil
}

func pass[T any](err error, run func() (T, error)) (T, error) {
	if err != nil {
		var none T
		return none, err
	}
	return run()
}

func (c *keeping) Close() error {
	for e := c.order.Front(); e != nil; e = e.Next() {
		_ = e.Value.(named).Close() // the connection goes with them
	}
	c.order.Init()
	clear(c.kept)
	return c.sqliteConn.Close()
}

// take gives a statement out of the kept ones, or a new one; nil for what is not kept.
func (c *keeping) take(ctx context.Context, query string) (statement, error) {
	if e := c.kept[query]; e != nil {
		delete(c.kept, query)
		return c.order.Remove(e).(named).statement, nil
	}
	if !keeps(query) {
		return nil, nil
	}
	prepared, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s, ok := prepared.(statement)
	if !ok {
		return nil, prepared.Close()
	}
	return s, nil
}

// keeps says whether a statement is one that comes again, and alone in its text.
func keeps(query string) bool {
	if len(query) > longestKept || strings.Contains(query, ";") {
		return false
	}
	verb, _, _ := strings.Cut(strings.TrimSpace(query), " ")
	switch verb {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "WITH":
		return true
	}
	return false
}

// back puts a statement back that was used and came to err. One that failed is closed.
func (c *keeping) back(query string, s statement, err error) error {
	if err != nil {
		_ = s.Close() // its own error is the same again
		return err
	}
	if c.kept[query] != nil { // another of the same text came first
		return s.Close()
	}
	c.kept[query] = c.order.PushFront(named{query, s})
	if c.order.Len() <= keptStatements {
		return nil
	}
	oldest := c.order.Remove(c.order.Back()).(named)
	delete(c.kept, oldest.query)
	return oldest.Close()
}

// keptRows give their statement back when they are closed.
type keptRows struct {
	driver.Rows
	back func(error) error
}

func (r *keptRows) Close() error {
	if r.back == nil {
		return nil
	}
	back := r.back
	r.back = nil
	return back(r.Rows.Close())
}
