package storetest

import (
	"os"
	"testing"
)

// SizeVariable names how much the tests of kills and faults do.
const SizeVariable = "EFTERKURS_TEST_SIZE"

// Size is small, middle or long, as EFTERKURS_TEST_SIZE says: small (the default) fits into a run of all
// tests, middle is what .ci/run does, long takes what it takes.
func Size[T any](t testing.TB, small, middle, long T) T {
	t.Helper()
	switch size := os.Getenv(SizeVariable); size {
	case "", "small":
		return small
	case "middle":
		return middle
	case "long":
		return long
	default:
		t.Fatalf("%s is %q: it is small, middle or long", SizeVariable, size)
		return small
	}
}
