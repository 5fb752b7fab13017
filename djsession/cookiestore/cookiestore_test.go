package cookiestore_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cookiestore"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/fixture"
)

func TestMain(m *testing.M) { os.Exit(djangotest.Main(m)) }

func newStore(t testing.TB, s *djsession.Settings) *cookiestore.Store {
	t.Helper()
	store, err := cookiestore.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// Set in Django, get in Go; set in Go, get in Django.
func TestBothWays(t *testing.T) {
	for _, version := range djangotest.OldestAndNewest() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			django := djangotest.Start(t, version, djangotest.Settings{"SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies"})
			store, ctx := newStore(t, fixture.Settings(t, version)), t.Context()
			var key, seen string
			for _, code := range []string{"", `s["long"] = "x" * 5000`, "s.set_expiry(300)", "s.set_expiry(0)"} {
				django.Do(t, `
					s = SessionStore()
					s["text"] = "\u017c\u00f3\u0142w \U0001f600"
					s["nested"] = {"z": 1.0, "a": [float("nan"), 10**30]}
					`+code+`
					s.save()
					result = s.session_key
				`, nil, &key)
				r, err := store.Load(ctx, key)
				if err != nil {
					t.Fatal(err)
				}
				const written = `{"text":"\u017c\u00f3\u0142w \ud83d\ude00","nested":{"z":1.0,"a":[NaN,1000000000000000000000000000000]}`
				if got := fixture.JSON(t, r.Values); !strings.HasPrefix(got, written) || r.Key != key {
					t.Errorf("loaded %s", got)
				}
				v := r.Values.Clone()
				v.Delete("long", "_session_expiry")
				if err := v.Set("go", 1); err != nil {
					t.Fatal(err)
				}
				replaced, err := store.Replace(ctx, r, v, time.Time{})
				if err != nil {
					t.Fatal(err)
				}
				django.Do(t, `result = repr(sorted(SessionStore(args).items()))`, replaced.Key, &seen)
				if want := `[('go', 1), ('nested', {'z': 1.0, 'a': [nan, 1000000000000000000000000000000]}), ('text', 'żółw 😀')]`; seen != want {
					t.Errorf("Django has %s", seen)
				}
				if _, err := store.Load(ctx, replaced.Key); err != nil {
					t.Errorf("our own: %v", err)
				}
			}
			// Nothing is stored, so nothing can be revoked: neither here nor there.
			if err := store.Delete(ctx, key); err != nil {
				t.Error(err)
			}
			var flushed string
			django.Do(t, `
				s = SessionStore(args)
				s.flush()
				result = s.session_key or ""
			`, key, &flushed)
			if _, err := store.Load(ctx, key); err != nil || flushed != "" {
				t.Errorf("flushed, the copy is %v, and the session's own key %q", err, flushed)
			}
			empty, err := store.Create(ctx, "", nil, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			if django.Do(t, `result = repr(dict(SessionStore(args).items()))`, empty.Key, &seen); seen != "{}" {
				t.Errorf("Django has %s", seen)
			}
		})
	}
}

