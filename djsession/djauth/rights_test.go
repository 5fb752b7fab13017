package djauth_test

import (
	"database/sql"
	"errors"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// Each GRANT in docs/stores.md is enough for its purpose.
func TestRights(t *testing.T) {
	djangotest.NotShort(t, "PostgreSQL and MariaDB")
	rights := documentedRights(t)
	for _, kind := range []func(testing.TB) djangotest.Database{djangotest.Postgres, djangotest.MariaDB} {
		db := kind(t)
		t.Run(db.Kind, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, djangotest.Newest, db, nil)
			s.django.Do(t, `make_user("zoe")`, nil, nil)
			admin := s.store.DB()
			s.as(t, admin, rights["read sessions"], rights["auth.User, djsess list --username, revoke --inactive"])
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
			for _, err := range s.store.Scan(t.Context(), djsession.Range{Expired: true}) {
				if err != nil {
					t.Errorf("a reader lists: %v", err)
				}
			}
			users, err := djauth.UsersIn(s.store, djauth.UserModel{})
			if err == nil {
				_, err = users.UserByUsername(t.Context(), "zoe")
			}
			if err != nil {
				t.Errorf("a reader finds a user by name: %v", err)
			}
			err = s.store.Delete(t.Context(), key)
			var op *djsession.OpError
			if !errors.As(err, &op) || !strings.Contains(op.Hint, "docs/stores.md") {
				t.Errorf("a reader deletes: error %v, want a hint at docs/stores.md", err)
			}

			s.as(t, admin, rights["read and write sessions"], rights["auth.Login"])
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
			if err := readAndWrite(t, s.store); err != nil {
				t.Errorf("a writer: %v", err)
			}

			s.django.Do(t, `
				from django.core.management import call_command
				call_command("createcachetable", "site_cache")
			`, nil, nil)
			where := s.limitedUser(t, admin, rights["a DatabaseCache"])
			cache, err := storeurl.Open("dbcache+"+where+"?table=site_cache", s.settings)
			if err != nil {
				t.Fatal(err)
			}
			defer cache.Close()
			if err := readAndWrite(t, cache); err != nil {
				t.Errorf("a cache: %v", err)
			}
		})
	}
}

// readAndWrite calls every operation of a store.
func readAndWrite(t *testing.T, store djsession.Store) error {
	r, err := store.Create(t.Context(), "", nil, time.Time{})
	if err == nil {
		r, err = store.Load(t.Context(), r.Key)
	}
	if err == nil {
		r, err = store.Replace(t.Context(), r, r.Values, time.Time{})
	}
	if err == nil {
		err = store.Delete(t.Context(), r.Key)
	}
	for _, scanned := range store.(djsession.Scanner).Scan(t.Context(), djsession.Range{Expired: true}) {
		err = errors.Join(err, scanned)
	}
	return err
}

// documentedRights returns the GRANT lines of docs/stores.md, up to their TO, by their comments.
func documentedRights(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/stores.md")
	if err != nil {
		t.Fatal(err)
	}
	rights := map[string]string{}
	for _, line := range regexp.MustCompile(`(?m)^(GRANT .+) TO djsess; +-- (.+)$`).FindAllStringSubmatch(string(text), -1) {
		rights[line[2]] = line[1]
	}
	if len(rights) != 5 {
		t.Fatalf("docs/stores.md has these GRANT lines: %q", rights)
	}
	return rights
}

// as opens the Go service as a database user with only these rights.
func (s *site) as(t *testing.T, admin *sql.DB, rights ...string) {
	t.Helper()
	store, err := storeurl.Open(s.limitedUser(t, admin, rights...), s.settings)
	if err != nil {
		t.Fatal(err)
	}
	s.openOn(t, store.(sqlStore), djauth.UserModel{})
}

// limitedUser creates a database user with only these rights, and returns the database's URL for
// that user.
func (s *site) limitedUser(t *testing.T, admin *sql.DB, rights ...string) string {
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
		if right == "" {
			t.Fatal("a right is missing in docs/stores.md")
		}
		exec(t, admin, right+" TO "+grantee)
	}
	return where.String()
}

func exec(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
