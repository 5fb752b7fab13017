package djsession_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
)

// A manager that was never asked to Check finds out by itself, when it matters.
func TestUnknownKeyAtALiveStore(t *testing.T) {
	store, m := newSite(t)
	m.AcceptEmptyStore = false
	stored(t, store, `{"a":1}`)
	w := visit(t, m, "of0a0session0that0is0elsewhere00", func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		if err := s.Set("a", 1); err != nil {
			t.Error(err)
		}
	})
	if got := cookieOf(t, w); w.Code != 200 || len(got) != 32 {
		t.Errorf("status %d, cookie %q", w.Code, got)
	}
}

// With the wrong store every visitor's session is unknown. Until the store has shown
// to be the site's, that costs nobody a cookie, and nothing is stored.
func TestUnknownStoreTakesNoCookie(t *testing.T) {
	const foreign = "of0a0session0that0is0elsewhere00"
	do := func(f func(r *http.Request, s *djsession.Session) error) func(http.ResponseWriter, *http.Request, *djsession.Session) {
		return func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
			if err := f(r, s); err != nil {
				djsession.Error(w, r, err)
			}
		}
	}
	read := do(func(r *http.Request, s *djsession.Session) error { s.GetString("name"); return nil })
	write := do(func(r *http.Request, s *djsession.Session) error { return s.Set("name", "x") })
	views := map[string]func(http.ResponseWriter, *http.Request, *djsession.Session){
		"read":  read,
		"write": write,
		"login": do(func(r *http.Request, s *djsession.Session) error { return s.CycleKey(r.Context()) }),
		"flush": do(func(r *http.Request, s *djsession.Session) error { return s.Flush(r.Context()) }),
		"flush and set": do(func(r *http.Request, s *djsession.Session) error {
			s.Flush(r.Context())
			return s.Set("name", "x")
		}),
	}
	store, _ := newSite(t)
	for range 2 { // services, one after the other: what the first one leaves must not make the second one sure
		m := newManager(t, store, mustSettings(t))
		m.AcceptEmptyStore = false
		if err := m.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		for name, view := range views {
			for _, cookie := range []string{foreign, ""} {
				w := visit(t, m, cookie, view)
				harmless := name == "read" || cookie == "" && name == "flush"
				if cookieOf(t, w) != "" || (w.Code == 500) == harmless {
					t.Errorf("%s with cookie %q: status %d, cookie %q", name, cookie, w.Code, cookieOf(t, w))
				}
			}
		}
	}
	if n := count(t, store); n != 0 {
		t.Errorf("%d sessions were stored", n)
	}

	// Somebody else's session tells that it is the site's store.
	m := newManager(t, store, mustSettings(t))
	m.AcceptEmptyStore = false
	visit(t, m, stored(t, store, `{"a":1}`), read)
	if got := cookieOf(t, visit(t, m, foreign, read)); got != "deleted" {
		t.Errorf("afterwards: cookie %q", got)
	}
	if got := cookieOf(t, visit(t, m, foreign, write)); len(got) != 32 || got == foreign {
		t.Errorf("afterwards: cookie %q", got)
	}
	if holds(t, store, foreign) != "nothing" {
		t.Error("the unknown key was adopted")
	}
}

func TestSaveEveryRequestLeavesUnknownCookies(t *testing.T) {
	settings := mustSettings(t)
	settings.SessionSaveEveryRequest = true
	store := newStore(t, settings)
	m := newManager(t, store, settings)
	m.AcceptEmptyStore = false
	w := visit(t, m, "of0a0session0that0is0elsewhere00", func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {})
	if w.Code != 200 || cookieOf(t, w) != "" {
		t.Errorf("status %d, cookie %q", w.Code, cookieOf(t, w))
	}
}

func TestCheck(t *testing.T) {
	store, m := newSite(t)
	if err := m.Check(t.Context()); err != nil {
		t.Errorf("an empty store: %v", err)
	}
	stored(t, store, `{"a":1}`)
	if err := m.Check(t.Context()); err != nil {
		t.Errorf("a session: %v", err)
	}
	settings := mustSettings(t)
	settings.SecretKey = "another"
	wrong := newStore(t, settings)
	stored(t, wrong, `{"a":1}`)
	wrong2, err := djsession.NewManager(reopen(t, wrong, mustSettings(t)), mustSettings(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := wrong2.Check(t.Context()); !errors.Is(err, djsession.ErrBadSignature) {
		t.Errorf("the wrong key: %v", err)
	}
	wrong.Close()
	if err := m.Check(t.Context()); err != nil {
		t.Error(err)
	}
	store.Close()
	if err := m.Check(t.Context()); err == nil {
		t.Error("a closed store passed")
	}
}

// A payload that does not verify is refused, told of, and left alone.
func TestRefusal(t *testing.T) {
	store, _ := newSite(t)
	key := stored(t, store, `{"a":1}`)
	settings := mustSettings(t)
	settings.SecretKey = "another"
	wrong, err := djsession.NewManager(reopen(t, store, settings), settings)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	wrong.Observer = djsession.LogEvents(slog.New(slog.NewTextHandler(&log, nil)))
	w := visit(t, wrong, key, func(http.ResponseWriter, *http.Request, *djsession.Session) { t.Error("there was a session") })
	if w.Code != 500 || cookieOf(t, w) != "" || w.Header().Get("Vary") != "Cookie" {
		t.Errorf("status %d, %v", w.Code, w.Header())
	}
	if got := log.String(); !strings.Contains(got, "level=WARN") || !strings.Contains(got, "bad signature") || strings.Contains(got, key) {
		t.Errorf("logged %s", got)
	}
	wrong.EmptyWhenRefused = true
	w = visit(t, wrong, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		if s.Has("a") || !s.IsEmpty() {
			t.Error("what cannot be trusted was shown")
		}
		for name, err := range map[string]error{"set": s.Set("b", 1), "flush": s.Flush(r.Context()), "cycle": s.CycleKey(r.Context()), "save": s.Save(r.Context())} {
			if !errors.Is(err, djsession.ErrBadSignature) {
				t.Errorf("%s: %v", name, err)
			}
		}
		s.SetModified(true)
	})
	if w.Code != 200 || cookieOf(t, w) != "" || w.Header().Get("Vary") != "Cookie" {
		t.Errorf("status %d, %v", w.Code, w.Header())
	}
	if got := holds(t, store, key); got != `{"a":1}` {
		t.Errorf("stored %s", got)
	}
}

func TestObserver(t *testing.T) {
	store, m := newSite(t)
	key := stored(t, store, `{"n":1}`)
	var events []string
	m.Observer = func(ctx context.Context, e djsession.Event) {
		text := string(e.Kind)
		if e.Err != nil {
			text += "!"
		}
		if e.Took < 0 || e.Session == "" || len(e.Session) > 9 {
			t.Errorf("event %+v", e)
		}
		events = append(events, text)
	}
	visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		s.Set("a", 1)
		djsession.Update(r.Context(), store, key, djsession.Set("b", 1))
	})
	visit(t, m, "of0a0session0that0is0elsewhere00", func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {})
	visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) { s.Flush(r.Context()) })
	if got, want := strings.Join(events, " "), "load conflict save load! load delete"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
