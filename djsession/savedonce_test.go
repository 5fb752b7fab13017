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
	"github.com/djsess/djsess/djsession/cookiestore"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/internal/testing/edit"
)

// If another writer changes a value after Pop, the value stays: the caller of Pop has not seen the
// change.
func TestPopOfAChangedValue(t *testing.T) {
	for name, c := range map[string]struct {
		theirs edit.Change
		want   string
		told   bool
	}{
		"nobody":         {nil, `{}`, false},
		"another value":  {edit.Set("b", 1), `{"b":1}`, false},
		"appended":       {edit.SetJSON("todo", `["x","y"]`), `{"todo":["x","y"]}`, true},
		"popped as well": {edit.Delete("todo"), `{}`, false},
	} {
		store, m := newSite(t)
		key := stored(t, store, `{"todo":["x"]}`)
		told := false
		m.Observer = func(_ context.Context, e djsession.Event) {
			told = told || e.Kind == djsession.EventConflict && e.Err != nil && strings.Contains(e.Err.Error(), "todo")
		}
		w := visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
			var todo []string
			if err := s.Pop("todo", &todo); err != nil || len(todo) != 1 {
				t.Errorf("%s: %v, %v", name, todo, err)
			}
			if c.theirs != nil {
				if _, err := djsession.Update(r.Context(), store, key, c.theirs); err != nil {
					t.Error(err)
				}
			}
		})
		if got := holds(t, store, key); got != c.want || told != c.told || w.Code != 200 {
			t.Errorf("%s: status %d, stored %s, reported %v", name, w.Code, got, told)
		}
	}
}

// If a handler saves and then changes nothing, it gets an error if the session was deleted
// meanwhile. Django saves once more, with the same effect.
func TestDeletedAfterSave(t *testing.T) {
	store, m := newSite(t)
	key := stored(t, store, `{"a":1}`)
	w := visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		if err := errors.Join(s.Set("a", 2), s.Save(r.Context()), store.Delete(r.Context(), key)); err != nil {
			t.Error(err)
		}
	})
	if w.Code != 400 || cookieOf(t, w) != "" || holds(t, store, key) != "nothing" {
		t.Errorf("status %d, cookie %q, stored %s", w.Code, cookieOf(t, w), holds(t, store, key))
	}
}

// If the outcome of a save is unknown, its changes are not made twice, even if the handler saves
// again.
func TestSaveAgainAfterAnUnknownOutcome(t *testing.T) {
	store, _ := newSite(t)
	key := stored(t, store, `{"n":1}`)
	m := newManager(t, &brokenStore{Store: store, at: "replace", after: true}, mustSettings(t))
	visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		s.Apply(edit.Add("n", 1))
		for range 3 {
			if err := s.Save(r.Context()); !errors.Is(err, errBroken) {
				t.Error(err)
			}
		}
	})
	if got := holds(t, store, key); got != `{"n":2}` {
		t.Errorf("stored %s", got)
	}
}

// unsureStore does not know the outcome of its first DeleteUnchanged. Then another client writes
// the session, and another one logs out.
type unsureStore struct {
	*dbstore.Store
	t     *testing.T
	times int
}

func (s *unsureStore) DeleteUnchanged(ctx context.Context, old *djsession.Record) error {
	s.times++
	switch s.times {
	case 1:
		if _, err := djsession.Update(ctx, s.Store, old.Key, edit.Set("theirs", 1)); err != nil {
			s.t.Error(err)
		}
	case 2:
		if err := s.Store.Delete(ctx, old.Key); err != nil {
			s.t.Error(err)
		}
	}
	return s.Store.DeleteUnchanged(ctx, old)
}

// A logout between two attempts to delete the old session is not undone.
func TestLogoutWhileTheKeyIsCycled(t *testing.T) {
	store, _ := newSite(t)
	key := stored(t, store, `{"_auth_user_id":"1"}`)
	m := newManager(t, &unsureStore{Store: store, t: t}, mustSettings(t))
	w := visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		if err := s.CycleKey(r.Context()); !errors.Is(err, djsession.ErrSessionDeleted) {
			t.Errorf("cycle: %v", err)
		}
	})
	if n := count(t, store); n != 0 || cookieOf(t, w) != "" {
		t.Errorf("%d sessions, cookie %q", n, cookieOf(t, w))
	}
}

