package djsession_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/internal/testing/edit"
	"github.com/djsess/djsess/internal/testing/fixture"
)

// A manager without a call of Check checks the store itself before it replaces a cookie.
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

// With the wrong store every visitor's session is unknown. Until there is proof that the store is
// the site's, no cookie is replaced and nothing is stored.
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
	for range 2 { // two services, one after the other: the sessions that the first one creates must be no proof for the second one
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

	// A session of another visitor proves that the store is the site's. A request that only reads
	// still does not change the cookie.
	m := newManager(t, store, mustSettings(t))
	m.AcceptEmptyStore = false
	visit(t, m, stored(t, store, `{"a":1}`), read)
	if got := cookieOf(t, visit(t, m, foreign, read)); got != "" {
		t.Errorf("afterwards: cookie %q", got)
	}
	if got := cookieOf(t, visit(t, m, foreign, write)); len(got) != 32 || got == foreign {
		t.Errorf("afterwards: cookie %q", got)
	}
	if got := cookieOf(t, visit(t, m, foreign, views["flush"])); got != "deleted" {
		t.Errorf("afterwards: cookie %q", got)
	}
	if holds(t, store, foreign) != "nothing" {
		t.Error("a session was stored under the unknown key")
	}
}

// An expired session proves nothing: it may come from an engine that the site no longer uses.
func TestDeadSessionsProveNothing(t *testing.T) {
	store, m := newSite(t)
	m.AcceptEmptyStore = false
	if _, err := store.Create(t.Context(), "", fixture.Values(t, `{"a":1}`), time.Now().Add(-365*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if w := visit(t, m, djsession.NewKey(), setGo); w.Code != 500 || cookieOf(t, w) != "" {
		t.Errorf("status %d, cookie %q", w.Code, cookieOf(t, w))
	}
	if _, err := store.Create(t.Context(), "", fixture.Values(t, `{"a":1}`), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := m.Check(t.Context()); err != nil { // Check does not wait for the next sampling
		t.Fatal(err)
	}
	if w := visit(t, m, djsession.NewKey(), setGo); w.Code != 200 || len(cookieOf(t, w)) != 32 {
		t.Errorf("with a live session: status %d, cookie %q", w.Code, cookieOf(t, w))
	}
}

func setGo(w http.ResponseWriter, r *http.Request, s *djsession.Session) { s.Set("go", 1) }

// The site's SECRET_KEY is siteKey, and was oldKey before. A service has them in the wrong order,
// or has another text before the right key. Django cannot read what Go would sign with the first
// key.
func TestKeyBehindAWrongOne(t *testing.T) {
	const siteKey, oldKey = "the site's key", "the site's key of last year"
	keys := func(key string, fallbacks ...string) *djsession.Settings {
		s := mustSettings(t)
		s.SecretKey, s.SecretKeyFallbacks = key, fallbacks
		return s
	}
	for name, c := range map[string]struct {
		settings *djsession.Settings
		refuses  bool
	}{
		"right":            {keys(siteKey, oldKey), false},
		"no fallbacks":     {keys(siteKey), false},
		"wrong order":      {keys(oldKey, siteKey), true},
		"a text before":    {keys("# the keys", siteKey, oldKey), true},
		"just rotated":     {keys("a new key", siteKey, oldKey), true},
		"rotated, vouched": {func() *djsession.Settings { s := keys("a new key", siteKey, oldKey); s.AcceptNewKey = true; return s }(), false},
	} {
		t.Run(name, func(t *testing.T) {
			old := keys(oldKey)
			old.Now = func() time.Time { return time.Now().Add(-3 * 24 * time.Hour) }
			store := newStore(t, old)
			stale := stored(t, store, `{"old":1}`) // Django has not saved it since the change of the key
			site := reopen(t, store, keys(siteKey))
			key := stored(t, site, `{"a":1}`)
			ours := reopen(t, store, c.settings)

			m := newManager(t, ours, c.settings)
			m.AcceptEmptyStore = false
			visitors := []string{key, djsession.NewKey(), ""}
			if len(c.settings.SecretKeyFallbacks) > 0 {
				visitors = append(visitors, stale, key) // a session that opens under the wrong first key is no proof either
			}
			for _, cookie := range visitors {
				w := visit(t, m, cookie, setGo)
				if refused := w.Code == 500 && cookieOf(t, w) == ""; refused != c.refuses {
					t.Errorf("cookie %q: status %d, cookie %q", djsession.ShortKey(cookie), w.Code, cookieOf(t, w))
				}
				if w := visit(t, m, cookie, func(http.ResponseWriter, *http.Request, *djsession.Session) {}); w.Code != 200 {
					t.Errorf("cookie %q: reading: status %d", djsession.ShortKey(cookie), w.Code)
				}
			}
			another := stored(t, site, `{"a":1}`)
			_, err := djsession.Update(t.Context(), ours, another, edit.Set("b", 1))
			if refused := errors.Is(err, djsession.ErrUnknownKey); refused != c.refuses || !refused && err != nil {
				t.Errorf("update: %v", err)
			}
			if c.refuses {
				if got := holds(t, site, another); got != `{"a":1}` {
					t.Errorf("Django reads %s", got)
				}
			}
		})
	}
}

// After a change of SECRET_KEY, Go writes only when Django has signed a session with the new key.
func TestNewKeyInUse(t *testing.T) {
	before, after := mustSettings(t), mustSettings(t)
	after.SecretKey, after.SecretKeyFallbacks = "a new key", []string{before.SecretKey}
	earlier := time.Now().Add(-time.Minute)
	before.Now = func() time.Time { return earlier }
	store := newStore(t, before)
	key := stored(t, store, `{"a":1}`)
	django := reopen(t, store, after)
	m := newManager(t, django, after)
	var checked error
	m.Observer = func(_ context.Context, e djsession.Event) {
		if e.Kind == djsession.EventCheck {
			checked = e.Err
		}
	}
	if err := m.Check(t.Context()); err != nil || !errors.Is(checked, djsession.ErrUnknownKey) {
		t.Errorf("Check: %v, observed %v", err, checked)
	}
	if w := visit(t, m, key, setGo); w.Code != 500 {
		t.Errorf("before: status %d", w.Code)
	}
	visit(t, m, stored(t, django, `{"a":2}`), func(http.ResponseWriter, *http.Request, *djsession.Session) {})
	if w := visit(t, m, key, setGo); w.Code != 200 {
		t.Errorf("after: status %d", w.Code)
	}
}

// After the site's change of SECRET_KEY, Check foresees that a service without SECRET_KEY_FALLBACKS
// cannot open the older sessions.
func TestCheckMissesFallbacks(t *testing.T) {
	before, after := mustSettings(t), mustSettings(t)
	after.SecretKey, after.DefaultsConfirmed = "a new key", true
	earlier := time.Now().Add(-time.Hour)
	before.Now = func() time.Time { return earlier }
	store := newStore(t, before)
	m := newManager(t, reopen(t, store, after), after)
	for range 60 {
		stored(t, store, `{"a":1}`)
	}
	for range 60 {
		stored(t, m.Store(), `{"a":1}`)
	}
	var checked []string
	m.Observer = func(_ context.Context, e djsession.Event) {
		if e.Kind == djsession.EventCheck {
			checked = append(checked, e.Err.Error())
		}
	}
	if err := m.Check(t.Context()); err != nil {
		t.Error(err)
	}
	want := regexp.MustCompile(`^(5\d|4\d|60) of 100 live sessions cannot be opened here, .*: is SECRET_KEY_FALLBACKS the site's\? .*bad signature`)
	if len(checked) != 1 || !want.MatchString(checked[0]) {
		t.Errorf("%q", checked)
	}
}

// With SESSION_SAVE_EVERY_REQUEST, a request that changes nothing gets its normal response, even if
// Go may not write.
func TestUnknownKeyWhereEachRequestSaves(t *testing.T) {
	site, ours := mustSettings(t), mustSettings(t)
	ours.SecretKey, ours.SecretKeyFallbacks, ours.SessionSaveEveryRequest = "another", []string{site.SecretKey}, true
	store := newStore(t, site)
	key := stored(t, store, `{"a":1}`)
	m := newManager(t, reopen(t, store, ours), ours)
	if w := visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) { s.Has("a") }); w.Code != 200 {
		t.Errorf("status %d", w.Code)
	}
	if got := holds(t, store, key); got != `{"a":1}` {
		t.Errorf("Django reads %s", got)
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
	wrong2, err := djsession.NewManager(reopen(t, wrong, mustSettings(t)))
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

// A payload that does not verify is refused and reported, and is not changed.
func TestRefusal(t *testing.T) {
	store, _ := newSite(t)
	key := stored(t, store, `{"a":1}`)
	settings := mustSettings(t)
	settings.SecretKey = "another"
	wrong, err := djsession.NewManager(reopen(t, store, settings))
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	wrong.Observer = djsession.LogEvents(slog.New(slog.NewTextHandler(&log, nil)))
	w := visit(t, wrong, key, func(http.ResponseWriter, *http.Request, *djsession.Session) { t.Error("the handler got a session") })
	if w.Code != 500 || cookieOf(t, w) != "" || w.Header().Get("Vary") != "Cookie" {
		t.Errorf("status %d, %v", w.Code, w.Header())
	}
	if got := log.String(); !strings.Contains(got, "level=WARN") || !strings.Contains(got, "bad signature") || strings.Contains(got, key) {
		t.Errorf("logged %s", got)
	}
	wrong.EmptyWhenRefused = true
	w = visit(t, wrong, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		if s.Has("a") || !s.IsEmpty() {
			t.Error("a value of an untrusted payload was shown")
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
		djsession.Update(r.Context(), store, key, edit.Set("b", 1))
	})
	visit(t, m, "of0a0session0that0is0elsewhere00", func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {})
	visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) { s.Flush(r.Context()) })
	if got, want := strings.Join(events, " "), "load conflict save load! load delete"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// unsigned is a store without signatures, like a cache.
type unsigned struct {
	*dbstore.Store
	scans int
}

func (s *unsigned) IsUnsigned() bool { return true }

func (s *unsigned) Scan(ctx context.Context, r djsession.Range) iter.Seq2[*djsession.Record, error] {
	s.scans++
	return s.Store.Scan(ctx, r)
}

// A store without signatures is not scanned, since its sessions are no proof.
func TestUnsignedStoreIsNotLookedThrough(t *testing.T) {
	store := &unsigned{Store: newStore(t, mustSettings(t))}
	key := stored(t, store, `{"a":1}`)
	m := newManager(t, store, mustSettings(t))
	m.AcceptEmptyStore = false
	for range 3 {
		if w := visit(t, m, "", setGo); w.Code != 500 {
			t.Errorf("status %d", w.Code)
		}
	}
	visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) { s.Has("a") })
	if w := visit(t, m, "", setGo); w.Code != 200 || store.scans != 0 {
		t.Errorf("proven: status %d, %d scans", w.Code, store.scans)
	}
}

// With UnwrapCookie a site's keys may have another form than Django's.
func TestUnwrapCookieKnowsTheKeys(t *testing.T) {
	_, m := newSite(t)
	m.UnwrapCookie = func(_ *http.Request, value string) (string, bool) { return value, true }
	m.WrapCookie = func(key string, _ *djsession.Values) (string, error) { return key, nil }
	if w := visit(t, m, "0d6bbf0c-7e3d-4c58-9c1e-1f1d7a2b3c4d", setGo); w.Code != 200 || cookieOf(t, w) == "" {
		t.Errorf("status %d, cookie %q", w.Code, cookieOf(t, w))
	}
}
