package dbstore_test

import (
	"context"
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
	"github.com/djsess/djsess/internal/testing/edit"
)

func TestMain(m *testing.M) { os.Exit(djangotest.Main(m)) }

// onEachDatabase runs f on a fresh database of each kind.
func onEachDatabase(t *testing.T, f func(t *testing.T, db djangotest.Database)) {
	for _, d := range djangotest.Databases {
		t.Run(d.Kind, func(t *testing.T) { f(t, d.New(t)) })
	}
}

func settings(t *testing.T, version string) *djsession.Settings {
	t.Helper()
	s, err := djsession.NewSettings(version, djangotest.SecretKey)
	if err != nil {
		t.Fatal(err)
	}
	return s
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
	store := open(t, db, settings(t, "5.2"), "")
	if err := store.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store
}

func values(t *testing.T, json string) *djsession.Values {
	t.Helper()
	v := new(djsession.Values)
	if err := v.UnmarshalPythonJSON(json); err != nil {
		t.Fatal(err)
	}
	return v
}

func text(t *testing.T, v *djsession.Values) string {
	t.Helper()
	b, err := v.AppendPythonJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func create(t *testing.T, store djsession.Store, key, json string) *djsession.Record {
	t.Helper()
	r, err := store.Create(t.Context(), key, values(t, json), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCreateLoadReplaceDelete(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		store, ctx := withTable(t, db), t.Context()
		created := create(t, store, "", `{"a":1.0}`)
		loaded, err := store.Load(ctx, created.Key)
		if err != nil || text(t, loaded.Values) != `{"a":1.0}` || !loaded.Expires.Equal(created.Expires) {
			t.Fatalf("loaded %+v, %v; created %+v", loaded, err, created)
		}
		if left := time.Until(loaded.Expires); left > 14*24*time.Hour || left < 14*24*time.Hour-time.Minute {
			t.Errorf("expires in %v", left)
		}
		if loaded.Expires.Nanosecond()%1000 != 0 {
			t.Errorf("expires at %v, finer than Django's microseconds", loaded.Expires)
		}
		expires := time.Date(2031, 2, 3, 4, 5, 6, 789012999, time.UTC)
		replaced, err := store.Replace(ctx, loaded, values(t, `{"b":2}`), expires)
		if err != nil || replaced.Key != created.Key {
			t.Fatalf("%+v, %v", replaced, err)
		}
		if loaded, err = store.Load(ctx, created.Key); err != nil || text(t, loaded.Values) != `{"b":2}` ||
			!loaded.Expires.Equal(expires.Truncate(time.Microsecond)) {
			t.Errorf("loaded %+v, %v", loaded, err)
		}
		// What Create and Replace return can be replaced in turn.
		if _, err := store.Replace(ctx, replaced, values(t, `{}`), time.Time{}); err != nil {
			t.Error(err)
		}
		if err := store.Delete(ctx, created.Key); err != nil {
			t.Error(err)
		}
		for what, err := range map[string]error{
			"load":    second(store.Load(ctx, created.Key)),
			"replace": second(store.Replace(ctx, replaced, values(t, `{}`), time.Time{})),
			"delete":  store.Delete(ctx, created.Key),
		} {
			if !errors.Is(err, djsession.ErrNotFound) {
				t.Errorf("%s of a deleted session: %v", what, err)
			}
		}
	})
}

func second(_ *djsession.Record, err error) error { return err }

func TestTakenKey(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		store := withTable(t, db)
		const key = "takenkey0123456789"
		create(t, store, key, `{}`)
		_, err := store.Create(t.Context(), key, values(t, `{}`), time.Time{})
		if !errors.Is(err, djsession.ErrKeyTaken) || strings.Contains(err.Error(), key) {
			t.Errorf("%v", err)
		}
	})
}

