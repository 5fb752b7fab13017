package dbstore_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/fixture"
)

// records returns sessions for CreateAll.
func records(t *testing.T, contents ...string) (all []*djsession.Record) {
	t.Helper()
	for _, json := range contents {
		all = append(all, &djsession.Record{Key: djsession.NewKey(), Values: fixture.Values(t, json)})
	}
	return all
}

// createAll stores sessions, and returns what was stored.
func createAll(t *testing.T, store *dbstore.Store, all []*djsession.Record) (created []*djsession.Record) {
	t.Helper()
	results, err := store.CreateAll(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		created = append(created, r.Record)
	}
	return created
}

// TestBulkWithModel tests that the columns of the site's own are written as by Create and Replace. If
// the database refuses one session, the others are written all the same.
func TestBulkWithModel(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		ownTable(t, db)
		store := withModel(t, db, fixture.Settings(t, djangotest.Newest), ownModel)
		const owner = "0123456789abcdef0123456789abcdef"
		all := records(t, `{"_auth_user_id":"42","owner":"`+owner+`","ip":"10.0.0.1"}`, `{"_auth_user_id":"43"}`, `{"theme":"dark"}`)
		results, err := store.CreateAll(t.Context(), all)
		if err != nil || results[0].Err != nil || results[2].Err != nil {
			t.Fatalf("%+v, %v", results, err)
		}
		if err := results[1].Err; err == nil || !strings.Contains(err.Error(), "foreign key") || strings.Contains(err.Error(), all[1].Key) {
			t.Errorf("a user who does not exist: %v", err)
		}
		columns := func(r *djsession.Record) string {
			text := "CAST(%s AS char(40))"
			if db.Kind != "mariadb" {
				text = "CAST(%s AS varchar)"
			}
			var parts []string
			for _, c := range []string{"account_id", "owner", "ip", "site", "theme", "visits"} {
				parts = append(parts, queryText(t, db, fmt.Sprintf("SELECT COALESCE("+text+", 'null') FROM visits WHERE id = '%s'", c, r.Key)))
			}
			same := queryText(t, db, "SELECT CASE WHEN saved = made THEN 'new' ELSE 'saved' END FROM visits WHERE id = '"+r.Key+"'")
			return strings.ReplaceAll(strings.Join(append(parts, same), " "), "-", "")
		}
		one, other := results[0].Record, results[2].Record
		if got, want := columns(one), "42 "+owner+" 10.0.0.1 7 plain 1 new"; got != want {
			t.Errorf("a new row: %s, want %s", got, want)
		}
		if got, want := columns(other), "null null null 7 dark 1 new"; got != want {
			t.Errorf("a new row: %s, want %s", got, want)
		}
		exec(t, db, "UPDATE visits SET site = 8, visits = 2") // what the site may do
		third := createAll(t, store, records(t, `{}`))[0]
		results, err = store.ReplaceAll(t.Context(), []djsession.Replacement{
			{Old: one, Values: fixture.Values(t, `{"owner":"`+owner+`"}`)},
			{Old: third, Values: fixture.Values(t, `{"_auth_user_id":"43"}`)},
			{Old: other, Values: fixture.Values(t, `{"_auth_user_id":"42","theme":"light"}`)},
		})
		if err != nil || results[0].Err != nil || results[2].Err != nil {
			t.Fatalf("%+v, %v", results, err)
		}
		if err := results[1].Err; err == nil || !strings.Contains(err.Error(), "foreign key") {
			t.Errorf("a user who does not exist: %v", err)
		}
		if got, want := columns(one), "null "+owner+" null 8 plain 2 saved"; got != want {
			t.Errorf("an update: %s, want %s", got, want)
		}
		if got, want := columns(other), "42 null null 8 light 2 saved"; got != want {
			t.Errorf("an update: %s, want %s", got, want)
		}
	})
}

// TestBulkOfLongSessions tests sessions of which only a few fit into a statement.
func TestBulkOfLongSessions(t *testing.T) {
	djangotest.NotShort(t, "packets of MariaDB")
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		store := withTable(t, db)
		long := func(n int) string { // that does not deflate
			digits := make([]byte, n)
			for i := range digits {
				digits[i] = byte('0' + rand.IntN(10))
			}
			return `{"long":"` + string(digits) + `"}`
		}
		contents := []string{long(1_500_000), `{"n":1}`, long(600_000), long(600_000), `{"n":2}`}
		created := createAll(t, store, records(t, contents...))
		var replacements []djsession.Replacement
		for i, r := range created {
			replacements = append(replacements, djsession.Replacement{Old: r, Values: fixture.Values(t, contents[len(contents)-1-i])})
		}
		results, err := store.ReplaceAll(t.Context(), replacements)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range results {
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			if loaded, err := store.Load(t.Context(), created[i].Key); err != nil || fixture.JSON(t, loaded.Values) != contents[len(contents)-1-i] {
				t.Errorf("session %d: %v", i, err)
			}
		}
	})
}

