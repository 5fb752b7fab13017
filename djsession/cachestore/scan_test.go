package cachestore_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/internal/testing/fixture"
)

// scan returns the keys or names that a scan yields, and its errors.
func scan(t testing.TB, store djsession.Scanner, r djsession.Range) (found []string, errs []error) {
	t.Helper()
	for r, err := range store.Scan(t.Context(), r) {
		switch {
		case err != nil:
			errs = append(errs, err)
			if r != nil && (r.Values != nil || r.Version != nil) {
				t.Errorf("%v with a value", err)
			}
		case r.Key != "":
			found = append(found, r.Key)
		default:
			found = append(found, r.Name)
		}
	}
	return found, errs
}

func TestScan(t *testing.T) {
	cache := listed{memory: newMemory(), bad: map[string]error{}}
	cache.returnsExpires = true
	store := newStore(t, cache, cachestore.Config{})
	put := func(session string, timeout time.Duration) {
		cache.put(":1:django.contrib.sessions.cache"+session, []byte(`{"a":1}`), timeout)
	}
	put("aaaaaaaa1", time.Hour)
	put("aaaaaaaa2", -time.Hour)
	put("bbbbbbbb1", time.Hour)
	put("d_db"+key, time.Hour) // what cached_db has
	put("short", time.Hour)
	cache.set(":1:something else", `{"a":1}`)
	cache.set(":2:django.contrib.sessions.cacheaaaaaaaa1", `{"a":1}`)
	for _, c := range []struct {
		in   djsession.Range
		want []string
	}{
		{djsession.Range{}, []string{"aaaaaaaa1", "bbbbbbbb1"}},
		{djsession.Range{Expired: true}, []string{"aaaaaaaa1", "aaaaaaaa2", "bbbbbbbb1"}},
		{djsession.Range{Prefix: "aaa"}, []string{"aaaaaaaa1"}},
		{djsession.Range{Prefix: "d"}, nil},
		{djsession.Range{Prefix: "c"}, nil},
	} {
		if found, errs := scan(t, store, c.in); !slices.Equal(found, c.want) || errs != nil {
			t.Errorf("%+v: %q, %v", c.in, found, errs)
		}
	}
	for r := range store.Scan(t.Context(), djsession.Range{}) { // and what is found can be replaced
		if _, err := store.Replace(t.Context(), r, fixture.Values(t, `{}`), time.Time{}); err != nil || r.Expires.IsZero() || r.Origin.Form != djsession.Unsigned {
			t.Errorf("%v, %v", r, err)
		}
		break
	}
	if _, errs := scan(t, store, djsession.Range{Prefix: "*"}); len(errs) != 1 || !errors.Is(errs[0], djsession.ErrInvalidKey) {
		t.Error(errs)
	}

	// A damaged value is reported, and the scan goes on.
	cache.set(":1:django.contrib.sessions.cacheaaaaaaaa1", `[]`)
	cache.bad[":1:django.contrib.sessions.cacheaaaaaaaa2"] = &djsession.PayloadError{Err: djsession.ErrTooLarge}
	found, errs := scan(t, store, djsession.Range{Expired: true})
	if !slices.Equal(found, []string{"bbbbbbbb1"}) || len(errs) != 2 || !errors.Is(errs[0], djsession.ErrMalformed) || !errors.Is(errs[1], djsession.ErrTooLarge) {
		t.Errorf("%q, %v", found, errs)
	}
	for _, err := range errs {
		if strings.Contains(err.Error(), "aaaaaaaa") {
			t.Errorf("%v: holds a key", err)
		}
	}
	// Any other error ends it.
	cache.bad[""] = errors.New("connection refused")
	if found, errs = scan(t, store, djsession.Range{}); len(errs) != 2 || !errors.Is(errs[1], cache.bad[""]) {
		t.Errorf("%q, %v", found, errs)
	}
}

