package djsession_test

import (
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cookiestore"
	"github.com/djsess/djsess/djsession/filestore"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// engine is a session engine of Django on a kind of storage.
type engine struct {
	name string
	// start starts a Django on a new, empty store, and returns a function with which Go opens the
	// store.
	start func(t *testing.T, version string) (*djangotest.Django, func(*djsession.Settings) djsession.Store)
	// dead reports whether a session with an expiry has ended after a time.
	dead func(e expiry, ahead time.Duration) bool
	// irrevocable is true if the visitor's cookie holds the session.
	irrevocable bool
	// pickled is true if sessions can hold datetimes.
	pickled bool
	// from is the first Django that has the engine; "": every Django has it.
	from string
	// ownClock is true if sessions end by a server's clock, which the test cannot move.
	ownClock bool
	// main is true if the engine is tested with every Django, and with -short.
	main bool
}

// versions returns the Djangos to test the engine with.
func (e engine) versions() []string {
	var have []string
	for _, version := range djangotest.Djangos() {
		if e.from == "" || djangotest.AtLeast(version, e.from) {
			have = append(have, version)
		}
	}
	if e.main {
		return have
	}
	return djangotest.OldestAndNewest(have...)
}

var engines = []engine{
	mainEngine(onDatabase("sqlite", djangotest.SQLite)),
	onDatabase("postgres", djangotest.Postgres),
	onDatabase("mariadb", djangotest.MariaDB),
	{name: "file", dead: endsInFile, start: func(t *testing.T, version string) (*djangotest.Django, func(*djsession.Settings) djsession.Store) {
		dir := t.TempDir()
		django := djangotest.Start(t, version, djangotest.Settings{
			"SESSION_ENGINE": "django.contrib.sessions.backends.file", "SESSION_FILE_PATH": dir,
		})
		return django, func(s *djsession.Settings) djsession.Store {
			store, err := filestore.New(filestore.Config{Dir: dir, Settings: s})
			if err != nil {
				t.Fatal(err)
			}
			return store
		}
	}},
	{name: "signed_cookies", dead: endsInCookie, irrevocable: true, start: func(t *testing.T, version string) (*djangotest.Django, func(*djsession.Settings) djsession.Store) {
		django := djangotest.Start(t, version, djangotest.Settings{"SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies"})
		return django, func(s *djsession.Settings) djsession.Store {
			store, err := cookiestore.New(s)
			if err != nil {
				t.Fatal(err)
			}
			return store
		}
	}},
}

func mainEngine(e engine) engine {
	e.main = true
	return e
}

func onDatabase(name string, database func(testing.TB) djangotest.Database) engine {
	return engine{name: name, dead: ends, start: func(t *testing.T, version string) (*djangotest.Django, func(*djsession.Settings) djsession.Store) {
		db := database(t)
		django := djangotest.Start(t, version, djangotest.Settings{"DATABASES": db.Settings()})
		django.Do(t, `__import__("django.core.management", fromlist=["x"]).call_command("migrate", "sessions", verbosity=0)`, nil, nil)
		return django, func(s *djsession.Settings) djsession.Store {
			store, err := storeurl.Open(db.URL, s)
			if err != nil {
				t.Fatal(err)
			}
			return store
		}
	}}
}
