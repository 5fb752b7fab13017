package djauth_test

import (
	"database/sql"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// The rights in docs/stores.md are enough.
func TestRights(t *testing.T) {
	djangotest.NotShort(t, "PostgreSQL and MariaDB")
	for _, kind := range []func(testing.TB) djangotest.Database{djangotest.Postgres, djangotest.MariaDB} {
		db := kind(t)
		t.Run(db.Kind, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "5.2", db, nil)
			s.django.Do(t, `make_user("zoe")`, nil, nil)
			admin := s.store.DB()
			s.as(t, admin, "SELECT ON django_session", "SELECT ON auth_user")
			s.manager.ReadOnly = true
			var key string
			s.django.Do(t, `result = log_in("zoe", cart=1)`, nil, &key)
			s.visit(t, key, func(w http.ResponseWriter, r *http.Request) error {
				user, err := s.auth.User(r)
				if err != nil || user == nil {
					t.Errorf("a reader: user %v, %v", user, err)
				}
				return nil
			})
			err := s.store.Delete(t.Context(), key)
			var op *djsession.OpError
			if !errors.As(err, &op) || !strings.Contains(op.Hint, "docs/stores.md") {
				t.Errorf("a reader deletes: error %v, want a hint at docs/stores.md", err)
			}

			s.as(t, admin, "SELECT, INSERT, UPDATE, DELETE ON django_session", "SELECT, UPDATE (last_login) ON auth_user")
			var found *djauth.User
			s.visit(t, key, func(w http.ResponseWriter, r *http.Request) (err error) {
				found, err = s.auth.User(r)
				if err == nil {
					err = s.auth.Login(w, r, found, "") // a new key, the old one deleted, and last_login
				}
				if err != nil {
					t.Errorf("login: %v", err)
				}
				return err
			})
			r, err := s.store.Create(t.Context(), "", nil, time.Time{})
			if err == nil {
				r, err = s.store.Replace(t.Context(), r, r.Values, time.Time{})
			}
			if err == nil {
				err = s.store.Delete(t.Context(), r.Key)
			}
			for _, scanned := range s.store.Scan(t.Context(), djsession.Range{Expired: true}) {
				err = errors.Join(err, scanned)
			}
			if err != nil {
				t.Errorf("a writer: %v", err)
			}
		})
	}
}

// as opens the Go service for a database user who has these rights only.
func (s *site) as(t *testing.T, admin *sql.DB, rights ...string) {
	t.Helper()
	where, err := url.Parse(s.db.URL)
	if err != nil {
		t.Fatal(err)
	}
	name := "limited_" + strings.ToLower(djsession.NewKey()[:8])
	grantee := `"` + name + `"`
	create := "CREATE ROLE " + grantee + " LOGIN"
	if s.db.Kind == "mariadb" {
		grantee = "'" + name + "'@'%'"
		create = "CREATE USER " + grantee + " IDENTIFIED BY 'limited'"
		where.User = url.UserPassword(name, "limited")
	} else {
		where.User = url.User(name)
	}
	exec(t, admin, create)
	for _, right := range rights {
		exec(t, admin, "GRANT "+right+" TO "+grantee)
	}
	store, err := storeurl.Open(where.String(), s.settings)
	if err != nil {
		t.Fatal(err)
	}
	s.openOn(t, store.(*dbstore.Store), djauth.UserModel{})
}

func exec(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
