package djauth_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"net/http"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// counter opens connections that record the statements.
type counter struct {
	driver driver.Driver
	dsn    string
	said   []string
}

func (c *counter) Driver() driver.Driver { return c.driver }

func (c *counter) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.driver.Open(c.dsn)
	return countedConn{conn, c}, err
}

type countedConn struct {
	driver.Conn
	c *counter
}

func (c countedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.c.said = append(c.c.said, query)
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

func (c countedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.c.said = append(c.c.said, query)
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
}

func (c countedConn) Prepare(query string) (driver.Stmt, error) {
	c.c.said = append(c.c.said, "prepare "+query)
	return c.Conn.Prepare(query)
}

// One statement for the session and one for the user, and only when asked.
func TestStatements(t *testing.T) {
	s := newSite(t, djangotest.Newest, djangotest.SQLite(t), nil)
	var keys struct{ Zoe, Nobody, Unlisted string }
	s.django.Do(t, `
		make_user("zoe")
		session = SessionStore()
		session["cart"] = [1.0]
		session.save()
		result = {"Zoe": log_in("zoe"), "Nobody": session.session_key, "Unlisted": log_in("zoe", backend="other.Backend")}
	`, nil, &keys)

	plain, err := sql.Open("sqlite", "file:"+s.db.Name)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	count := &counter{driver: plain.Driver(), dsn: "file:" + s.db.Name}
	store, err := dbstore.New(sql.OpenDB(count), dbstore.Config{Dialect: dbstore.SQLite, Settings: s.settings})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	users, err := djauth.UsersIn(store, djauth.UserModel{Extra: []string{"email"}})
	if err != nil {
		t.Fatal(err)
	}
	if s.auth, err = djauth.New(users); err != nil {
		t.Fatal(err)
	}
	if s.manager, err = djsession.NewManager(store); err != nil {
		t.Fatal(err)
	}
	nobody := func(w http.ResponseWriter, r *http.Request) error { return nil }
	ask := func(w http.ResponseWriter, r *http.Request) error {
		for range 3 {
			if _, err := s.auth.User(r); err != nil {
				return err
			}
		}
		return nil
	}
	for _, c := range []struct {
		name, key  string
		view       func(http.ResponseWriter, *http.Request) error
		statements []string
	}{
		{"not asked", keys.Zoe, nobody, nil},
		{"no session", "", ask, nil},
		{"no user", keys.Nobody, ask, []string{"SELECT CASE"}},
		{"another backend", keys.Unlisted, ask, []string{"SELECT CASE"}},
		{"a user", keys.Zoe, ask, []string{"SELECT CASE", `SELECT "main"."auth_user"."id"`}},
		{"a login", keys.Nobody, func(w http.ResponseWriter, r *http.Request) error {
			user, err := users.User(r.Context(), "1")
			if err != nil {
				return err
			}
			if err := s.auth.Login(w, r, user, ""); err != nil {
				return err
			}
			return ask(w, r)
		}, []string{`SELECT "main"."auth_user"."id"`, "SELECT CASE", `UPDATE "main"."auth_user"`, "INSERT INTO", "DELETE FROM", `UPDATE "django_session"`}},
		{"a logout", keys.Zoe, func(w http.ResponseWriter, r *http.Request) error { return s.auth.Logout(r) },
			[]string{"SELECT CASE", "DELETE FROM"}},
	} {
		count.said = nil
		if w := s.visit(t, c.key, c.view); w.Code != http.StatusOK {
			t.Errorf("%s: status %d", c.name, w.Code)
		}
		ok := len(count.said) == len(c.statements)
		for i := 0; ok && i < len(count.said); i++ {
			ok = strings.HasPrefix(count.said[i], c.statements[i])
		}
		if !ok {
			t.Errorf("%s: %d statements:\n%s", c.name, len(count.said), strings.Join(count.said, "\n"))
		}
	}
}
