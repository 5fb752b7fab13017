package djauth_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/djangotest"
)

// newCachedSite is a site whose sessions are in a cache, where nothing is signed.
func newCachedSite(t *testing.T) *site {
	t.Helper()
	s := newSite(t, "5.2", djangotest.SQLite(t), djangotest.Settings{
		"SESSION_ENGINE": "django.contrib.sessions.backends.cache",
		"CACHES": djangotest.Caches(map[string]any{
			"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "django_cache",
		}),
	})
	s.django.Do(t, `
		from django.core.management import call_command
		call_command("createcachetable", verbosity=0)
	`, nil, nil)
	return s
}

// openCached makes the Go service, and returns what its Observer is told of refusals.
func (s *site) openCached(t *testing.T) *[]string {
	t.Helper()
	s.open(t, djauth.UserModel{}) // for the users
	store, err := storeurl.Open("dbcache+"+s.db.URL+"?table=django_cache", s.settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	if s.manager, err = djsession.NewManager(store, s.settings); err != nil {
		t.Fatal(err)
	}
	refusals := new([]string)
	s.manager.Observer = func(ctx context.Context, e djsession.Event) {
		if e.Kind == djsession.EventRefusal {
			*refusals = append(*refusals, e.Err.Error())
		}
	}
	return refusals
}

// exists tells whether Django has a session.
func (s *site) exists(t *testing.T, key string) (exists bool) {
	t.Helper()
	s.django.Do(t, `result = SessionStore().exists(args)`, key, &exists)
	return exists
}

// With another SECRET_KEY no hash fits, and nothing else tells: nobody is logged out.
func TestUnsignedAndWrongSecretKey(t *testing.T) {
	s := newCachedSite(t)
	var keys []string
	s.django.Do(t, `
		make_user("zoe"); make_user("ann")
		result = [log_in("zoe", cart=[1.0]), log_in("ann"), log_in("zoe")]
	`, nil, &keys)
	right := s.settings.SecretKey
	s.settings.SecretKey = "of another site"
	refusals := s.openCached(t)
	if err := s.manager.Check(t.Context()); err != nil { // which cannot see it
		t.Error(err)
	}
	for _, key := range keys {
		if got, _ := s.who(t, key); got != (seen{}) || !s.exists(t, key) {
			t.Errorf("%v, or the session is gone", got)
		}
	}
	if len(*refusals) != 1 || !strings.Contains((*refusals)[0], "SECRET_KEY") || strings.Contains((*refusals)[0], "of another site") {
		t.Errorf("told of %q", *refusals)
	}
	for _, key := range keys {
		if got := s.djangoWho(t, key); got.User == "" || got.Cookie != "" {
			t.Errorf("in Django %v", got)
		}
	}
	s.settings.SecretKey = right
	s.openCached(t)
	for i, name := range []string{"zoe", "ann", "zoe"} {
		if got, _ := s.who(t, keys[i]); got != (seen{User: name}) {
			t.Errorf("with the right SECRET_KEY: %v", got)
		}
	}
}

// Once a hash has fitted, a wrong one is a password that was changed, as in Django.
func TestUnsignedAndChangedPassword(t *testing.T) {
	s := newCachedSite(t)
	var keys []string
	s.django.Do(t, `
		make_user("zoe"); make_user("ann")
		result = [log_in("zoe"), log_in("zoe"), log_in("zoe"), log_in("ann")]
		User.objects.filter(username="zoe").update(password="md5$other")
	`, nil, &keys)
	s.openCached(t)
	if got, _ := s.who(t, keys[0]); got != (seen{}) || !s.exists(t, keys[0]) {
		t.Errorf("before: %v", got)
	}
	if got, _ := s.who(t, keys[3]); got != (seen{User: "ann"}) {
		t.Errorf("%v", got)
	}
	django := s.djangoWho(t, keys[1])
	if got, _ := s.who(t, keys[2]); got != django || got != (seen{Cookie: "deleted"}) || s.exists(t, keys[2]) {
		t.Errorf("after: %v, in Django %v", got, django)
	}
	// The login of somebody else ends it, proven or not.
	s.openCached(t)
	s.visit(t, keys[0], func(w http.ResponseWriter, r *http.Request) error {
		users, err := djauth.UsersIn(s.store, djauth.UserModel{})
		if err != nil {
			return err
		}
		ann, err := users.UserByUsername(r.Context(), "ann")
		if err != nil {
			return err
		}
		return s.auth.Login(w, r, ann, "")
	})
	if s.exists(t, keys[0]) {
		t.Error("the old session is still there")
	}
}

// A session that was signed is proof enough of the SECRET_KEY.
func TestUnsigned(t *testing.T) {
	for _, cached := range []bool{false, true} {
		s := newSite(t, "5.2", djangotest.SQLite(t), nil)
		if cached {
			s = newCachedSite(t)
			s.openCached(t)
		}
		var key string
		s.django.Do(t, `
			make_user("zoe")
			result = log_in("zoe")
		`, nil, &key)
		s.visit(t, key, func(w http.ResponseWriter, r *http.Request) error {
			session, err := djsession.FromRequest(r)
			if err == nil && session.Unsigned() != cached {
				err = errors.New("signed and unsigned are mixed up")
			}
			if err == nil {
				err = session.Save(r.Context())
			}
			if err == nil && session.Unsigned() != cached {
				err = errors.New("saving a session does not make it one or the other")
			}
			if err != nil {
				t.Error(err)
			}
			return err
		})
	}
}
