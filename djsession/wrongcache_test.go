package djsession_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// A session in a cache is not signed, so nothing in it shows which site it belongs to.

// cachedSite is a live Django with visitors who are logged in, and whose sessions are in a cache.
type cachedSite struct {
	*loggedInSite
	url string // of the cache
}

// The site's cache does not have the default settings.
const (
	sitePrefix  = "shop"
	siteVersion = 2
)

func startCachedSite(t *testing.T, engine, url string, entry map[string]any) cachedSite {
	t.Helper()
	entry["KEY_PREFIX"], entry["VERSION"] = sitePrefix, siteVersion
	s := startLoggedInSiteOn(t, djangotest.Newest, djangotest.SecretKey, djangotest.Settings{
		"SESSION_ENGINE": engine, "CACHES": djangotest.Caches(entry),
	})
	if engine == cacheBackend {
		s.Do(t, pythonCachedRows, nil, nil)
	}
	return cachedSite{s, url}
}

// pythonCachedRows makes rows return the cached items and the users, in a form that changes with
// every write.
const pythonCachedRows = `
	from django.core.cache import cache
	keys, log_in_anywhere, database_rows = [], log_in, rows

	def log_in(name):
		keys.append(log_in_anywhere(name))
		return keys[-1]

	def cached(key):
		if hasattr(cache, "_key_to_file"):
			with open(cache._key_to_file(SessionStore.cache_key_prefix + key), "rb") as f:
				return f.read()
		cache_key = cache.make_key(SessionStore.cache_key_prefix + key)
		if not hasattr(cache._cache, "get_client"):
			return cache._cache.get(cache_key)
		client = cache._cache.get_client()
		return client.get(cache_key), client.pexpiretime(cache_key)

	def rows():
		return database_rows() + ["%s: %r" % (key, cached(key)) for key in keys]
`

// right are the options of a URL with the site's settings.
var right = options(sitePrefix, siteVersion)

func options(prefix string, version int) string {
	return fmt.Sprintf("?prefix=%s&version=%d", prefix, version)
}

// in configures the service to use this cache.
func in(url string) func(*testing.T, *config) {
	return func(t *testing.T, c *config) { c.store = opens(url)(t, c.settings) }
}

// cachedIn configures the service to use cached_db, with this cache and this database.
func cachedIn(url string, database djangotest.Database) func(*testing.T, *config) {
	return func(t *testing.T, c *config) {
		store, err := storeurl.OpenCachedDB(url, database.URL, c.settings)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		c.store = store
	}
}

// with configures the service with another SECRET_KEY.
func with(secretKey string, setUp func(*testing.T, *config)) func(*testing.T, *config) {
	return func(t *testing.T, c *config) {
		c.settings.SecretKey = secretKey
		setUp(t, c)
	}
}

// Sessions in a cache are as safe as sessions in a database: a Go service with other settings than
// the site's logs no visitor out, and destroys nothing.
func TestWrongConfigOfCaches(t *testing.T) {
	kinds := map[string]func(*testing.T) (cachedSite, []wrongConfig){
		"redis": wrongRedis, "memcached": wrongMemcached, "several memcached": wrongServers, "files": wrongFiles, "cached_db": wrongCachedDB,
	}
	if testing.Short() {
		maps.DeleteFunc(kinds, func(name string, _ func(*testing.T) (cachedSite, []wrongConfig)) bool {
			return name != "several memcached"
		})
	}
	for name, start := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site, wrongConfigs := start(t)
			for i, wrong := range wrongConfigs {
				t.Run(wrong.name, func(t *testing.T) { site.run(t, wrong, fmt.Sprint(i), nil) })
			}
		})
	}
}

func wrongRedis(t *testing.T) (cachedSite, []wrongConfig) {
	redis := djangotest.Redis(t)
	site := startCachedSite(t, cacheBackend, redis.URL, redis.Django())
	another := djangotest.Redis(t)
	others := startCachedSite(t, cacheBackend, another.URL, another.Django())
	others.Do(t, `log_in_all(args)`, []string{"x", "y"}, nil)
	elsewhere := site.url[:len(site.url)-1] // the same server, without the number of the database
	neighbours(t, redis, "2", sitePrefix)
	neighbours(t, redis, "0", "blog")
	return site, []wrongConfig{
		{"nothing", "", in(site.url + right), readable},
		{"SECRET_KEY", "", with("another", in(site.url+right)), readable},
		{"KEY_PREFIX", "", in(site.url + options("another", siteVersion)), untouched},
		{"no KEY_PREFIX", "", in(site.url + options("", siteVersion)), untouched},
		{"VERSION", "", in(site.url + options(sitePrefix, 1)), untouched},
		{"database number", "", in(site.url[:len(site.url)-1] + "1" + right), untouched},
		{"database number of another site", "", in(elsewhere + "2" + right), untouched},
		{"KEY_PREFIX of another site", "", in(elsewhere + "0" + options("blog", siteVersion)), untouched},
		{"client", "", in(site.url + right + "&client=django-redis"), readable},
		{"compressor", "", in(site.url + right + "&client=django-redis&compressor=zlib"), readable}, // values that are not compressed can be read
		{"serializer", "", in(site.url + right + "&client=django-redis&serializer=json"), untouched},
		{"an empty server", "", in(djangotest.Redis(t).URL + right), untouched},
		{"another site's server", "", in(others.url + right), untouched}, // its sessions are not signed
		{"engine", "", cachedIn(site.url+right, site.db), untouched},
		{"engine db, and a row that is dead for a year", "", func(t *testing.T, c *config) {
			site.Do(t, `
				from django.contrib.sessions.backends.db import SessionStore as DB
				Session.objects.update_or_create(session_key="d" * 32, defaults={
					"session_data": DB().encode({"a": 1}), "expire_date": timezone.now() - datetime.timedelta(days=365)})
			`, nil, nil)
		}, untouched},
	}
}

