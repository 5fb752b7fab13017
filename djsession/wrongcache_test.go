package djsession_test

import (
	"fmt"
	"testing"

	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/djangotest"
)

// A session in a cache is not signed: nothing in it says whose it is.

// cachedSite is a live Django whose visitors are logged in, with their sessions in a cache, and how a Go service is
// rightly set up for it.
type cachedSite struct {
	*loggedInSite
	url string // of the cache
}

// The site's cache is not set up as caches are by default.
const (
	sitePrefix  = "shop"
	siteVersion = 2
)

func startCachedSite(t *testing.T, engine, url string, entry map[string]any) cachedSite {
	t.Helper()
	entry["KEY_PREFIX"], entry["VERSION"] = sitePrefix, siteVersion
	s := startLoggedInSiteOn(t, "5.2", djangotest.SecretKey, djangotest.Settings{
		"SESSION_ENGINE": engine, "CACHES": djangotest.Caches(entry),
	})
	if engine == cacheBackend {
		s.Do(t, pythonCachedRows, nil, nil)
	}
	return cachedSite{s, url}
}

// pythonCachedRows has rows be what is cached, in a form that no write leaves as it is, and the users.
const pythonCachedRows = `
	from django.core.cache import cache
	keys, log_in_anywhere, database_rows = [], log_in, rows

	def log_in(name):
		keys.append(log_in_anywhere(name))
		return keys[-1]

	def cached(key):
		cache_key = cache.make_key(SessionStore.cache_key_prefix + key)
		if hasattr(cache._cache, "gets"):
			return cache._cache.gets(cache_key)
		client = cache._cache.get_client()
		return client.get(cache_key), client.pexpiretime(cache_key)

	def rows():
		return database_rows() + ["%s: %r" % (key, cached(key)) for key in keys]
`

// right are the options of a URL that are as the site's.
var right = options(sitePrefix, siteVersion)

func options(prefix string, version int) string {
	return fmt.Sprintf("?prefix=%s&version=%d", prefix, version)
}

// in has the service's sessions be in this cache.
func in(url string) func(*testing.T, *config) {
	return func(t *testing.T, c *config) { c.store = opens(url)(t, c.settings) }
}

// cachedIn has the service's sessions be in this database, with this cache before them.
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

// with sets the service up with another SECRET_KEY.
func with(secretKey string, setUp func(*testing.T, *config)) func(*testing.T, *config) {
	return func(t *testing.T, c *config) {
		c.settings.SecretKey = secretKey
		setUp(t, c)
	}
}

// What holds in a database holds in a cache: a Go service that is not set up as the site is has logged nobody out when it has
// run for a while, and has destroyed nothing.
func TestWrongConfigOfCaches(t *testing.T) {
	for name, start := range map[string]func(*testing.T) (cachedSite, []wrongConfig){
		"redis": wrongRedis, "memcached": wrongMemcached, "cached_db": wrongCachedDB,
	} {
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
	return site, []wrongConfig{
		{"nothing", "", in(site.url + right), readable},
		{"SECRET_KEY", "", with("another", in(site.url+right)), readable},
		{"KEY_PREFIX", "", in(site.url + options("another", siteVersion)), untouched},
		{"no KEY_PREFIX", "", in(site.url + options("", siteVersion)), untouched},
		{"VERSION", "", in(site.url + options(sitePrefix, 1)), untouched},
		{"database number", "", in(site.url[:len(site.url)-1] + "1" + right), untouched},
		{"client", "", in(site.url + right + "&client=django-redis"), readable},
		{"compressor", "", in(site.url + right + "&client=django-redis&compressor=zlib"), readable}, // what is not compressed is read
		{"serializer", "", in(site.url + right + "&client=django-redis&serializer=json"), untouched},
		{"an empty server", "", in(djangotest.Redis(t).URL + right), untouched},
		{"another site's server", "", in(others.url + right), takesCookies},
		{"engine", "", cachedIn(site.url+right, site.db), untouched},
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

// Nor is it a proof that Memcached has a session which another process has stored there, and which nobody can find.
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
	empty := func() djangotest.Database { return startLoggedInSite(t, "5.2", djangotest.SecretKey).db }
	return site, []wrongConfig{
		{"nothing", "", cachedIn(site.url+right, site.db), readable},
		{"SECRET_KEY", "", with("another", cachedIn(site.url+right, site.db)), untouched},
		{"KEY_PREFIX", "", cachedIn(site.url+options("another", siteVersion), site.db), readable}, // of what may as well not be cached
		{"an empty database", "", cachedIn(site.url+right, empty()), untouched},
		{"an empty database and server", "", cachedIn(djangotest.Redis(t).URL+right, empty()), untouched},
	}
}
