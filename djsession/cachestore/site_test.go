package cachestore_test

import (
	"database/sql"
	"maps"
	"path/filepath"
	"testing"

	_ "github.com/lib/pq"
	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/dbcache"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/djsession/filecache"
	"github.com/djsess/djsess/djsession/memcache"
	"github.com/djsess/djsess/djsession/rediscache"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// versions are the Djangos that the test machines have cache clients for.
var versions = djangotest.Since("3.2")

// cacheKind is one of Django's backends and our cache for it.
type cacheKind struct {
	name  string
	since string // the first of versions that has it
	// start returns the entry for CACHES and a function that opens our cache.
	start func(t *testing.T) (entry map[string]any, open func(t *testing.T, s *djsession.Settings) cachestore.Cache)
	lists bool // that it can be enumerated, with keys
}

var cacheKinds = []cacheKind{
	{"redis", "4.2", func(t *testing.T) (map[string]any, func(*testing.T, *djsession.Settings) cachestore.Cache) {
		r := djangotest.Redis(t)
		return r.Django(), opensRedis(r, rediscache.Config{})
	}, true},
	{"django-redis", "3.2", func(t *testing.T) (map[string]any, func(*testing.T, *djsession.Settings) cachestore.Cache) {
		r := djangotest.Redis(t)
		return r.DjangoRedis(), opensRedis(r, rediscache.Config{DjangoRedis: true})
	}, true},
	{"memcached", "3.2", func(t *testing.T) (map[string]any, func(*testing.T, *djsession.Settings) cachestore.Cache) {
		m := djangotest.Memcached(t, 2)
		return m.Django("PyMemcacheCache"), func(t *testing.T, s *djsession.Settings) cachestore.Cache {
			cache, err := memcache.New(memcache.Config{Servers: m.Addrs()})
			return must(t, cache, err)
		}
	}, false},
	{"database", "3.2", func(t *testing.T) (map[string]any, func(*testing.T, *djsession.Settings) cachestore.Cache) {
		entry := map[string]any{"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "django_cache"}
		return entry, nil // in the site's database
	}, true},
	{"files", "3.2", func(t *testing.T) (map[string]any, func(*testing.T, *djsession.Settings) cachestore.Cache) {
		dir := t.TempDir()
		entry := map[string]any{"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": dir}
		return entry, func(t *testing.T, s *djsession.Settings) cachestore.Cache {
			cache, err := filecache.New(filecache.Config{Dir: dir, Settings: s})
			return must(t, cache, err)
		}
	}, false},
}

func opensRedis(r *djangotest.RedisServer, c rediscache.Config) func(*testing.T, *djsession.Settings) cachestore.Cache {
	return func(t *testing.T, s *djsession.Settings) cachestore.Cache {
		c.Writer = redis.NewClient(&redis.Options{Addr: r.Addr})
		cache, err := rediscache.New(c)
		return must(t, cache, err)
	}
}

func must[T any](t *testing.T, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// site is a Django whose sessions are in a cache.
type site struct {
	*djangotest.Django
	db       djangotest.Database
	settings *djsession.Settings
	cache    cachestore.Cache
}

// newSite starts a Django with an engine, "cache" or "cached_db".
func newSite(t *testing.T, version, engine string, kind cacheKind, further djangotest.Settings) *site {
	t.Helper()
	s := &site{db: djangotest.SQLite(t)}
	entry, open := kind.start(t)
	django := djangotest.Settings{
		"SESSION_ENGINE": "django.contrib.sessions.backends." + engine,
		"CACHES":         djangotest.Caches(entry),
		"DATABASES":      s.db.Settings(),
		"USE_TZ":         true,
	}
	maps.Copy(django, further)
	s.Django = djangotest.Start(t, version, django)
	s.Do(t, `
		import collections, decimal, fractions
		from django.core.cache import cache
		from django.core.management import call_command
		migrate()
		call_command("createcachetable", verbosity=0)
	`, nil, nil)
	var err error
	if s.settings, err = djsession.NewSettings(version, djangotest.SecretKey); err != nil {
		t.Fatal(err)
	}
	s.settings.UseTZ = true
	if open == nil {
		open = func(t *testing.T, settings *djsession.Settings) cachestore.Cache {
			cache, err := dbcache.New(dbcache.Config{DB: s.openDB(t), Dialect: dbstore.SQLite, Table: "django_cache", Settings: settings})
			return must(t, cache, err)
		}
	}
	s.cache = open(t, s.settings)
	return s
}

func (s *site) openDB(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(s.db.Name)+"?_pragma=busy_timeout(5000)&_txlock=immediate")
	return must(t, db, err)
}

// store is the site's engine cache.
func (s *site) store(t *testing.T, c cachestore.Config) *cachestore.Store {
	t.Helper()
	c.Settings = s.settings
	store, err := cachestore.New(s.cache, c)
	must(t, store, err)
	t.Cleanup(func() { store.Close() })
	return store
}

// onKinds runs a test with each Django on each kind of cache that it has.
func onKinds(t *testing.T, test func(t *testing.T, version string, kind cacheKind)) {
	for _, kind := range cacheKinds {
		for _, version := range djangotest.Djangos(versions...) {
			if !djangotest.AtLeast(version, kind.since) {
				continue
			}
			t.Run(version+"/"+kind.name, func(t *testing.T) {
				t.Parallel()
				test(t, version, kind)
			})
		}
	}
}
