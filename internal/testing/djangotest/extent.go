package djangotest

import (
	"os"
	"slices"
	"testing"
)

// How much is tested depends on the command:
//
//	make check     go test -short              the newest Django, SQLite, one topology of a cache server, a tenth of the random cases
//	make test      go test                     the Djangos on the engines db (SQLite) and cache, the oldest and the newest on the others
//	make test-all  DJSESS_TEST_ALL=1 go test   every Django on every engine
//
// A test asks the functions below and [Databases] what to run. It looks at testing.Short itself where it
// would take long in another way: it waits, or it starts several servers.

// Everything reports whether `make test-all` runs.
func Everything() bool { return os.Getenv("DJSESS_TEST_ALL") != "" }

// between are Djangos that only make test-all runs on all engines: another release stores sessions in the same way. In
// make test they write a session to each database and each cache, in the tests of this package.
var between = []string{"6.0"}

// Djangos returns the Djangos for a test of the engines db and cache, and for a test whose
// outcome depends on the release. It chooses among the given ones, or else among Versions.
func Djangos(of ...string) []string {
	if len(of) == 0 {
		of = Versions
	}
	switch {
	case testing.Short():
		return of[len(of)-1:]
	case Everything():
		return of
	}
	return slices.DeleteFunc(slices.Clone(of), func(version string) bool { return slices.Contains(between, version) })
}

// Some returns the Djangos for a test whose outcome depends on the clients that some of them come
// with: the given ones, oldest first, and with make test-all those between them, too.
func Some(of ...string) []string {
	if Everything() {
		of = Since(of[0])
	}
	return Djangos(of...)
}

// OldestAndNewest returns the Djangos for a test of the other engines. It chooses among the
// given ones, or else among Versions.
func OldestAndNewest(of ...string) []string {
	if len(of) == 0 {
		of = Versions
	}
	if Everything() || testing.Short() || len(of) == 1 {
		return Djangos(of...)
	}
	return []string{of[0], of[len(of)-1]}
}

// Runs reports whether a row of a table that is for this Django is to run: with -short only
// the rows of the newest are.
func Runs(version string) bool { return slices.Contains(Djangos(), version) }

// NotShort skips a test or a row that is left out with -short, and says why.
func NotShort(t testing.TB, why string) {
	t.Helper()
	if testing.Short() {
		t.Skip("left out with -short: " + why)
	}
}

// Cases returns how many random cases to test in place of n, which is the number of make test-all.
func Cases(n int) int {
	switch {
	case testing.Short():
		return n / 10
	case Everything():
		return n
	}
	return n / 3
}
