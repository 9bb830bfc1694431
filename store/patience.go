package store

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// statementTimeout is when PostgreSQL ends a statement, unless DATABASE_URL says otherwise.
const statementTimeout = 30 * time.Second

// patience is how much longer than a statement may take we wait for a word from the server.
const patience = 2 * time.Second

// patientDialer makes connections that give up by themselves. statement_timeout is kept by the server: where
// the path to it swallows everything (a balancer that hangs, a half-open connection after a failover) nobody
// ends the statement, and lib/pq cannot: done contexts make it ask the server to cancel, over a connection
// that is just as dead, and go on reading. TCP's own keepalive finds a host that is gone, not a proxy that
// takes what is written.
//
// When one connection has waited in vain, all that have been as quiet for as long are closed with it: those
// idle in the pool would cost whoever takes them the same wait again, one after the other.
type patientDialer struct {
	net.Dialer
	silence time.Duration // 0 = for ever
	mu      sync.Mutex
	conns   map[*patientConn]struct{}
}

// newPatientDialer is for connections with this statement_timeout: milliseconds as PostgreSQL takes them
// without a unit. Another unit is not read, and 0 means no limit: such connections wait for ever, as told.
func newPatientDialer(statementTimeout string) *patientDialer {
	d := &patientDialer{conns: map[*patientConn]struct{}{},
		Dialer: net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}}}
	if ms, err := strconv.Atoi(statementTimeout); err == nil && ms > 0 {
		d.silence = time.Duration(ms)*time.Millisecond + patience
	}
	return d
}

// Dial, DialTimeout and DialContext are lib/pq's Dialer and DialerContext.
func (d *patientDialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

func (d *patientDialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

func (d *patientDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d.Dialer.DialContext(ctx, network, address)
	if err != nil || d.silence == 0 {
		return conn, err
	}
	c := &patientConn{Conn: conn, dialer: d}
	c.active()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conns[c] = struct{}{}
	return c, nil
}

// hangUp closes every connection that has been quiet for as long as nobody should be.
func (d *patientDialer) hangUp() {
	before := time.Now().Add(-d.silence)
	var quiet []*patientConn
	d.mu.Lock()
	for c := range d.conns {
		if c.last.Load().Before(before) {
			quiet = append(quiet, c)
		}
	}
	d.mu.Unlock()
	for _, c := range quiet {
		_ = c.Close()
	}
}

// patientConn fails a read or write that has waited for its dialer's silence. The driver's own deadline, which
// it has while it connects, holds where it is earlier.
type patientConn struct {
	net.Conn
	dialer *patientDialer
	until  atomic.Pointer[time.Time] // the driver's deadline
	last   atomic.Pointer[time.Time] // when something was last read or written
}

func (c *patientConn) active() {
	now := time.Now()
	c.last.Store(&now)
}

func (c *patientConn) deadline() time.Time {
	at := time.Now().Add(c.dialer.silence)
	if until := c.until.Load(); until != nil && !until.IsZero() && until.Before(at) {
		return *until
	}
	return at
}

func (c *patientConn) Read(p []byte) (n int, err error) {
	if err = c.Conn.SetReadDeadline(c.deadline()); err == nil {
		n, err = c.Conn.Read(p)
	}
	return n, c.seen(err)
}

func (c *patientConn) Write(p []byte) (n int, err error) {
	if err = c.Conn.SetWriteDeadline(c.deadline()); err == nil {
		n, err = c.Conn.Write(p)
	}
	return n, c.seen(err)
}

func (c *patientConn) seen(err error) error {
	if err == nil {
		c.active()
	} else if errors.Is(err, os.ErrDeadlineExceeded) {
		c.dialer.hangUp()
	}
	return err
}

func (c *patientConn) SetDeadline(at time.Time) error {
	c.until.Store(&at)
	return c.Conn.SetDeadline(at)
}

func (c *patientConn) Close() error {
	c.dialer.mu.Lock()
	delete(c.dialer.conns, c)
	c.dialer.mu.Unlock()
	return c.Conn.Close()
}
