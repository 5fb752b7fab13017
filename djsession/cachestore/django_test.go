package cachestore_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/edit"
	"github.com/djsess/djsess/internal/testing/fixture"
)

// Each cache beside each Django, with a KEY_PREFIX, a VERSION, and a SessionStore with a cache_key_prefix of its own.
func TestBesideDjango(t *testing.T) {
	onKinds(t, func(t *testing.T, version string, kind cacheKind) {
		start := kind.start
		kind.start = func(t *testing.T) (map[string]any, func(*testing.T, *djsession.Settings) cachestore.Cache) {
			entry, open := start(t)
			entry["KEY_PREFIX"], entry["VERSION"] = "site-a", 3
			return entry, open
		}
		s := newSite(t, version, "cache", kind, nil)
		s.Do(t, `SessionStore.cache_key_prefix = "acme.sessions"`, nil, nil)
		store := s.store(t, cachestore.Config{KeyPrefix: "site-a", Version: 3, CacheKeyPrefix: "acme.sessions"})
		t.Run("sessions", func(t *testing.T) { sessionsAreDjangos(t, s, store, kind) })
		t.Run("expiries", func(t *testing.T) { expiriesAreDjangos(t, s, store, kind) })
		t.Run("other values", func(t *testing.T) { otherValues(t, s, store) })
	})
}

