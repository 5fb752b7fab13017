package djauth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// rotated is a site whose SECRET_KEY was just changed, and sessions from before.
func rotated(t *testing.T, version string, db djangotest.Database, sessions int) (*site, []string) {
	t.Helper()
	s := newSite(t, version, db, nil)
	var keys []string
	s.django.Do(t, `
		make_user("zoe")
		result = [log_in("zoe", cart=[1.0]) for _ in range(args)]
		settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY, "an older one"]
		settings.SECRET_KEY = "the new one"
		new_hash = find("zoe").get_session_auth_hash()
	`, sessions, &keys)
	s.settings.SecretKeyFallbacks = []string{s.settings.SecretKey, "an older one"}
	s.settings.SecretKey = "the new one"
	s.open(t, djauth.UserModel{})
	return s, keys
}

// Under a fallback key Go knows the user and writes nothing; Django renews the session
// at its own next request, and Go knows the user of the renewed one.
func TestFallback(t *testing.T) {
	for _, version := range djangotest.OldestAndNewest(djangotest.Since("4.1")...) {
		for _, kind := range djangotest.Databases() {
			t.Run(version+"/"+kind.Kind, func(t *testing.T) {
				t.Parallel()
				s, keys := rotated(t, version, kind.New(t), 1)
				before := s.row(t, keys[0])
				for range 2 {
					if got, _ := s.who(t, keys[0]); got != (seen{User: "zoe"}) || len(s.refusals) > 0 {
						t.Errorf("%v, and the Observer was told %q", got, s.refusals)
					}
				}
				if before == "" || s.row(t, keys[0]) != before {
					t.Error("the row was changed")
				}
				django := s.djangoWho(t, keys[0])
				if django.User != "zoe" || len(django.Cookie) != 32 || django.Cookie == keys[0] || s.row(t, keys[0]) != "" {
					t.Errorf("in Django, after Go, %v", django)
				}
				s.settings.SecretKeyFallbacks = nil
				s.open(t, djauth.UserModel{})
				if got, _ := s.who(t, django.Cookie); got != (seen{User: "zoe"}) {
					t.Errorf("renewed by Django, in Go %v", got)
				}
			})
		}
	}
}

// Login is Django's: the hash of a fallback key is not the current one, so that the
// session is flushed, though it is the same user's.
func TestFallbackAndLogin(t *testing.T) {
	for _, version := range djangotest.OldestAndNewest(djangotest.Since("4.1")...) {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			s, keys := rotated(t, version, djangotest.SQLite(t), 2)
			var at struct{ Cookie, CSRF string }
			s.django.Do(t, `result = visit(lambda request: auth.login(request, find("zoe"), MODEL_BACKEND), args)`, keys[0], &at)
			want := s.outcome(t, keys[0], at.Cookie, at.CSRF)
			w := s.visit(t, keys[1], func(w http.ResponseWriter, r *http.Request) error { return s.auth.Login(w, r, s.zoe(t), "") })
			got := s.outcome(t, keys[1], cookie(t, w, "sessionid"), cookieLine(w, "csrftoken"))
			if got != want || got.Key != "new" || got.Old != "" || strings.Contains(got.Held, "cart") {
				t.Errorf("Go leaves\n%+v\nDjango\n%+v", got, want)
			}
		})
	}
}

// It makes no difference to a manager that only reads, or after the response has begun.
func TestUserReadOnly(t *testing.T) {
	s, keys := rotated(t, djangotest.Newest, djangotest.SQLite(t), 1)
	s.manager.ReadOnly = true
	before := s.row(t, keys[0])
	if got, _ := s.who(t, keys[0]); got != (seen{User: "zoe"}) || s.row(t, keys[0]) != before {
		t.Errorf("%v, or the row changed", got)
	}
	s.django.Do(t, `User.objects.update(password="md5$other")`, nil, nil)
	if got, _ := s.who(t, keys[0]); got != (seen{}) || s.row(t, keys[0]) != before {
		t.Errorf("%v, or the row changed", got)
	}
	s.manager.ReadOnly = false
	w := s.visit(t, keys[0], func(w http.ResponseWriter, r *http.Request) error {
		if _, err := djsession.FromRequest(r); err != nil {
			return err
		}
		w.WriteHeader(http.StatusOK)
		user, err := s.auth.User(r)
		if user != nil {
			t.Errorf("%v", user)
		}
		return err
	})
	if w.Code != http.StatusOK || s.row(t, keys[0]) != before {
		t.Errorf("status %d, or the row changed", w.Code)
	}
}

// A service with another SECRET_KEY logs nobody out.
func TestWrongSecret(t *testing.T) {
	for _, version := range djangotest.Djangos() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, version, djangotest.SQLite(t), nil)
			var key string
			s.django.Do(t, `make_user("zoe"); result = log_in("zoe")`, nil, &key)
			before := s.row(t, key)
			s.settings.SecretKey = "another site's"
			s.open(t, djauth.UserModel{})
			w := s.visit(t, key, func(w http.ResponseWriter, r *http.Request) error {
				user, err := s.auth.User(r)
				if user != nil || err == nil || strings.Contains(err.Error(), key) {
					t.Errorf("%v, %v", user, err)
				}
				return err
			})
			if w.Code != http.StatusInternalServerError || len(w.Header().Values("Set-Cookie")) > 0 || s.row(t, key) != before {
				t.Errorf("status %d, %v", w.Code, w.Header())
			}
			if at := s.djangoWho(t, key); at != (seen{User: "zoe"}) {
				t.Errorf("in Django %v", at)
			}
		})
	}
}