// Nobody's write is lost, not even one that left the same text as ours does.
func TestConflict(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		store, ctx := withTable(t, db), t.Context()
		ours := create(t, store, "", `{"n":1}`)
		theirs, err := store.Load(ctx, ours.Key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.Replace(ctx, theirs, values(t, `{"n":2}`), time.Time{}); err != nil {
			t.Fatal(err)
		}
		_, err = store.Replace(ctx, ours, values(t, `{"n":2}`), time.Time{})
		var conflict *djsession.ConflictError
		if !errors.As(err, &conflict) || !errors.Is(err, djsession.ErrConflict) || strings.Contains(err.Error(), ours.Key) {
			t.Fatalf("%v", err)
		}
		if got := text(t, conflict.Current.Values); got != `{"n":2}` {
			t.Errorf("current %s", got)
		}
		if _, err := store.Replace(ctx, conflict.Current, values(t, `{"n":3}`), time.Time{}); err != nil {
			t.Errorf("replacing what the conflict carries: %v", err)
		}
		// A record whose version is not known, as one from a cache.
		unknown := &djsession.Record{Key: ours.Key, Values: ours.Values}
		if _, err := store.Replace(ctx, unknown, values(t, `{}`), time.Time{}); !errors.As(err, &conflict) || text(t, conflict.Current.Values) != `{"n":3}` {
			t.Errorf("without a version: %v", err)
		}
	})
}

// MySQL counts the rows that changed, and none does here.
func TestReplaceByTheSame(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		s := settings(t, "5.2")
		now := time.Now()
		s.Now = func() time.Time { return now }
		store := open(t, db, s, "")
		if err := store.CreateTable(t.Context()); err != nil {
			t.Fatal(err)
		}
		r := create(t, store, "", `{"n":1}`)
		for range 2 {
			var err error
			if r, err = store.Replace(t.Context(), r, r.Values, time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestUpdate(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		store, ctx := withTable(t, db), t.Context()
		key := create(t, store, "", `{"n":0,"keep":NaN}`).Key
		const writers, each = 8, 25
		done := make(chan error)
		for range writers {
			go func() {
				for range each {
					add := edit.Add("n", 1)
					if _, err := djsession.Update(ctx, store, key, add); err != nil {
						done <- err
						return
					}
				}
				done <- nil
			}()
		}
		for range writers {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		r, err := store.Load(ctx, key)
		if err != nil || text(t, r.Values) != `{"n":200,"keep":NaN}` {
			t.Errorf("%v, %v", r, err)
		}
		failing := func(*djsession.Values) error { return errors.New("no") }
		if _, err := djsession.Update(ctx, store, key, edit.All(edit.Set("x", 1), failing)); err == nil {
			t.Error("a failing change is saved")
		}
		if after, err := store.Load(ctx, key); err != nil || after.Version != r.Version {
			t.Errorf("a failing change wrote: %v", err)
		}
		if _, err := djsession.Update(ctx, store, "nosuchsession", edit.Set("x", 1)); !errors.Is(err, djsession.ErrNotFound) {
			t.Errorf("a missing session: %v", err)
		}
	})
}

// deleter deletes a session between its load and its replacement.
type deleter struct{ djsession.Store }

func (d deleter) Replace(ctx context.Context, old *djsession.Record, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	if err := d.Delete(ctx, old.Key); err != nil {
		return nil, err
	}
	return d.Store.Replace(ctx, old, v, expires)
}

func TestDeletedSessionStaysDeleted(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		store := withTable(t, db)
		key := create(t, store, "", `{}`).Key
		_, err := djsession.Update(t.Context(), deleter{store}, key, edit.Set("x", 1))
		if !errors.Is(err, djsession.ErrSessionDeleted) || !errors.Is(err, djsession.ErrNotFound) {
			t.Errorf("%v", err)
		}
		if _, err := store.Load(t.Context(), key); !errors.Is(err, djsession.ErrNotFound) {
			t.Errorf("it is back: %v", err)
		}
	})
}

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
			if _, err := store.Replace(ctx, &stolen, values(t, `{}`), time.Time{}); !errors.Is(err, djsession.ErrNotFound) {
				t.Errorf("replace %q: %v", other, err)
			}
		}
		if _, err := store.Load(ctx, key); err != nil {
			t.Error(err)
		}
		// A text that differs in case is another one, which nobody signed.
		exec(t, db, "UPDATE django_session SET session_data = UPPER(session_data)")
		var payload *djsession.PayloadError
		if _, err := store.Replace(ctx, r, values(t, `{}`), time.Time{}); !errors.As(err, &payload) {
			t.Errorf("replacing a text that differs in case: %v", err)
		}
	})
}

