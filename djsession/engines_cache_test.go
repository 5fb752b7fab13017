package djsession_test

import (
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// cacheEngines are the engines cache and cached_db, on each kind of cache. In every Django the
// cached sessions are pickled.
var cacheEngines = []engine{
	{name: "cache in a database", main: true, dead: ends, pickled: true, start: func(t *testing.T, version string) (*djangotest.Django, func(*djsession.Settings) djsession.Store) {
		db := djangotest.SQLite(t)
		return startCache(t, version, "dbcache+"+db.URL+"?table=django_cache", djangotest.Settings{
			"DATABASES": db.Settings(), "CACHES": djangotest.Caches(databaseCache),
		})
	}},
	{name: "cached_db before a cache in a database", dead: ends, start: func(t *testing.T, version string) (*djangotest.Django, func(*djsession.Settings) djsession.Store) {
		db := djangotest.SQLite(t)
		django := djangotest.Start(t, version, djangotest.Settings{
			"SESSION_ENGINE": cachedDBBackend, "DATABASES": db.Settings(), "CACHES": djangotest.Caches(databaseCache),
		})
		django.Do(t, "migrate(); "+createCacheTable, nil, nil)
		return django, func(s *djsession.Settings) djsession.Store {
			store, err := storeurl.OpenCachedDB("dbcache+"+db.URL+"?table=django_cache", db.URL, s)
			if err != nil {
				t.Fatal(err)
			}
			return store
		}
	}},
	{name: "cache in redis", from: "4.2", dead: ends, pickled: true, ownClock: true, start: func(t *testing.T, version string) (*djangotest.Django, func(*djsession.Settings) djsession.Store) {
		redis := djangotest.Redis(t)
		return startCache(t, version, redis.URL, djangotest.Settings{"CACHES": djangotest.Caches(redis.Django())})
	}},
	{name: "cache in django-redis", from: "3.2", dead: ends, pickled: true, ownClock: true, start: func(t *testing.T, version string) (*djangotest.Django, func(*djsession.Settings) djsession.Store) {
		redis := djangotest.Redis(t)
		return startCache(t, version, redis.URL+"?client=django-redis", djangotest.Settings{"CACHES": djangotest.Caches(redis.DjangoRedis())})
	}},
	{name: "cache in memcached", from: "3.2", dead: ends, pickled: true, ownClock: true, start: func(t *testing.T, version string) (*djangotest.Django, func(*djsession.Settings) djsession.Store) {
		memcached := djangotest.Memcached(t, 3)
		return startCache(t, version, memcachedURL(memcached), djangotest.Settings{"CACHES": djangotest.Caches(quickMemcached(memcached))})
	}},
}

const createCacheTable = `__import__("django.core.management", fromlist=["x"]).call_command("createcachetable", verbosity=0)`

// startCache starts a Django with the engine cache.
func startCache(t *testing.T, version, url string, settings djangotest.Settings) (*djangotest.Django, func(*djsession.Settings) djsession.Store) {
	settings["SESSION_ENGINE"] = cacheBackend
	django := djangotest.Start(t, version, settings)
	django.Do(t, createCacheTable, nil, nil) // only for a DatabaseCache
	return django, func(s *djsession.Settings) djsession.Store {
		store, err := storeurl.Open(url, s)
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
}

// The clocks of servers cannot be moved. The tests of their packages and TestMiddlewareIsDjangos
// compare the expiries that the servers get with Django's.
func (e engine) moments() []time.Duration {
	if e.ownClock {
		return []time.Duration{0}
	}
	return []time.Duration{0, 10 * time.Minute, twoWeeks - time.Hour, twoWeeks + time.Hour, 101 * 24 * time.Hour}
}
