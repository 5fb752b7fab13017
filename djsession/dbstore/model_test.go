package dbstore_test

import (
	"errors"
	"fmt"
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

// ownTable makes a session table with other names and more columns.
func ownTable(t *testing.T, db djangotest.Database) {
	t.Helper()
	open(t, db, fixture.Settings(t, djangotest.Newest), "") // makes the file of SQLite
	at, uuid := "datetime(6)", "char(32)"
	if db.Kind == "postgres" {
		at, uuid = "timestamptz", "uuid"
	}
	exec(t, db,
		"CREATE TABLE account (id integer PRIMARY KEY)",
		"INSERT INTO account VALUES (42)",
		fmt.Sprintf(`CREATE TABLE visits (id varchar(40) NOT NULL PRIMARY KEY, content text NOT NULL, ends %[1]s NOT NULL,
			account_id integer NULL, owner %[2]s NULL, ip varchar(39) NULL, site integer NOT NULL, theme varchar(20) NOT NULL,
			saved %[1]s NOT NULL, made %[1]s NULL, visits integer NOT NULL DEFAULT 1, FOREIGN KEY (account_id) REFERENCES account (id))`, at, uuid))
}

var ownModel = dbstore.Model{
	Table: "visits", KeyColumn: "id", DataColumn: "content", ExpiryColumn: "ends",
	Columns: []dbstore.Column{
		dbstore.FromValue("account_id", "_auth_user_id", dbstore.Integer), dbstore.FromValue("owner", "owner", dbstore.UUID),
		dbstore.FromValue("ip", "ip", dbstore.IP), dbstore.FromValue("theme", "theme", dbstore.Text).Or("plain"),
		dbstore.Constant("site", 7), dbstore.Now("saved"), dbstore.Created("made"),
	},
}

func withModel(t *testing.T, db djangotest.Database, s *djsession.Settings, m dbstore.Model) *dbstore.Store {
	t.Helper()
	store, err := storeurl.Open(db.URL, s, storeurl.WithModel(m))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store.(*dbstore.Store)
}

// TestModel tests what is written into columns of the site's own, in a new row and in an update.
func TestModel(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		ownTable(t, db)
		s := fixture.Settings(t, djangotest.Newest)
		now := time.Date(2030, 1, 2, 3, 4, 5, 678000, time.UTC)
		s.Now = func() time.Time { return now }
		store := withModel(t, db, s, ownModel)
		for _, err := range store.Check(t.Context()) {
			t.Errorf("check: %v", err)
		}
		columns := func() string {
			text := "CAST(%s AS char(40))"
			if db.Kind != "mariadb" {
				text = "CAST(%s AS varchar)"
			}
			var parts []string
			for _, c := range []string{"account_id", "owner", "ip", "site", "theme", "visits"} {
				parts = append(parts, queryText(t, db, fmt.Sprintf("SELECT COALESCE("+text+", 'null') FROM visits", c)))
			}
			same := queryText(t, db, "SELECT CASE WHEN saved = made THEN 'new' ELSE 'saved' END FROM visits")
			return strings.ReplaceAll(strings.Join(append(parts, same), " "), "-", "")
		}
		const owner = "0123456789abcdef0123456789abcdef"
		r := create(t, store, "", `{"_auth_user_id":" 42 ","owner":"`+owner+`","ip":"10.0.0.1"}`)
		if got, want := columns(), "42 "+owner+" 10.0.0.1 7 plain 1 new"; got != want {
			t.Errorf("a new row: %s, want %s", got, want)
		}
		exec(t, db, "UPDATE visits SET site = 8, visits = 2") // what the site may do
		now = now.Add(time.Hour)
		r, err := djsession.Update(t.Context(), store, r.Key, func(v *djsession.Values) error {
			return errors.Join(v.Set("_auth_user_id", "nobody"), v.Set("owner", 1.5), v.Set("ip", "?"), v.Set("theme", "dark"))
		})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := columns(), "null null null 8 dark 2 saved"; got != want {
			t.Errorf("an update: %s, want %s", got, want)
		}
		if _, err := store.Replace(t.Context(), create(t, store, "", `{}`), fixture.Values(t, `{"_auth_user_id":"17"}`), time.Time{}); err == nil {
			t.Error("the database took an account that does not exist")
		}
		for _, err := range store.Scan(t.Context(), djsession.Range{}) {
			if err != nil {
				t.Error(err)
			}
		}
		if err := store.DeleteUnchanged(t.Context(), r); err != nil {
			t.Error(err)
		}
		if err := store.CreateTable(t.Context()); err == nil {
			t.Error("CreateTable made a table of which it does not know all")
		}
	})
}

// TestOtherNames tests a table in which only Django's three columns have other names.
func TestOtherNames(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		open(t, db, fixture.Settings(t, djangotest.Newest), "")
		m := dbstore.Model{Table: "visits", KeyColumn: "the key", DataColumn: "data.of", ExpiryColumn: "Ends"}
		store := withModel(t, db, fixture.Settings(t, djangotest.Newest), m)
		if err := store.CreateTable(t.Context()); err != nil {
			t.Fatal(err)
		}
		r := create(t, store, "", `{"a":1}`)
		if _, err := djsession.Update(t.Context(), store, r.Key, edit.Set("a", 2)); err != nil {
			t.Error(err)
		}
		for _, newest := range []int{0, 5} {
			for r, err := range store.Scan(t.Context(), djsession.Range{Newest: newest}) {
				if err != nil || fixture.JSON(t, r.Values) != `{"a":2}` {
					t.Errorf("%v, %v", r, err)
				}
			}
		}
		if err := store.Delete(t.Context(), r.Key); err != nil {
			t.Error(err)
		}
	})
}

