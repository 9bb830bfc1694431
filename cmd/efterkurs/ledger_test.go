package main

import (
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	"efterkurs/bot/providertest"
	"efterkurs/reminders"
	"efterkurs/store/storetest"
)

// ledger holds what the provider keeps against what the database says: two records that know nothing of
// each other. Every message bears its id in the address of its callback.
type ledger struct {
	t  *testing.T
	w  *world
	db *sql.DB

	mu      sync.Mutex
	handed  map[int64][]time.Time                               // by message id: when it was handed to the provider, carried out or not
	onHand  func(id int64, to, body string)                     // told of each; may be nil
	further func(n int, form url.Values) providertest.Behaviour // how the provider treats it; nil = properly
}

// keepLedger writes down every text that is handed to the fake Twilio. database "" = the test cannot reach it.
func (w *world) keepLedger(database string) *ledger {
	l := &ledger{t: w.t, w: w, handed: map[int64][]time.Time{}}
	if database != "" {
		l.db = storetest.SQL(w.t, database)
	}
	w.twilio.Script(func(n int, form url.Values) providertest.Behaviour {
		id := messageOf(form.Get("StatusCallback"))
		l.mu.Lock()
		l.handed[id] = append(l.handed[id], time.Now())
		onHand, further := l.onHand, l.further
		l.mu.Unlock()
		if onHand != nil {
			onHand(id, form.Get("To"), form.Get("Body"))
		}
		if further != nil {
			return further(n, form)
		}
		return providertest.Behaviour{}
	})
	return l
}

// behave sets how the provider treats what is handed to it from now on; nil = properly.
func (l *ledger) behave(how func(n int, form url.Values) providertest.Behaviour) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.further = how
}

// slowly makes the provider take d to answer, so that a fault finds something in its hands.
func slowly(d time.Duration) func(int, url.Values) providertest.Behaviour {
	return func(int, url.Values) providertest.Behaviour {
		hold := make(chan struct{})
		time.AfterFunc(d, func() { close(hold) })
		return providertest.Behaviour{Hold: hold}
	}
}

// messageOf is our id in a callback's address; 0 = there is none.
func messageOf(callback string) int64 {
	u, err := url.Parse(callback)
	if err != nil {
		return 0
	}
	id, _ := strconv.ParseInt(u.Query().Get("m"), 10, 64)
	return id
}

// taken is how many texts the provider took.
func (l *ledger) taken() (n int) {
	for _, m := range l.w.twilio.Messages() {
		if m.Direction == "outbound-api" {
			n++
		}
	}
	return n
}

// row is a message as the database has it.
type row struct {
	id, person  int64
	step, state string
	reason      string
	runAt       int64
	attempts    int
}

func (l *ledger) rows() (rows []row) {
	l.t.Helper()
	found, err := l.db.Query(`SELECT id, COALESCE(person_id, 0), step, state, reason, run_at, attempts FROM messages ORDER BY id`)
	if err != nil {
		l.t.Fatal(err)
	}
	defer found.Close()
	for found.Next() {
		var r row
		if err := found.Scan(&r.id, &r.person, &r.step, &r.state, &r.reason, &r.runAt, &r.attempts); err != nil {
			l.t.Fatal(err)
		}
		rows = append(rows, r)
	}
	if err := found.Err(); err != nil {
		l.t.Fatal(err)
	}
	return rows
}

func (l *ledger) count(query string, args ...any) (n int) {
	l.t.Helper()
	if err := l.db.QueryRow(query, args...).Scan(&n); err != nil {
		l.t.Fatal(err)
	}
	return n
}

// open is how many messages are in somebody's hands, or nobody's.
func (l *ledger) open() int {
	l.t.Helper()
	return l.count(`SELECT COUNT(*) FROM messages WHERE state IN ('claimed', 'sending', 'unknown')`)
}

// balance checks, when everything has come to rest at now: nothing was taken twice, nothing that counts as
// sent was not taken, nothing was taken that does not count, and what is not sent says why or is still to come.
func (l *ledger) balance(now time.Time) {
	l.t.Helper()
	taken := map[int64]int{}
	for _, m := range l.w.twilio.Messages() {
		if m.Direction == "outbound-api" {
			taken[messageOf(m.StatusCallback)]++
		}
	}
	faults := 0
	fault := func(format string, args ...any) {
		l.t.Helper()
		if faults++; faults <= 20 {
			l.t.Errorf(format, args...)
		}
	}
	for _, r := range l.rows() {
		n := taken[r.id]
		delete(taken, r.id)
		switch state := reminders.State(r.state); {
		case n > 1:
			fault("twice: message %d (%s) was taken %d times; it is %s after %d tries", r.id, r.step, n, r.state, r.attempts)
		case state.HasLeft() && n == 0:
			fault("lost: message %d (%s) is %s, and the provider never took it (%d tries)", r.id, r.step, r.state, r.attempts)
		case state.HasLeft():
		case n > 0 && state != reminders.Failed:
			fault("message %d (%s) was taken and is %s (%s)", r.id, r.step, r.state, r.reason)
		case state == reminders.Skipped || state == reminders.Failed:
			if r.reason == "" {
				fault("message %d (%s) is %s and does not say why", r.id, r.step, r.state)
			}
		case state == reminders.Planned:
			if r.runAt <= now.UnixMilli() {
				fault("message %d (%s) was due at %s and is still planned", r.id, r.step, time.UnixMilli(r.runAt).UTC())
			}
		default:
			fault("left behind: message %d (%s) is %s", r.id, r.step, r.state)
		}
	}
	for id, n := range taken {
		fault("the provider took message %d, which the database does not know, %d times", id, n)
	}
}

