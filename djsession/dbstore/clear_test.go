package dbstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// clearExpired removes all sessions that have ended, in batches.
func clearExpired(ctx context.Context, store *dbstore.Store, batch int) (sum djsession.Cleared, err error) {
	r := djsession.ClearRequest{Before: time.Now(), Limit: func() int { return batch }}
	for cleared, err := range store.ClearExpired(ctx, r) {
		if err != nil {
			return sum, err
		}
		sum.Removed += cleared.Removed
		sum.Referenced += cleared.Referenced
	}
	return sum, nil
}

// insertMany stores sessions with one expiry in one statement.
func insertMany(t *testing.T, db djangotest.Database, prefix string, n int, expires string) {
	t.Helper()
	var rows []string
	for i := range n {
		rows = append(rows, fmt.Sprintf("('%s%08d', 'x', '%s')", prefix, i, expires))
	}
	exec(t, db, "INSERT INTO django_session (session_key, session_data, expire_date) VALUES "+strings.Join(rows, ", "))
}

// TestClearExpired tests what a database has and other stores have not: many rows that end at the
// same instant, rows that others point at, and a table without an index.
func TestClearExpired(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		store := withTable(t, db)
		ctx := t.Context()
		const past, future = "2020-01-02 03:04:05", "2099-01-01 00:00:00"
		insertMany(t, db, "same", 70, past)
		insertMany(t, db, "older", 5, "2019-01-01 00:00:00.25")
		insertMany(t, db, "later", 5, "2021-01-01 00:00:00")
		insertMany(t, db, "live", 10, future)
		exec(t, db, "CREATE TABLE online (session varchar(40) NOT NULL, FOREIGN KEY (session) REFERENCES django_session (session_key))")
		for _, key := range []string{"same00000003", "same00000004", "same00000050", "older00000000", "later00000004", "live00000000"} {
			exec(t, db, "INSERT INTO online (session) VALUES ('"+key+"')")
		}
		left := func() string {
			return queryText(t, db, "SELECT count(*) FROM django_session WHERE expire_date < '2022-01-01 00:00:00'")
		}
		if size, err := store.Size(ctx); err != nil || size.Table < 0 && size.Files < 0 || size.Indexes < 0 && db.Kind != "sqlite" || size.Reclaim == "" {
			t.Errorf("Size: %+v, %v", size, err)
		} else if db.Kind == "sqlite" && size.Sessions != 90 {
			t.Errorf("Size counts %d rows", size.Sessions)
		}
		for _, batch := range []int{3, 1} { // with a batch of 1, rows that stay at one instant fill more than a batch
			want := djsession.Cleared{Removed: 75, Referenced: 5}
			if batch == 1 {
				want.Removed = 0
			}
			if got, err := clearExpired(ctx, store, batch); err != nil || got != want {
				t.Fatalf("batches of %d: %+v, %v; want %+v", batch, got, err, want)
			}
			if n := left(); n != "5" {
				t.Fatalf("batches of %d: %s rows are left", batch, n)
			}
		}
		exec(t, db, "DELETE FROM online")
		insertMany(t, db, "twice", 200, past)
		var both sync.WaitGroup
		var mu sync.Mutex
		total := 0
		for range 2 {
			both.Go(func() {
				got, err := clearExpired(ctx, store, 7)
				mu.Lock()
				defer mu.Unlock()
				if total += got.Removed; err != nil {
					t.Errorf("two at once: %v", err)
				}
			})
		}
		both.Wait()
		if n := left(); n != "0" || total != 205 {
			t.Errorf("two at once removed %d, and left %s", total, n)
		}
		if n := queryText(t, db, "SELECT count(*) FROM django_session"); n != "10" {
			t.Errorf("%s live sessions are left", n)
		}

		exec(t, db, "DROP TABLE online", "DROP TABLE django_session")
		if _, err := clearExpired(ctx, store, 10); !errors.Is(err, dbstore.ErrNoTable) {
			t.Errorf("without a table: %v", err)
		}
		if size, err := store.Size(ctx); size != djsession.UnknownSize || err != nil && !errors.Is(err, dbstore.ErrNoTable) {
			t.Errorf("Size without a table: %+v, %v", size, err)
		}
		exec(t, db, "CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamp NOT NULL)")
		insertMany(t, db, "old", 3, past)
		_, err := clearExpired(ctx, store, 10)
		var op *djsession.OpError
		if !errors.Is(err, djsession.ErrNoExpiryIndex) || !errors.As(err, &op) {
			t.Fatalf("without an index: %v", err)
		}
		_, statement, _ := strings.Cut(op.Hint, ": ")
		exec(t, db, statement)
		if got, err := clearExpired(ctx, store, 10); err != nil || got.Removed != 3 {
			t.Errorf("with the index of the hint: %+v, %v", got, err)
		}
	})
}
