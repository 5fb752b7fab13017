package cachestore_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/edit"
	_ "github.com/djsess/djsess/internal/testing/fastsqlite"
	"github.com/djsess/djsess/internal/testing/fixture"
)

func TestMain(m *testing.M) { os.Exit(djangotest.Main(m)) }

// A session is stored as the serializer writes it, for SESSION_COOKIE_AGE, and has no signature.
func TestCreate(t *testing.T) {
	cache := newMemory()
	store, ctx := newStore(t, cache, cachestore.Config{}), t.Context()
	created, err := store.Create(ctx, "", fixture.Values(t, `{"a":1.0}`), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if got := cache.holds(":1:django.contrib.sessions.cache" + created.Key); got != `{"a":1.0}` {
		t.Errorf("stored %q", got)
	}
	if left := time.Until(created.Expires); left > 14*24*time.Hour || left < 14*24*time.Hour-time.Minute {
		t.Errorf("expires in %v", left)
	}
	loaded, err := store.Load(ctx, created.Key)
	if err != nil || !loaded.Expires.IsZero() || loaded.Origin != (djsession.Origin{Form: djsession.Unsigned}) {
		t.Errorf("loaded %+v, %v", loaded, err)
	}
}

// If a cache refuses every new key, Create gives up.
func TestNoKeyIsTaken(t *testing.T) {
	cache := newMemory()
	cache.failing(func(string, string) error { return djsession.ErrKeyTaken })
	err := second(newStore(t, cache, cachestore.Config{}).Create(t.Context(), "", nil, time.Time{}))
	if err == nil || errors.Is(err, djsession.ErrKeyTaken) || !strings.Contains(err.Error(), "refuses every new key") {
		t.Error(err)
	}
}

// An error of a cache names the cache, and names the operation and the session once.
func TestErrors(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{&djsession.OpError{Store: "rediscache", Op: "get", Key: "9f3c1a…", Err: errDown, Hint: "start it"}, "rediscache: load 9f3c1a…: connection refused (start it)"},
		{errDown, "cachestore: load 9f3c1a…: connection refused"},
		{&djsession.OpError{Store: "rediscache", Op: "get", Key: "9f3c1a…", Err: djsession.ErrNotFound}, "rediscache: load 9f3c1a…: no such session"},
	} {
		err := second(newStore(t, refuses{newMemory(), test.err}, cachestore.Config{}).Load(t.Context(), key))
		if err == nil || err.Error() != test.want {
			t.Errorf("got %q, want %q", err, test.want)
		}
	}
}

// refuses is a cache whose Get fails.
type refuses struct {
	*memory
	err error
}

func (r refuses) Get(context.Context, string) (*cachestore.Item, error) { return nil, r.err }

// A concurrent write is not lost: the conflict carries it.
func TestConflict(t *testing.T) {
	for _, emptyConflicts := range []bool{false, true} {
		cache := newMemory()
		cache.emptyConflicts = emptyConflicts
		store, ctx := newStore(t, cache, cachestore.Config{}), t.Context()
		cache.set(cacheKey, `{"a":1}`)
		old, err := store.Load(ctx, key)
		if err != nil {
			t.Fatal(err)
		}
		cache.set(cacheKey, `{"a":1,"django":true}`)
		unknown := &djsession.Record{Key: key, Values: old.Values}
		for what, err := range map[string]error{
			"replace":                  second(store.Replace(ctx, old, fixture.Values(t, `{}`), time.Time{})),
			"replace unknown":          second(store.Replace(ctx, unknown, fixture.Values(t, `{}`), time.Time{})),
			"delete unchanged":         store.DeleteUnchanged(ctx, old),
			"delete unchanged unknown": store.DeleteUnchanged(ctx, unknown),
		} {
			var conflict *djsession.ConflictError
			if !errors.As(err, &conflict) || fixture.JSON(t, conflict.Current.Values) != `{"a":1,"django":true}` {
				t.Errorf("%s: %v", what, err)
				continue
			}
			if _, known := conflict.Current.Version.(*cachestore.Item); !known || strings.Contains(err.Error(), key) {
				t.Errorf("%s: %v", what, err)
			}
		}
		r, err := djsession.Update(ctx, store, key, edit.Set("go", 1))
		if err != nil || fixture.JSON(t, r.Values) != `{"a":1,"django":true,"go":1}` {
			t.Errorf("%v, %v", r, err)
		}
		// The concurrent write can be damaged.
		old = r
		cache.set(cacheKey, `nothing`)
		var payload *djsession.PayloadError
		if err := second(store.Replace(ctx, old, fixture.Values(t, `{}`), time.Time{})); !errors.As(err, &payload) || errors.Is(err, djsession.ErrConflict) {
			t.Error(err)
		}
		if cache.holds(cacheKey) != "nothing" {
			t.Error("it was written over")
		}
	}
}

