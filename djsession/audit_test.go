package djsession_test

import (
	"context"
	"database/sql"
	"sync/atomic"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

type contestedKind struct {
	name  string
	start func(t *testing.T) *contested
}

// contestedKinds are the stores with a contested session. With -short only the first is tested.
var contestedKinds = []contestedKind{
	{"redis", contestRedis},
	{"postgres", func(t *testing.T) *contested { return contestRow(t, djangotest.Postgres(t)) }},
	{"mariadb", func(t *testing.T) *contested { return contestRow(t, djangotest.MariaDB(t)) }},
	{"sqlite", func(t *testing.T) *contested {
		db := djangotest.SQLite(t)
		db.Django["OPTIONS"] = map[string]any{"timeout": 600}
		db.URL += "?timeout=600" // SQLite has no queue, so a writer may wait long
		return contestRow(t, db)
	}},
	{"memcached", contestMemcached},
	{"cached_db", contestCachedDB},
}

// audits are triggers that keep every version of a row. A trigger runs under the row's lock, so the
// numbers are in the order of the versions.
var audits = map[dbstore.Dialect][]string{
	dbstore.PostgreSQL: {
		`CREATE TABLE audit (n bigserial PRIMARY KEY, session_data text NOT NULL)`,
		`CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
			'BEGIN INSERT INTO audit (session_data) VALUES (NEW.session_data); RETURN NULL; END'`,
		`CREATE TRIGGER keep AFTER UPDATE ON django_session FOR EACH ROW EXECUTE FUNCTION keep()`,
	},
	dbstore.MySQL: {
		`CREATE TABLE audit (n bigint AUTO_INCREMENT PRIMARY KEY, session_data longtext NOT NULL)`,
		`CREATE TRIGGER keep AFTER UPDATE ON django_session FOR EACH ROW INSERT INTO audit (session_data) VALUES (NEW.session_data)`,
	},
	dbstore.SQLite: {
		`CREATE TABLE audit (n integer PRIMARY KEY AUTOINCREMENT, session_data text NOT NULL)`,
		`CREATE TRIGGER keep AFTER UPDATE ON django_session BEGIN INSERT INTO audit (session_data) VALUES (NEW.session_data); END`,
	},
}

// contestRow creates a contested session in a database.
func contestRow(t *testing.T, db djangotest.Database) *contested {
	t.Helper()
	django := startWriters(t, djangotest.Settings{"DATABASES": db.Settings()})
	django[0].Do(t, `migrate()`, nil, nil)
	store := opens(db.URL)(t, contestedSettings(t)).(*dbstore.Store)
	return audited(t, store, store, django)
}

// audited creates a contested session in a store whose rows are in a database. The table exists.
func audited(t *testing.T, store djsession.Store, rows rowStore, django []*djangotest.Django) *contested {
	t.Helper()
	for _, statement := range audits[rows.Dialect()] {
		if _, err := rows.DB().ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return &contested{
		store:   store,
		django:  django,
		history: func(t *testing.T, _ reports) []version { return auditedVersions(t, rows) },
	}
}

// rowStore is a store with rows.
type rowStore interface {
	DB() *sql.DB
	Dialect() dbstore.Dialect
}

// auditedVersions reads the versions from the audit.
func auditedVersions(t *testing.T, store rowStore) (versions []version) {
	t.Helper()
	codec, err := djsession.NewCodec(contestedSettings(t))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := store.DB().QueryContext(t.Context(), `SELECT session_data FROM audit ORDER BY n`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var payload []byte
		if err := rows.Scan(&payload); err != nil {
			t.Fatal(err)
		}
		values, _, err := codec.Decode(payload)
		if err != nil {
			t.Fatal(err)
		}
		text, err := values.AppendPythonJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		versions = append(versions, newVersion(t, string(text)))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.DB().ExecContext(t.Context(), `DELETE FROM audit`); err != nil {
		t.Fatal(err)
	}
	return versions
}

// startWriters starts the Django processes.
func startWriters(t *testing.T, settings djangotest.Settings) (started []*djangotest.Django) {
	t.Helper()
	for range djangoWriters {
		django := djangotest.Start(t, djangotest.Newest, settings)
		django.Do(t, pythonWork, nil, nil)
		started = append(started, django)
	}
	return started
}

func contestedSettings(t *testing.T) *djsession.Settings {
	t.Helper()
	settings, err := djsession.NewSettings(djangotest.Newest, djangotest.SecretKey)
	if err != nil {
		t.Fatal(err)
	}
	return settings
}

// newCountingManager returns a manager that has no limit for a save, and counts the conflicts.
func newCountingManager(t *testing.T, store djsession.Store, overwrite bool) (*djsession.Manager, *atomic.Int64) {
	t.Helper()
	m := newManager(t, store, contestedSettings(t))
	m.Overwrite, m.SaveTimeout = overwrite, time.Hour
	conflicts := new(atomic.Int64)
	m.Observer = func(_ context.Context, e djsession.Event) {
		switch {
		case e.Kind == djsession.EventConflict:
			conflicts.Add(1)
		case e.Err != nil:
			t.Errorf("%s: %v", e.Kind, e.Err)
		}
	}
	return m, conflicts
}