// bulk runs the bulk operations on a new key and on a session.
func bulk(t *testing.T, store *dbstore.Store, old *djsession.Record) map[string]error {
	t.Helper()
	ctx := t.Context()
	_, createErr := store.CreateAll(ctx, []*djsession.Record{{Key: djsession.NewKey()}, {Key: djsession.NewKey()}})
	_, replaceErr := store.ReplaceAll(ctx, []djsession.Replacement{{Old: old, Values: fixture.Values(t, `{"a":2}`)}})
	_, liveErr := store.Live(ctx, []string{old.Key})
	return map[string]error{"create": createErr, "replace": replaceErr, "load": liveErr}
}

// TestBulkRefused tests the errors of a database that refuses: they are those of the single operations,
// beside the results.
func TestBulkRefused(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		old := createAll(t, withTable(t, db), records(t, `{"a":1}`))[0]
		for op, err := range bulk(t, open(t, db, fixture.Settings(t, djangotest.Newest), "?table=no_such_table"), old) {
			if !errors.Is(err, dbstore.ErrNoTable) || !strings.HasPrefix(err.Error(), "dbstore: "+op) {
				t.Errorf("no table: %s: %v", op, err)
			}
		}
		options := map[string]string{"sqlite": "?mode=ro", "postgres": "?options=-c%20default_transaction_read_only%3Don"}[db.Kind]
		if options == "" {
			return
		}
		for op, err := range bulk(t, open(t, db, fixture.Settings(t, djangotest.Newest), options), old) {
			if op != "load" && !errors.Is(err, djsession.ErrReadOnly) || op == "load" && err != nil {
				t.Errorf("read-only: %s: %v", op, err)
			}
		}
	})
}

// TestBulkInAnyCollation tests that a bulk update finds its rows where the collation of a column is not
// that of the connection. MySQL refuses to compare two such texts.
func TestBulkInAnyCollation(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		store := withTable(t, db)
		switch db.Kind {
		case "postgres":
			exec(t, db, `ALTER TABLE django_session ALTER session_key TYPE varchar(40) COLLATE "da-x-icu", ALTER session_data TYPE text COLLATE "C",
				ALTER expire_date TYPE timestamp(0) with time zone`)
		case "mariadb":
			exec(t, db, "ALTER TABLE django_session MODIFY session_key varchar(40) CHARACTER SET latin1 COLLATE latin1_german1_ci NOT NULL, "+
				"MODIFY session_data longtext COLLATE utf8mb4_danish_ci NOT NULL, MODIFY expire_date datetime NOT NULL")
		}
		created := createAll(t, store, append(records(t, `{"n":1}`, `{"n":2}`), &djsession.Record{Key: "ABCDEFGH"}))
		results, err := store.ReplaceAll(t.Context(), []djsession.Replacement{
			{Old: created[0], Values: fixture.Values(t, `{"n":3}`)},
			{Old: &djsession.Record{Key: "abcdefgh", Version: created[2].Version}, Values: fixture.Values(t, `{"n":4}`)},
			{Old: reload(t, store, created[1].Key), Values: fixture.Values(t, `{"n":5}`), Expires: created[1].Expires.Add(time.Hour)},
		})
		if err != nil {
			t.Fatal(err)
		}
		if results[0].Err != nil || !errors.Is(results[1].Err, djsession.ErrNotFound) || results[2].Err != nil {
			t.Errorf("%v; %v; %v", results[0].Err, results[1].Err, results[2].Err)
		}
		if live, err := store.Live(t.Context(), []string{"abcdefgh", "ABCDEFGH"}); err != nil || live[0] || !live[1] {
			t.Errorf("live: %v, %v", live, err)
		}
		for key, want := range map[string]string{created[0].Key: `{"n":3}`, created[1].Key: `{"n":5}`, "ABCDEFGH": `{}`} {
			if got := fixture.JSON(t, reload(t, store, key).Values); got != want {
				t.Errorf("stored is %s, want %s", got, want)
			}
		}
	})
}

func reload(t *testing.T, store *dbstore.Store, key string) *djsession.Record {
	t.Helper()
	r, err := store.Load(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
