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

// PickleSerializer is part of Django up to 4.2.
var pickleVersions = []string{"2.2", "3.2", "4.2"}

const pickleSerializer = "django.contrib.sessions.serializers.PickleSerializer"

// pickleEngines are the engines whose payload a serializer writes.
var pickleEngines = []engine{
	{name: "db", dead: ends, pickled: true, start: func(t *testing.T, version string) (*djangotest.Django, func(*djsession.Settings) djsession.Store) {
		db := djangotest.SQLite(t)
		django := djangotest.Start(t, version, djangotest.Settings{"DATABASES": db.Settings(), "SESSION_SERIALIZER": pickleSerializer})
		django.Do(t, `migrate()`, nil, nil)
		return django, func(s *djsession.Settings) djsession.Store {
			store, err := storeurl.Open(db.URL, s)
			if err != nil {
				t.Fatal(err)
			}
			return store
		}
	}},
	{name: "file", dead: endsInFile, pickled: true, start: func(t *testing.T, version string) (*djangotest.Django, func(*djsession.Settings) djsession.Store) {
		dir := t.TempDir()
		django := djangotest.Start(t, version, djangotest.Settings{
			"SESSION_ENGINE": "django.contrib.sessions.backends.file", "SESSION_FILE_PATH": dir, "SESSION_SERIALIZER": pickleSerializer,
		})
		return django, func(s *djsession.Settings) djsession.Store {
			store, err := filestore.New(filestore.Config{Dir: dir, Settings: s})
			if err != nil {
				t.Fatal(err)
			}
			return store
		}
	}},
	{name: "signed_cookies", dead: endsInCookie, irrevocable: true, pickled: true, start: func(t *testing.T, version string) (*djangotest.Django, func(*djsession.Settings) djsession.Store) {
		django := djangotest.Start(t, version, djangotest.Settings{
			"SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies", "SESSION_SERIALIZER": pickleSerializer,
		})
		return django, func(s *djsession.Settings) djsession.Store {
			store, err := cookiestore.New(s)
			if err != nil {
				t.Fatal(err)
			}
			return store
		}
	}},
}

// onPickles runs a test on each of pickleEngines, with every Django that has PickleSerializer.
func onPickles(t *testing.T, test func(t *testing.T, site *engineSite)) {
	for _, e := range pickleEngines {
		for _, version := range djangotest.OldestAndNewest(pickleVersions...) {
			t.Run(e.name+"/"+version, func(t *testing.T) {
				t.Parallel()
				settings, err := djsession.NewSettings(version, djangotest.SecretKey)
				if err != nil {
					t.Fatal(err)
				}
				settings.SessionSerializer = settings.PickleSerializer()
				site := &engineSite{engine: e, version: version}
				settings.Now = func() time.Time { return time.Now().Add(site.ahead) }
				django, open := e.start(t, version)
				site.django = djangoSide{django}
				site.django.Do(t, pythonSide, nil, nil)
				store := open(settings)
				site.golang = &goSide{newManager(t, store, settings), store}
				site.golang.m.Observer = nil
				test(t, site)
			})
		}
	}
}

// Each side sees the other side's changes of a pickled session, as with JSON. A pickled session
// also has datetimes.
func TestPickleEngines(t *testing.T) {
	onPickles(t, func(t *testing.T, site *engineSite) {
		t.Run("from Django to Go", func(t *testing.T) { site.fromTo(t, site.django, site.golang) })
		t.Run("from Go to Django", func(t *testing.T) { site.fromTo(t, site.golang, site.django) })
	})
}