func TestPayloadErrors(t *testing.T) {
	settings := mustSettings(t)
	settings.MaxPayloadSize = 100
	cache := newMemory()
	store := newStore(t, cache, cachestore.Config{Settings: settings})
	for _, c := range []struct {
		holds string
		want  error
	}{
		{`[1]`, djsession.ErrMalformed},
		{`{"a":`, djsession.ErrMalformed},
		{``, djsession.ErrMalformed},
		{`{"a":"` + strings.Repeat("x", 100) + `"}`, djsession.ErrTooLarge},
	} {
		cache.set(cacheKey, c.holds)
		r, err := store.Load(t.Context(), key)
		var payload *djsession.PayloadError
		if r != nil || !errors.As(err, &payload) || !errors.Is(err, c.want) || payload.Form != djsession.Unsigned || strings.Contains(err.Error(), key) {
			t.Errorf("%.20q: %v, %v", c.holds, r, err)
		}
	}
	for what, err := range map[string]error{
		"create":  second(store.Create(t.Context(), "", fixture.Values(t, `{"a":"`+strings.Repeat("x", 100)+`"}`), time.Time{})),
		"replace": second(store.Replace(t.Context(), &djsession.Record{Key: key}, fixture.Values(t, `{"a":"`+strings.Repeat("x", 100)+`"}`), time.Time{})),
	} {
		if !errors.Is(err, djsession.ErrTooLarge) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// An error of the serializer need not be one of djsession's.
	store = newStore(t, cache, cachestore.Config{Serializer: refusing{}})
	if err := second(store.Load(t.Context(), key)); !errors.Is(err, djsession.ErrMalformed) || !errors.Is(err, errRefused) {
		t.Error(err)
	}
	if err := second(store.Create(t.Context(), "", nil, time.Time{})); !errors.Is(err, errRefused) {
		t.Error(err)
	}
}

var errRefused = errors.New("refused")

type refusing struct{}

func (refusing) Append(dst []byte, v *djsession.Values) ([]byte, error) { return dst, errRefused }
func (refusing) Parse(data []byte) (*djsession.Values, error)           { return nil, errRefused }

// The timeout is get_expiry_age. The cache cuts it to its unit.
func TestTimeouts(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		holds   string
		expires time.Time
		want    time.Duration
	}{
		{`{}`, time.Time{}, 14 * day},
		{`{"_session_expiry":0}`, time.Time{}, 14 * day},
		{`{"_session_expiry":null}`, time.Time{}, 14 * day},
		{`{"_session_expiry":60}`, time.Time{}, time.Minute},
		{`{"_session_expiry":1.5}`, time.Time{}, 1500 * time.Millisecond},
		{`{"_session_expiry":-3}`, time.Time{}, -3 * time.Second},
		{`{"_session_expiry":true}`, time.Time{}, time.Second},
		{`{"_session_expiry":"2026-01-02T03:05:05.5+00:00"}`, time.Time{}, 59 * time.Second}, // floored
		{`{"_session_expiry":"2025-01-02T03:05:05+00:00"}`, time.Time{}, time.Minute - 365*day - time.Second},
		{`{"_session_expiry":10000000000}`, time.Time{}, time.Duration(1<<63-1).Truncate(time.Second) - time.Second}, // 292 years
		{`{"_session_expiry":60}`, epoch.Add(time.Hour), time.Hour},
		{`{}`, epoch.Add(-time.Hour), -time.Hour},
	} {
		cache := newMemory()
		store := newStore(t, cache, cachestore.Config{Settings: held(t)})
		cache.set(cacheKey, `{}`)
		r, err := store.Load(t.Context(), key)
		if err == nil {
			r, err = store.Replace(t.Context(), r, fixture.Values(t, c.holds), c.expires)
		}
		if err != nil || cache.ttl[cacheKey] != c.want || !r.Expires.Equal(epoch.Add(c.want)) {
			t.Errorf("%s, %v: timeout %v, expires %v, %v", c.holds, c.expires, cache.ttl[cacheKey], r, err)
		}
		if r, err = store.Create(t.Context(), "", fixture.Values(t, c.holds), c.expires); err != nil || !r.Expires.Equal(epoch.Add(c.want)) {
			t.Errorf("%s, %v: created %v, %v", c.holds, c.expires, r, err)
		}
	}
	store := newStore(t, newMemory(), cachestore.Config{})
	if err := second(store.Create(t.Context(), "", fixture.Values(t, `{"_session_expiry":[1]}`), time.Time{})); !errors.Is(err, djsession.ErrInvalidExpiry) {
		t.Error(err)
	}
}

