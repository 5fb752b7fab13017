package djsession_test

import (
	"maps"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cookiestore"
	"github.com/djsess/djsess/djsession/filestore"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/middlewaretest"
)

// The middleware does what Django's does, except for the intended differences that middlewaretest
// lists.
func TestMiddlewareIsDjangos(t *testing.T) {
	engines := map[string]func(*testing.T) middlewaretest.Engine{
		"db": dbEngine,
	}
	if !testing.Short() {
		maps.Copy(engines, map[string]func(*testing.T) middlewaretest.Engine{
			"cache in a database":          databaseCacheEngine,
			"file":                         fileEngine,
			"signed_cookies":               cookieEngine,
			"cache in redis":               redisEngine,
			"cache in memcached":           memcachedEngine,
			"cached_db, with a cold cache": coldCachedDBEngine,
			"cached_db, with a warm cache": warmCachedDBEngine,
		})
	}
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			middlewaretest.Run(t, engine(t))
		})
	}
}

func dbEngine(t *testing.T) middlewaretest.Engine {
	db := quickSQLite(t)
	return middlewaretest.Engine{
		Django: djangotest.Settings{"SESSION_ENGINE": "django.contrib.sessions.backends.db", "DATABASES": db.Settings()},
		Open:   opens(db.URL),
	}
}

func quickSQLite(t *testing.T) djangotest.Database {
	db := djangotest.SQLite(t)
	db.Django["CONN_MAX_AGE"] = nil // one connection for all requests
	db.Django["OPTIONS"] = map[string]any{"init_command": "PRAGMA synchronous=OFF"}
	return db
}

func fileEngine(t *testing.T) middlewaretest.Engine {
	dir := t.TempDir()
	return middlewaretest.Engine{
		Django: djangotest.Settings{"SESSION_ENGINE": "django.contrib.sessions.backends.file", "SESSION_FILE_PATH": dir},
		Open: func(t testing.TB, s *djsession.Settings) djsession.Store {
			store, err := filestore.New(filestore.Config{Dir: dir, Settings: s})
			if err != nil {
				t.Fatal(err)
			}
			return store
		},
	}
}

func cookieEngine(t *testing.T) middlewaretest.Engine {
	return middlewaretest.Engine{
		Django: djangotest.Settings{"SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies"},
		Open: func(t testing.TB, s *djsession.Settings) djsession.Store {
			store, err := cookiestore.New(s)
			if err != nil {
				t.Fatal(err)
			}
			return store
		},
	}
}
