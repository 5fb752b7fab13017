package ops_test

import (
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/djangotest"
	_ "github.com/djsess/djsess/internal/testing/fastsqlite"
)

func TestMain(m *testing.M) { os.Exit(djangotest.Main(m)) }

// engine is a place where a Django keeps sessions.
type engine struct {
	name string
	// start returns the Django settings and the URLs of a new place: that of the store, and of the cache of a cached_db.
	start func(t *testing.T) (settings djangotest.Settings, store, cache string)
	// since is the first Django that has the engine.
	since string
	// targetOnly: nobody can list the sessions.
	targetOnly bool
	// pickles: values are pickled, whatever SESSION_SERIALIZER is.
	pickles bool
}

const backends = "django.contrib.sessions.backends."

func inDatabase(name string, newDatabase func(testing.TB) djangotest.Database) engine {
	return engine{name: name, start: func(t *testing.T) (djangotest.Settings, string, string) {
		db := newDatabase(t)
		return djangotest.Settings{"DATABASES": db.Settings()}, db.URL, ""
	}}
}

// users is where engines without a database keep the users.
func users(t *testing.T) map[string]any { return djangotest.SQLite(t).Settings() }

func inCache(name, since, backend, query string) engine {
	return engine{name: name, since: since, pickles: true, start: func(t *testing.T) (djangotest.Settings, string, string) {
		redis := djangotest.Redis(t)
		entry := redis.Django()
		entry["BACKEND"] = backend
		return djangotest.Settings{
			"DATABASES": users(t), "SESSION_ENGINE": backends + "cache", "CACHES": djangotest.Caches(entry),
		}, redis.URL + query, ""
	}}
}

var engines = []engine{
	inDatabase("PostgreSQL", djangotest.Postgres),
	inDatabase("MariaDB", djangotest.MariaDB),
	inDatabase("SQLite", djangotest.SQLite),
	{name: "file", start: func(t *testing.T) (djangotest.Settings, string, string) {
		folder := t.TempDir()
		return djangotest.Settings{"DATABASES": users(t), "SESSION_ENGINE": backends + "file", "SESSION_FILE_PATH": folder},
			"file:///" + filepath.ToSlash(folder), ""
	}},
	inCache("RedisCache", "4.0", "django.core.cache.backends.redis.RedisCache", ""),
	inCache("django-redis", "2.2", "django_redis.cache.RedisCache", "?client=django-redis"),
	{name: "DatabaseCache", pickles: true, start: func(t *testing.T) (djangotest.Settings, string, string) {
		db := djangotest.SQLite(t)
		entry := map[string]any{"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "site_cache", "OPTIONS": map[string]any{"MAX_ENTRIES": 100000}}
		return djangotest.Settings{"DATABASES": db.Settings(), "SESSION_ENGINE": backends + "cache", "CACHES": djangotest.Caches(entry)},
			"dbcache+" + db.URL + "?table=site_cache&max_entries=100000", ""
	}},
	{name: "cached_db", start: func(t *testing.T) (djangotest.Settings, string, string) {
		db, redis := djangotest.SQLite(t), djangotest.Redis(t)
		entry := redis.Django()
		entry["BACKEND"] = "django_redis.cache.RedisCache"
		return djangotest.Settings{"DATABASES": db.Settings(), "SESSION_ENGINE": backends + "cached_db", "CACHES": djangotest.Caches(entry)},
			db.URL, redis.URL + "?client=django-redis"
	}},
	{name: "FileBasedCache", targetOnly: true, pickles: true, start: func(t *testing.T) (djangotest.Settings, string, string) {
		folder := t.TempDir()
		entry := map[string]any{"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": folder, "OPTIONS": map[string]any{"MAX_ENTRIES": 100000}}
		return djangotest.Settings{"DATABASES": users(t), "SESSION_ENGINE": backends + "cache", "CACHES": djangotest.Caches(entry)},
			"filecache:///" + filepath.ToSlash(folder) + "?max_entries=100000", ""
	}},
}

func engineOf(t *testing.T, name string) engine {
	for _, e := range engines {
		if e.name == name {
			return e
		}
	}
	t.Fatalf("no engine %s", name)
	return engine{}
}

// site is a Django with its store.
type site struct {
	*djangotest.Django
	version  string
	settings *djsession.Settings
	store    storeurl.Store
	storeURL string
}

// newSite starts a Django. The users of all sites have the same passwords.
func newSite(t *testing.T, e engine, version string, more djangotest.Settings) *site {
	t.Helper()
	settings, storeURL, cacheURL := e.start(t)
	settings["USE_TZ"] = true
	maps.Copy(settings, more)
	s := &site{Django: djangotest.Start(t, version, settings), version: version, storeURL: storeURL}
	s.Do(t, `
		migrate()
		if "DatabaseCache" in settings.CACHES["default"]["BACKEND"]:
			from django.core.management import call_command
			call_command("createcachetable", verbosity=0)
		for i in range(5):
			User.objects.create(pk=i + 1, username="user%d" % i, password="pbkdf2_sha256$1$salt%d$aGFzaA==" % i, is_active=True)
	`, nil, nil)
	var err error
	if s.settings, err = djsession.NewSettings(version, djangotest.SecretKey); err != nil {
		t.Fatal(err)
	}
	s.settings.UseTZ = true
	if serializer, _ := more["SESSION_SERIALIZER"].(string); strings.Contains(serializer, "Pickle") {
		s.settings.SessionSerializer = djsession.PickleSerializer{}
	}
	s.open(t, storeURL, cacheURL)
	return s
}

func (s *site) open(t *testing.T, storeURL, cacheURL string) {
	t.Helper()
	var err error
	if cacheURL != "" {
		s.store, err = storeurl.OpenCachedDB(cacheURL, storeURL, s.settings)
	} else {
		s.store, err = storeurl.Open(storeURL, s.settings)
	}
	if err != nil {
		u, _ := url.Parse(storeURL)
		t.Fatalf("%s: %v", u.Scheme, err)
	}
	t.Cleanup(func() { s.store.Close() })
}
