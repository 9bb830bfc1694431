package main

import (
	"net/url"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"efterkurs/store/storetest"
)

// The embedded database is backed up again and again by `efterkurs backup` while `serve` takes in texts and
// answers them. Each copy is whole, opens as an installation of its own, and holds every text that was
// acknowledged before its backup began.
//
// It fails where Backup (store/sqlite.go) copies the file's bytes instead of VACUUM INTO: what is in the WAL is
// missing; and where SaveReply comes after the acknowledgement.
func TestBackupWhileServing(t *testing.T) {
	t.Parallel() // it waits more than it works
	backups := storetest.Size(t, 3, 10, 50)
	const people = 200
	database := storetest.SQLite(t)
	w, l, office := servedWorld(t, database, people)
	stop := w.serve()
	o := office.press(people, 4)
	for i := range backups {
		l.flow(office, 5, 30*time.Second)
		file := filepath.Join(t.TempDir(), "efterkurs.db")
		began := time.Now()
		w.run("backup", file)
		l.inspect(office, "sqlite:"+file, began, i == 0)
	}
	o.lift()
	stop()
	l.close(office)
	_, acked, refused, unheard := office.figures()
	t.Logf("%d backups; %d texts acknowledged, %d refused, %d unanswered; %d taken", backups, acked, refused, unheard, l.taken())
	if refused+unheard > 0 {
		t.Error("a backup is no reason to refuse a text")
	}
}

// On PostgreSQL it is pg_dump and pg_restore, as the README says.
//
// It fails where something lives outside the one database that pg_dump copies, and where SaveReply comes after
// the acknowledgement.
func TestDumpWhileServing(t *testing.T) {
	t.Parallel() // it waits more than it works
	address := storetest.Postgres(t)
	dump, err := exec.LookPath("pg_dump")
	if err != nil {
		t.Skip("pg_dump is not here: no backup of PostgreSQL can be tested")
	}
	restore, err := exec.LookPath("pg_restore")
	if err != nil {
		t.Skip("pg_restore is not here: no backup of PostgreSQL can be tested")
	}
	const people = 200
	w, l, office := servedWorld(t, address, people)
	stop := w.serve()
	o := office.press(people, 4)
	for i := range storetest.Size(t, 1, 3, 10) {
		l.flow(office, 5, 30*time.Second)
		file := filepath.Join(t.TempDir(), "efterkurs.dump")
		began := time.Now()
		if out, err := exec.Command(dump, "--format=custom", "--file="+file, address).CombinedOutput(); err != nil {
			t.Fatalf("pg_dump: %v\n%s", err, out)
		}
		into := storetest.Postgres(t)
		if out, err := exec.Command(restore, "--no-owner", "--dbname="+into, file).CombinedOutput(); err != nil {
			t.Fatalf("pg_restore: %v\n%s", err, out)
		}
		l.inspect(office, into, began, i == 0)
	}
	o.lift()
	stop()
	l.close(office)
}

// inspect opens a copy of the database that was begun at began; with where it is also started as an installation.
func (l *ledger) inspect(office *postOffice, database string, began time.Time, start bool) {
	l.t.Helper()
	db := storetest.SQL(l.t, database)
	if u, err := url.Parse(database); err == nil && u.Scheme == "sqlite" {
		var whole string
		if err := db.QueryRow(`PRAGMA integrity_check`).Scan(&whole); err != nil || whole != "ok" {
			l.t.Errorf("the copy is %q, %v", whole, err)
		}
	}
	if n := l.letters(office, db, began, false); n == 0 {
		l.t.Error("nothing had been acknowledged before the backup: it proves nothing")
	}
	if !start {
		return
	}
	copied := *l.w
	copied.env = append(append([]string{}, l.w.env...), "DATABASE_URL="+database)
	if lines := copied.statusOf(); len(lines) != 200 {
		l.t.Errorf("the copy knows %d enrolments", len(lines))
	}
}
