package storeurl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/rediscache"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/edit"
)

// A Django site with each of the caches, and the URL of that cache.
func TestCacheURLs(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T) (entry map[string]any, url string){
		"redis": func(t *testing.T) (map[string]any, string) {
			r := djangotest.RedisWith(t, djangotest.RedisOptions{Password: "hunter2"})
			entry := r.Django()
			entry["KEY_PREFIX"], entry["VERSION"] = "site", 3
			return entry, withQuery(r.URL, "prefix=site&version=3")
		},
		"rediss": func(t *testing.T) (map[string]any, string) {
			r := djangotest.RedisWith(t, djangotest.RedisOptions{Password: "hunter2", TLS: true})
			return r.Django(), withQuery(r.URL, "ssl_ca_certs="+r.CAFile)
		},
		"replica": func(t *testing.T) (map[string]any, string) {
			r := djangotest.Redis(t)
			replica := djangotest.RedisWith(t, djangotest.RedisOptions{ReplicaOf: r})
			return r.Django(replica), withQuery(r.URL, "replica="+replica.Addr)
		},
		"socket": func(t *testing.T) (map[string]any, string) {
			r := djangotest.Redis(t)
			return r.Django(), "unix://" + r.Socket + "?db=0"
		},
		"django-redis": func(t *testing.T) (map[string]any, string) {
			r := djangotest.Redis(t)
			entry := r.DjangoRedis()
			options := entry["OPTIONS"].(map[string]any)
			options["SERIALIZER"] = "django_redis.serializers.json.JSONSerializer"
			options["COMPRESSOR"] = "django_redis.compressors.zstd.ZStdCompressor"
			return entry, withQuery(r.URL, "serializer=json&compressor=zstd")
		},
		"sentinel": func(t *testing.T) (map[string]any, string) {
			s := djangotest.RedisSentinel(t, "hunter2")
			return s.DjangoRedis(), fmt.Sprintf("redis-sentinel://:hunter2@%s/%s/0?client=django-redis", s.Addr, s.Name)
		},
		"cluster": func(t *testing.T) (map[string]any, string) {
			c := djangotest.RedisCluster(t)
			return c.Django(), "redis-cluster://" + strings.Join(c.Addrs(), ",")
		},
		"memcached": func(t *testing.T) (map[string]any, string) {
			m := djangotest.Memcached(t, 3)
			return m.Django("PyMemcacheCache"), "memcached://" + strings.Join(m.Addrs(), ",")
		},
		"filecache": func(t *testing.T) (map[string]any, string) {
			dir := t.TempDir()
			return map[string]any{"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": dir}, "filecache:///" + dir
		},
	} {
		if testing.Short() && !slices.Contains([]string{"redis", "memcached", "filecache"}, name) {
			continue // a second server, TLS or another Redis client
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			entry, url := start(t)
			db := djangotest.SQLite(t)
			engines := []string{"cache", "cached_db"}
			if testing.Short() && name != "redis" { // a cached_db opens its cache in the same way
				engines = engines[:1]
			}
			for _, engine := range engines {
				django := djangotest.Start(t, djangotest.Newest, djangotest.Settings{"SESSION_ENGINE": "django.contrib.sessions.backends." + engine,
					"CACHES": djangotest.Caches(entry), "DATABASES": db.Settings()})
				django.Do(t, `migrate()`, nil, nil)
				var store Store
				var err error
				if engine == "cache" {
					store, err = Open(url, settings(t))
				} else {
					store, err = OpenCachedDB(url, db.URL, settings(t))
				}
				if err != nil {
					t.Fatal(err)
				}
				bothWays(t, django, store)
				if err := store.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func withQuery(url, query string) string { return url + "?" + query }

// The URL of a DatabaseCache is dbcache+ and the URL of its database.
func TestDatabaseCacheURL(t *testing.T) {
	t.Parallel()
	for _, kind := range djangotest.Databases() {
		t.Run(kind.Kind, func(t *testing.T) {
			t.Parallel()
			db := kind.New(t)
			django := djangotest.Start(t, djangotest.Newest, djangotest.Settings{"SESSION_ENGINE": "django.contrib.sessions.backends.cache", "DATABASES": db.Settings(),
				"CACHES": djangotest.Caches(map[string]any{"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "site_cache"})})
			django.Do(t, `from django.core.management import call_command; call_command("createcachetable", verbosity=0)`, nil, nil)
			store, err := Open("dbcache+"+withQuery(db.URL, "table=site_cache&max_entries=300&conn_max_age=60"), settings(t))
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			bothWays(t, django, store)
		})
	}
}

// bothWays lets each of Django and Go read the sessions that the other has stored.
func bothWays(t *testing.T, django *djangotest.Django, store Store) {
	t.Helper()
	var key string
	django.Do(t, `s = SessionStore(); s["n"] = 1; s["at"] = {"é": 1.5}; s.save(); result = s.session_key`, nil, &key)
	r, err := djsession.Update(t.Context(), store, key, edit.Set("go", "ü"))
	if err != nil {
		t.Fatalf("%s: %v", store, err)
	}
	var text string
	django.Do(t, `result = repr(SessionStore(args).load())`, r.Key, &text)
	if want := `{'n': 1, 'at': {'é': 1.5}, 'go': 'ü'}`; text != want {
		t.Errorf("%s: Django reads %s, want %s", store, text, want)
	}
	if r, err = store.Create(t.Context(), "", r.Values, time.Time{}); err != nil {
		t.Fatalf("%s: %v", store, err)
	}
	django.Do(t, `s = SessionStore(args); result = s.get("go") + str(s.exists(args)); s.delete()`, r.Key, &text)
	if text != "üTrue" {
		t.Errorf("%s: Django reads %q", store, text)
	}
	if _, err := store.Load(t.Context(), r.Key); err == nil {
		t.Errorf("%s: a session that Django deleted is there", store)
	}
}

// The users of a cached_db are in the database of the table django_session.
func TestCachedDBHasUsers(t *testing.T) {
	t.Parallel()
	db := djangotest.SQLite(t)
	django := djangotest.Start(t, djangotest.Newest, djangotest.Settings{"DATABASES": db.Settings()})
	django.Do(t, `migrate(); User.objects.create_user("alice")`, nil, nil)
	store, err := OpenCachedDB("filecache:///"+t.TempDir(), db.URL, settings(t))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	users, err := djauth.UsersIn(store, djauth.UserModel{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := users.UserByUsername(t.Context(), "alice"); err != nil {
		t.Error(err)
	}
}

// Both URLs of a cached_db are checked, and no message has a password.
func TestBadCachedDBs(t *testing.T) {
	t.Parallel()
	db := djangotest.SQLite(t)
	djangotest.Start(t, djangotest.Newest, djangotest.Settings{"DATABASES": db.Settings()}).Do(t, `migrate()`, nil, nil)
	for _, urls := range [][2]string{
		{"redis://:hunter2@h/0", "redis://:hunter2@h/0"}, {"redis://:hunter2@h/0", "nothing"}, {db.URL, db.URL}, {"file:///.", db.URL}, {"redis://:hunter2@h/x", db.URL},
		{"oracle://u:hunter2@h", db.URL}, {"", db.URL}, {"redis://:hunter2@h/0", ""}, {"memcached://h?hash=x", db.URL},
	} {
		var store io.Closer
		var err error
		if store, err = OpenCachedDB(urls[0], urls[1], settings(t)); err == nil {
			t.Errorf("%q is opened as %v", urls, store)
		} else if strings.Contains(err.Error(), "hunter2") || !strings.HasPrefix(err.Error(), "cached_db: ") {
			t.Errorf("%q: %v", urls, err)
		}
	}
}

// Manager.Check reports that the cache of a cached_db refuses the service, though the sessions
// can be loaded without it.
func TestCheckAsksTheCache(t *testing.T) {
	t.Parallel()
	r := djangotest.RedisWith(t, djangotest.RedisOptions{Password: "hunter2"})
	db := djangotest.SQLite(t)
	djangotest.Start(t, djangotest.Newest, djangotest.Settings{
		"DATABASES": db.Settings(), "CACHES": djangotest.Caches(r.Django()), "SESSION_ENGINE": "django.contrib.sessions.backends.cached_db",
	}).Do(t, `migrate(); SessionStore().save()`, nil, nil)
	s := settings(t)
	s.DefaultsConfirmed = true
	for url, want := range map[string]error{r.URL: nil, "redis://:wrong@" + r.Addr + "/0": rediscache.ErrPassword} {
		store, err := OpenCachedDB(url, db.URL, s)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		m, err := djsession.NewManager(store)
		if err != nil {
			t.Fatal(err)
		}
		var told error
		m.Observer = func(_ context.Context, e djsession.Event) { told = e.Err }
		if err := m.Check(t.Context()); err != nil {
			t.Error(err)
		}
		if !errors.Is(told, want) || want == nil && told != nil {
			t.Errorf("the Observer is told %v, want %v", told, want)
		}
	}
}
