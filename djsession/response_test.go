package djsession_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
)

// The status decides whether a session is saved, when the response begins.
func TestResponses(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(w http.ResponseWriter, r *http.Request)
		status int // 0: the connection breaks
		saved  bool
	}{
		{"nothing", func(w http.ResponseWriter, r *http.Request) {}, 200, true},
		{"a body", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }, 200, true},
		{"204", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) }, 204, true},
		{"304", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(304) }, 304, true},
		{"redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/there", http.StatusFound) }, 302, true},
		{"404", http.NotFound, 404, true},
		{"499", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(499) }, 499, true},
		{"500", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "oh", 500) }, 500, false},
		{"503 and then 200", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503); w.WriteHeader(200) }, 503, false},
		{"panic", func(w http.ResponseWriter, r *http.Request) { panic("on purpose") }, 0, false},
		{"abort", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, 0, false},
		{"panic in the body", func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "hel")
			panic(http.ErrAbortHandler)
		}, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *httptest.Server) {
				store, m := newSite(t)
				server := serve(m.Handler(view(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
					s.Set("a", 2)
					c.answer(w, r)
				})))
				for _, key := range []string{stored(t, store, `{"a":1}`), ""} {
					got := fetch(t.Context(), server, key)
					if got.status != c.status && (c.status != 0 || got.err == nil) {
						t.Errorf("status %d, %v", got.status, got.err)
					}
					cookie := got.cookie(t)
					if (cookie != "") != (c.saved && c.status != 0) {
						t.Errorf("cookie %q", cookie)
					}
					if key == "" {
						key = cookie
					}
					if want := map[bool]string{true: `{"a":2}`, false: `{"a":1}`}[c.saved]; key != "" && holds(t, store, key) != want {
						t.Errorf("stored %s, want %s", holds(t, store, key), want)
					}
				}
			})
		})
	}
}

// If the store cannot save a session, the response must not look like a success: an error response
// replaces it.
func TestStoreGoesDownBeforeTheSave(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *httptest.Server) {
		store, m := newBrittle(t)
		key := stored(t, store, `{"a":1}`)
		store.before = downFor("replace", "create")
		writes := map[string]error{}
		inner := m.Handler(view(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
			s.Set("a", 2)
			h := w.Header()
			h.Set("Content-Type", "image/png")
			h.Set("Content-Length", "5")
			h.Set("ETag", `"x"`)
			h.Set("X-Outer", "changed by the handler")
			http.SetCookie(w, &http.Cookie{Name: "handler", Value: "1"})
			w.WriteHeader(201)
			rc := http.NewResponseController(w)
			_, writes["Write"] = w.Write([]byte("hello"))
			_, writes["WriteString"] = io.WriteString(w, "hello")
			_, writes["Copy"] = io.Copy(w, strings.NewReader("hello"))
			_, writes["ReadFrom"] = w.(io.ReaderFrom).ReadFrom(strings.NewReader("hello"))
			writes["Flush"] = rc.Flush()
			_, _, writes["Hijack"] = rc.Hijack()
			writes["Set"] = s.Set("a", 3)
			w.WriteHeader(103)
			w.WriteHeader(200)
		}))
		server := serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Outer", "1")
			inner.ServeHTTP(w, r)
		}))
		for _, key := range []string{key, ""} {
			clear(writes)
			got := fetch(t.Context(), server, key)
			if got.err != nil || got.status != 500 || got.body != "Internal Server Error\n" || got.header.Get("X-Outer") != "1" {
				t.Errorf("%+v", got)
			}
			for _, name := range []string{"Set-Cookie", "ETag"} {
				if got.header.Get(name) != "" {
					t.Errorf("%s: %s", name, got.header.Get(name))
				}
			}
			if len(writes) != 7 {
				t.Errorf("the handler did not reach its end: %v", writes)
			}
			for what, err := range writes {
				if want := map[bool]error{true: djsession.ErrResponseStarted, false: errDown}[what == "Set"]; !errors.Is(err, want) {
					t.Errorf("%s afterwards: %v", what, err)
				}
			}
			if key != "" && holds(t, store.Store, key) != `{"a":1}` {
				t.Errorf("stored %s", holds(t, store.Store, key))
			}
		}
	})
}

// If the store is down, the session is never taken for empty: the empty session would overwrite the
// stored one.
func TestStoreIsDown(t *testing.T) {
	handlers := map[string]http.Handler{
		"that asks": view(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) { s.Set("a", 2) }),
		"that does not care": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if s, err := djsession.FromRequest(r); s != nil || !errors.Is(err, errDown) {
				panic("a session")
			}
			if s, err := djsession.FromRequest(r); s != nil || !errors.Is(err, errDown) {
				panic("a session at second asking")
			}
			io.WriteString(w, "hello")
		}),
		"that never asks": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }),
	}
	unavailable := func(w http.ResponseWriter, r *http.Request, err error) {
		w.Header().Set("Retry-After", "7")
		http.Error(w, "later", http.StatusServiceUnavailable)
	}
	for _, c := range []struct {
		handler      string
		everyRequest bool
		errorHandler func(http.ResponseWriter, *http.Request, error)
		status       int
	}{
		{"that asks", false, djsession.ServeError, 500},
		{"that asks", true, djsession.ServeError, 500},
		{"that asks", false, unavailable, 503},
		{"that asks", false, nil, 500},
		{"that does not care", false, djsession.ServeError, 200},
		{"that does not care", true, djsession.ServeError, 200},
		{"that never asks", false, djsession.ServeError, 200},
		// As in Django, which would have to load the session to save it.
		{"that never asks", true, djsession.ServeError, 500},
		{"that never asks", true, unavailable, 503},
	} {
		settings := mustSettings(t)
		settings.SessionSaveEveryRequest = c.everyRequest
		store, m := brittleWith(t, settings)
		m.ErrorHandler = c.errorHandler
		key := stored(t, store, `{"a":1}`)
		store.before = downFor("load")
		got := fetch(t.Context(), serving(t, false, m.Handler(handlers[c.handler])), key)
		if got.status != c.status || got.cookie(t) != "" || (got.header.Get("Retry-After") == "7") != (c.status == 503) {
			t.Errorf("%+v: %+v", c, got)
		}
		if asked := c.handler != "that never asks"; asked && got.header.Get("Vary") != "Cookie" {
			t.Errorf("%+v: %+v", c, got)
		}
		if holds(t, store.Store, key) != `{"a":1}` {
			t.Errorf("%+v: stored %s", c, holds(t, store.Store, key))
		}
	}
}

