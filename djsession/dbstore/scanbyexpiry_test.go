package dbstore_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// TestScanByExpiry tests the order over several pages, with many rows that end at the same instant, and
// that a table without an index is not sorted.
func TestScanByExpiry(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		store := withTable(t, db)
		insertMany(t, db, "last", 3, "2099-03-01 00:00:00")
		insertMany(t, db, "same", 200, "2099-02-01 00:00:00.25")
		insertMany(t, db, "first", 3, "2099-01-01 00:00:00")
		insertMany(t, db, "ended", 2, "2020-01-01 00:00:00")
		scan := func(r djsession.Range, lastFirst bool) (keys []string, err error) {
			for r, err := range store.ScanByExpiry(t.Context(), r, lastFirst) {
				if r == nil {
					return keys, err
				}
				keys = append(keys, r.Key)
			}
			return keys, nil
		}
		var want []string
		for _, some := range []struct {
			prefix string
			n      int
		}{{"ended", 2}, {"first", 3}, {"same", 200}, {"last", 3}} {
			for i := range some.n {
				want = append(want, fmt.Sprintf("%s%08d", some.prefix, i))
			}
		}
		if got, err := scan(djsession.Range{Expired: true}, false); err != nil || !slices.Equal(got, want) {
			t.Errorf("first to end first: %v, %v", got, err)
		}
		want = want[2:]
		slices.Reverse(want)
		if got, err := scan(djsession.Range{}, true); err != nil || !slices.Equal(got, want) {
			t.Errorf("live ones, last to end first: %v, %v", got, err)
		}
		if got, err := scan(djsession.Range{Prefix: "first"}, true); err != nil || len(got) != 3 || !strings.HasPrefix(got[0], "first") {
			t.Errorf("with a prefix: %v, %v", got, err)
		}
		exec(t, db, "DROP TABLE django_session",
			fmt.Sprintf("CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date %s NULL)", map[string]string{"sqlite": "datetime", "postgres": "timestamp with time zone", "mariadb": "datetime"}[db.Kind]),
			"CREATE INDEX ends ON django_session (expire_date)")
		insertMany(t, db, "some", 200, "2099-01-01 00:00:00")
		exec(t, db, "UPDATE django_session SET expire_date = NULL WHERE session_key > 'some00000005'")
		for _, lastFirst := range []bool{false, true} {
			got, err := scan(djsession.Range{Expired: true}, lastFirst)
			if n := len(slices.Compact(slices.Sorted(slices.Values(got)))); err != nil || len(got) != 200 || n != 200 || !strings.HasPrefix(got[0], "some0000000") {
				t.Errorf("some without an end, the last one first: %v: %d, %d of them different, %v", lastFirst, len(got), n, err)
			}
			if got, err := scan(djsession.Range{}, lastFirst); err != nil || len(got) != 6 {
				t.Errorf("live ones: %v, %v", got, err)
			}
		}
		exec(t, db, "DROP TABLE django_session",
			"CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamp NOT NULL)")
		if _, err := scan(djsession.Range{}, false); !errors.Is(err, djsession.ErrNoExpiryIndex) {
			t.Errorf("without an index: %v", err)
		}
	})
}
