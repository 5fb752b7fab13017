package djsession_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/testing/edit"
)

// A save of unknown outcome must not be repeated, even after another change.
func TestChangeAfterASaveOfUnknownOutcome(t *testing.T) {
	for name, then := range map[string]func(*djsession.Session, *http.Request) error{
		"set":   func(s *djsession.Session, r *http.Request) error { return s.Set("b", 1) },
		"cycle": func(s *djsession.Session, r *http.Request) error { return s.CycleKey(r.Context()) },
	} {
		store, _ := newSite(t)
		key := stored(t, store, `{"n":1}`)
		m := newManager(t, &brokenStore{Store: store, at: "replace", after: true}, mustSettings(t))
		w := visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
			if err := s.Apply(edit.Add("n", 1)); err != nil {
				t.Error(err)
			}
			if err := s.Save(r.Context()); !errors.Is(err, errBroken) {
				t.Error(err)
			}
			if err := then(s, r); err != nil && !errors.Is(err, errBroken) {
				t.Error(err)
			}
		})
		if got := holds(t, store, key); got != `{"n":2}` || w.Code != 500 {
			t.Errorf("%s: status %d, stored %s", name, w.Code, got)
		}
	}
}

// The response of the ErrorHandler is kept, whether it was called at the beginning of the response
// or by the handler.
func TestErrorHandlerOfADeletedSession(t *testing.T) {
	for name, view := range map[string]func(w http.ResponseWriter, r *http.Request, s *djsession.Session){
		"at the end": func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {},
		"by save": func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
			djsession.Error(w, r, s.Save(r.Context()))
		},
		"by cycle": func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
			djsession.Error(w, r, s.CycleKey(r.Context()))
		},
	} {
		store, m := newSite(t)
		key := stored(t, store, `{"a":1}`)
		m.ErrorHandler = func(w http.ResponseWriter, r *http.Request, err error) {
			if !errors.Is(err, djsession.ErrSessionDeleted) {
				t.Errorf("%s: %v", name, err)
			}
			http.Redirect(w, r, "/gone", http.StatusSeeOther)
		}
		w := visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
			if err := errors.Join(s.Set("a", 2), store.Delete(r.Context(), key)); err != nil {
				t.Error(err)
			}
			view(w, r, s)
		})
		if w.Code != http.StatusSeeOther || cookieOf(t, w) != "" {
			t.Errorf("%s: status %d, cookie %q", name, w.Code, cookieOf(t, w))
		}
	}
}

// If a handler panics after CycleKey and other middleware answers, the response sets the cookie of
// the new key.
func TestPanicAfterCycleKey(t *testing.T) {
	store, m := newSite(t)
	key := stored(t, store, `{"a":1}`)
	handler := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := djsession.FromRequest(r)
		if err == nil {
			err = s.CycleKey(r.Context())
		}
		if err != nil {
			t.Error(err)
		}
		panic("the handler's")
	}))
	w := httptest.NewRecorder()
	func() {
		defer func() {
			recover()
			w.WriteHeader(500)
		}()
		handler.ServeHTTP(w, request(key))
	}()
	if got := holds(t, store, cookieOf(t, w)); got != `{"a":1}` {
		t.Errorf("cookie %q, which holds %s", cookieOf(t, w), got)
	}
}

func TestFlushAfterCycleKey(t *testing.T) {
	store, m := newSite(t)
	key := stored(t, store, `{"a":1}`)
	w := visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		if err := errors.Join(s.CycleKey(r.Context()), s.Flush(r.Context()), s.Set("b", 1)); err != nil {
			t.Error(err)
		}
		w.WriteHeader(500)
	})
	if cookieOf(t, w) != "" || count(t, store) != 0 {
		t.Errorf("cookie %q, %d sessions", cookieOf(t, w), count(t, store))
	}
}

// A change that would be lost is an error, even if the response has set the session cookie itself.
func TestSetAfterTheFirstByte(t *testing.T) {
	store, m := newSite(t)
	key := stored(t, store, `{"a":1}`)
	for _, cookie := range []string{"", "sessionid=djangos"} {
		visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
			if cookie != "" {
				w.Header().Set("Set-Cookie", cookie)
			}
			w.Write([]byte("x"))
			if err := s.Set("a", 2); !errors.Is(err, djsession.ErrResponseStarted) {
				t.Errorf("cookie %q: %v", cookie, err)
			}
			djsession.Error(w, r, errTest) // writes nothing
		})
	}
}

func TestManagerLoad(t *testing.T) {
	store, m := newSite(t)
	if s, err := m.Load(t.Context(), ""); err != nil || !s.IsEmpty() {
		t.Errorf("a new session: %v", err)
	}
	if _, err := m.Load(t.Context(), djsession.NewKey()); !errors.Is(err, djsession.ErrNotFound) {
		t.Errorf("a missing session: %v", err)
	}
	key := stored(t, store, `{"a":1}`)
	s, err := m.Load(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Set("a", 2), s.Save(t.Context())); err != nil || holds(t, store, key) != `{"a":2}` {
		t.Errorf("%v, stored %s", err, holds(t, store, key))
	}
	settings := mustSettings(t)
	settings.SecretKey = "another"
	wrong := newManager(t, reopen(t, store, settings), settings)
	wrong.EmptyWhenRefused = true
	if _, err := wrong.Load(t.Context(), key); !errors.Is(err, djsession.ErrBadSignature) || errors.Is(err, djsession.ErrNotFound) {
		t.Errorf("refused: %v", err)
	}
}
