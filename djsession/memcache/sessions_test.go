package memcache_test

import (
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/memcache"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/edit"
)

// A session of the engine cache: if Go changes one value, the values that Go cannot interpret
// stay equal in Python.
func TestSessions(t *testing.T) {
	onEachBackend(t, func(t *testing.T, version, backend string, hash memcache.Hash) {
		servers := djangotest.Memcached(t, 3)
		django := djangotest.Start(t, version, djangotest.Settings{
			"CACHES":         djangotest.Caches(servers.Django(backend)),
			"SESSION_ENGINE": "django.contrib.sessions.backends.cache",
		})
		settings, err := djsession.NewSettings(version, djangotest.SecretKey)
		if err != nil {
			t.Fatal(err)
		}
		cache := newCache(t, memcache.Config{Servers: servers.Addrs(), Hash: hash})
		store, err := cachestore.New(cache, cachestore.Config{Settings: settings})
		if err != nil {
			t.Fatal(err)
		}
		var key string
		django.Do(t, `
			import fractions
			odd = [fractions.Fraction(1, 3), range(7), {1, (2, 3)}]
			odd.append(odd[0])
			s = SessionStore()
			s["name"], s["odd"] = "alice", odd
			s.save()
			result = s.session_key
		`, nil, &key)
		if _, err := djsession.Update(t.Context(), store, key, edit.Set("name", "bob")); err != nil {
			t.Fatal(err)
		}
		var seen string
		django.Do(t, `
			s = SessionStore(args)
			result = "%s %s %s" % (s["name"], s["odd"] == odd, s["odd"][3] is s["odd"][0])
		`, key, &seen)
		if seen != "bob True True" {
			t.Errorf("Django has %s", seen)
		}

		// A session of Go's.
		v := new(djsession.Values)
		if err := v.UnmarshalPythonJSON(`{"name":"carol","n":1.0}`); err != nil {
			t.Fatal(err)
		}
		record, err := store.Create(t.Context(), "", v, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if django.Do(t, `result = repr(dict(SessionStore(args).items()))`, record.Key, &seen); seen != "{'name': 'carol', 'n': 1.0}" {
			t.Errorf("Django has %s", seen)
		}
		if want := "cache (memcached " + strings.Join(servers.Addrs(), ", ") + ")"; store.String() != want {
			t.Errorf("it is %q, want %q", store, want)
		}
	})
}
