package djsession_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/cookiestore"
	"github.com/djsess/djsess/djsession/filecache"
	"github.com/djsess/djsess/internal/testing/edit"
)

func keysOf(t *testing.T, key string, fallbacks ...string) *djsession.Settings {
	s := mustSettings(t)
	s.SecretKey, s.SecretKeyFallbacks = key, fallbacks
	return s
}

func cookiesOf(t *testing.T, s *djsession.Settings) *cookiestore.Store {
	t.Helper()
	store, err := cookiestore.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// A worker that changes a signed cookie does not sign it with a key that the site does not have,
// although there is no store with other cookies to check.
func TestUpdateOfACookieBehindAWrongKey(t *testing.T) {
	site := cookiesOf(t, keysOf(t, "the site's key"))
	settings := keysOf(t, "# the keys", "the site's key")
	ours := cookiesOf(t, settings)
	key := stored(t, site, `{"a":1}`)
	r, err := djsession.Update(t.Context(), ours, key, edit.Set("b", 1))
	if !errors.Is(err, djsession.ErrUnknownKey) {
		t.Errorf("update: %v", err)
		if _, err := site.Load(t.Context(), r.Key); err != nil {
			t.Errorf("Django reads the cookie: %v", err)
		}
	}

	m := newManager(t, ours, settings)
	s, err := m.Load(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	s.Set("b", 1)
	if err := s.Save(t.Context()); !errors.Is(err, djsession.ErrUnknownKey) {
		t.Errorf("save: %v", err)
		if _, err := site.Load(t.Context(), s.Key()); err != nil {
			t.Errorf("Django reads the cookie: %v", err)
		}
	}
}

// A cached session is not signed, and does not show which key has signed the row.
func TestUpdateOfACachedSessionBehindAWrongKey(t *testing.T) {
	site := keysOf(t, "the site's key")
	table := newStore(t, site)
	folder := t.TempDir()
	open := func(settings *djsession.Settings) *cachestore.CachedDB {
		cache, err := filecache.New(filecache.Config{Dir: folder, Settings: settings})
		if err != nil {
			t.Fatal(err)
		}
		store, err := cachestore.NewCachedDB(cache, reopen(t, table, settings), cachestore.Config{})
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
	django := open(site)
	for what, ours := range map[string]*cachestore.CachedDB{
		"cached":     open(keysOf(t, "# the keys", "the site's key")),
		"not cached": open(keysOf(t, "# the keys", "the site's key")),
	} {
		key := stored(t, table, `{"a":1}`)
		if what == "cached" {
			if r, err := django.Load(t.Context(), key); err != nil || r == nil { // the load caches the session
				t.Fatal(err)
			}
		}
		if _, err := djsession.Update(t.Context(), ours, key, edit.Set("b", 1)); !errors.Is(err, djsession.ErrUnknownKey) {
			t.Errorf("%s: update: %v", what, err)
		}
		if _, err := table.Load(t.Context(), key); err != nil {
			t.Errorf("%s: Django reads the row: %v", what, err)
		}
	}
}

// The site's SECRET_KEY is siteKey, and was oldKey before. A service has them in the wrong order.
// If the first visitor has an old cookie, that must not make the service sign all cookies with the
// old key.
func TestOldCookieIsNoProofOfTheKey(t *testing.T) {
	const siteKey, oldKey = "the site's key", "the site's key of last week"
	old := keysOf(t, oldKey)
	old.Now = func() time.Time { return time.Now().Add(-3 * 24 * time.Hour) }
	stale := stored(t, cookiesOf(t, old), `{"old":1}`)
	site := cookiesOf(t, keysOf(t, siteKey))

	settings := keysOf(t, oldKey, siteKey)
	m := newManager(t, cookiesOf(t, settings), settings)
	m.AcceptEmptyStore = false
	visit(t, m, stale, setGo)
	for range 3 {
		fresh := stored(t, site, `{"_auth_user_id":"1"}`)
		w := visit(t, m, fresh, setGo)
		if cookie := cookieOf(t, w); cookie != "" {
			_, err := site.Load(t.Context(), cookie)
			t.Errorf("status %d, and Django reads the visitor's new cookie: %v", w.Code, err)
		}
	}
}

// An attacker with an old key of the site signs sessions with a time in the future. That does not
// keep the service from writing after Django has signed with the new key.
func TestSignatureOfTheFuture(t *testing.T) {
	old, now := keysOf(t, "old"), keysOf(t, "new", "old")
	old.Now = func() time.Time { return time.Now().Add(1000 * time.Hour) }
	forged := stored(t, cookiesOf(t, old), `{}`)
	m := newManager(t, cookiesOf(t, now), now)
	m.AcceptEmptyStore = false
	visit(t, m, forged, func(http.ResponseWriter, *http.Request, *djsession.Session) {})
	site := keysOf(t, "new")
	site.Now = func() time.Time { return time.Now().Add(2 * time.Second) } // the clock of a later request
	if w := visit(t, m, stored(t, cookiesOf(t, site), `{"a":1}`), setGo); w.Code != 200 {
		t.Errorf("status %d", w.Code)
	}
}
