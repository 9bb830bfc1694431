package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"efterkurs/store/storetest"
)

// The disk of the embedded database runs full, again and again, while `serve` takes in texts and answers them.
// What could not be stored is answered with 5xx and comes again; what could not be committed is not sent;
// when there is room again the same process goes on; the file is whole; nothing is lost and nothing twice.
//
// It fails where Receive (bot/bot.go) acknowledges what SaveReply refused, and where send
// (reminders/deliver.go) calls the provider although Begin failed.
func TestServeOutlivesAFullDisk(t *testing.T) {
	t.Parallel() // it waits more than it works
	rounds := storetest.Size(t, 2, 6, 30)
	const people = 60
	disk := storetest.NewDisk(t, 12<<10)
	database := "sqlite:" + disk.Dir + "/efterkurs.db"
	w := newWorld(t, database)
	w.disk = disk
	l, office := w.populate("", people)
	w.env = append(w.env, "TWILIO_RATE=40") // less than is written: there is always something to begin
	stop := w.serve()
	o := office.press(people, 4)
	l.flow(office, 10, 30*time.Second)
	for i := range rounds {
		disk.Fill(i % 3 * 8192)
		l.trouble(office, 80, time.Minute) // long enough for the worker to come to a Begin
		disk.Free()
		back := time.Now()
		l.flow(office, 10, time.Minute)
		t.Logf("full %d: went on %s after there was room", i+1, time.Since(back).Round(time.Millisecond))
	}
	o.lift()
	stop()
	// The test goes on with a copy, on a disk that it sees itself.
	w.disk, database = nil, storetest.SQLite(t)
	raw, err := os.ReadFile(disk.Outside("efterkurs.db"))
	if err != nil {
		t.Fatal(err)
	}
	if wal, err := os.Stat(disk.Outside("efterkurs.db-wal")); err == nil && wal.Size() > 0 {
		t.Fatalf("the server has stopped and left %d bytes outside its database", wal.Size())
	}
	if err := os.WriteFile(strings.TrimPrefix(database, "sqlite:"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	w.env = append(w.env, "DATABASE_URL="+database)
	l.db = storetest.SQL(t, database)
	l.close(office)
	var whole string
	if err := l.db.QueryRow(`PRAGMA integrity_check`).Scan(&whole); err != nil || whole != "ok" {
		t.Errorf("the database is %q, %v", whole, err)
	}
	brought, acked, refused, unheard := office.figures()
	t.Logf("%d texts, %d acknowledged, %d taken; %d webhooks refused with 5xx, %d unanswered", brought, acked, l.taken(), refused, unheard)
	if unheard > 0 {
		t.Errorf("%d webhooks were not answered at all", unheard)
	}
	if log := w.log.String(); !strings.Contains(log, "full") {
		t.Error("nothing in the log says that the disk is full")
	}
}
