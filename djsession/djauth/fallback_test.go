package djauth_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/internal/djangotest"
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

func TestFallbackIsRenewed(t *testing.T) {
	for _, version := range []string{"4.2", "5.2"} {
		for _, kind := range djangotest.Databases {
			t.Run(version+"/"+kind.Kind, func(t *testing.T) {
				t.Parallel()
				s, keys := rotated(t, version, kind.New(t), 2)
				django := s.djangoWho(t, keys[0])
				got, _ := s.who(t, keys[1])
				if django.User != "zoe" || got.User != "zoe" {
					t.Fatalf("%v, in Django %v", got, django)
				}
				for old, renewed := range map[string]string{keys[0]: django.Cookie, keys[1]: got.Cookie} {
					if len(renewed) != 32 || renewed == old || s.row(t, old) != "" {
						t.Errorf("the key was not cycled: %v, in Django %v", got, django)
					}
				}
				if items, djangos := s.items(t, got.Cookie), s.items(t, django.Cookie); items != djangos {
					t.Errorf("%s\nin Django\n%s", items, djangos)
				}
				var hash string
				s.django.Do(t, `result = dict(items(args))["_auth_user_hash"] == new_hash and "new"`, got.Cookie, &hash)
				if hash != "new" {
					t.Error("the hash is not the new one")
				}
				// Each takes the other's for renewed, without the fallback as well.
				s.django.Do(t, `settings.SECRET_KEY_FALLBACKS = []`, nil, nil)
				s.settings.SecretKeyFallbacks = nil
				s.open(t, djauth.UserModel{})
				if at := s.djangoWho(t, got.Cookie); at != (seen{User: "zoe"}) {
					t.Errorf("renewed by Go, in Django %v", at)
				}
				if at, _ := s.who(t, django.Cookie); at != (seen{User: "zoe"}) {
					t.Errorf("renewed by Django, in Go %v", at)
				}
			})
		}
	}
}

// A manager that only reads takes the user for logged in, and writes nothing.
func TestFallbackReadOnly(t *testing.T) {
	s, keys := rotated(t, "5.2", djangotest.SQLite(t), 2)
	s.manager.ReadOnly = true
	before := s.row(t, keys[0])
	if got, _ := s.who(t, keys[0]); got != (seen{User: "zoe"}) || s.row(t, keys[0]) != before {
		t.Errorf("%v, or the row changed", got)
	}
	// And with a wrong hash: nobody, and nothing is flushed.
	s.django.Do(t, `User.objects.update(password="md5$other")`, nil, nil)
	if got, _ := s.who(t, keys[0]); got != (seen{}) || s.row(t, keys[0]) != before {
		t.Errorf("%v, or the row changed", got)
	}
	// As soon as the response is on its way it is the same.
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

// A page with many requests, on the day of the new key: the one that renews the
// session takes it away from the others, and none of them may fail.
func TestFallbackInParallel(t *testing.T) {
	s, keys := rotated(t, "5.2", djangotest.SQLite(t), 1)
	const requests = 8
	var loaded, done sync.WaitGroup
	loaded.Add(requests)
	got := make([]seen, requests)
	for i := range got {
		done.Go(func() {
			w := s.visit(t, keys[0], func(w http.ResponseWriter, r *http.Request) error {
				_, err := djsession.FromRequest(r)
				loaded.Done()
				loaded.Wait()
				if err != nil {
					return err
				}
				user, err := s.auth.User(r)
				if user != nil {
					got[i].User = user.Username
				}
				return err
			})
			if w.Code != http.StatusOK {
				t.Errorf("status %d: %s", w.Code, w.Body)
			}
			got[i].Cookie = cookie(t, w, "sessionid")
		})
	}
	done.Wait()
	renewed := 0
	for _, g := range got {
		if g.User != "zoe" {
			t.Errorf("%v", g)
		}
		if g.Cookie != "" {
			renewed++
			if at := s.djangoWho(t, g.Cookie); at != (seen{User: "zoe"}) {
				t.Errorf("in Django %v", at)
			}
		}
	}
	if renewed != 1 {
		t.Errorf("%d of %d requests renewed the session", renewed, requests)
	}
	var rows int
	if s.django.Do(t, `result = Session.objects.count()`, nil, &rows); rows != 1 {
		t.Errorf("%d rows are left", rows)
	}
}

// A service that knows neither the new key nor the old one leaves everybody be.
func TestWrongSecret(t *testing.T) {
	for _, version := range djangotest.Versions {
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
