package dbstore_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/edit"
	"github.com/djsess/djsess/internal/testing/fixture"
)

// A server may have autocommit off; Django turns it on.
func TestAutocommitIsOn(t *testing.T) {
	djangotest.NotShort(t, "MariaDB")
	db := djangotest.MariaDB(t)
	exec(t, db, "SET GLOBAL autocommit = 0")
	defer exec(t, db, "SET GLOBAL autocommit = 1")
	store := withTable(t, db)
	create(t, store, "", `{}`)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if n := queryText(t, db, "SELECT count(*) FROM django_session"); n != "1" {
		t.Errorf("%s rows stayed", n)
	}
}

// Under some character sets a backslash that should escape a quote becomes a part of
// the character before it.
func TestKeysAreNoSQL(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		store := withTable(t, db)
		create(t, store, "", `{}`)
		for _, key := range []string{"aaaa€') OR 1=1 -- ", `aaaaaaaa\' OR 1=1 -- `, "aaaa縗' OR 1=1 -- ", "aaaaaaaa' OR '1'='1", "aaaaaaaa:key:now"} {
			if _, err := store.Load(t.Context(), key); !errors.Is(err, djsession.ErrNotFound) {
				t.Errorf("load %q: %v", key, err)
			}
			if err := store.Delete(t.Context(), key); !errors.Is(err, djsession.ErrNotFound) {
				t.Errorf("delete %q: %v", key, err)
			}
		}
		if n := queryText(t, db, "SELECT count(*) FROM django_session"); n != "1" {
			t.Errorf("%s rows", n)
		}
	})
}

// If a row cannot be replaced, the error is not a conflict, which callers would retry for ever.
func TestWriteThatIsNotTaken(t *testing.T) {
	for kind, statements := range map[string][]string{
		"sqlite":   {"UPDATE django_session SET session_data = CAST(session_data AS BLOB)"},
		"postgres": {"CREATE RULE frozen AS ON UPDATE TO django_session DO INSTEAD NOTHING"},
	} {
		for _, d := range djangotest.Databases("postgres") {
			if d.Kind != kind {
				continue
			}
			t.Run(kind, func(t *testing.T) {
				db := d.New(t)
				store := withTable(t, db)
				key := create(t, store, "", `{"a":1}`).Key
				exec(t, db, statements...)
				_, err := djsession.Update(t.Context(), store, key, edit.Set("a", 2))
				if err == nil || errors.Is(err, djsession.ErrConflict) || !strings.Contains(err.Error(), "does not take the write") {
					t.Errorf("%v", err)
				}
			})
		}
	}
}

// A row that is stored between a deletion that finds none and the look after it is deleted, too. The trigger passes over
// the first deletion, as if the row had come later.
func TestDeletionBeforeTheRow(t *testing.T) {
	db := djangotest.SQLite(t)
	store := withTable(t, db)
	key := create(t, store, "", `{}`).Key
	exec(t, db, "CREATE TABLE passed_over (n int)",
		"CREATE TRIGGER later BEFORE DELETE ON django_session WHEN NOT EXISTS (SELECT * FROM passed_over) "+
			"BEGIN INSERT INTO passed_over VALUES (1); SELECT RAISE(IGNORE); END")
	if err := store.Delete(t.Context(), key); err != nil {
		t.Error(err)
	}
	if _, err := store.Load(t.Context(), key); !errors.Is(err, djsession.ErrNotFound) {
		t.Errorf("load: %v", err)
	}
}

// A deletion that the database passes over is no success, and a logout must not take the session for
// one that is gone.
func TestDeletionThatIsNotTaken(t *testing.T) {
	for kind, statement := range map[string]string{
		"sqlite":   "CREATE TRIGGER kept BEFORE DELETE ON django_session BEGIN SELECT RAISE(IGNORE); END",
		"postgres": "CREATE RULE kept AS ON DELETE TO django_session DO INSTEAD NOTHING",
	} {
		for _, d := range djangotest.Databases("postgres") {
			if d.Kind != kind {
				continue
			}
			t.Run(kind, func(t *testing.T) {
				db := d.New(t)
				store := withTable(t, db)
				r := create(t, store, "", `{"_auth_user_id":"1"}`)
				exec(t, db, statement)
				if err := store.Delete(t.Context(), r.Key); !errors.Is(err, djsession.ErrDenied) {
					t.Errorf("Delete: %v", err)
				}
				// Nothing was written, so CycleKey does not leave two live sessions.
				if err := store.DeleteUnchanged(t.Context(), r); !errors.Is(err, djsession.ErrDenied) {
					t.Errorf("DeleteUnchanged: %v", err)
				}
				if err := store.Delete(t.Context(), "absent0123456789"); !errors.Is(err, djsession.ErrNotFound) {
					t.Errorf("Delete of no session: %v", err)
				}
				insertMany(t, db, "ended", 3, "2020-01-01 00:00:00")
				if got, err := clearExpired(t.Context(), store, 2); !errors.Is(err, djsession.ErrDenied) || got.Removed != 0 {
					t.Errorf("ClearExpired: %+v, %v", got, err)
				}
			})
		}
	}
}