// TestCheckModel tests that Check finds what would fail for the first visitor, and that the error
// which that visitor's request gets names the remedy.
func TestCheckModel(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		ownTable(t, db)
		names := dbstore.Model{Table: "visits", KeyColumn: "id", DataColumn: "content", ExpiryColumn: "ends"}
		lacks := ownModel.With(dbstore.Null("nickname"))
		keyless := ownModel
		keyless.KeyColumn = "session_key"
		for name, c := range map[string]struct {
			model dbstore.Model
			want  []string
		}{
			"nothing described":             {names, []string{`"account_id" is not described`, `"site" takes no NULL`, `"theme" takes no NULL`, `"saved" takes no NULL`}},
			"a column that the table lacks": {lacks, []string{`no column "nickname"`}},
			"another name of the key":       {keyless, []string{`no column "session_key"`, `"id" takes no NULL`}},
			"a table that is not there":     {dbstore.Model{Table: "nothing"}, []string{`"session_key"`, `"session_data"`, `"expire_date"`}},
		} {
			store := withModel(t, db, fixture.Settings(t, djangotest.Newest), c.model)
			found := store.Check(t.Context())
			for i, want := range c.want {
				if i >= len(found) || !strings.Contains(found[i].Error(), want) {
					t.Errorf("%s: Check finds %v, want %s", name, found, want)
				}
			}
			if len(found) > len(c.want) {
				t.Errorf("%s: Check finds %v", name, found)
			}
			_, err := store.Create(t.Context(), "", fixture.Values(t, `{"a":1}`), time.Time{})
			if err == nil || c.model.Table == "visits" && !strings.Contains(err.Error(), "Session tables of your own") {
				t.Errorf("%s: Create: %v", name, err)
			}
			if _, err := store.Load(t.Context(), "akeythatnobodyhas"); name == "another name of the key" && (err == nil || errors.Is(err, djsession.ErrNotFound)) {
				t.Errorf("%s: Load: %v", name, err)
			}
		}
	})
}

// A handle of one's own does not check SQLite's foreign keys by default.
func TestCheckForeignKeys(t *testing.T) {
	db := djangotest.SQLite(t)
	store := withTable(t, db)
	raw, err := dbstore.New(rawDB(t, db), dbstore.Config{Dialect: dbstore.SQLite, Settings: fixture.Settings(t, djangotest.Newest)})
	if err != nil {
		t.Fatal(err)
	}
	if found := raw.Check(t.Context()); found != nil {
		t.Errorf("while nothing points at the table, Check finds %v", found)
	}
	exec(t, db, "CREATE TABLE online (session varchar(40) REFERENCES Django_Session (session_key))")
	if found := raw.Check(t.Context()); len(found) != 1 || !strings.Contains(found[0].Error(), `"online" points at`) {
		t.Errorf("Check finds %v", found)
	}
	if found := store.Check(t.Context()); found != nil {
		t.Errorf("with storeurl's handle, Check finds %v", found)
	}
}

func TestBadModels(t *testing.T) {
	account, err := dbstore.ModelNamed("account_id")
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]dbstore.Model{
		"no table":           account,
		"a column twice":     {Columns: []dbstore.Column{dbstore.Now("a"), dbstore.Null("A")}},
		"the key's column":   {Columns: []dbstore.Column{dbstore.Now("session_key")}},
		"no name":            {Columns: []dbstore.Column{dbstore.Now("")}},
		"a value of no name": {Columns: []dbstore.Column{dbstore.FromValue("a", "", dbstore.Text)}},
		"a constant of a kind that no column has": {Columns: []dbstore.Column{dbstore.Constant("a", []int{1})}},
	} {
		if _, err := dbstore.New(nil, dbstore.Config{Dialect: dbstore.SQLite, Settings: fixture.Settings(t, djangotest.Newest), Model: m}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := dbstore.ModelNamed("users"); err == nil || !strings.Contains(err.Error(), "account_id, qsessions, user_sessions") {
		t.Errorf("%v", err)
	}
	if _, err := storeurl.Open("filecache:///tmp", fixture.Settings(t, djangotest.Newest), storeurl.WithModel(account)); err == nil {
		t.Error("a cache has a session model")
	}
	if _, err := storeurl.Open("postgres://u@localhost/n?model=qsessions", fixture.Settings(t, djangotest.Newest), storeurl.WithModel(account)); err == nil {
		t.Error("two models")
	}
}

// A column that is described in a wrong way is an error that names the remedy. The database's text
// quotes the value, which is the visitor's.
func TestWrongColumns(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db djangotest.Database) {
		withTable(t, db)
		exec(t, db, "ALTER TABLE django_session ADD COLUMN account_id integer")
		for _, column := range []dbstore.Column{
			dbstore.FromValue("account_id", "owner", dbstore.Text),    // SQLite's columns take any value
			dbstore.FromValue("Account_ID", "owner", dbstore.Integer), // only PostgreSQL does not ignore the case
		} {
			store, err := storeurl.Open(db.URL, fixture.Settings(t, djangotest.Newest), storeurl.WithModel(dbstore.Model{Columns: []dbstore.Column{column}}))
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			_, err = store.Create(t.Context(), "", fixture.Values(t, `{"owner":"marmalade"}`), time.Time{})
			var op *djsession.OpError
			if err != nil && (!errors.As(err, &op) || !strings.Contains(op.Hint, "describe the columns") || strings.Contains(err.Error(), "marmalade")) {
				t.Errorf("%v", err)
			}
			isMisnamed := err != nil && column.Name() != "account_id"
			if found := store.(djsession.Checker).Check(t.Context()); (len(found) > 0) != isMisnamed {
				t.Errorf("%s: Create: %v, Check: %v", column.Name(), err, found)
			}
		}
	})
}
