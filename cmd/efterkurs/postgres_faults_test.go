package main

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"efterkurs/store/storetest"
)

// PostgreSQL is restarted, crashes, ends our connections, and falls silent on a path that swallows everything,
// while `serve` takes in texts and answers them. What could not be stored is never acknowledged; each time the
// same process goes on by itself; and in the end nothing is lost and nothing said twice.
//
// It fails where Receive (bot/bot.go) acknowledges without storing, and, silent: where connections have no
// deadline of their own (store/patience.go): then whoever has one hangs, and serve does not stop in good order.
func TestServeOutlivesItsPostgreSQL(t *testing.T) {
	t.Parallel() // it waits more than it works
	c := storetest.NewCluster(t)
	proxy := storetest.NewProxy(t, c.Addr)
	address := strings.Replace(c.URL, c.Addr, proxy.Addr, 1)
	// Small: the deadline follows statement_timeout.
	address += storetest.Size(t, "&"+url.Values{"statement_timeout": {"1000"}, "idle_in_transaction_session_timeout": {"2000"}}.Encode(), "", "")
	rounds := storetest.Size(t, 1, 1, 5)
	const people = 200
	w, l, office := servedWorld(t, address, people)
	l.db = storetest.SQL(t, c.URL) // not by way of the proxy
	stop := w.serve()
	o := office.press(people, 4)
	l.flow(office, 10, 30*time.Second)
	for _, fault := range []struct {
		name string
		do   func()
	}{
		{"restarted", func() {
			c.Stop(true)
			l.trouble(office, 4, 30*time.Second)
			c.Start()
		}},
		{"crashed", func() {
			c.Stop(false)
			l.trouble(office, 4, 30*time.Second)
			c.Start()
		}},
		{"connections ended", func() {
			if n := c.Terminate(); n == 0 {
				t.Error("there was no connection to end: the test proves nothing")
			}
		}},
		{"silent", func() {
			_, _, _, before := office.figures()
			proxy.Swallow()
			l.trouble(office, 4, 2*time.Minute)
			proxy.Recover()
			if _, _, _, unheard := office.figures(); unheard > before {
				t.Errorf("%d webhooks were not answered within 15 s", unheard-before)
			}
		}},
	} {
		for range rounds {
			fault.do()
			back := time.Now()
			l.flow(office, 10, 90*time.Second)
			t.Logf("%s: went on %s after the database was back", fault.name, time.Since(back).Round(time.Millisecond))
		}
	}
	await(t, 2*time.Minute, "the last connection that carries nothing to be given up", func() bool { return proxy.Swallowed() == 0 })
	ended := time.Now()
	o.lift()
	stop()
	t.Logf("stopped within %s", time.Since(ended).Round(time.Millisecond))
	l.close(office)
	t.Logf("settled within %s", time.Since(ended).Round(time.Millisecond))
	brought, acked, refused, unheard := office.figures()
	t.Logf("%d texts, %d acknowledged, %d taken; %d webhooks refused with 5xx, %d unanswered; slowest %s",
		brought, acked, l.taken(), refused, unheard, office.slowest.Round(time.Millisecond))
}
