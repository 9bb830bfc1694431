package main

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// load is people who write to a running `serve` and are due one text back for each that they write. What is
// said back waits for no window and no working day: a load for any hour at which tests run. No two texts to
// one person are the same, so that none can be taken for another in the provider's list.
type load struct {
	office *postOffice
	people int
	next   atomic.Int64
	stop   chan struct{}
	lifted sync.Once
	wg     sync.WaitGroup
}

// servedWorld is an installation whose people's course is years away: all that leaves is what they ask for.
func servedWorld(t *testing.T, database string, people int, env ...string) (*world, *ledger, *postOffice) {
	t.Helper()
	w := newWorld(t, database)
	w.env = append(w.env, env...)
	l, office := w.populate(database, people)
	return w, l, office
}

// populate fills an installation whose database the test itself reaches at database.
func (w *world) populate(database string, people int) (*ledger, *postOffice) {
	w.t.Helper()
	w.env = append(w.env, "EFTERKURS_LOG=info", "TWILIO_RATE=1000")
	csv := "name,company,course,start,end,phone\n"
	for i := range people {
		csv += fmt.Sprintf("Person%d Dahl,Firma %d,5s,2041-09-03,2041-09-04,%s\n", i, i%7, phoneOf(i))
	}
	w.run("import", w.file("roster.csv", csv))
	w.run("tick") // plans the six weeks, which the server would do at its start
	l := w.keepLedger(database)
	l.behave(slowly(5 * time.Millisecond))
	return l, w.openPostOffice()
}

// letters are distinct: thirteen for each person.
func (o *load) letter(n int) letter {
	body := "HJÆLP"
	if turn := n / o.people % 13; turn > 0 {
		body = fmt.Sprintf("PAUSE %d", turn)
	}
	return letter{phoneOf(n % o.people), body, smsID("dd", n)}
}

// press has so many people write, each one text after the other and again a moment after the last was
// acknowledged, until lift.
func (p *postOffice) press(people, writers int) *load {
	o := &load{office: p, people: people, stop: make(chan struct{})}
	p.w.t.Cleanup(func() { // where the test ended before it had everything
		p.close()
		o.lift()
	})
	for range writers {
		o.wg.Go(func() {
			for {
				select {
				case <-o.stop:
					return
				case <-time.After(rand.N(60 * time.Millisecond)):
				}
				p.bring(o.letter(int(o.next.Add(1) - 1)))
			}
		})
	}
	return o
}

// lift ends the load when everything written has been acknowledged.
func (o *load) lift() {
	o.lifted.Do(func() { close(o.stop) })
	o.wg.Wait()
}

// flow waits until n more texts were acknowledged and n more taken by the provider: everything works.
func (l *ledger) flow(p *postOffice, n int, within time.Duration) {
	l.t.Helper()
	_, acked, _, _ := p.figures()
	taken := l.taken()
	await(l.t, within, fmt.Sprintf("%d more texts to be taken in and answered", n), func() bool {
		_, now, _, _ := p.figures()
		return now >= acked+n && l.taken() >= taken+n
	})
}

// trouble waits until n webhooks were refused or not answered.
func (l *ledger) trouble(p *postOffice, n int, within time.Duration) {
	l.t.Helper()
	_, _, refused, unheard := p.figures()
	await(l.t, within, fmt.Sprintf("%d webhooks to fail", n), func() bool {
		_, _, r, u := p.figures()
		return r+u >= refused+unheard+n
	})
}

// close settles what is unknown, as the ticks of the next minutes would, and holds all records against each
// other. Every text that was acknowledged has one text back.
func (l *ledger) close(p *postOffice) {
	l.t.Helper()
	clock := &warp{ahead: 4 * time.Minute}
	l.w.settle(l, clock)
	l.balance(clock.Now())
	n := l.letters(p, l.db, time.Time{}, true)
	if said := l.count(`SELECT COUNT(*) FROM messages WHERE kind = 'reply'`); said != l.count(`SELECT COUNT(*) FROM replies`) || said < n {
		l.t.Errorf("%d texts were acknowledged, and %d said back", n, said)
	}
}
