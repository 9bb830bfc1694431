package storetest

import (
	"database/sql"
	"strings"
	"testing"
)

// SQL opens a database beside the program under test, for a test that holds its rows against what the
// providers keep, or that needs rows which the program would not write.
func SQL(t testing.TB, url string) *sql.DB {
	t.Helper()
	driver, source := "postgres", url
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		driver, source = "sqlite", "file:"+path+"?_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
