package djsession_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
)

// WithSession works inside Handler, whose session it shares, and without Handler.
func TestWithSession(t *testing.T) {
	for _, alone := range []bool{false, true} {
		t.Run(fmt.Sprintf("alone %v", alone), func(t *testing.T) {
			store, m := newSite(t)
			key := stored(t, store, `{"n":1}`)
			handler := m.WithSession(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) error {
				if same, err := djsession.FromRequest(r); same != s || err != nil {
					t.Errorf("FromRequest returns another session, %v", err)
				}
				if r.FormValue("fail") != "" {
					return errors.Join(s.Set("lost", true), errTest)
				}
				fmt.Fprint(w, s.Len())
				return nil
			})
			outer := handler
			if !alone {
				outer = m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					s, err := djsession.FromRequest(r)
					if err != nil {
						t.Fatal(err)
					}
					if err := s.Set("outer", true); err != nil {
						t.Error(err)
					}
					handler.ServeHTTP(w, r)
				}))
			}
			want := map[bool]string{true: "1", false: "2"}[alone]
			ask := func(target, key string) *httptest.ResponseRecorder {
				w, r := httptest.NewRecorder(), request(key)
				r.URL.RawQuery = target
				outer.ServeHTTP(w, r)
				return w
			}
			if w := ask("", key); w.Code != http.StatusOK || w.Body.String() != want {
				t.Errorf("%d %s, want %s", w.Code, w.Body, want)
			}
			before := holds(t, store, key)
			if w := ask("fail=1", key); w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), errTest.Error()) {
				t.Errorf("an error: %d %s", w.Code, w.Body)
			}
			if got := holds(t, store, key); got != before {
				t.Errorf("an error saved %s", got)
			}
		})
	}
}

// An error that a handler of WithSession returns goes to the manager's Observer and ErrorHandler.
// So does the error of a session that cannot be loaded.
func TestWithSessionReportsErrors(t *testing.T) {
	store, m := newSite(t)
	key := stored(t, store, `{}`)
	var answered, observed []error
	m.ErrorHandler = func(w http.ResponseWriter, r *http.Request, err error) {
		answered = append(answered, err)
		w.WriteHeader(http.StatusTeapot)
	}
	m.Observer = func(_ context.Context, e djsession.Event) {
		if e.Err != nil {
			observed = append(observed, e.Err)
		}
	}
	handler := m.WithSession(func(http.ResponseWriter, *http.Request, *djsession.Session) error { return errTest })
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, request(key))
	if w.Code != http.StatusTeapot || len(answered) != 1 || !errors.Is(answered[0], errTest) || len(observed) != 1 || !errors.Is(observed[0], errTest) {
		t.Errorf("%d, answered %v, observed %v", w.Code, answered, observed)
	}

	store.DB().Close()
	w, answered, observed = httptest.NewRecorder(), nil, nil
	handler.ServeHTTP(w, request(key))
	if w.Code != http.StatusTeapot || len(answered) != 1 || errors.Is(answered[0], errTest) || len(observed) != 1 {
		t.Errorf("the store is down: %d, answered %v, observed %v", w.Code, answered, observed)
	}
}

func TestWritable(t *testing.T) {
	store, m := newSite(t)
	key := stored(t, store, `{}`)
	visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		if err := s.Writable(); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusOK)
		if err := s.Writable(); !errors.Is(err, djsession.ErrResponseStarted) {
			t.Errorf("after the response: %v", err)
		}
	})
	m.ReadOnly = true
	visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		if err := s.Writable(); !errors.Is(err, djsession.ErrReadOnly) {
			t.Errorf("read-only: %v", err)
		}
	})
}
