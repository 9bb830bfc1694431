// Package providertest holds real servers on loopback that behave as the providers are documented to:
// Twilio's Messages API, Slack's Web API and an SMTP server. Tests of every package send through them, and
// what they keep is the independent record against which "nothing lost, nothing twice" is checked.
//
// Each server is told how to misbehave by a script, which is asked before every request. All of them are
// safe for concurrent use and stop by TB.Cleanup.
package providertest

import (
	"crypto/rand"
	"encoding/hex"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"
)

// TB is the part of testing.TB that the servers use, so that a program that is no test can use them too.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Cleanup(func())
}

// Behaviour is how a server treats one request. The zero value carries it out and says so.
type Behaviour struct {
	Refuse     bool            // it is not carried out
	Status     int             // the HTTP status of the answer; 0 = 200 or 201, and 400 where Refuse is set (Slack: 200)
	Code       string          // the provider's error code in the answer
	RetryAfter string          // the header: seconds or an HTTP date
	Garbage    bool            // the answer's body is not what was agreed
	Reset      bool            // the connection is broken instead of answered
	Hold       <-chan struct{} // the answer waits for this to close, or for the client to go away
	Stored     func(id string) // runs after it was carried out and before it is answered: a callback that overtakes the answer
}

// Refused is a Behaviour that refuses with a code and an HTTP status.
func Refused(code string, status int) Behaviour {
	return Behaviour{Refuse: true, Code: code, Status: status}
}

// Throttled is a Behaviour that refuses with 429 and a Retry-After header.
func Throttled(code, retryAfter string) Behaviour {
	return Behaviour{Refuse: true, Code: code, Status: http.StatusTooManyRequests, RetryAfter: retryAfter}
}

// AcceptedThenBroken carries the request out and breaks the connection instead of answering.
func AcceptedThenBroken() Behaviour { return Behaviour{Reset: true} }

// AcceptedThen500 carries the request out and answers 500.
func AcceptedThen500() Behaviour {
	return Behaviour{Status: http.StatusInternalServerError, Code: "20500"}
}

// serve starts a server that ends with the test. Requests still held are let go, or Close would wait for them.
func serve(t TB, handler http.Handler) (*httptest.Server, func()) {
	server := httptest.NewServer(handler)
	stop := func() {
		server.CloseClientConnections()
		server.Close()
	}
	if t != nil {
		t.Cleanup(stop)
	}
	return server, stop
}

// hold waits as the behaviour says. false = the client has gone away meanwhile.
func (b Behaviour) hold(r *http.Request) bool {
	if b.Hold == nil {
		return true
	}
	select {
	case <-b.Hold:
		return true
	case <-r.Context().Done():
		return false
	}
}

// reset breaks the connection with RST, as a crashed balancer would.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// randomID is prefix and 32 hex digits, the form of Twilio's SIDs.
func randomID(prefix string) string {
	raw := make([]byte, 16)
	_, _ = rand.Read(raw)
	return prefix + hex.EncodeToString(raw)
}

func number(code string) int {
	n, _ := strconv.Atoi(code)
	return n
}

// clock is the time of a server: the machine's until the test sets another.
type clock func() time.Time

func (c clock) now() time.Time {
	if c == nil {
		return time.Now().UTC()
	}
	return c().UTC()
}

// fault reports what a client did wrong, where there is a test to report to.
func fault(t TB, format string, args ...any) {
	if t != nil {
		t.Helper()
		t.Errorf(format, args...)
	}
}