// A method that writes at once returns its error at once, and leaves the session as it was. But if
// the old row may be gone, the visitor has the new session from then on.
func TestStoreIsDownAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		do    func(*djsession.Session, context.Context) error
		down  []string
		moves bool
	}{
		"flush":                {(*djsession.Session).Flush, []string{"delete"}, false},
		"cycle, at the first":  {(*djsession.Session).CycleKey, []string{"create"}, false},
		"cycle, at the second": {(*djsession.Session).CycleKey, []string{"delete"}, true},
		"save":                 {(*djsession.Session).Save, []string{"replace"}, false},
	} {
		store, m := newBrittle(t)
		key := stored(t, store, `{"a":1}`)
		w := visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
			store.before = downFor(c.down...)
			if err := c.do(s, r.Context()); !errors.Is(err, errDown) {
				t.Errorf("%s: %v", name, err)
			}
			if moved := s.Key() != key; moved != c.moves || s.Len() != 1 {
				t.Errorf("%s: key %s, %d values", name, s.Key(), s.Len())
			}
		})
		now := cookieOf(t, w)
		if moved := now != ""; moved != c.moves {
			t.Errorf("%s: cookie %q", name, now)
		}
		if now == "" {
			now = key
		}
		if got := holds(t, store.Store, now); got != `{"a":1}` {
			t.Errorf("%s: stored %s", name, got)
		}
	}
}

// If a session was deleted meanwhile, the response has status 400 and the session stays deleted.
func TestDeletedMeanwhile(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *httptest.Server) {
		store, m := newSite(t)
		server := serve(m.Handler(view(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
			s.Set("a", 2)
			if err := store.Delete(r.Context(), s.Key()); err != nil {
				t.Error(err)
			}
			if _, err := io.WriteString(w, "hello"); !errors.Is(err, djsession.ErrSessionDeleted) {
				t.Errorf("written: %v", err)
			}
		})))
		key := stored(t, store, `{"a":1}`)
		got := fetch(t.Context(), server, key)
		if got.status != 400 || got.body != "Bad Request\n" || got.cookie(t) != "" || holds(t, store, key) != "nothing" {
			t.Errorf("%+v, stored %s", got, holds(t, store, key))
		}
	})
}

// The response reports the error, whatever the ErrorHandler does.
func TestErrorHandler(t *testing.T) {
	for name, c := range map[string]struct {
		handler  func(http.ResponseWriter, *http.Request, error)
		status   int
		location string
	}{
		"nil":             {nil, 500, ""},
		"silent":          {func(http.ResponseWriter, *http.Request, error) {}, 500, ""},
		"headers only":    {func(w http.ResponseWriter, r *http.Request, err error) { w.Header().Set("Location", "/x") }, 500, "/x"},
		"early hint only": {func(w http.ResponseWriter, r *http.Request, err error) { w.WriteHeader(103) }, 500, ""},
		"redirect": {func(w http.ResponseWriter, r *http.Request, err error) {
			http.Redirect(w, r, "/x", http.StatusSeeOther)
		}, 303, "/x"},
		"flush": {func(w http.ResponseWriter, r *http.Request, err error) { http.NewResponseController(w).Flush() }, 200, ""},
		"asks again": {func(w http.ResponseWriter, r *http.Request, err error) {
			if s, err := djsession.FromRequest(r); err == nil && errors.Is(s.Set("a", 3), djsession.ErrResponseStarted) {
				w.WriteHeader(502)
			}
		}, 502, ""},
	} {
		store, m := newBrittle(t)
		m.ErrorHandler = c.handler
		key := stored(t, store, `{"a":1}`)
		store.before = downFor("replace")
		got := fetch(t.Context(), serving(t, false, m.Handler(view(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
			s.Set("a", 2)
		}))), key)
		if got.status != c.status || got.header.Get("Location") != c.location || got.cookie(t) != "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// A save that takes longer than SaveTimeout fails.
func TestSaveTimeout(t *testing.T) {
	store, m := newBrittle(t)
	m.SaveTimeout = time.Millisecond
	key := stored(t, store, `{"a":1}`)
	store.before = func(ctx context.Context, op string) error {
		if op != "replace" {
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	}
	w := visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) { s.Set("a", 2) })
	if w.Code != 500 || holds(t, store.Store, key) != `{"a":1}` {
		t.Errorf("status %d, stored %s", w.Code, holds(t, store.Store, key))
	}
}
