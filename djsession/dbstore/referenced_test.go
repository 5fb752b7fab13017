package dbstore_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/edit"
	"github.com/djsess/djsess/internal/testing/fixture"
)

// TestReferencedRow tests that a deleted session has ended even if a foreign key keeps its row,
// for every kind of foreign key and every way to delete.
func TestReferencedRow(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		store := withTable(t, db)
		constraints := map[string]string{
			"immediate": "", "restrict": " ON DELETE RESTRICT", "deferred": " DEFERRABLE INITIALLY DEFERRED", // the last as Django's
		}
		if db.Kind == "mariadb" {
			delete(constraints, "deferred") // it has none
		}
		for name, constraint := range constraints {
			table := "online_" + name
			exec(t, db, fmt.Sprintf("CREATE TABLE %s (session varchar(40) NOT NULL, FOREIGN KEY (session) REFERENCES django_session (session_key)%s)", table, constraint))
			t.Run(name, func(t *testing.T) { referencedRow(t, db, store, table) })
		}
		if db.Kind == "sqlite" {
			if n := queryText(t, db, "SELECT count(*) FROM pragma_foreign_key_check"); n != "0" {
				t.Errorf("%s rows point at nothing", n)
			}
		}
	})
}

func referencedRow(t *testing.T, db djangotest.Database, store *dbstore.Store, table string) {
	ctx := t.Context()
	referenced := func() *djsession.Record {
		r := create(t, store, "", `{"_auth_user_id":"1"}`)
		exec(t, db, fmt.Sprintf("INSERT INTO %s (session) VALUES ('%s')", table, r.Key))
		return r
	}
	for name, remove := range map[string]func(*djsession.Record) error{
		"Delete":          func(r *djsession.Record) error { return store.Delete(ctx, r.Key) },
		"DeleteUnchanged": func(r *djsession.Record) error { return store.DeleteUnchanged(ctx, r) },
	} {
		r := referenced()
		err := remove(r)
		var op *djsession.OpError
		if !errors.Is(err, djsession.ErrEmptied) || !errors.As(err, &op) || !strings.Contains(op.Hint, "clearsessions") || strings.Contains(err.Error(), r.Key) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := store.Load(ctx, r.Key); !errors.Is(err, djsession.ErrNotFound) {
			t.Errorf("%s: it lives: %v", name, err)
		}
		if _, err := store.Replace(ctx, r, r.Values, r.Expires); !errors.Is(err, djsession.ErrNotFound) {
			t.Errorf("%s: Replace brings it back: %v", name, err)
		}
		if err := store.Delete(ctx, r.Key); !errors.Is(err, djsession.ErrEmptied) {
			t.Errorf("%s, and Delete again: %v", name, err)
		}
		for row, err := range store.Scan(ctx, djsession.Range{Expired: true, Prefix: r.Key}) {
			if err != nil || row.Values.Len() != 0 {
				t.Errorf("%s: the row holds %v, %v", name, row.Values, err)
			}
		}
		if n := queryText(t, db, fmt.Sprintf("SELECT count(*) FROM %s WHERE session = '%s'", table, r.Key)); n != "1" {
			t.Errorf("%s: %s rows point at it", name, n)
		}
		exec(t, db, fmt.Sprintf("DELETE FROM %s WHERE session = '%s'", table, r.Key))
		if err := store.Delete(ctx, r.Key); err != nil {
			t.Errorf("%s, and Delete once nothing points at it: %v", name, err)
		}
	}
	old := referenced()
	if _, err := djsession.Update(ctx, store, old.Key, edit.Set("cart", 1)); err != nil {
		t.Fatal(err)
	}
	if err := store.DeleteUnchanged(ctx, old); !errors.Is(err, djsession.ErrConflict) {
		t.Errorf("DeleteUnchanged of a changed session: %v", err)
	}
	if r, err := store.Load(ctx, old.Key); err != nil || !r.Values.Has("cart") {
		t.Errorf("it lost a write: %v, %v", r, err)
	}
}

// MySQL says less to a user who has no rights on the other table.
func TestReferencedRowWithoutRights(t *testing.T) {
	djangotest.NotShort(t, "MariaDB")
	db := djangotest.MariaDB(t)
	r := create(t, withTable(t, db), "", `{"a":1}`)
	name := db.Name + "_w"
	exec(t, db,
		"CREATE TABLE online (session varchar(40) NOT NULL, FOREIGN KEY (session) REFERENCES django_session (session_key))",
		fmt.Sprintf("INSERT INTO online VALUES ('%s')", r.Key),
		fmt.Sprintf("CREATE USER '%s' IDENTIFIED BY 'secret'", name),
		fmt.Sprintf("GRANT SELECT, INSERT, UPDATE, DELETE ON %s.django_session TO '%s'", db.Name, name),
	)
	_, address, _ := strings.Cut(db.URL, "@")
	db.URL = "mysql://" + name + ":secret@" + address
	if err := open(t, db, fixture.Settings(t, djangotest.Newest), "").Delete(t.Context(), r.Key); !errors.Is(err, djsession.ErrEmptied) {
		t.Errorf("%v", err)
	}
}