// letter is a text that somebody writes.
type letter struct{ from, body, sid string }

// postOffice is Twilio, which brings every letter until it is acknowledged, under the same SID.
type postOffice struct {
	w    *world
	stop chan struct{} // closed = what is not acknowledged by now is not brought again

	mu      sync.Mutex
	acked   map[string]time.Time // by SID
	brought []letter
	refused int // answers of 5xx
	unheard int // requests that nobody answered
	slowest time.Duration
}

// providerClient hangs up when Twilio would.
var providerClient = &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

func (w *world) openPostOffice() *postOffice {
	p := &postOffice{w: w, stop: make(chan struct{}), acked: map[string]time.Time{}}
	w.t.Cleanup(p.close)
	return p
}

func (p *postOffice) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.stop:
	default:
		close(p.stop)
	}
}

// bring brings a letter until it is acknowledged; false where the office closed before.
func (p *postOffice) bring(l letter) bool {
	p.w.twilio.Receive(l.sid, l.from, p.w.twilio.Number, l.body)
	p.mu.Lock()
	p.brought = append(p.brought, l)
	p.mu.Unlock()
	for p.post(l) != http.StatusOK {
		select { // the provider's own pause, shorter here
		case <-time.After(25 * time.Millisecond):
		case <-p.stop:
			return false
		}
	}
	return true
}

// post brings a letter once and says with which status it was answered; 0 = not at all.
func (p *postOffice) post(l letter) int {
	address := p.w.public + "/webhooks/twilio/inbound"
	form := url.Values{"From": {l.from}, "To": {p.w.twilio.Number}, "Body": {l.body}, "AccountSid": {p.w.twilio.AccountSID}, "NumMedia": {"0"},
		"NumSegments": {"1"}, "MessageSid": {l.sid}, "SmsMessageSid": {l.sid}, "SmsStatus": {"received"}}
	started := time.Now()
	res, err := p.w.twilio.Post(p.w.t.Context(), providerClient, address, form)
	took := time.Since(started)
	status := 0
	if err == nil {
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		status = res.StatusCode
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slowest = max(p.slowest, took)
	switch {
	case status == 0:
		p.unheard++
	case status == http.StatusOK:
		p.acked[l.sid] = time.Now()
	case status >= 500:
		p.refused++
	default:
		p.w.t.Errorf("the letter %s was answered with %d", l.sid, status)
	}
	return status
}

func (p *postOffice) figures() (brought, acked, refused, unheard int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.brought), len(p.acked), p.refused, p.unheard
}

// letters checks that every letter which was acknowledged before before is in the database once, and where
// at rest that it was understood. Zero before = all.
func (l *ledger) letters(p *postOffice, db *sql.DB, before time.Time, atRest bool) (n int) {
	l.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for sid, at := range p.acked {
		if !before.IsZero() && !at.Before(before) {
			continue
		}
		n++
		var rows, waiting int
		if err := db.QueryRow(`SELECT COUNT(*), COUNT(CASE WHEN state = 'received' THEN 1 END) FROM replies WHERE provider_id = $1`, sid).Scan(&rows, &waiting); err != nil {
			l.t.Fatal(err)
		}
		if rows != 1 {
			l.t.Errorf("the letter %s was acknowledged and is in the database %d times", sid, rows)
		}
		if atRest && waiting > 0 {
			l.t.Errorf("the letter %s was never understood", sid)
		}
	}
	return n
}

// await polls for what no signal tells: another process's rows.
func await(t *testing.T, within time.Duration, what string, happened func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !happened() {
		if time.Now().After(deadline) {
			t.Fatalf("after %s still waiting for %s", within, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func smsID(kind string, i int) string { return fmt.Sprintf("SM%s%0*d", kind, 32-len(kind), i) }

// onNth holds the answer to request n until release, having told of it.
func onNth(n int, reached func(), release <-chan struct{}) func(int, url.Values) providertest.Behaviour {
	return func(i int, _ url.Values) providertest.Behaviour {
		if i != n {
			return providertest.Behaviour{}
		}
		reached()
		return providertest.Behaviour{Hold: release}
	}
}