// If the site's table has another column that must be unique or set, the error says so and does
// not quote the row.
func TestOtherConstraints(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		store := withTable(t, db)
		exec(t, db, "ALTER TABLE django_session ADD COLUMN slot integer DEFAULT 7", "CREATE UNIQUE INDEX one_slot ON django_session (slot)")
		create(t, store, "", `{}`)
		if _, err := store.Create(t.Context(), "", nil, time.Time{}); err == nil {
			t.Error("a second row in the same slot")
		}
		exec(t, db, "DELETE FROM django_session", "DROP INDEX one_slot"+map[string]string{"mariadb": " ON django_session"}[db.Kind])
		if db.Kind != "postgres" {
			return
		}
		exec(t, db, "ALTER TABLE django_session ALTER COLUMN slot SET NOT NULL, ALTER COLUMN slot DROP DEFAULT")
		const key = "somekey0123456789"
		_, err := store.Create(t.Context(), key, fixture.Values(t, `{"private":1}`), time.Time{})
		if err == nil || !strings.Contains(err.Error(), "slot") {
			t.Fatalf("%v", err)
		}
		for e := err; e != nil; e = errors.Unwrap(e) {
			if text := fmt.Sprintf("%v %+v %#v", e, e, e); strings.Contains(text, key) {
				t.Errorf("%s", text)
			}
		}
	})
}

// Django 1 made this column without fractions of a second.
func TestColumnOfWholeSeconds(t *testing.T) {
	djangotest.NotShort(t, "MariaDB")
	db := djangotest.MariaDB(t)
	store := withTable(t, db)
	exec(t, db, "ALTER TABLE django_session MODIFY expire_date datetime NOT NULL")
	r := create(t, store, "", `{"a":1}`)
	for range 3 {
		if _, err := djsession.Update(t.Context(), store, r.Key, edit.Set("a", 1)); err != nil {
			t.Fatal(err)
		}
	}
	// What Create and Replace return can be replaced, whatever the column made of it.
	for _, nanos := range []int{0, 400_000_000, 600_000_000} {
		r := create(t, store, "", `{"a":1}`)
		for i, json := range []string{`{"a":1}`, `{"a":2}`, `{"a":2}`, `{"a":3}`} {
			expires := time.Date(2099, 1, 1, 0, 0, i, nanos, time.UTC)
			var err error
			if r, err = store.Replace(t.Context(), r, fixture.Values(t, json), expires); err != nil {
				t.Fatalf("%d ns, step %d: %v", nanos, i, err)
			}
			stored, err := store.Load(t.Context(), r.Key)
			if err != nil || fixture.JSON(t, stored.Values) != json || stored.Expires.Sub(expires).Abs() >= time.Second {
				t.Errorf("%d ns, step %d: stored %v, %v", nanos, i, stored, err)
			}
		}
	}
}

// SQLite keeps times as the text that was written.
func TestSpellingsOfATime(t *testing.T) {
	db := djangotest.SQLite(t)
	store := withTable(t, db)
	for _, spelling := range []string{"2099-01-01 00:00:00", "2099-01-01 00:00:00.000000", "2099-01-01T00:00:00", "2099-01-01T00:00:00+00:00"} {
		r := create(t, store, "", `{"a":1}`)
		exec(t, db, "UPDATE django_session SET expire_date = '"+spelling+"'")
		if _, err := djsession.Update(t.Context(), store, r.Key, edit.Set("a", 2)); err != nil {
			t.Errorf("%s: %v", spelling, err)
		}
		loaded, err := store.Load(t.Context(), r.Key)
		if err != nil {
			t.Fatal(err)
		}
		exec(t, db, "UPDATE django_session SET expire_date = replace(expire_date, ' ', 'T')")
		if _, err := store.Replace(t.Context(), loaded, loaded.Values, time.Time{}); err != nil {
			t.Errorf("respelled meanwhile: %v", err)
		}
		exec(t, db, "DELETE FROM django_session")
	}
	create(t, store, "oddsession", `{}`)
	exec(t, db, "UPDATE django_session SET expire_date = 'zzz'")
	if _, err := store.Load(t.Context(), "oddsession"); !errors.Is(err, djsession.ErrMalformed) {
		t.Errorf("no time at all: %v", err)
	}
}

