// Package storetest gives tests real databases: a SQLite file and a PostgreSQL database each of its own,
// empty at first and gone afterwards.
package storetest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"efterkurs/store"
)

// Secret keys the hashes of the stores that Open opens.
var Secret = []byte("a secret of tests, and of nothing else")

// Each runs fn on SQLite and on PostgreSQL. open opens the subtest's database, migrated; called again it opens
// the same one once more, as another process would.
func Each(t *testing.T, fn func(t *testing.T, open func(t *testing.T) *store.Store)) {
	t.Helper()
	for _, backend := range []struct {
		name string
		url  func(testing.TB) string
	}{{"sqlite", SQLite}, {"postgres", migratedPostgres}} {
		t.Run(backend.name, func(t *testing.T) {
			url := backend.url(t)
			fn(t, func(t *testing.T) *store.Store { return Open(t, url) })
		})
	}
}

// Open opens and migrates a database, and closes it after the test.
func Open(t testing.TB, url string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{URL: url, Secret: Secret, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing the store: %v", err)
		}
	})
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// SQLite is the address of a new database in a folder that goes with the test.
func SQLite(t testing.TB) string {
	return "sqlite:" + filepath.Join(t.TempDir(), "test.db")
}

// missing skips a test for want of something, or fails it where EFTERKURS_TEST_REQUIRE names that.
func missing(t testing.TB, what, why string) {
	t.Helper()
	for required := range strings.SplitSeq(os.Getenv("EFTERKURS_TEST_REQUIRE"), ",") {
		if strings.TrimSpace(required) == what {
			t.Fatalf("%s is required: %s", what, why)
		}
	}
	t.Skipf("skipped without %s: %s", what, why)
}
