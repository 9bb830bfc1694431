package main

import (
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"efterkurs/bot/providertest"
)

// town is the people who are written to. They answer exercises, some change their answer, some say nothing,
// some say STOP, and half of what they get is reported as delivered.
type town struct {
	l      *ledger
	office *postOffice
	wg     sync.WaitGroup
	quiet  chan struct{} // closed = nobody writes any more
	people int
	next   atomic.Int64

	mu       sync.Mutex
	stopping map[string]bool   // who has begun to say STOP, by phone
	stops    map[string]*stop  // whose STOP was acknowledged
	last     map[string]string // the last answer that was acknowledged
}

// stop is a STOP that was acknowledged at and what had been begun by then, which still may leave.
type stop struct {
	at    time.Time
	begun []int64
}

func newTown(l *ledger, office *postOffice, people int) *town {
	t := &town{l: l, office: office, people: people, quiet: make(chan struct{}), stopping: map[string]bool{}, stops: map[string]*stop{}, last: map[string]string{}}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.onHand = t.hand
	l.further = func(int, url.Values) providertest.Behaviour {
		return slowly(rand.N(25*time.Millisecond))(0, nil)
	}
	return t
}

// hand is told of every text that reaches the provider.
func (t *town) hand(id int64, to, _ string) {
	select {
	case <-t.quiet:
		return
	default:
	}
	t.wg.Go(func() {
		if id%2 == 0 {
			t.report(id)
		}
		var step string
		if err := t.l.db.QueryRow(`SELECT step FROM messages WHERE id = $1`, id).Scan(&step); err != nil {
			t.l.t.Errorf("the step of message %d: %v", id, err)
			return
		}
		t.answer(to, step)
	})
}

// answer is what the person with this phone does about a text, and what a neighbour does who hears of it and
// whose own text may be claimed but not begun.
func (t *town) answer(phone, step string) {
	i, err := strconv.Atoi(phone[len(phone)-4:])
	if err != nil {
		t.l.t.Errorf("a text to %s, who is nobody", phone)
		return
	}
	switch habit := i % 20; {
	case step == "welcome" && habit == 13:
		t.stop(phoneOf((i + 30) % t.people))
	case step == "exercise-1" && habit%10 == 0:
		t.stop(phone)
	case step == "exercise-1" && habit%10 == 5:
		t.stop(phoneOf((i + 30) % t.people))
	case step != "exercise-1" && step != "exercise-2", habit%10 == 1:
	default:
		for _, digit := range []string{"1", "2"}[:1+habit%2] {
			if t.isStopping(phone) || !t.office.bring(letter{phone, digit, smsID("aa", int(t.next.Add(1)))}) {
				return
			}
			t.mu.Lock()
			if !t.stopping[phone] {
				t.last[phone] = digit
			}
			t.mu.Unlock()
		}
	}
}

func (t *town) isStopping(phone string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stopping[phone]
}

func (t *town) stop(phone string) {
	t.mu.Lock()
	before := t.stopping[phone]
	t.stopping[phone] = true
	delete(t.last, phone) // it may cross the STOP
	t.mu.Unlock()
	if !before && t.office.bring(letter{phone, "Stop nu", smsID("cc", int(t.next.Add(1)))}) {
		t.noteStop(phone)
	}
}

// noteStop remembers what had been begun when a STOP was acknowledged.
func (t *town) noteStop(phone string) {
	s := &stop{at: time.Now()}
	rows, err := t.l.db.Query(`SELECT m.id FROM messages AS m JOIN persons AS p ON p.id = m.person_id WHERE p.phone = $1
		AND m.state NOT IN ('planned', 'claimed', 'skipped')`, phone)
	if err != nil {
		t.l.t.Errorf("what was begun: %v", err)
		return
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			t.l.t.Errorf("what was begun: %v", err)
			return
		}
		s.begun = append(s.begun, id)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stops[phone] = s
}

// report brings the delivery report of a message once it was taken: perhaps before the provider's answer.
func (t *town) report(id int64) {
	for _, m := range t.l.w.twilio.Messages() {
		if messageOf(m.StatusCallback) == id {
			_, _ = t.l.w.twilio.Callback(t.l.t.Context(), providerClient, m.SID, "delivered", "")
		}
	}
}

// rest lets nobody begin anything new and waits until all that is written has been acknowledged.
func (t *town) rest() {
	t.l.mu.Lock()
	t.l.onHand, t.l.further = nil, nil
	t.l.mu.Unlock()
	close(t.quiet)
	t.wg.Wait()
}

func (t *town) stopped() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.stops)
}

// check holds people's own memory against the records.
func (t *town) check() {
	t.l.t.Helper()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.l.mu.Lock()
	defer t.l.mu.Unlock()
	for phone, s := range t.stops {
		for _, m := range t.l.w.twilio.Messages() {
			if m.Direction != "outbound-api" || m.To != phone {
				continue
			}
			id := messageOf(m.StatusCallback)
			if at := slices.MaxFunc(t.l.handed[id], time.Time.Compare); at.After(s.at) && !slices.Contains(s.begun, id) {
				t.l.t.Errorf("message %d was handed over %s after its reader's STOP was acknowledged", id, at.Sub(s.at))
			}
		}
	}
	for phone, digit := range t.last {
		var counts string
		if err := t.l.db.QueryRow(`SELECT a.digit FROM answers AS a JOIN persons AS p ON p.id = a.person_id WHERE p.phone = $1 ORDER BY a.id DESC LIMIT 1`, phone).Scan(&counts); err != nil {
			t.l.t.Errorf("the answer of %s: %v", phone, err)
		} else if counts != digit {
			t.l.t.Errorf("%s answered %s last, and %s counts", phone, digit, counts)
		}
	}
}