// A site may set expire_date to infinity, for a session that is not to end. Django reads it as the
// last instant of the year 9999.
func TestInfiniteExpiry(t *testing.T) {
	djangotest.NotShort(t, "PostgreSQL")
	db := djangotest.Postgres(t)
	django := djangotest.Start(t, djangotest.Newest, djangotest.Settings{"DATABASES": db.Settings(), "USE_TZ": true})
	django.Do(t, `migrate()`, nil, nil)
	store := open(t, db, fixture.Settings(t, djangotest.Newest), "")
	key, ended := create(t, store, "", `{"a":1}`).Key, create(t, store, "", `{}`).Key
	exec(t, db, "UPDATE django_session SET expire_date = 'infinity' WHERE session_key = '"+key+"'",
		"UPDATE django_session SET expire_date = '-infinity' WHERE session_key = '"+ended+"'")

	var year int
	django.Do(t, `result = Session.objects.get(pk=args).expire_date.year if SessionStore(args)["a"] == 1 else None`, key, &year)
	if year != 9999 {
		t.Errorf("for Django it ends in %d", year)
	}
	r, err := store.Load(t.Context(), key)
	if err != nil || !r.Expires.Equal(djsession.Never) {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, err := store.Load(t.Context(), ended); !errors.Is(err, djsession.ErrNotFound) {
		t.Errorf("ended: %v", err)
	}
	for _, only := range []djsession.Range{{}, {Expired: true}, {Newest: 1}} {
		seen := 0
		for r, err := range store.Scan(t.Context(), only) {
			if seen++; err != nil || r.Key != key && r.Expires.After(time.Now()) {
				t.Errorf("scan %+v: %+v, %v", only, r, err)
			}
		}
		if want := map[bool]int{true: 2, false: 1}[only.Expired]; seen != want {
			t.Errorf("scan %+v: %d sessions", only, seen)
		}
	}

	// A change compares with infinity, and Django reads what it wrote.
	if _, err := store.Replace(t.Context(), r, fixture.Values(t, `{"a":2}`), djsession.Never); err != nil {
		t.Fatal(err)
	}
	exec(t, db, "UPDATE django_session SET expire_date = 'infinity' WHERE session_key = '"+key+"'")
	if _, err := djsession.Update(t.Context(), store, key, edit.Set("a", 3)); err != nil {
		t.Fatal(err)
	}
	var a int
	if django.Do(t, `result = SessionStore(args)["a"]`, key, &a); a != 3 {
		t.Errorf("Django reads %d", a)
	}
	exec(t, db, "UPDATE django_session SET expire_date = 'infinity' WHERE session_key = '"+key+"'")
	if r, err = store.Load(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if err := store.DeleteUnchanged(t.Context(), r); err != nil {
		t.Error(err)
	}
}

func TestTableWithAColon(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		store, err := dbstore.New(rawDB(t, db), dbstore.Config{
			Dialect: withTable(t, db).Dialect(), Settings: fixture.Settings(t, djangotest.Newest), Model: dbstore.Model{Table: "a:key b"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := store.CreateTable(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Load(t.Context(), create(t, store, "", `{}`).Key); err != nil {
			t.Error(err)
		}
	})
}

// If another writer makes a session expire, as an operator may, it counts as deleted.
func TestExpiredMeanwhileStaysExpired(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		store := withTable(t, db)
		key := create(t, store, "", `{"a":1}`).Key
		_, err := djsession.Update(t.Context(), store, key, func(v *djsession.Values) error {
			exec(t, db, "UPDATE django_session SET expire_date = '2020-01-01 00:00:00'")
			return v.Set("a", 2)
		})
		if !errors.Is(err, djsession.ErrSessionDeleted) {
			t.Errorf("update: %v", err)
		}
		if _, err := store.Load(t.Context(), key); !errors.Is(err, djsession.ErrNotFound) {
			t.Errorf("it is back: %v", err)
		}
	})
}

// A payload that is too long is not fetched, and null is a PayloadError.
func TestRowsThatAreNoSessions(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		s := fixture.Settings(t, djangotest.Newest)
		s.MaxPayloadSize = 10_000
		store := open(t, db, s, "")
		if err := store.CreateTable(t.Context()); err != nil {
			t.Fatal(err)
		}
		create(t, store, "goodsession", `{}`)
		create(t, store, "longsession", `{}`)
		exec(t, db, "UPDATE django_session SET session_data = '"+strings.Repeat("x", 100_000)+"' WHERE session_key = 'longsession'")
		if _, err := store.Load(t.Context(), "longsession"); !errors.Is(err, djsession.ErrTooLarge) || !strings.Contains(err.Error(), "100000 bytes") {
			t.Errorf("load: %v", err)
		}
		switch db.Kind {
		case "postgres":
			exec(t, db, "ALTER TABLE django_session ALTER session_data DROP NOT NULL", "INSERT INTO django_session VALUES ('nullsession', NULL, '2099-01-01')")
		case "mariadb":
			exec(t, db, "ALTER TABLE django_session MODIFY session_data longtext NULL", "INSERT INTO django_session VALUES ('nullsession', NULL, '2099-01-01')")
		case "sqlite":
			exec(t, db, "INSERT INTO django_session VALUES (x'0102', 'e30', '2099-01-01 00:00:00')", "INSERT INTO django_session VALUES ('numbersession', 'e30', 17)")
		}
		good, bad := 0, 0
		for _, err := range store.Scan(t.Context(), djsession.Range{Expired: true}) {
			var payload *djsession.PayloadError
			switch {
			case err == nil:
				good++
			case errors.As(err, &payload):
				bad++
			default:
				t.Errorf("scan: %v", err)
			}
		}
		if want := map[string]int{"sqlite": 3}[db.Kind]; good != 1 || bad != max(want, 2) {
			t.Errorf("%d good ones, %d bad ones", good, bad)
		}
	})
}

