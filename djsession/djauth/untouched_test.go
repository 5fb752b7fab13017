package djauth_test

import (
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// newCachedSite is a site whose sessions are in a cache, where nothing is signed.
func newCachedSite(t *testing.T) *site {
	t.Helper()
	s := newSite(t, djangotest.Newest, djangotest.SQLite(t), djangotest.Settings{
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

// openCached makes the Go service, with its sessions in the cache.
func (s *site) openCached(t *testing.T) {
	t.Helper()
	s.open(t, djauth.UserModel{}) // for the users
	store, err := storeurl.Open("dbcache+"+s.db.URL+"?table=django_cache", s.settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	if s.manager, err = djsession.NewManager(store); err != nil {
		t.Fatal(err)
	}
	s.observe(t)
}

// exists reports whether Django has a session.
func (s *site) exists(t *testing.T, key string) (exists bool) {
	t.Helper()
	s.django.Do(t, `result = SessionStore().exists(args)`, key, &exists)
	return exists
}

// In a cache, sessions load whatever the SECRET_KEY, and with another one no hash fits:
// nobody is logged out, though another hash did fit.
func TestUntouchedInCache(t *testing.T) {
	s := newCachedSite(t)
	var keys []string
	s.django.Do(t, `
		make_user("zoe"); make_user("ann")
		result = [log_in("zoe", cart=[1.0]), log_in("ann"), log_in("zoe")]
	`, nil, &keys)
	right := s.settings.SecretKey
	s.settings.SecretKey = "of another site"
	s.openCached(t)
	var fits string
	s.django.Do(t, `
		from django.utils.crypto import salted_hmac
		salt = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
		fits = salted_hmac(salt, find("ann").password, secret="of another site", algorithm="sha256").hexdigest()
		result = log_in("ann")
		change(result, _auth_user_hash=fits)
	`, nil, &fits)
	if got, _ := s.who(t, fits); got != (seen{User: "ann"}) {
		t.Errorf("%v", got)
	}
	for _, key := range keys {
		if got, _ := s.who(t, key); got != (seen{}) || !s.exists(t, key) {
			t.Errorf("%v, or the session is gone", got)
		}
	}
	if len(s.refusals) != 1 || !strings.Contains(s.refusals[0], "SECRET_KEY") || strings.Contains(s.refusals[0], "of another site") {
		t.Errorf("told of %q", s.refusals)
	}
	s.settings.SecretKey = right
	s.openCached(t)
	for i, name := range []string{"zoe", "ann", "zoe"} {
		if at := s.djangoWho(t, keys[i]); at != (seen{User: name}) {
			t.Errorf("in Django %v", at)
		}
		if got, _ := s.who(t, keys[i]); got != (seen{User: name}) {
			t.Errorf("with the right SECRET_KEY: %v", got)
		}
	}
	// Django ends a session whose user has another password now.
	s.django.Do(t, `User.objects.filter(username="zoe").update(password="md5$other")`, nil, nil)
	if got, _ := s.who(t, keys[0]); got != (seen{}) || !s.exists(t, keys[0]) {
		t.Errorf("after a change of password: %v, or the session is gone", got)
	}
	if at := s.djangoWho(t, keys[0]); at != (seen{Cookie: "deleted"}) || s.exists(t, keys[0]) {
		t.Errorf("after a change of password, in Django: %v", at)
	}
}

// Of each kind of refusal the Observer is told once in ten seconds, and how many there
// were.
func TestRefusalsAreCounted(t *testing.T) {
	s := newSite(t, djangotest.Newest, djangotest.SQLite(t), nil)
	var keys []string
	s.django.Do(t, `
		make_user("zoe"); make_user("ann"); make_user("bob")
		result = [log_in("zoe"), log_in("ann"), log_in("zoe", backend="other.Backend"), log_in("bob")]
		User.objects.update(password="md5$other")
		User.objects.filter(username="bob").delete()
	`, nil, &keys)
	at := time.Now()
	s.settings.Now = func() time.Time { return at }
	s.open(t, djauth.UserModel{})
	told := func(want ...string) {
		t.Helper()
		ok := len(s.refusals) == len(want)
		for i := 0; ok && i < len(want); i++ {
			ok = strings.Contains(s.refusals[i], want[i])
		}
		if !ok {
			t.Errorf("told %q, want %q", s.refusals, want)
		}
		s.refusals = nil
	}
	for range 2 {
		for _, key := range keys {
			s.who(t, key)
		}
	}
	told("_auth_user_hash", "other.Backend", "its user does not exist: was the user deleted, or are UserModel.Table")
	at = at.Add(10*time.Second - 1)
	s.who(t, keys[0])
	told()
	at = at.Add(1)
	s.who(t, keys[1])
	told("and 4 more like it")
	at = at.Add(10 * time.Second)
	s.who(t, keys[1])
	told("_auth_user_hash")
}