// neighbours starts another site on the same Redis, with visitors of its own.
func neighbours(t *testing.T, redis *djangotest.RedisServer, number, prefix string) {
	t.Helper()
	entry := redis.Django()
	entry["LOCATION"] = redis.URL[:len(redis.URL)-1] + number
	entry["KEY_PREFIX"], entry["VERSION"] = prefix, siteVersion
	s := startLoggedInSiteOn(t, djangotest.Newest, "another site's key", djangotest.Settings{
		"SESSION_ENGINE": cacheBackend, "CACHES": djangotest.Caches(entry),
	})
	s.Do(t, `log_in_all(args)`, []string{"x", "y"}, nil)
}

// wrongServers are lists of Memcached servers with another hash or spelling than at the site. By
// chance, some keys are still looked for on the server that has them.
func wrongServers(t *testing.T) (cachedSite, []wrongConfig) {
	memcached := djangotest.Memcached(t, 3)
	site := startCachedSite(t, cacheBackend, memcachedURL(memcached), memcached.Django("PyLibMCCache"))
	names := strings.ReplaceAll(site.url, "127.0.0.1", "localhost")
	return site, []wrongConfig{
		{"nothing", "", in(site.url + right + "&hash=pylibmc"), readable},
		{"hash", "", in(site.url + right), somewhat},
		{"names, hash", "", in(names + right), somewhat},
		{"order", "", in(memcachedURL(djangotest.MemcachedServers{memcached[2], memcached[0], memcached[1]}) + right + "&hash=pylibmc"), somewhat},
		{"a server", "", in(memcachedURL(djangotest.MemcachedServers{memcached[0], memcached[1], djangotest.Memcached(t, 1)[0]}) + right + "&hash=pylibmc"), somewhat},
	}
}

func wrongFiles(t *testing.T) (cachedSite, []wrongConfig) {
	dir := t.TempDir()
	url := "filecache:///" + dir
	site := startCachedSite(t, cacheBackend, url, map[string]any{
		"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": dir, "OPTIONS": map[string]any{"MAX_ENTRIES": 100000},
	})
	return site, []wrongConfig{
		{"nothing", "", in(url + right), readable},
		{"no KEY_PREFIX", "", in(url + options("", siteVersion)), untouched},
		{"VERSION", "", in(url + options(sitePrefix, 1)), untouched},
	}
}

func wrongMemcached(t *testing.T) (cachedSite, []wrongConfig) {
	memcached := djangotest.Memcached(t, 2)
	site := startCachedSite(t, cacheBackend, memcachedURL(memcached), quickMemcached(memcached))
	return site, []wrongConfig{
		{"nothing", "", in(site.url + right), readable},
		{"SECRET_KEY", "", with("another", in(site.url+right)), readable},
		{"KEY_PREFIX", "", in(site.url + options("another", siteVersion)), untouched},
		{"VERSION", "", in(site.url + options(sitePrefix, 1)), untouched},
		{"an empty server", "", in(memcachedURL(djangotest.Memcached(t, 1)) + right), untouched},
	}
}

// Memcached has a session that another process of the service has stored. That is no proof that the
// server is the site's.
func TestWrongMemcachedOfSeveralProcesses(t *testing.T) {
	t.Parallel()
	memcached := djangotest.Memcached(t, 1)
	site := startCachedSite(t, cacheBackend, memcachedURL(memcached), quickMemcached(memcached))
	empty := memcachedURL(djangotest.Memcached(t, 1)) + right
	site.runSeveral(t, func() *config {
		c := &config{settings: site.settings(t), site: site.loggedInSite}
		in(empty)(t, c)
		return c
	})
}

func wrongCachedDB(t *testing.T) (cachedSite, []wrongConfig) {
	redis := djangotest.Redis(t)
	site := startCachedSite(t, cachedDBBackend, redis.URL, redis.Django())
	empty := func() djangotest.Database { return startLoggedInSite(t, djangotest.Newest, djangotest.SecretKey).db }
	others := startLoggedInSite(t, djangotest.Newest, "another site's key")
	others.Do(t, `log_in_all(args)`, []string{"x", "y"}, nil)
	return site, []wrongConfig{
		{"nothing", "", cachedIn(site.url+right, site.db), readable},
		{"SECRET_KEY", "", with("another", cachedIn(site.url+right, site.db)), untouched},
		{"KEY_PREFIX", "", cachedIn(site.url+options("another", siteVersion), site.db), readable}, // a session that is not in the cache is read from the database
		{"an empty database", "", cachedIn(site.url+right, empty()), untouched},
		{"another site's database", "", cachedIn(site.url+right, others.db), untouched},
		{"an empty database and server", "", cachedIn(djangotest.Redis(t).URL+right, empty()), untouched},
	}
}