func TestScanEndsOnKeysThatAreNoText(t *testing.T) {
	db := djangotest.SQLite(t)
	store := withTable(t, db)
	exec(t, db, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900)
		INSERT INTO django_session SELECT CAST(printf('key%08d', i) AS BLOB), 'e30', '2099-01-01 00:00:00' FROM n`)
	seen := 0
	for range store.Scan(t.Context(), djsession.Range{}) {
		if seen++; seen > 2000 {
			t.Fatal("it does not end")
		}
	}
}

// In Danish aa comes after z, so that the bounds of 7 parts are not in the order of the column.
func TestPartsInAnyCollation(t *testing.T) {
	djangotest.NotShort(t, "collations of servers")
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		store := withTable(t, db)
		switch db.Kind {
		case "postgres":
			exec(t, db, `ALTER TABLE django_session ALTER session_key TYPE varchar(40) COLLATE "da-x-icu"`)
		case "mariadb":
			exec(t, db, "ALTER TABLE django_session MODIFY session_key varchar(40) COLLATE utf8mb4_danish_ci NOT NULL")
		}
		want := map[string]bool{}
		for _, first := range "0123456789abcdefghijklmnopqrstuvwxyzABYZæøå~ " {
			for _, second := range "09abxyz" {
				key := string(first) + string(second) + djsession.NewKey()
				if r, err := store.Create(t.Context(), key, nil, time.Time{}); err == nil {
					want[r.Key] = true
				} else if !errors.Is(err, djsession.ErrKeyTaken) {
					t.Fatal(err)
				}
			}
		}
		for _, parts := range []int{2, 7, 36, djsession.MaxParts} {
			found := map[string]int{}
			for part := range parts {
				for r, err := range store.Scan(t.Context(), djsession.Range{Part: part, Parts: parts}) {
					if err != nil {
						t.Fatal(err)
					}
					found[r.Key]++
				}
			}
			for key := range want {
				if found[key] != 1 {
					t.Errorf("%s is in %d of %d parts", djsession.ShortKey(key), found[key], parts)
				}
			}
		}
	})
}
