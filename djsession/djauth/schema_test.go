package djauth_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// tenants are two live sites whose tables have the same names, in two schemas that one
// connection reaches. Each has a user 1, with a password of its own. The connection is
// the first site's, and the visitors are the second's.
type tenants struct {
	*site   // the second
	first   *site
	key     string    // of a session of the second site's user
	schemas [2]string // of the two sites
	connect func(t *testing.T, table, searchPath string) *dbstore.Store
}

func newTenants(t *testing.T, kind string) *tenants {
	t.Helper()
	x := new(tenants)
	switch kind {
	case "postgres":
		x.postgres(t)
	case "mariadb":
		x.mariadb(t)
	case "sqlite":
		x.sqlite(t)
	}
	x.first.django.Do(t, `make_user("first", password="md5$first")`, nil, nil)
	x.django.Do(t, `make_user("second", password="md5$second"); result = log_in("second", cart=[1.0])`, nil, &x.key)
	return x
}

// In PostgreSQL the second site's search_path leads to its schema, as django-tenants
// has it.
func (x *tenants) postgres(t *testing.T) {
	db := djangotest.Postgres(t)
	x.first = newSite(t, djangotest.Newest, db, nil)
	x.first.django.Do(t, `
		from django.db import connection
		connection.cursor().execute('CREATE SCHEMA "acme-co"')
	`, nil, nil)
	second := db
	second.Django = maps.Clone(db.Django)
	second.Django["OPTIONS"] = map[string]any{"options": `-c search_path="acme-co"`}
	x.site = newSite(t, djangotest.Newest, second, nil)
	x.schemas = [2]string{"public", "acme-co"}
	x.connect = func(t *testing.T, table, searchPath string) *dbstore.Store {
		query := url.Values{"table": {table}}
		if searchPath != "" {
			query.Set("search_path", searchPath)
		}
		return x.open(t, db.URL+"?"+query.Encode())
	}
}

// In MySQL a schema is a database.
func (x *tenants) mariadb(t *testing.T) {
	first, second := djangotest.MariaDB(t), djangotest.MariaDB(t)
	x.first, x.site = newSite(t, djangotest.Newest, first, nil), newSite(t, djangotest.Newest, second, nil)
	x.schemas = [2]string{first.Name, second.Name}
	x.connect = func(t *testing.T, table, _ string) *dbstore.Store {
		return x.open(t, first.URL+"?table="+table)
	}
}

// In SQLite the second site's file is attached to the first one's.
func (x *tenants) sqlite(t *testing.T) {
	first, second := djangotest.SQLite(t), djangotest.SQLite(t)
	x.first, x.site = newSite(t, djangotest.Newest, first, nil), newSite(t, djangotest.Newest, second, nil)
	x.schemas = [2]string{"main", "site2"}
	x.connect = func(t *testing.T, table, _ string) *dbstore.Store {
		t.Helper()
		plain, err := sql.Open("sqlite", "file:"+first.Name)
		if err != nil {
			t.Fatal(err)
		}
		defer plain.Close()
		db := sql.OpenDB(attaching{&counter{driver: plain.Driver(), dsn: "file:" + first.Name}, second.Name})
		store, err := dbstore.New(db, dbstore.Config{Dialect: dbstore.SQLite, Settings: x.settings, Model: dbstore.Model{Table: table}})
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
}

func (x *tenants) open(t *testing.T, url string) *dbstore.Store {
	t.Helper()
	store, err := storeurl.Open(url, x.settings)
	if err != nil {
		t.Fatal(err)
	}
	return store.(*dbstore.Store)
}

// attaching opens connections of SQLite that see a second file as site2.
type attaching struct {
	*counter
	file string
}

func (a attaching) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := a.counter.Connect(ctx)
	if err == nil {
		_, err = conn.(driver.ExecerContext).ExecContext(ctx, "ATTACH ? AS site2", []driver.NamedValue{{Ordinal: 1, Value: a.file}})
	}
	return conn, err
}

// expect is that the second site's visitor is this user to Go, and that neither the
// session nor the cookie changes, and that Django knows the user before and after.
func (x *tenants) expect(t *testing.T, name, user string) {
	t.Helper()
	before := x.row(t, x.key)
	got, _ := x.who(t, x.key)
	if got != (seen{User: user}) || before == "" || x.row(t, x.key) != before {
		t.Errorf("%s: %v, or the row was changed", name, got)
	}
	if at := x.djangoWho(t, x.key); at != (seen{User: "second"}) || x.row(t, x.key) != before {
		t.Errorf("%s: in Django %v", name, at)
	}
	if told := len(x.refusals) == 1 && strings.Contains(x.refusals[0], "_auth_user_hash"); told != (user == "") {
		t.Errorf("%s: the Observer was told %q", name, x.refusals)
	}
}

// expectError is that nobody knows whether the visitor is logged in, and an error that
// says all this.
func (x *tenants) expectError(t *testing.T, name string, says ...string) (failed error) {
	t.Helper()
	before := x.row(t, x.key)
	w := x.visit(t, x.key, func(w http.ResponseWriter, r *http.Request) error {
		_, failed = x.auth.User(r)
		return failed
	})
	for _, text := range says {
		if failed == nil || !strings.Contains(failed.Error(), text) {
			t.Errorf("%s: %v, want %q in it", name, failed, text)
		}
	}
	if len(w.Header().Values("Set-Cookie")) > 0 || x.row(t, x.key) != before {
		t.Errorf("%s: %v, or the row was changed", name, w.Header())
	}
	return failed
}