// Go refuses the cookies that Django refuses: to the second for the age, and to the character
// for the signature.
func TestWhatIsNotTaken(t *testing.T) {
	for _, version := range djangotest.OldestAndNewest() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			django := djangotest.Start(t, version, djangotest.Settings{"SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies"})
			s := fixture.Settings(t, version)
			signed := time.Now().Add(-time.Minute).Truncate(time.Second)
			s.Now = func() time.Time { return signed }
			r, err := newStore(t, s).Create(t.Context(), "", fixture.Values(t, `{"a":1}`), time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			django.Do(t, `
				from unittest import mock
				def taken(key, now):
					with mock.patch("time.time", lambda: now):
						return dict(SessionStore(key).items()) == {"a": 1}
			`, nil, nil)
			agree := func(key string, now time.Time, want error) {
				t.Helper()
				var theirs bool
				django.Do(t, `result = taken(args["key"], args["now"])`, map[string]any{"key": key, "now": float64(now.UnixMicro()) / 1e6}, &theirs)
				s.Now = func() time.Time { return now }
				_, err := newStore(t, s).Load(t.Context(), key)
				if theirs != (err == nil) || !errors.Is(err, want) {
					t.Errorf("%v at %v; taken by Django: %v", err, now.Sub(signed), theirs)
				}
				if payload := new(*djsession.PayloadError); errors.As(err, payload) == errors.Is(err, djsession.ErrNotFound) && err != nil {
					t.Errorf("both or neither of not found and no good: %v", err)
				}
				if err != nil && len(key) > 6 && strings.Contains(err.Error(), key) {
					t.Errorf("%v", err)
				}
			}
			const age = 1209600 * time.Second
			agree(r.Key, signed, nil)
			agree(r.Key, signed.Add(age), nil)
			for _, want := range []error{djsession.ErrNotFound, djsession.ErrSignatureExpired} {
				agree(r.Key, signed.Add(age+10*time.Millisecond), want)
				agree(r.Key, signed.Add(2*age), want)
			}
			for i := range len(r.Key) {
				changed := []byte(r.Key)
				if changed[i]++; changed[i] == ':' {
					changed[i]++
				}
				if i%5 == 0 {
					agree(string(changed), signed, djsession.ErrBadSignature)
				}
			}
			for _, key := range []string{r.Key + " ", r.Key[1:], r.Key[:len(r.Key)-1], "x", "::", "é", strings.Repeat("x", 100_000)} {
				agree(key, signed, djsession.ErrBadSignature)
			}
			other := fixture.Settings(t, version)
			other.SecretKey = "another"
			foreign, err := newStore(t, other).Create(t.Context(), "", fixture.Values(t, `{"a":1}`), time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			agree(foreign.Key, time.Now(), djsession.ErrBadSignature)
			// The payload of another engine, under the same key.
			codec, err := djsession.NewCodec(s)
			if err != nil {
				t.Fatal(err)
			}
			stored, err := codec.Append(nil, fixture.Values(t, `{"a":1}`))
			if err != nil {
				t.Fatal(err)
			}
			agree(string(stored), signed, djsession.ErrBadSignature)
		})
	}
}

func TestExpires(t *testing.T) {
	s := fixture.Settings(t, djangotest.Newest)
	now := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	s.Now = func() time.Time { return now }
	store := newStore(t, s)
	const age = 1209600 * time.Second
	for json, want := range map[string]time.Duration{
		`{}`: age, `{"_session_expiry":0}`: age, `{"_session_expiry":60}`: time.Minute, `{"_session_expiry":99999999}`: age, `{"_session_expiry":-1}`: -time.Second,
		`{"_session_expiry":"2027-01-02T04:04:05+00:00"}`: time.Hour, `{"_session_expiry":"soon"}`: age,
	} {
		created, err := store.Create(t.Context(), "", fixture.Values(t, json), time.Unix(0, 0))
		if err != nil || !created.Expires.Equal(now.Add(want)) {
			t.Errorf("%s: %v, %v", json, created, err)
			continue
		}
		loaded, err := store.Load(t.Context(), created.Key)
		if err != nil || !loaded.Expires.Equal(created.Expires) || fixture.JSON(t, loaded.Values) != json || loaded.Origin.SignedAt.Unix() != now.Unix() {
			t.Errorf("%s: loaded %v, %v", json, loaded, err)
		}
	}
}

// A cookie that is too large for browsers, which drop it without an error, is an ErrTooLarge.
func TestTooLarge(t *testing.T) {
	s := fixture.Settings(t, djangotest.Newest)
	s.SessionCookieName = "name"
	store, ctx := newStore(t, s), t.Context()
	letters := rand.New(rand.NewPCG(1, 2))
	v := new(djsession.Values)
	var longest int
	for n := 2000; ; n++ {
		random := make([]byte, n) // or it would be compressed
		for i := range random {
			random[i] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"[letters.IntN(64)]
		}
		if err := v.Set("a", string(random)); err != nil {
			t.Fatal(err)
		}
		r, err := store.Create(ctx, "", v, time.Time{})
		if err == nil {
			longest = len("name") + len(r.Key)
			continue
		}
		var size, limit int
		_, scanErr := fmt.Sscanf(err.Error(), "cookiestore: create: cookie of %d bytes, and browsers keep %d:", &size, &limit)
		if !errors.Is(err, djsession.ErrTooLarge) || scanErr != nil || limit != 4096 || size <= 4096 || errors.As(err, new(*djsession.PayloadError)) {
			t.Errorf("%v", err)
		}
		if _, err := store.Replace(ctx, r, v, time.Time{}); !errors.Is(err, djsession.ErrTooLarge) {
			t.Errorf("%v", err)
		}
		break
	}
	if longest < 4080 || longest > 4096 {
		t.Errorf("the longest cookie has %d bytes", longest)
	}
}

func TestNoSettings(t *testing.T) {
	if _, err := cookiestore.New(nil); err == nil {
		t.Error("no settings are taken")
	}
	if _, err := cookiestore.New(&djsession.Settings{}); err == nil {
		t.Error("empty settings are taken")
	}
}
