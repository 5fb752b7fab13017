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
// to be the site's, that costs nobody a cookie.
func TestUnknownStoreTakesNoCookie(t *testing.T) {
	const foreign = "of0a0session0that0is0elsewhere00"
	read := func(w http.ResponseWriter, r *http.Request, s *djsession.Session) { s.GetString("name") }
	write := func(w http.ResponseWriter, r *http.Request, s *djsession.Session) { s.Set("name", "x") }
	login := func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		if err := s.CycleKey(r.Context()); err != nil {
			djsession.Error(w, r, err)
		}
	}

	store, m := newSite(t)
	m.AcceptEmptyStore = false
	left := func(why string) {
		t.Helper()
		for name, view := range map[string]func(http.ResponseWriter, *http.Request, *djsession.Session){"read": read, "write": write, "login": login} {
			w := visit(t, m, foreign, view)
			if cookieOf(t, w) != "" || (w.Code == 500) != (name != "read") {
				t.Errorf("%s, %s: status %d, cookie %q", why, name, w.Code, cookieOf(t, w))
			}
		}
	}
	left("at first")

	// What the manager made itself proves nothing.
	own := cookieOf(t, visit(t, m, "", write))
	visit(t, m, own, read)
	left("after a session of its own")

	// A check of a store whose sessions open does.
	other, err := djsession.NewManager(store, mustSettings(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := cookieOf(t, visit(t, other, foreign, read)); got != "deleted" {
		t.Errorf("after a check: cookie %q", got)
	}

	// So does a session that somebody else made.
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
	store, m := newSite(t)
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
	visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {})
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