func TestInvalidKeys(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		store, ctx := withTable(t, db), t.Context()
		for _, key := range []string{"short", strings.Repeat("x", 41), "12345678\x00", "12345678\xff"} {
			for what, err := range map[string]error{
				"load":    second(store.Load(ctx, key)),
				"create":  second(store.Create(ctx, key, values(t, `{}`), time.Time{})),
				"replace": second(store.Replace(ctx, &djsession.Record{Key: key}, values(t, `{}`), time.Time{})),
				"delete":  store.Delete(ctx, key),
			} {
				if !errors.Is(err, djsession.ErrInvalidKey) || errors.Is(err, djsession.ErrNotFound) {
					t.Errorf("%s %q: %v", what, key, err)
				}
			}
		}
		longest := create(t, store, strings.Repeat("y", 40), `{}`)
		if _, err := store.Load(ctx, longest.Key); err != nil {
			t.Errorf("40 characters: %v", err)
		}
	})
}

func TestScan(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		store, ctx := withTable(t, db), t.Context()
		want := map[string]bool{}
		for range 1203 { // over two pages
			want[create(t, store, "", `{}`).Key] = true
		}
		create(t, store, "ABCDEF_upper", `{}`)
		want["ABCDEF_upper"] = true
		create(t, store, "abcdef_lower", `{}`)
		want["abcdef_lower"] = true
		dead := create(t, store, "abcdef_dead", `{"_session_expiry":-5}`).Key
		create(t, store, "tampered", `{}`)
		exec(t, db, "UPDATE django_session SET session_data = 'e30:1:x' WHERE session_key = 'tampered'")

		scan := func(r djsession.Range) (found map[string]bool, bad []string) {
			found = map[string]bool{}
			for record, err := range store.Scan(ctx, r) {
				var payload *djsession.PayloadError
				if errors.As(err, &payload) {
					bad = append(bad, record.Key)
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if found[record.Key] {
					t.Errorf("%s comes twice", record.Key)
				}
				found[record.Key] = true
			}
			return found, bad
		}
		found, bad := scan(djsession.Range{})
		if len(found) != len(want) || len(bad) != 1 || bad[0] != "tampered" {
			t.Errorf("%d of %d live ones, bad %q", len(found), len(want), bad)
		}
		if found, _ = scan(djsession.Range{Expired: true}); len(found) != len(want)+1 || !found[dead] {
			t.Errorf("%d of %d in all", len(found), len(want)+1)
		}
		if found, _ = scan(djsession.Range{Prefix: "abcdef"}); len(found) != 1 || !found["abcdef_lower"] {
			t.Errorf("by prefix %v", found)
		}
		for _, err := range store.Scan(ctx, djsession.Range{Prefix: "a%"}) {
			if !errors.Is(err, djsession.ErrInvalidKey) {
				t.Errorf("prefix a%%: %v", err)
			}
		}
		for range store.Scan(ctx, djsession.Range{}) {
			break // leaves nothing open
		}
		if _, err := store.Load(ctx, "abcdef_lower"); err != nil {
			t.Error(err)
		}
	})
}

// A payload that cannot be trusted is never loaded as empty, nor written over.
func TestUntrustedPayloadStays(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		store, ctx := withTable(t, db), t.Context()
		r := create(t, store, "tampered", `{"a":1}`)
		exec(t, db, "UPDATE django_session SET session_data = 'e30:1:x' WHERE session_key = 'tampered'")
		var payload *djsession.PayloadError
		if _, err := store.Load(ctx, r.Key); !errors.As(err, &payload) || !errors.Is(err, djsession.ErrBadSignature) {
			t.Errorf("load: %v", err)
		}
		if _, err := djsession.Update(ctx, store, r.Key, edit.Set("b", 2)); !errors.As(err, &payload) {
			t.Errorf("update: %v", err)
		}
		if _, err := store.Replace(ctx, r, values(t, `{}`), time.Time{}); !errors.As(err, &payload) {
			t.Errorf("replace: %v", err)
		}
		if got := queryText(t, db, "SELECT session_data FROM django_session WHERE session_key = 'tampered'"); got != "e30:1:x" {
			t.Errorf("now %q", got)
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
