package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

func keptDB(t testing.TB) *sql.DB {
	t.Helper()
	k, err := newKeeper("file:" + filepath.Join(t.TempDir(), "kept.db"))
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(k)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := db.Exec(`CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE)`); err != nil {
		t.Fatal(err)
	}
	return db
}

// kept is what the one connection keeps, the last used first.
func kept(t *testing.T, db *sql.DB) (queries []string) {
	t.Helper()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.Raw(func(c any) error {
		k := c.(*keeping)
		if len(k.kept) != k.order.Len() {
			t.Errorf("%d by text, %d in order", len(k.kept), k.order.Len())
		}
		for e := k.order.Front(); e != nil; e = e.Next() {
			queries = append(queries, e.Value.(named).query)
		}
		return nil
	})
	return queries
}

// A kept statement gives what a new one gives: with other arguments, within itself, after an error, and after the table has changed.
// It fails where one in use is handed out again, or where one that failed is kept.
func TestKeptStatements(t *testing.T) {
	db := keptDB(t)
	ctx := t.Context()
	const insert, read = `INSERT INTO words (word) VALUES ($1)`, `SELECT id, word FROM words WHERE id >= $1 ORDER BY id`
	for _, word := range []string{"spild", "tavle", "hylde"} {
		if _, err := db.ExecContext(ctx, insert, word); err != nil {
			t.Fatal(err)
		}
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	outer, err := tx.QueryContext(ctx, read, 1)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for outer.Next() {
		var id int
		var word string
		if err := outer.Scan(&id, &word); err != nil {
			t.Fatal(err)
		}
		inner, err := tx.QueryContext(ctx, read, id) // the same text while its rows are read
		if err != nil {
			t.Fatal(err)
		}
		for inner.Next() {
			var below string
			if err := inner.Scan(&id, &below); err != nil {
				t.Fatal(err)
			}
			got = append(got, word+"-"+below)
		}
		if err := inner.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := outer.Close(); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if want := "spild-spild spild-tavle spild-hylde tavle-tavle tavle-hylde hylde-hylde"; strings.Join(got, " ") != want {
		t.Errorf("read %q, want %q", got, want)
	}
	if k := kept(t, db); len(k) != 2 {
		t.Errorf("kept %q, want each text once", k)
	}
	if _, err := db.ExecContext(ctx, insert, "tavle"); err == nil {
		t.Error("the same word twice is no error")
	}
	if k := kept(t, db); len(k) != 1 || k[0] != read {
		t.Errorf("after an error %q is kept", k)
	}
	if _, err := db.ExecContext(ctx, insert, "kost"); err != nil {
		t.Error(err)
	}
	if _, err := db.ExecContext(ctx, `ALTER TABLE words ADD COLUMN lang TEXT NOT NULL DEFAULT 'da'`); err != nil {
		t.Error(err)
	}
	var lang string
	if err := db.QueryRowContext(ctx, `SELECT lang FROM words WHERE id = $1`, 4).Scan(&lang); err != nil || lang != "da" {
		t.Errorf("a column that came later is %q (%v)", lang, err)
	}
	var word string
	if err := db.QueryRowContext(ctx, read, 4).Scan(new(int), &word); err != nil || word != "kost" {
		t.Errorf("after the table changed the kept statement reads %q (%v)", word, err)
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := db.QueryContext(canceled, read, 1); err == nil {
		t.Error("a query of somebody who has gone is no error")
	}
	if err := db.QueryRowContext(ctx, read, 2).Scan(new(int), &word); err != nil || word != "tavle" {
		t.Errorf("after one that was cancelled it reads %q (%v)", word, err)
	}
}

// A connection keeps so many and no more, those that were used last, and nothing that is not a plain statement.
func TestStatementsAreNotKeptForEver(t *testing.T) {
	db := keptDB(t)
	for i := range keptStatements + 50 {
		var n int
		if err := db.QueryRow(`SELECT COUNT(*) FROM words`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if err := db.QueryRow(fmt.Sprintf(`SELECT %d`, i)).Scan(&n); err != nil || n != i {
			t.Fatal(n, err)
		}
	}
	for _, text := range []string{`PRAGMA user_version`, `VACUUM`, `SELECT 1; SELECT 2`, `SELECT '` + strings.Repeat("x", longestKept) + `'`} {
		if _, err := db.Exec(text); err != nil {
			t.Error(err)
		}
	}
	all := kept(t, db)
	if len(all) != keptStatements || all[0] != fmt.Sprintf(`SELECT %d`, keptStatements+49) || all[1] != `SELECT COUNT(*) FROM words` {
		t.Errorf("%d kept, the last %q", len(all), all[:2])
	}
}

func BenchmarkStatements(b *testing.B) {
	for _, text := range []string{"kept", "new"} {
		b.Run(text, func(b *testing.B) {
			db := keptDB(b)
			query := `SELECT w.id, w.word FROM words AS w WHERE w.id > $1 AND EXISTS (SELECT 1 FROM words AS n WHERE n.id = w.id AND n.word <> $2) ORDER BY w.id LIMIT 10`
			if text == "new" {
				query += `;`
			}
			for b.Loop() {
				rows, err := db.Query(query, 0, "x")
				if err != nil {
					b.Fatal(err)
				}
				_ = rows.Close()
			}
		})
	}
}
