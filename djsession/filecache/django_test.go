package filecache_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/filecache"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/fixture"
)

// site is a Django with a cache in a folder, and the same cache.
type site struct {
	*djangotest.Django
	*filecache.Cache
	settings *djsession.Settings
	now      time.Time // of both
}

// newSite starts a Django whose clock is s.now where at says so.
func newSite(t *testing.T, version string, options map[string]any) *site {
	t.Helper()
	if options == nil {
		options = map[string]any{}
	}
	dir := t.TempDir()
	s := &site{now: time.Date(2027, 6, 1, 12, 0, 0, 750e6, time.UTC)}
	s.Django = djangotest.Start(t, version, djangotest.Settings{"CACHES": map[string]any{"default": map[string]any{
		"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": dir, "OPTIONS": options,
	}}})
	s.Do(t, `
		import os, pickle, types
		from django.core.cache import cache
		from django.core.cache.backends import base, filebased
		name = "django.contrib.sessions.cache" + "abcdefghijklmnopqrstuvwxyz012345"
		def clock(seconds):
			base.time = filebased.time = types.SimpleNamespace(time=lambda: seconds)
	`, nil, nil)
	s.settings = fixture.Settings(t, version)
	s.settings.Now = func() time.Time { return s.now }
	s.Cache = open(t, filecache.Config{Dir: dir, Settings: s.settings})
	s.at(t, 0)
	return s
}

// at is that long later.
func (s *site) at(t *testing.T, after time.Duration) {
	t.Helper()
	s.now = s.now.Add(after)
	s.Do(t, `clock(args)`, float64(s.now.UnixMilli())/1000, nil)
}

func onEachDjango(t *testing.T, f func(t *testing.T, version string)) {
	for _, version := range djangotest.Djangos(djangotest.Since("3.2")...) {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			f(t, version)
		})
	}
}

// Django and Go read each other's items, and each sees when the other has written, touched or
// deleted one.
func TestBothWays(t *testing.T) {
	onEachDjango(t, func(t *testing.T, version string) {
		s, ctx := newSite(t, version, nil), t.Context()
		var made struct{ Key, Pickle string }
		s.Do(t, `
			from decimal import Decimal
			value = {"text": "\u017c\u00f3\u0142w", "when": datetime.datetime(2031, 2, 3), "price": Decimal("1.10"), "big": "x" * 5000}
			cache.set(name, value, 600)
			result = {"Key": cache.make_key(name), "Pickle": pickle.dumps(value, pickle.HIGHEST_PROTOCOL).hex()}
		`, nil, &made)
		if made.Key != key {
			t.Fatalf("Django's key is %q", made.Key)
		}
		item, err := s.Get(ctx, key)
		if err != nil || hex.EncodeToString(item.Data) != made.Pickle {
			t.Fatalf("%+v, %v", item, err)
		}
		if want := s.now.Add(600 * time.Second); !item.Expires.Equal(want) {
			t.Errorf("ends %v, want %v", item.Expires, want)
		}

		// Written by Go.
		if item, err = s.Swap(ctx, key, item, []byte("\x80\x04}\x94\x8c\x01n\x94K\x01s."), time.Hour); err != nil {
			t.Fatal(err)
		}
		var seen string
		s.Do(t, `result = repr((cache.get(name), name in cache, cache.add(name, 1))) + oct(os.stat(cache._key_to_file(name)).st_mode)`, nil, &seen)
		if seen != `({'n': 1}, True, False)0o100600` {
			t.Errorf("Django has %s", seen)
		}

		// Touched by Django, which writes in place: the value is the same, and yet
		// it was changed.
		s.Do(t, `cache.touch(name, 7200)`, nil, nil)
		var conflict *cachestore.ConflictError
		if _, err := s.Swap(ctx, key, item, []byte("x"), time.Hour); !errors.As(err, &conflict) {
			t.Fatalf("%v", err)
		}
		if want := s.now.Add(2 * time.Hour); !conflict.Current.Expires.Equal(want) || !strings.Contains(string(conflict.Current.Data), "n\x94K\x01") {
			t.Errorf("%+v", conflict.Current)
		}
		// Without an end, which makes the file shorter, and leaves what was behind.
		s.Do(t, `cache.touch(name, None)`, nil, nil)
		if item, err = s.Get(ctx, key); err != nil || !item.Expires.Equal(djsession.Never) {
			t.Errorf("%+v, %v", item, err)
		}

		// Deleted by Django, added by Go, deleted by Go, added by Django.
		s.Do(t, `cache.delete(name)`, nil, nil)
		if _, err := s.Swap(ctx, key, item, []byte("x"), time.Hour); !errors.Is(err, djsession.ErrNotFound) {
			t.Errorf("deleted by Django: %v", err)
		}
		add(t, s.Cache, key, "\x80\x04K\x07.")
		if s.Do(t, `result = repr(cache.get(name))`, nil, &seen); seen != `7` {
			t.Errorf("Django has %s", seen)
		}
		if err := s.Delete(ctx, key); err != nil {
			t.Error(err)
		}
		if s.Do(t, `result = repr((cache.get(name), cache.add(name, 8)))`, nil, &seen); seen != `(None, True)` {
			t.Errorf("Django has %s", seen)
		}
		if _, err := s.Add(ctx, key, nil, time.Hour); !errors.Is(err, djsession.ErrKeyTaken) {
			t.Errorf("Django's key: %v", err)
		}
	})
}

