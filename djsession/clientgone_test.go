package djsession_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
)

// As in Django, a session is saved even if the client has left.
func TestClientLeaves(t *testing.T) {
	for name, c := range map[string]struct {
		leave string // the point at which the client leaves
		want  string
	}{
		"before the load": {"handler", `{"a":1}`}, // the client got no other response
		"after the load":  {"loaded", `{"a":2}`},
		"during the save": {"replace", `{"a":2}`},
	} {
		t.Run(name, func(t *testing.T) {
			overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *httptest.Server) {
				store, m := newBrittle(t)
				key := stored(t, store, `{"a":1}`)
				client, leave := context.WithCancel(t.Context())
				done := make(chan struct{})
				at := func(r *http.Request, point string) {
					if point == c.leave {
						leave()
						<-r.Context().Done()
					}
				}
				server := serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					defer close(done)
					store.before = func(ctx context.Context, op string) error {
						at(r, op)
						return nil
					}
					m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						at(r, "handler")
						s, err := djsession.FromRequest(r)
						if err != nil {
							if c.leave != "handler" || !errors.Is(err, context.Canceled) {
								t.Error(err)
							}
							djsession.Error(w, r, err)
							return
						}
						at(r, "loaded")
						if err := s.Set("a", 2); err != nil {
							t.Error(err)
						}
						io.WriteString(w, "hello")
					})).ServeHTTP(w, r)
				}))
				if got := fetch(client, server, key); !errors.Is(got.err, context.Canceled) {
					t.Errorf("%+v", got)
				}
				<-done
				if got := holds(t, store.Store, key); got != c.want {
					t.Errorf("stored %s, want %s", got, c.want)
				}
			})
		})
	}
}

// http.TimeoutHandler belongs around Handler. Within its limit it changes nothing. After the limit
// it answers with status 503, and nothing is saved, as for any other 503.
func TestTimeoutHandler(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *httptest.Server) {
		for _, late := range []bool{false, true} {
			store, m := newSite(t)
			key := stored(t, store, `{"a":1}`)
			written := make(chan error, 1)
			timeout := time.Hour
			if late {
				timeout = time.Millisecond
			}
			server := serve(http.TimeoutHandler(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				// The load is within the limit, since it uses the request's context.
				s, err := djsession.FromRequest(r.WithContext(context.WithoutCancel(r.Context())))
				if err != nil {
					t.Error(err)
					return
				}
				if late {
					<-r.Context().Done()
				}
				s.Set("a", 2)
				_, err = io.WriteString(w, "hello")
				written <- err
			})), timeout, "too late"))
			got := fetch(t.Context(), server, key)
			err := <-written
			if late && (got.status != 503 || got.body != "too late" || got.cookie(t) != "" || err != nil && !errors.Is(err, http.ErrHandlerTimeout)) {
				t.Errorf("too late: %+v, written: %v", got, err)
			}
			if !late && (got.status != 200 || got.body != "hello" || got.cookie(t) != key || err != nil) {
				t.Errorf("in time: %+v, written: %v", got, err)
			}
			if want := map[bool]string{true: `{"a":1}`, false: `{"a":2}`}[late]; holds(t, store, key) != want {
				t.Errorf("late %v: stored %s", late, holds(t, store, key))
			}
		}
	})
}

// A request leaves no goroutine and no connection behind, however it ends.
func TestNothingIsLeftBehind(t *testing.T) {
	store, m := newBrittle(t)
	ways := []func(w http.ResponseWriter, r *http.Request, s *djsession.Session){
		func(w http.ResponseWriter, r *http.Request, s *djsession.Session) { s.Set("a", 2) },
		func(w http.ResponseWriter, r *http.Request, s *djsession.Session) { panic("on purpose") },
		func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
			s.CycleKey(r.Context())
			panic("on purpose")
		},
		func(w http.ResponseWriter, r *http.Request, s *djsession.Session) { s.Flush(r.Context()) },
		func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
			s.Set("a", 2)
			store.Delete(r.Context(), s.Key())
		},
		func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				conn.Close()
			}
		},
	}
	before := runtime.NumGoroutine()
	for _, http2 := range []bool{false, true} {
		for _, way := range ways {
			server := serving(t, http2, m.Handler(view(way)))
			for range 5 {
				fetch(t.Context(), server, stored(t, store, `{"a":1}`))
			}
			server.Close()
		}
	}
	// The goroutines of closed connections end a little later.
	for n := 0; runtime.NumGoroutine() > before; n++ {
		if n == 1000 {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
		time.Sleep(10 * time.Millisecond)
	}
	if stats := store.DB().Stats(); stats.InUse != 0 {
		t.Errorf("%d connections in use", stats.InUse)
	}
}

// If a client leaves in the middle of a CycleKey, the store has one session: the old one or the new
// one, but not both.
func TestClientLeavesDuringCycle(t *testing.T) {
	for _, point := range []string{"create", "delete"} {
		store, m := newBrittle(t)
		key := stored(t, store, `{"a":1}`)
		client, leave := context.WithCancel(t.Context())
		store.before = func(ctx context.Context, op string) error {
			if op == point {
				leave()
			}
			return nil
		}
		w := httptest.NewRecorder()
		m.Handler(view(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
			if err := s.CycleKey(r.Context()); err != nil {
				djsession.Error(w, r, err)
			}
		})).ServeHTTP(w, request(key).WithContext(client))
		store.before = downFor()
		sessions := 0
		for r, err := range store.Scan(t.Context(), djsession.Range{}) {
			if err != nil {
				t.Fatal(err)
			}
			if sessions++; r.Key != key && r.Key != cookieOf(t, w) {
				t.Errorf("left at the %s: the store has a session that no visitor has", point)
			}
		}
		if sessions != 1 {
			t.Errorf("left at the %s: %d sessions", point, sessions)
		}
	}
}