// Go reads the sessions of Django, and Django those of Go. If Go changes one value, the values
// that Go has no type for stay.
func sessionsAreDjangos(t *testing.T, s *site, store *cachestore.Store, kind cacheKind) {
	ctx := t.Context()
	var session string
	s.Do(t, `
			put = {
				"name": "Zoë \U0001f600", "float": 1.0, "big": 10**30, "none": None,
				"when": datetime.datetime(2026, 1, 2, 3, 4, 5, 678, datetime.timezone.utc),
				"price": decimal.Decimal("19.90"), "pair": (1, [2]), "tags": {"a"},
				"fraction": fractions.Fraction(1, 3), "order": collections.OrderedDict(b=1, a=2), 7: "seven",
			}
			session = SessionStore()
			session.update(put)
			session.save()
			result = session.session_key
		`, nil, &session)
	r, err := store.Load(ctx, session)
	if err != nil {
		t.Fatal(err)
	}
	var name string
	var when time.Time
	if err := errors.Join(r.Values.Get("name", &name), r.Values.Get("when", &when)); err != nil ||
		name != "Zoë \U0001f600" || !when.Equal(time.Date(2026, 1, 2, 3, 4, 5, 678000, time.UTC)) {
		t.Errorf("%q, %v, %v", name, when, err)
	}
	var fraction any
	if err := r.Values.Get("fraction", &fraction); !errors.Is(err, djsession.ErrOpaque) {
		t.Errorf("%v, %v", fraction, err)
	}
	if _, err := djsession.Update(ctx, store, session, edit.Set("go", []any{1.0, "é"})); err != nil {
		t.Fatal(err)
	}
	var equal string
	s.Do(t, `
			got = SessionStore(args)
			put["go"] = [1.0, "é"]
			same = dict(got.items()) == put and list(map(type, got.values())) == list(map(type, put.values()))
			result = "equal" if same and list(got.keys()) == list(put) else repr(dict(got.items()))
		`, session, &equal)
	if equal != "equal" {
		t.Errorf("in Django %s", equal)
	}

	created, err := store.Create(ctx, "", fixture.Values(t, `{"b":[1.0,{"x":null}],"a":"\u00e9"}`), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	s.Do(t, `
			got = SessionStore(args)
			result = repr([list(got.items()), got.exists(args), got.session_key == args])
			got["django"] = (1, 2)
			got.save()
		`, created.Key, &equal)
	if want := `[[('b', [1.0, {'x': None}]), ('a', 'é')], True, True]`; equal != want {
		t.Errorf("in Django %s, want %s", equal, want)
	}
	// Django has changed it since.
	var conflict *djsession.ConflictError
	if _, err := store.Replace(ctx, created, fixture.Values(t, `{}`), time.Time{}); !errors.As(err, &conflict) || !conflict.Current.Values.Has("django") {
		t.Errorf("%v", err)
	}
	s.listed(t, store, kind, session, created.Key)

	// A session that one side deletes is gone for the other.
	if err := store.Delete(ctx, session); err != nil {
		t.Error(err)
	}
	var exists bool
	s.Do(t, `
			result = SessionStore().exists(args[0])
			SessionStore().delete(args[1])
		`, []string{session, created.Key}, &exists)
	if _, err := store.Replace(ctx, conflict.Current, nil, time.Time{}); !errors.Is(err, djsession.ErrNotFound) || exists {
		t.Errorf("%v, exists %v", err, exists)
	}
}

// listed scans the cache for two sessions, between which the site has other values.
func (s *site) listed(t *testing.T, store *cachestore.Store, kind cacheKind, want ...string) {
	t.Helper()
	s.Do(t, `cache.set("other", [1]); cache.set("django.contrib.sessions.other", {"a": 1}, version=2)`, nil, nil)
	found, errs := scan(t, store, djsession.Range{})
	slices.Sort(found)
	slices.Sort(want)
	switch {
	case kind.name == "memcached":
		if len(errs) != 1 || !errors.Is(errs[0], errors.ErrUnsupported) {
			t.Errorf("%v", errs)
		}
	case kind.name == "files": // the other dict, too
		if len(found) != 3 || errs != nil {
			t.Errorf("found %q, %v", found, errs)
		}
	case !slices.Equal(found, want) || errs != nil:
		t.Errorf("found %q, %v, want %q", found, errs, want)
	}
}

// A session ends at the same time for Django and Go, within a second.
func expiriesAreDjangos(t *testing.T, s *site, store *cachestore.Store, kind cacheKind) {
	ctx := t.Context()
	for _, expiry := range []string{`None`, `0`, `100`, `99.9`, `datetime.timedelta(days=40)`,
		`datetime.datetime(2035, 1, 1, tzinfo=datetime.timezone.utc)`} {
		var got struct {
			Key     string
			Seconds float64 // that Django has it last
		}
		s.Do(t, fmt.Sprintf(`
				session = SessionStore()
				session["a"] = 1
				session.set_expiry(%s)
				session.save()
				result = {"Key": session.session_key, "Seconds": session.get_expiry_age()}
			`, expiry), nil, &got)
		want := time.Now().Add(time.Duration(got.Seconds * float64(time.Second)))
		put, err := store.Expires(ctx, got.Key)
		r, loadErr := store.Load(ctx, got.Key)
		if loadErr != nil {
			t.Fatalf("%s: %v", expiry, loadErr)
		}
		written, writeErr := store.Replace(ctx, r, r.Values, time.Time{})
		if writeErr != nil || written.Expires.Sub(want).Abs() > 2*time.Second {
			t.Errorf("%s: written until %v, %v; want %v", expiry, written, writeErr, want)
		}
		if kind.name == "memcached" {
			if !errors.Is(err, errors.ErrUnsupported) {
				t.Error(err)
			}
			continue
		}
		again, againErr := store.Expires(ctx, got.Key)
		if err != nil || againErr != nil || put.Sub(want).Abs() > 2*time.Second || again.Sub(want).Abs() > 2*time.Second {
			t.Errorf("%s: put until %v, %v; replaced until %v, %v; want %v", expiry, put, err, again, againErr, want)
		}
	}
	// A session that has ended when it is written is not there.
	created, err := store.Create(ctx, "", fixture.Values(t, `{"_session_expiry":-5}`), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	var loaded bool
	s.Do(t, `result = bool(SessionStore(args).load())`, created.Key, &loaded)
	if _, err := store.Load(ctx, created.Key); !errors.Is(err, djsession.ErrNotFound) || loaded {
		t.Errorf("%v, loaded in Django: %v", err, loaded)
	}
}

// The error for a value that is not a session says what the value is. The value stays.
func otherValues(t *testing.T, s *site, store *cachestore.Store) {
	ctx := t.Context()
	for _, value := range []string{`[1]`, `17`, `"text"`, `(1, 2)`, `b"bytes"`, `fractions.Fraction(1, 3)`} {
		s.Do(t, `cache.set(SessionStore.cache_key_prefix + args, `+value+`)`, key, nil)
		_, err := store.Load(ctx, key)
		var payload *djsession.PayloadError
		if !errors.As(err, &payload) || !errors.Is(err, djsession.ErrMalformed) {
			t.Errorf("%s: %v", value, err)
		}
		if _, err := djsession.Update(ctx, store, key, edit.Set("a", 1)); !errors.As(err, &payload) {
			t.Errorf("%s: %v", value, err)
		}
		var same bool
		s.Do(t, `result = cache.get(SessionStore.cache_key_prefix + args) == `+value, key, &same)
		if !same {
			t.Errorf("%s is not what it was", value)
		}
	}
}

// A site keeps its sessions when it moves from one Django to another.
func TestPicklesOfEveryDjango(t *testing.T) {
	djangotest.NotShort(t, "several Djangos")
	entry, open := cacheKinds[1].start(t)
	shared := cacheKinds[1]
	shared.start = func(*testing.T) (map[string]any, func(*testing.T, *djsession.Settings) cachestore.Cache) {
		return entry, open
	}
	var sites []*site
	for _, version := range djangotest.Djangos(versions...) {
		sites = append(sites, newSite(t, version, "cache", shared, nil))
	}
	var session string
	sites[0].Do(t, `
		session = SessionStore()
		session["seen"] = [(datetime.date(2026, 1, 2), django.get_version()[:3])]
		session.save()
		result = session.session_key
	`, nil, &session)
	for i, s := range sites {
		store := s.store(t, cachestore.Config{})
		if _, err := djsession.Update(t.Context(), store, session, edit.Set(fmt.Sprint("go", i), i)); err != nil {
			t.Fatal(err)
		}
		s.Do(t, `
			session = SessionStore(args)
			session["seen"].append((datetime.date(2026, 1, 2), django.get_version()[:3]))
			session.save()
		`, session, nil)
	}
	seen, sets := []string{seenBy(sites[0])}, ""
	for i, s := range sites {
		seen = append(seen, seenBy(s))
		sets += fmt.Sprintf(", 'go%d': %d", i, i)
	}
	var got string
	sites[len(sites)-1].Do(t, `result = repr(dict(SessionStore(args).items()))`, session, &got)
	want := "{'seen': [" + strings.Join(seen, ", ") + "]" + sets + "}"
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// seenBy is what a site appends to the session, as Python shows it.
func seenBy(s *site) string { return "(datetime.date(2026, 1, 2), '" + s.Version + "')" }
