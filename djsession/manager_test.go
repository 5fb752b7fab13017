package djsession_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/edit"
	"github.com/djsess/djsess/internal/testing/fixture"
)

// newSite returns a new, empty store in SQLite, and a manager that trusts it and logs to the test.
func newSite(t testing.TB) (*dbstore.Store, *djsession.Manager) {
	t.Helper()
	settings := mustSettings(t)
	store := newStore(t, settings)
	return store, newManager(t, store, settings)
}

func newStore(t testing.TB, settings *djsession.Settings) *dbstore.Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db.sqlite3")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	opened, err := storeurl.Open("sqlite:///"+path, settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { opened.Close() })
	store := opened.(*dbstore.Store)
	if err := store.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store
}

func newManager(t testing.TB, store djsession.Store, settings *djsession.Settings) *djsession.Manager {
	t.Helper()
	m, err := djsession.NewManager(store)
	if err != nil {
		t.Fatal(err)
	}
	if have, want := withoutClock(store.Settings()), withoutClock(settings); !reflect.DeepEqual(have, want) {
		t.Fatalf("the store was opened with %+v, and the test wants %+v", have, want)
	}
	m.AcceptEmptyStore = true
	m.Observer = func(ctx context.Context, e djsession.Event) {
		if e.Err != nil {
			t.Logf("session %s %s: %v", e.Kind, e.Session, e.Err)
		}
	}
	return m
}

// withoutClock returns the settings without the clock, since funcs cannot be compared.
func withoutClock(s *djsession.Settings) djsession.Settings {
	c := *s
	c.Now = nil
	return c
}

// stored creates a session before the test, and returns its key.
func stored(t testing.TB, store djsession.Store, json string) string {
	t.Helper()
	r, err := store.Create(t.Context(), "", fixture.Values(t, json), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return r.Key
}

// holds returns the stored session of a key, as Python's JSON.
func holds(t testing.TB, store djsession.Store, key string) string {
	t.Helper()
	r, err := store.Load(t.Context(), key)
	if errors.Is(err, djsession.ErrNotFound) {
		return "nothing"
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := r.Values.AppendPythonJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func request(key string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	if key != "" {
		r.Header.Set("Cookie", "sessionid="+key)
	}
	return r
}

// visit sends a request with a session key to a handler that is given the session.
func visit(t testing.TB, m *djsession.Manager, key string, view func(http.ResponseWriter, *http.Request, *djsession.Session)) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := djsession.FromRequest(r)
		if err != nil {
			djsession.Error(w, r, err)
			return
		}
		view(w, r, s)
	})).ServeHTTP(w, request(key))
	return w
}

// cookieOf returns the session key that a response sets. It returns "deleted" if the response
// deletes the cookie, and "" if it does not change the cookie.
func cookieOf(t testing.TB, w *httptest.ResponseRecorder) string {
	t.Helper()
	lines := w.Result().Header.Values("Set-Cookie")
	switch {
	case len(lines) == 0:
		return ""
	case len(lines) > 1:
		t.Fatalf("%d cookies", len(lines))
	case strings.HasPrefix(lines[0], `sessionid=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0`):
		return "deleted"
	}
	key, _, _ := strings.Cut(strings.TrimPrefix(lines[0], "sessionid="), ";")
	return key
}

func TestManager(t *testing.T) {
	store, m := newSite(t)

	// A visitor without a session gets one as soon as it holds a value.
	w := visit(t, m, "", func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		if s.Key() != "" || !s.IsEmpty() || s.Accessed() || s.Modified() {
			t.Error("a new session is not new")
		}
		if err := s.Set("name", "Zoë"); err != nil {
			t.Error(err)
		}
	})
	key := cookieOf(t, w)
	if got := holds(t, store, key); got != `{"name":"Zo\u00eb"}` || w.Header().Get("Vary") != "Cookie" {
		t.Errorf("stored %s, Vary %q", got, w.Header().Get("Vary"))
	}

	// A request reads the session, and does not change it.
	w = visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		if s.GetString("name") != "Zoë" || s.Key() != key || s.Modified() || !s.Accessed() {
			t.Errorf("name %q, modified %v", s.GetString("name"), s.Modified())
		}
	})
	if cookieOf(t, w) != "" || w.Header().Get("Vary") != "Cookie" {
		t.Errorf("only read: %v", w.Header())
	}

	// A request changes the session while another writer changes it.
	w = visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		if err := s.Apply(edit.Add("n", 1)); err != nil {
			t.Error(err)
		}
		if _, err := djsession.Update(r.Context(), store, key, edit.All(edit.Set("n", 41), edit.Delete("name"))); err != nil {
			t.Error(err)
		}
	})
	if got := holds(t, store, key); got != `{"n":42}` || cookieOf(t, w) != key {
		t.Errorf("stored %s", got)
	}

	// A request cycles the key, and another one flushes the session.
	w = visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		if err := s.CycleKey(r.Context()); err != nil {
			t.Error(err)
		}
	})
	moved := cookieOf(t, w)
	if moved == key || holds(t, store, key) != "nothing" || holds(t, store, moved) != `{"n":42}` {
		t.Errorf("moved to %s: %s", moved, holds(t, store, moved))
	}
	w = visit(t, m, moved, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		if err := s.Flush(r.Context()); err != nil {
			t.Error(err)
		}
	})
	if cookieOf(t, w) != "deleted" || holds(t, store, moved) != "nothing" {
		t.Errorf("not ended: %v", w.Header())
	}
}

func mustSettings(t testing.TB) *djsession.Settings {
	t.Helper()
	settings, err := djsession.NewSettings("5.2", "a secret key of the tests")
	if err != nil {
		t.Fatal(err)
	}
	return settings
}

// reopen returns another store over the same table.
func reopen(t testing.TB, store *dbstore.Store, settings *djsession.Settings) *dbstore.Store {
	t.Helper()
	other, err := dbstore.New(store.DB(), dbstore.Config{Dialect: store.Dialect(), Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	return other
}
