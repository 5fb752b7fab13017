package dbstore_test

import (
	"database/sql"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/djangotest"
	_ "github.com/djsess/djsess/internal/testing/fastsqlite"
	"github.com/djsess/djsess/internal/testing/fixture"
)

func TestMain(m *testing.M) { os.Exit(djangotest.Main(m)) }

// onEachDatabase runs f on a fresh database of each kind.
func onEachDatabase(t *testing.T, f func(t *testing.T, db djangotest.Database)) {
	for _, d := range djangotest.Databases() {
		t.Run(d.Kind, func(t *testing.T) { f(t, d.New(t)) })
	}
}

// open opens a store on a database, whose file it makes for SQLite.
func open(t *testing.T, db djangotest.Database, s *djsession.Settings, options string) *dbstore.Store {
	t.Helper()
	if db.Kind == "sqlite" {
		f, err := os.OpenFile(db.Name, os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	store, err := storeurl.Open(db.URL+options, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store.(*dbstore.Store)
}

// withTable is open, and a table.
func withTable(t *testing.T, db djangotest.Database) *dbstore.Store {
	t.Helper()
	store := open(t, db, fixture.Settings(t, djangotest.Newest), "")
	if err := store.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store
}

func create(t *testing.T, store djsession.Store, key, json string) *djsession.Record {
	t.Helper()
	r, err := store.Create(t.Context(), key, fixture.Values(t, json), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestExpiry tests that an expiry is stored as Django stores it, to the microsecond.
func TestExpiry(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		store := withTable(t, db)
		r := create(t, store, "", `{}`)
		if r.Expires.Nanosecond()%1000 != 0 {
			t.Errorf("expires at %v, finer than Django's microseconds", r.Expires)
		}
		expires := time.Date(2999, 2, 3, 4, 5, 6, 789012999, time.UTC)
		if _, err := store.Replace(t.Context(), r, nil, expires); err != nil {
			t.Fatal(err)
		}
		if r, err := store.Load(t.Context(), r.Key); err != nil || !r.Expires.Equal(expires.Truncate(time.Microsecond)) {
			t.Errorf("loaded %+v, %v", r, err)
		}
	})
}

func second(_ *djsession.Record, err error) error { return err }

// MySQL's collations take these keys for one another, and would for the text too.
func TestKeysAreCompared(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		store, ctx := withTable(t, db), t.Context()
		const key = "abcdefgh12345678"
		r := create(t, store, key, `{"a":1}`)
		for _, other := range []string{"ABCDEFGH12345678", key + " ", "äbcdefgh12345678", key + "\t", "%bcdefgh12345678"} {
			if _, err := store.Load(ctx, other); !errors.Is(err, djsession.ErrNotFound) {
				t.Errorf("load %q: %v", other, err)
			}
			if err := store.Delete(ctx, other); !errors.Is(err, djsession.ErrNotFound) {
				t.Errorf("delete %q: %v", other, err)
			}
			stolen := *r
			stolen.Key = other
			if _, err := store.Replace(ctx, &stolen, fixture.Values(t, `{}`), time.Time{}); !errors.Is(err, djsession.ErrNotFound) {
				t.Errorf("replace %q: %v", other, err)
			}
		}
		if _, err := store.Load(ctx, key); err != nil {
			t.Error(err)
		}
		// A text that differs in case is another one, which nobody signed.
		exec(t, db, "UPDATE django_session SET session_data = UPPER(session_data)")
		var payload *djsession.PayloadError
		if _, err := store.Replace(ctx, r, fixture.Values(t, `{}`), time.Time{}); !errors.As(err, &payload) {
			t.Errorf("replacing a text that differs in case: %v", err)
		}
	})
}

// rawDB is the database as its driver shows it.
func rawDB(t *testing.T, db djangotest.Database) *sql.DB {
	t.Helper()
	raw, err := openRaw(db)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	return raw
}

func openRaw(db djangotest.Database) (*sql.DB, error) {
	_, address, _ := strings.Cut(db.URL, "://")
	switch db.Kind {
	case "postgres":
		return sql.Open("postgres", db.URL+"?sslmode=disable")
	case "mariadb":
		user, rest, _ := strings.Cut(address, "@")
		host, name, _ := strings.Cut(rest, "/")
		return sql.Open("mysql", user+"@tcp("+host+")/"+name)
	}
	return sql.Open("sqlite", db.Name)
}

func exec(t *testing.T, db djangotest.Database, statements ...string) {
	t.Helper()
	raw := rawDB(t, db)
	for _, statement := range statements {
		if _, err := raw.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func queryText(t *testing.T, db djangotest.Database, query string) string {
	t.Helper()
	var s string
	if err := rawDB(t, db).QueryRow(query).Scan(&s); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return s
}