// In a cache that keeps hashes of its keys, a session is a dict without a key.
func TestScanHashed(t *testing.T) {
	cache := listed{memory: newMemory(), hashed: true, bad: map[string]error{}}
	store := newStore(t, cache, cachestore.Config{})
	cache.set("a", `{"_auth_user_id":"1"}`)
	cache.set("b", `"something else"`)
	cache.set("c", `damaged`)
	cache.set("d", ``)
	cache.bad["d"] = &djsession.PayloadError{Err: djsession.ErrMalformed}
	found, errs := scan(t, store, djsession.Range{})
	if !slices.Equal(found, []string{"hash of a"}) || len(errs) != 1 || !errors.Is(errs[0], djsession.ErrMalformed) {
		t.Errorf("%q, %v", found, errs)
	}
	if _, errs := scan(t, store, djsession.Range{Prefix: "a"}); len(errs) != 1 || !errors.Is(errs[0], errors.ErrUnsupported) {
		t.Error(errs)
	}
}

// A cache that cannot be enumerated gives no evidence that it is the site's.
func TestScanUnsupported(t *testing.T) {
	cache := newMemory()
	store := newStore(t, cache, cachestore.Config{})
	_, errs := scan(t, store, djsession.Range{})
	if len(errs) != 1 || !errors.Is(errs[0], errors.ErrUnsupported) || !strings.Contains(errs[0].Error(), "memory (here)") {
		t.Fatal(errs)
	}
	if opened, err := djsession.OpensSome(t.Context(), store); opened || err != nil {
		t.Errorf("%v, %v", opened, err)
	}
}

// Until a session was found in the cache, it may be another site's: no visitor loses a cookie.
func TestUnknownStore(t *testing.T) {
	cache := newMemory()
	settings := mustSettings(t)
	settings.DefaultsConfirmed = true
	m, err := djsession.NewManager(newStore(t, cache, cachestore.Config{Settings: settings}))
	if err != nil {
		t.Fatal(err)
	}
	var checked []error
	m.Observer = func(ctx context.Context, e djsession.Event) {
		if e.Kind == djsession.EventCheck {
			checked = append(checked, e.Err)
		}
	}
	if err := m.Check(t.Context()); err != nil || checked != nil {
		t.Errorf("%v, %v", err, checked)
	}
	visit := func(session string, write bool) (status int, cookie string) {
		r := httptest.NewRequest("GET", "/", nil)
		if session != "" {
			r.Header.Set("Cookie", "sessionid="+session)
		}
		w := httptest.NewRecorder()
		m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, err := djsession.FromRequest(r)
			if err == nil && write {
				err = s.Set("a", 1)
			}
			if err != nil {
				djsession.Error(w, r, err)
				return
			}
			s.Has("a")
		})).ServeHTTP(w, r)
		return w.Code, w.Header().Get("Set-Cookie")
	}
	const unknown = "of0a0session0that0is0elsewhere00"
	if status, cookie := visit(unknown, false); status != 200 || cookie != "" {
		t.Errorf("read: %d, %s", status, cookie)
	}
	if status, cookie := visit(unknown, true); status != 500 || cookie != "" {
		t.Errorf("write: %d, %s", status, cookie)
	}
	if status, cookie := visit("", true); status != 500 || cookie != "" { // what is stored now would count as found later
		t.Errorf("a new visitor: %d, %s", status, cookie)
	}
	cache.set(cacheKey, `{"a":1}`)
	if status, cookie := visit(key, false); status != 200 || cookie != "" {
		t.Errorf("a session: %d, %s", status, cookie)
	}
	if status, cookie := visit(unknown, true); status != 200 || cookie == "" || strings.Contains(cookie, unknown) {
		t.Errorf("write, afterwards: %d, %s", status, cookie)
	}
	if status, cookie := visit("", true); status != 200 || cookie == "" {
		t.Errorf("a new visitor, afterwards: %d, %s", status, cookie)
	}
}
