package djangotest

import (
	"os"
	"slices"
	"testing"
)

// How much is tested depends on the command:
//
//	make check     go test -short            the newest Django, fewer engines and random cases
//	make test      go test                   the oldest and the newest Django on every engine, all on some
//	make test-all  go test, $DJSESS_TEST_ALL  every Django on every engine

// everything reports whether `make test-all` runs.
func everything() bool { return os.Getenv("DJSESS_TEST_ALL") != "" }

// Djangos returns the Djangos for a test of the engines db and cache, and for tests
// that depend on the release.
func Djangos() []string {
	if testing.Short() {
		return Versions[len(Versions)-1:]
	}
	return Versions
}

// OldestAndNewest returns the Djangos for a test of the other engines. They are of the
// given ones, or of Versions.
func OldestAndNewest(of ...string) []string {
	if len(of) == 0 {
		of = Versions
	}
	oldest, newest := of[:1], of[len(of)-1:]
	switch {
	case everything():
		return of
	case testing.Short() || len(of) == 1:
		return newest
	}
	return slices.Concat(oldest, newest)
}

// Cases returns how many random cases to test in place of n.
func Cases(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}