// The same timeout at the same moment ends at the same moment, and is the same
// bytes where both are of one protocol.
func TestTimesAgreeWithDjango(t *testing.T) {
	onEachDjango(t, func(t *testing.T, version string) {
		s := newSite(t, version, nil)
		for _, seconds := range []int{0, -5, 1, 60, 86400 * 200} {
			timeout := time.Duration(seconds) * time.Second
			begin := s.now
			var theirs struct{ Key, Head string }
			s.Do(t, `
				cache.set("theirs", 1, args)
				result = {"Key": cache.make_key("theirs"), "Head": open(cache._key_to_file("theirs"), "rb").read(21).hex()}
			`, seconds, &theirs)
			s.Delete(t.Context(), ":1:ours")
			if _, err := s.Add(t.Context(), ":1:ours", []byte("\x80\x04K\x01."), timeout); err != nil {
				t.Fatal(err)
			}
			ours, err := os.ReadFile(path(s.Cache, ":1:ours"))
			if err != nil {
				t.Fatal(err)
			}
			if got := hex.EncodeToString(ours[:21]); version != "3.2" && got != theirs.Head || got[4:] != theirs.Head[4:] {
				t.Errorf("%d s: the file begins with %s, Django's with %s", seconds, got, theirs.Head)
			}
			for _, after := range []time.Duration{0, timeout - time.Millisecond, timeout, timeout + time.Millisecond} {
				s.at(t, begin.Add(after).Sub(s.now))
				var there map[string]bool
				s.Do(t, `
					delete, filebased.FileBasedCache._delete = filebased.FileBasedCache._delete, lambda self, fname: None
					result = {key: cache.get(key) is not None for key in ("theirs", "ours")}
					filebased.FileBasedCache._delete = delete
				`, nil, &there)
				for _, key := range []string{"theirs", "ours"} {
					_, err := s.Get(t.Context(), ":1:"+key)
					if err != nil && !errors.Is(err, djsession.ErrNotFound) {
						t.Fatal(err)
					}
					if got := err == nil; got != there[key] {
						t.Errorf("%s for %d s, after %v: there %v, and for Django %v", key, seconds, after, got, there[key])
					}
				}
			}
			s.at(t, begin.Sub(s.now))
		}
	})
}

