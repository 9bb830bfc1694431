package storetest

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"

	"efterkurs/migrations"
)

// MigrateTo brings the database at url to migration number, as an earlier binary left it.
func MigrateTo(t testing.TB, url string, number int64) {
	t.Helper()
	if _, err := history(t, url).UpTo(t.Context(), number); err != nil {
		t.Fatalf("migrating to %d: %v", number, err)
	}
}

// Migrations are the numbers of all there are, in order.
func Migrations(t testing.TB, url string) (numbers []int64) {
	t.Helper()
	for _, source := range history(t, url).ListSources() {
		numbers = append(numbers, source.Version)
	}
	return numbers
}

func history(t testing.TB, url string) *goose.Provider {
	t.Helper()
	folder, dialect := "postgres", goose.DialectPostgres
	if strings.HasPrefix(url, "sqlite:") {
		folder, dialect = "sqlite", goose.DialectSQLite3
	}
	files, err := fs.Sub(migrations.Files, folder)
	if err != nil {
		t.Fatal(err)
	}
	p, err := goose.NewProvider(dialect, SQL(t, url), files, goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		t.Fatal(err)
	}
	return p
}
