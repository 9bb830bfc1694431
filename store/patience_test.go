package store_test

import (
	"strings"
	"testing"
	"time"

	"efterkurs/reminders"
	"efterkurs/store/storetest"
)

// A connection on a path that swallows everything is given up, and those that lie idle in the pool with it: each
// would cost whoever takes it the same wait again. The first fails where patientConn (store/patience.go) sets no
// deadline, the second where hangUp closes nothing.
func TestOneSilentConnectionTakesTheQuietOnesWithIt(t *testing.T) {
	cluster := storetest.NewCluster(t)
	proxy := storetest.NewProxy(t, cluster.Addr)
	s := storetest.Open(t, strings.Replace(cluster.URL, cluster.Addr, proxy.Addr, 1)+"&statement_timeout=500")
	var undo []func()
	for range 4 { // so many connections at once, idle afterwards
		_, rollback, err := s.Trial(ctx)
		ok(t, err)
		undo = append(undo, rollback)
	}
	for _, rollback := range undo {
		rollback()
	}
	proxy.Swallow()
	if n := proxy.Swallowed(); n < 4 {
		t.Fatalf("only %d connections are swallowed: the test proves nothing", n)
	}
	began := time.Now()
	if _, err := s.Setting(ctx, "any"); reminders.ErrorCode(err) != reminders.EUNAVAILABLE {
		t.Errorf("on a path that swallows everything: %v", err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("given up after %s", took)
	}
	for deadline := time.Now().Add(time.Second); proxy.Swallowed() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d connections that carry nothing are still held", proxy.Swallowed())
		}
	}
	proxy.Recover()
	if _, err := s.Setting(ctx, "any"); err != nil {
		t.Errorf("when the path is whole again: %v", err)
	}
}