func TestExpires(t *testing.T) {
	ctx := t.Context()
	cache := newMemory()
	for name, c := range map[string]struct {
		cache cachestore.Cache
		tells bool
		want  time.Time
		err   error
	}{
		"told with the item": {cache, true, time.Now().Add(time.Hour), nil},
		"not told":           {cache, false, time.Time{}, errors.ErrUnsupported},
		"asked for":          {asking{cache}, false, time.Now().Add(time.Hour), nil},
	} {
		cache.returnsExpires = c.tells
		cache.set(cacheKey, `{}`)
		store := newStore(t, c.cache, cachestore.Config{})
		got, err := store.Expires(ctx, key)
		if !errors.Is(err, c.err) || got.Sub(c.want).Abs() > time.Minute {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		if _, err := store.Expires(ctx, "another0session0key"); !errors.Is(err, djsession.ErrNotFound) {
			t.Errorf("%s: of nothing: %v", name, err)
		}
		if _, err := store.Expires(ctx, "short"); !errors.Is(err, djsession.ErrInvalidKey) {
			t.Errorf("%s: of no key: %v", name, err)
		}
	}
	cache.ends[cacheKey] = time.Time{}
	if got, err := newStore(t, asking{cache}, cachestore.Config{}).Expires(ctx, key); err != nil || !got.Equal(djsession.Never) {
		t.Errorf("without end: %v, %v", got, err)
	}
}

// An invalid key is refused before the cache is asked, and a read-only store writes nothing.
func TestRefusals(t *testing.T) {
	ctx := t.Context()
	every := func(store *cachestore.Store, key string) map[string]error {
		old := &djsession.Record{Key: key, Values: new(djsession.Values)}
		return map[string]error{
			"create":           second(store.Create(ctx, key, nil, time.Time{})),
			"replace":          second(store.Replace(ctx, old, nil, time.Time{})),
			"delete":           store.Delete(ctx, key),
			"delete unchanged": store.DeleteUnchanged(ctx, old),
		}
	}
	cache := newMemory()
	store := newStore(t, cache, cachestore.Config{})
	for _, key := range []string{"short", strings.Repeat("x", 41), "nul\x00inside", "broken\xffbytes"} {
		errs := every(store, key)
		errs["load"] = second(store.Load(ctx, key))
		for op, err := range errs {
			if !errors.Is(err, djsession.ErrInvalidKey) {
				t.Errorf("%s %q: %v", op, key, err)
			}
		}
	}
	store = newStore(t, cache, cachestore.Config{ReadOnly: true})
	for op, err := range every(store, key) {
		if !errors.Is(err, djsession.ErrReadOnly) || strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", op, err)
		}
	}
	if got := cache.operations(); got != "" {
		t.Errorf("the cache was asked to %s", got)
	}
	cache.set(cacheKey, `{}`)
	if _, err := store.Load(ctx, key); err != nil {
		t.Error(err)
	}
	// An error of the cache is in the store's error.
	down := errors.New("connection refused")
	cache.failing(func(string, string) error { return down })
	store = newStore(t, cache, cachestore.Config{})
	errs := every(store, key)
	errs["load"] = second(store.Load(ctx, key))
	_, errs["expires"] = store.Expires(ctx, key)
	delete(errs, "replace") // of which nothing is known
	for op, err := range errs {
		if !errors.Is(err, down) || strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), "9f3c1a") {
			t.Errorf("%s: %v", op, err)
		}
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := second(store.Load(ended, key)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestNew(t *testing.T) {
	if _, err := cachestore.New(newMemory(), cachestore.Config{}); err == nil {
		t.Error("no settings")
	}
	if _, err := cachestore.New(nil, cachestore.Config{Settings: mustSettings(t)}); err == nil {
		t.Error("no cache")
	}
	if _, err := cachestore.New(newMemory(), cachestore.Config{Settings: new(djsession.Settings)}); err == nil {
		t.Error("empty settings")
	}
	if got := newStore(t, newMemory(), cachestore.Config{}).String(); got != "cache (memory here)" {
		t.Error(got)
	}
}
