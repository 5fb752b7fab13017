package dbstore_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/edit"
	"github.com/djsess/djsess/internal/testing/fixture"
)

// each runs every operation of a store on one session.
func each(ctx context.Context, t *testing.T, store *dbstore.Store, key string) map[string]error {
	t.Helper()
	old := &djsession.Record{Key: key}
	errs := map[string]error{
		"load":    second(store.Load(ctx, key)),
		"create":  second(store.Create(ctx, key, fixture.Values(t, `{}`), time.Time{})),
		"replace": second(store.Replace(ctx, old, fixture.Values(t, `{}`), time.Time{})),
		"delete":  store.Delete(ctx, key),
	}
	for _, err := range store.Scan(ctx, djsession.Range{}) {
		errs["scan"] = err
	}
	return errs
}

func TestMissingTable(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		store := open(t, db, fixture.Settings(t, djangotest.Newest), "?table=no_such_table")
		for op, err := range each(t.Context(), t, store, "somekey0123456789") {
			if !errors.Is(err, dbstore.ErrNoTable) || !strings.Contains(err.Error(), `"no_such_table"`) {
				t.Errorf("%s: %v", op, err)
			}
		}
	})
}

func TestReadOnlyDatabase(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		key := create(t, withTable(t, db), "", `{"a":1}`).Key
		var store *dbstore.Store
		switch db.Kind {
		case "sqlite":
			store = open(t, db, fixture.Settings(t, djangotest.Newest), "?mode=ro")
		case "postgres":
			store = open(t, db, fixture.Settings(t, djangotest.Newest), "?options=-c%20default_transaction_read_only%3Don")
		case "mariadb":
			raw := rawDB(t, db)
			raw.SetMaxOpenConns(1)
			if _, err := raw.Exec("SET SESSION TRANSACTION READ ONLY"); err != nil {
				t.Fatal(err)
			}
			var err error
			if store, err = dbstore.New(raw, dbstore.Config{Dialect: dbstore.MySQL, Settings: fixture.Settings(t, djangotest.Newest)}); err != nil {
				t.Fatal(err)
			}
		}
		r, err := store.Load(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		for op, err := range map[string]error{
			"create":  second(store.Create(t.Context(), "", fixture.Values(t, `{}`), time.Time{})),
			"replace": second(store.Replace(t.Context(), r, fixture.Values(t, `{}`), time.Time{})),
			"update":  second(djsession.Update(t.Context(), store, key, edit.Set("a", 2))),
			"delete":  store.Delete(t.Context(), key),
		} {
			if !errors.Is(err, djsession.ErrReadOnly) {
				t.Errorf("%s: %v", op, err)
			}
		}
		if after, err := store.Load(t.Context(), key); err != nil || after.Version != r.Version {
			t.Errorf("it changed: %v", err)
		}
	})
}

func TestLockedDatabase(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		key := create(t, withTable(t, db), "", `{"a":1}`).Key
		options, lock := "?timeout=0.1", []string{"BEGIN IMMEDIATE"}
		switch db.Kind {
		case "postgres":
			options = "?options=-c%20lock_timeout%3D100"
			lock = []string{"BEGIN", "SELECT * FROM django_session FOR UPDATE"}
		case "mariadb":
			options = ""
			exec(t, db, "SET GLOBAL innodb_lock_wait_timeout = 1")
			lock = []string{"BEGIN", "SELECT * FROM django_session FOR UPDATE"}
		}
		raw := rawDB(t, db)
		raw.SetMaxOpenConns(1)
		for _, statement := range lock {
			if _, err := raw.Exec(statement); err != nil {
				t.Fatal(err)
			}
		}
		store := open(t, db, fixture.Settings(t, djangotest.Newest), options)
		if _, err := djsession.Update(t.Context(), store, key, edit.Set("a", 2)); !errors.Is(err, djsession.ErrBusy) {
			t.Errorf("update: %v", err)
		}
		if _, err := raw.Exec("ROLLBACK"); err != nil {
			t.Fatal(err)
		}
		if r, err := store.Load(t.Context(), key); err != nil || fixture.JSON(t, r.Values) != `{"a":1}` {
			t.Errorf("it changed: %v", err)
		}
	})
}

// An error names the session by the beginning of its key, and holds no secret.
func TestUnreachableDatabase(t *testing.T) {
	const key, password = "secretkey0123456789", "hunter2hunter2"
	for _, url := range []string{"postgres://u:" + password + "@127.0.0.1:1/db", "mysql://u:" + password + "@127.0.0.1:1/db"} {
		store, err := storeurl.Open(url, fixture.Settings(t, djangotest.Newest))
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		for op, err := range each(t.Context(), t, store.(*dbstore.Store), key) {
			var payload *djsession.PayloadError
			if err == nil || errors.Is(err, djsession.ErrNotFound) || errors.As(err, &payload) {
				t.Errorf("%s: %v", op, err)
			}
			if text := err.Error(); strings.Contains(text, key) || strings.Contains(text, password) || !strings.HasPrefix(text, "dbstore: "+op) {
				t.Errorf("%s: %v", op, err)
			}
		}
	}
}

func TestInvalidExpiryIsNotWritten(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		store := withTable(t, db)
		r := create(t, store, "", `{}`)
		if _, err := djsession.Update(t.Context(), store, r.Key, edit.Set("_session_expiry", "soon")); !errors.Is(err, djsession.ErrInvalidExpiry) {
			t.Errorf("%v", err)
		}
		if _, err := store.Replace(t.Context(), r, r.Values, time.Date(10001, 1, 1, 0, 0, 0, 0, time.UTC)); !errors.Is(err, djsession.ErrInvalidExpiry) {
			t.Errorf("%v", err)
		}
		if after, err := store.Load(t.Context(), r.Key); err != nil || after.Version != r.Version {
			t.Errorf("it changed: %v", err)
		}
	})
}

func TestWrongConfigs(t *testing.T) {
	naive := fixture.Settings(t, "4.2")
	for name, c := range map[string]dbstore.Config{
		"no dialect":           {Settings: fixture.Settings(t, djangotest.Newest)},
		"no settings":          {Dialect: dbstore.SQLite},
		"zone":                 {Dialect: dbstore.SQLite, Settings: fixture.Settings(t, djangotest.Newest), TimeZone: "Nowhere"},
		"zone without USE_TZ":  {Dialect: dbstore.SQLite, Settings: naive, TimeZone: "UTC"},
		"table of three parts": {Dialect: dbstore.PostgreSQL, Settings: fixture.Settings(t, djangotest.Newest), Model: dbstore.Model{Table: "a.b.c"}},
		"table of no part":     {Dialect: dbstore.PostgreSQL, Settings: fixture.Settings(t, djangotest.Newest), Model: dbstore.Model{Table: "a."}},
	} {
		if _, err := dbstore.New(nil, c); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