// Go reads an expiry in every protocol of pickle as Python does.
func TestExpiriesOfEveryProtocol(t *testing.T) {
	s := newSite(t, djangotest.Newest, nil)
	var written []struct {
		Name string
		Live bool
	}
	s.Do(t, `
		import hashlib, zlib
		result = []
		for protocol in range(6):
			for exp in (None, float("inf"), float("-inf"), float("nan"), 1e300, -1e300, 0.0, filebased.time.time(), filebased.time.time() - 0.001, 0.1 + 2e9, 253402300800.0):
				key = "%s-%s" % (protocol, exp)
				with open(cache._key_to_file(key), "wb") as f:
					f.write(pickle.dumps(exp, protocol) + zlib.compress(pickle.dumps(key)))
				result.append({"Name": key, "Live": exp is None or not exp < filebased.time.time()})
	`, nil, &written)
	for _, w := range written {
		item, err := s.Get(t.Context(), ":1:"+w.Name)
		if (err == nil) != w.Live || err != nil && !errors.Is(err, djsession.ErrNotFound) {
			t.Errorf("%s: %v, in Django it lives: %v", w.Name, err, w.Live)
		}
		if err == nil && (item.Expires.Before(s.now.Truncate(time.Millisecond)) || item.Expires.After(djsession.Never)) {
			t.Errorf("%s ends %v", w.Name, item.Expires)
		}
	}
	if len(written) != 66 {
		t.Errorf("%d", len(written))
	}
}

// Go's writes cull when Django's would, and delete as many files.
func TestCullingIsDjangos(t *testing.T) {
	cases := []struct {
		name                              string
		files, maxEntries, frequency, old int // old: left of them in Django
	}{
		{"fewer than there may be", 9, 10, 3, 9},
		{"as many as there may be", 10, 10, 3, 7},
		{"many more", 25, 10, 3, 17},
		{"half of them", 13, 10, 2, 7},
		{"all of them, one by one", 13, 10, 1, 0},
		{"a large frequency", 13, 10, 100, 13},
		{"all of them", 12, 10, 0, 0},
	}
	onEachDjango(t, func(t *testing.T, version string) {
		s := newSite(t, version, map[string]any{"MAX_ENTRIES": 100000})
		fill := func(files int) {
			s.Do(t, `
				cache.clear()
				cache._max_entries = 100000
				for i in range(args):
					cache.set(i, i, 600)
			`, files, nil)
		}
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				fill(c.files)
				var left int
				s.Do(t, `
					cache._max_entries, cache._cull_frequency = args
					cache.set("new", 1)
					result = len(cache._list_cache_files())
				`, []int{c.maxEntries, c.frequency}, &left)
				if left != c.old+1 {
					t.Errorf("Django leaves %d", left)
				}
				for _, swap := range []bool{false, true} {
					fill(c.files)
					log, text := logged()
					config := filecache.Config{Dir: s.Dir(), Settings: s.settings, MaxEntries: c.maxEntries, CullFrequency: c.frequency, Logger: log}
					if c.frequency == 0 {
						config.CullFrequency = filecache.CullAll
					}
					name, want := ":1:new", []int{c.old + 1}
					if swap { // which may be one of those that Django would have deleted and made again
						name, want = ":1:0", []int{c.old, c.old + 1}
					}
					if c.old == c.files {
						want = []int{c.files, c.files + 1}
					}
					cullingWrite(t, open(t, config), name, swap)
					files, err := filepath.Glob(s.Dir() + "/*.djcache")
					if err != nil || !slices.Contains(want, len(files)) {
						t.Errorf("%d files are left, want %v", len(files), want)
					}
					if !slices.Contains(files, path(s.Cache, name)) {
						t.Error("what was written is gone")
					}
					gone := c.files - len(files)
					if !swap {
						gone++
					}
					if says := fmt.Sprintf("deleted=%d of=%d ", gone, c.files); (gone > 0) != strings.Contains(text.String(), says) || gone == 0 && text.Len() > 0 {
						t.Errorf("%d are gone, and the log has %s", gone, text)
					}
				}
			})
		}
	})
}

func cullingWrite(t *testing.T, c *filecache.Cache, name string, swap bool) {
	if !swap {
		add(t, c, name, "x")
		return
	}
	// Django's clock is another.
	item, err := c.Get(t.Context(), name)
	if err == nil {
		_, err = c.Swap(t.Context(), name, item, []byte("x"), time.Hour)
	}
	if err != nil {
		t.Error(err)
	}
}

// Without MaxEntries, Go deletes no items.
func TestNoCullingUntold(t *testing.T) {
	c := open(t, filecache.Config{})
	for i := range 400 {
		add(t, c, fmt.Sprint(i), "x")
	}
	if files, err := os.ReadDir(c.Dir()); err != nil || len(files) != 400 {
		t.Errorf("%d of 400 are left, %v", len(files), err)
	}
}