// The session of a request whose deadline has passed is still saved, and the response reports
// success. Only an http.TimeoutHandler would answer in its place.
func TestDeadlineOfTheRequest(t *testing.T) {
	for _, fails := range []bool{false, true} {
		store, m := newBrittle(t)
		key := stored(t, store, `{"a":1}`)
		saves := 0
		m.Observer = func(_ context.Context, e djsession.Event) {
			if e.Kind == djsession.EventSave {
				saves++
			}
		}
		if fails {
			store.before = downFor("replace")
		}
		h := m.Handler(view(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
			r.Context().Value(pastDeadline{}).(*pastDeadline).pass() // after the load, which uses the request's context
			s.Set("a", 2)
			io.WriteString(w, "hello")
		}))
		ctx := &pastDeadline{Context: t.Context(), passed: make(chan struct{})}
		w := httptest.NewRecorder()
		m.SaveTimeout = time.Minute
		h.ServeHTTP(w, request(key).WithContext(ctx))
		store.before = downFor()
		got := holds(t, store, key)
		if fails && (w.Code != 500 || got != `{"a":1}`) || !fails && (w.Code != 200 || got != `{"a":2}` || cookieOf(t, w) != key) {
			t.Errorf("fails %v: status %d, stored %s", fails, w.Code, got)
		}
		if saves != 1 {
			t.Errorf("fails %v: %d saves were reported", fails, saves)
		}
	}
}

// A request that an http.TimeoutHandler has ended is not saved, and an error is reported.
func TestTimeoutHandlerIsTold(t *testing.T) {
	store, m := newSite(t)
	key := stored(t, store, `{"a":1}`)
	told := make(chan error, 1)
	m.Observer = func(_ context.Context, e djsession.Event) {
		if e.Kind == djsession.EventSave {
			told <- e.Err
		}
	}
	h := http.TimeoutHandler(m.Handler(view(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		<-r.Context().Done()
		s.Set("a", 2)
	})), 10*time.Millisecond, "too late")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request(key))
	if err := <-told; !errors.Is(err, http.ErrHandlerTimeout) {
		t.Errorf("reported %v", err)
	}
	if w.Code != 503 || holds(t, store, key) != `{"a":1}` {
		t.Errorf("status %d, stored %s", w.Code, holds(t, store, key))
	}
}

// Once a cookie has verified, garbage in another one is an empty session, as in Django.
func TestGarbageCookie(t *testing.T) {
	settings := mustSettings(t)
	store, err := cookiestore.New(settings)
	if err != nil {
		t.Fatal(err)
	}
	m := newManager(t, store, settings)
	m.AcceptEmptyStore = false
	read := func(w http.ResponseWriter, r *http.Request, s *djsession.Session) { s.Has("a") }
	if w := visit(t, m, "garbage-garbage", read); w.Code != 500 {
		t.Errorf("at first: status %d", w.Code)
	}
	if w := visit(t, m, "", setGo); w.Code != 500 || cookieOf(t, w) != "" { // the new cookie would verify, and be no proof
		t.Errorf("at first, a new session: status %d, cookie %q", w.Code, cookieOf(t, w))
	}
	if w := visit(t, m, stored(t, store, `{"a":1}`), read); w.Code != 200 {
		t.Errorf("the site's: status %d", w.Code)
	}
	if w := visit(t, m, "garbage-garbage", read); w.Code != 200 || cookieOf(t, w) != "" {
		t.Errorf("then: status %d, cookie %q", w.Code, cookieOf(t, w))
	}
	w := visit(t, m, "garbage-garbage", setGo)
	if w.Code != 200 || holds(t, store, cookieOf(t, w)) != `{"go":1}` {
		t.Errorf("then, with a change: status %d, cookie %q", w.Code, cookieOf(t, w))
	}
}

// pastDeadline is a context whose deadline passes when the test says so.
type pastDeadline struct {
	context.Context
	passed chan struct{}
}

func (c *pastDeadline) pass()                 { close(c.passed) }
func (c *pastDeadline) Done() <-chan struct{} { return c.passed }

func (c *pastDeadline) Err() error {
	select {
	case <-c.passed:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func (c *pastDeadline) Value(key any) any {
	if key == (pastDeadline{}) {
		return c
	}
	return c.Context.Value(key)
}
