package djsession_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/djsess/djsess/djsession"
)

// Hijack saves the session. It sets no cookie, since the handler writes the response itself.
func TestHijack(t *testing.T) {
	store, m := newSite(t)
	refusals := 0
	m.Observer = func(ctx context.Context, e djsession.Event) {
		if e.Kind == djsession.EventRefusal {
			refusals++
		}
	}
	server := serving(t, false, m.Handler(view(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		s.Set("a", 2)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		for what, err := range map[string]error{"set": s.Set("a", 3), "flush": s.Flush(r.Context())} {
			if !errors.Is(err, djsession.ErrResponseStarted) {
				t.Errorf("%s afterwards: %v", what, err)
			}
		}
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"+s.Key())
	})))
	for i, key := range []string{stored(t, store, `{"a":1}`), ""} {
		got := fetch(t.Context(), server, key)
		if got.err != nil || len(got.body) != 32 || key != "" && key != got.body || got.cookie(t) != "" || holds(t, store, got.body) != `{"a":2}` {
			t.Errorf("%+v", got)
		}
		if refusals != i { // the visitor does not get the key of a new session
			t.Errorf("%d refusals", refusals)
		}
	}
}

// If a Hijack fails, the handler can still write the response.
func TestHijackFails(t *testing.T) {
	store, m := newBrittle(t)
	var want error
	h := m.Handler(view(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		s.Set("a", 2)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			conn.Close()
		}
		if !errors.Is(err, want) {
			t.Errorf("hijack: %v, want %v", err, want)
		}
		if err := s.Set("b", 3); err != nil {
			t.Errorf("set afterwards: %v", err)
		}
	}))

	want = http.ErrNotSupported // HTTP/2 has no connection to hijack
	key := stored(t, store, `{"a":1}`)
	got := fetch(t.Context(), serving(t, true, h), key)
	if got.status != 200 || got.cookie(t) != key || holds(t, store.Store, key) != `{"a":2,"b":3}` {
		t.Errorf("%+v, stored %s", got, holds(t, store.Store, key))
	}

	want = errDown
	key = stored(t, store, `{"a":1}`)
	store.before = downFor("replace")
	got = fetch(t.Context(), serving(t, false, h), key)
	if got.status != 500 || got.cookie(t) != "" || holds(t, store.Store, key) != `{"a":1}` {
		t.Errorf("%+v, stored %s", got, holds(t, store.Store, key))
	}
}
