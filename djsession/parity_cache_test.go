package djsession_test

import (
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/middlewaretest"
)

// These are the engines of TestMiddlewareIsDjangos that use a cache.

const (
	cacheBackend    = "django.contrib.sessions.backends.cache"
	cachedDBBackend = "django.contrib.sessions.backends.cached_db"
)

func databaseCacheEngine(t *testing.T) middlewaretest.Engine {
	db := quickSQLite(t)
	return middlewaretest.Engine{
		Django: djangotest.Settings{"SESSION_ENGINE": cacheBackend, "DATABASES": db.Settings(), "CACHES": djangotest.Caches(databaseCache)},
		Open:   opens("dbcache+" + db.URL + "?table=django_cache"),
	}
}

// databaseCache is an entry of CACHES, for a table that createcachetable creates.
var databaseCache = map[string]any{
	"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "django_cache",
}

func redisEngine(t *testing.T) middlewaretest.Engine {
	redis := djangotest.Redis(t)
	return middlewaretest.Engine{
		Django:   djangotest.Settings{"SESSION_ENGINE": cacheBackend, "CACHES": djangotest.Caches(redis.Django())},
		Open:     opens(redis.URL),
		OwnClock: true,
	}
}

func memcachedEngine(t *testing.T) middlewaretest.Engine {
	memcached := djangotest.Memcached(t, 1, "-o", "no_lru_maintainer,lru_crawler") // nothing moves while the items are listed
	return middlewaretest.Engine{
		Django:   djangotest.Settings{"SESSION_ENGINE": cacheBackend, "CACHES": djangotest.Caches(quickMemcached(memcached))},
		Open:     opens(memcachedURL(memcached)),
		OwnClock: true,
	}
}

// quickMemcached is a client that sends short commands at once. Otherwise it would wait for more
// data to send.
func quickMemcached(m djangotest.MemcachedServers) map[string]any {
	entry := m.Django("PyMemcacheCache")
	entry["OPTIONS"] = map[string]any{"no_delay": true}
	return entry
}

func memcachedURL(m djangotest.MemcachedServers) string {
	return "memcached://" + strings.Join(m.Addrs(), ",")
}

func coldCachedDBEngine(t *testing.T) middlewaretest.Engine {
	db, redis := quickSQLite(t), djangotest.Redis(t)
	return middlewaretest.Engine{
		Django: djangotest.Settings{"SESSION_ENGINE": cachedDBBackend, "DATABASES": db.Settings(), "CACHES": djangotest.Caches(redis.Django())},
		Open: func(t testing.TB, s *djsession.Settings) djsession.Store {
			store, err := storeurl.OpenCachedDB(redis.URL, db.URL, s)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { store.Close() })
			return store
		},
	}
}

func warmCachedDBEngine(t *testing.T) middlewaretest.Engine {
	e := coldCachedDBEngine(t)
	e.Warm = true
	return e
}

// opens returns a function that opens a store by its URL. The store is closed when the test ends.
func opens(url string) func(testing.TB, *djsession.Settings) djsession.Store {
	return func(t testing.TB, s *djsession.Settings) djsession.Store {
		t.Helper()
		store, err := storeurl.Open(url, s)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		return store
	}
}