// moveUsers renames the second site's table of users.
func (x *tenants) moveUsers(t *testing.T, from, to string) {
	t.Helper()
	x.django.Do(t, `
		from django.db import connection
		connection.cursor().execute("ALTER TABLE %s RENAME TO %s" % tuple(args))
	`, []string{from, to}, nil)
}

// Users are looked for in the schema of the session table, and nowhere else unless
// UserModel.Table names it.
func TestUsersOfSessionSchema(t *testing.T) {
	for _, kind := range djangotest.Databases() {
		t.Run(kind.Kind, func(t *testing.T) {
			t.Parallel()
			x := newTenants(t, kind.Kind)
			sessions := x.schemas[1] + ".django_session"
			x.openOn(t, x.connect(t, sessions, ""), djauth.UserModel{})
			x.expect(t, "the default table", "second")
			x.openOn(t, x.connect(t, sessions, ""), djauth.UserModel{Table: x.schemas[1] + ".auth_user"})
			x.expect(t, "the right schema", "second")
			x.openOn(t, x.connect(t, sessions, ""), djauth.UserModel{Table: x.schemas[0] + ".auth_user"})
			x.expect(t, "another tenant's users", "")

			x.moveUsers(t, "auth_user", "members")
			for range 2 {
				x.openOn(t, x.connect(t, sessions, ""), djauth.UserModel{})
				err := x.expectError(t, "no such table", x.schemas[1]+".auth_user", "UserModel.Table")
				if !errors.Is(err, dbstore.ErrNoTable) || errors.Is(err, djauth.ErrNoUser) {
					t.Errorf("%v", err)
				}
			}
			x.openOn(t, x.connect(t, sessions, ""), djauth.UserModel{Table: "members"})
			if got, _ := x.who(t, x.key); got.User != "second" {
				t.Errorf("a table of another name: %v", got)
			}
			x.moveUsers(t, "members", "auth_user")

			// The first site's own service, whose tables have no schema in their names.
			var key string
			x.first.django.Do(t, `result = log_in("first")`, nil, &key)
			x.openOn(t, x.connect(t, "django_session", ""), djauth.UserModel{})
			if got, _ := x.who(t, key); got != (seen{User: "first"}) {
				t.Errorf("without schemas: %v", got)
			}
		})
	}
}

// In PostgreSQL a search_path may find the sessions in one schema and the users in
// another.
func TestUsersOfSearchPath(t *testing.T) {
	djangotest.NotShort(t, "PostgreSQL")
	x := newTenants(t, "postgres")
	const path = `"acme-co", public`
	x.openOn(t, x.connect(t, "django_session", path), djauth.UserModel{})
	x.expect(t, "both in the first schema", "second")

	x.moveUsers(t, "auth_user", "members")
	x.openOn(t, x.connect(t, "django_session", path), djauth.UserModel{})
	for range 2 {
		x.expectError(t, "users only in the other schema", `"acme-co"`, `UserModel.Table to "public.auth_user"`)
	}
	users, err := djauth.UsersIn(x.store, djauth.UserModel{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := users.UserByUsername(t.Context(), "first"); err == nil || !strings.Contains(err.Error(), "public.auth_user") {
		t.Errorf("by username: %v", err)
	}
	if err := users.SetLastLogin(t.Context(), "1", x.settings.Now()); err == nil || !strings.Contains(err.Error(), "public.auth_user") {
		t.Errorf("last_login: %v", err)
	}
	// As soon as it is there, the same service goes on.
	x.moveUsers(t, "members", "auth_user")
	x.expect(t, "it is back", "second")

	// Named, the other table is taken.
	x.openOn(t, x.connect(t, "django_session", path), djauth.UserModel{Table: "public.auth_user"})
	x.expect(t, "the other schema by name", "")

	// Where there are no sessions, they are kept somewhere else.
	users, err = djauth.UsersIn(x.connect(t, "no_sessions", path), djauth.UserModel{})
	if err != nil {
		t.Fatal(err)
	}
	if user, err := users.User(t.Context(), "1"); err != nil || user.Username != "second" {
		t.Errorf("users alone: %v, %v", user, err)
	}
}

// The catalog is asked once, and only where names have no schema.
func TestSearchPathIsAskedOnce(t *testing.T) {
	djangotest.NotShort(t, "PostgreSQL")
	x := newTenants(t, "postgres")
	plain, err := sql.Open("postgres", "")
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	for _, c := range []struct {
		table string
		users djauth.UserModel
		asks  int
	}{
		{"django_session", djauth.UserModel{}, 1},
		{"django_session", djauth.UserModel{Table: "public.auth_user"}, 0},
		{"public.django_session", djauth.UserModel{}, 0},
	} {
		count := &counter{driver: plain.Driver(), dsn: x.db.URL + "?sslmode=disable&binary_parameters=yes"}
		store, err := dbstore.New(sql.OpenDB(count), dbstore.Config{Dialect: dbstore.PostgreSQL, Settings: x.settings, Model: dbstore.Model{Table: c.table}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		users, err := djauth.UsersIn(store, c.users)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if user, err := users.User(t.Context(), "1"); err != nil || user.Username != "first" {
				t.Errorf("%v, %v", user, err)
			}
		}
		if asked := len(count.said) - 3; asked != c.asks {
			t.Errorf("%s, %s: the catalog was asked %d times:\n%s", c.table, c.users.Table, asked, strings.Join(count.said, "\n"))
		}
	}
}
