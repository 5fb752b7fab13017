package filecache_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/filecache"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/fixture"
)

const key = ":1:django.contrib.sessions.cacheabcdefghijklmnopqrstuvwxyz012345"

func open(t *testing.T, c filecache.Config) *filecache.Cache {
	t.Helper()
	if c.Settings == nil {
		c.Settings = fixture.Settings(t, djangotest.Newest)
	}
	if c.Dir == "" {
		c.Dir = t.TempDir()
	}
	cache, err := filecache.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return cache
}

func add(t *testing.T, c *filecache.Cache, key, data string) *cachestore.Item {
	t.Helper()
	item, err := c.Add(t.Context(), key, []byte(data), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return item
}

// path is where a key's file must be.
func path(c *filecache.Cache, key string) string {
	digest := md5.Sum([]byte(key))
	return filepath.Join(c.Dir(), hex.EncodeToString(digest[:])+".djcache")
}

func hasNoKey(t *testing.T, err error) {
	t.Helper()
	for e := err; e != nil; e = errors.Unwrap(e) {
		if strings.Contains(e.Error(), "abcdefghij") {
			t.Errorf("it holds the key: %v", e)
		}
	}
}

// TestFiles tests what an item's file is like.
func TestFiles(t *testing.T) {
	c, ctx := open(t, filecache.Config{}), t.Context()
	added := add(t, c, key, "one")
	if got, err := c.Get(ctx, key); err != nil || !reflect.DeepEqual(got, added) {
		t.Errorf("added %+v, got %+v, %v", added, got, err)
	}
	info, err := os.Stat(path(c, key))
	if err != nil || info.Mode() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	swapped, err := c.Swap(ctx, key, added, []byte("two"), 2*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.DeleteUnchanged(ctx, key, swapped); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(c.Dir()); err != nil || len(left) > 0 {
		t.Errorf("left are %v, %v", left, err)
	}
}

// An item that has ended is not found and cannot be swapped, but Add can take its key.
func TestEnded(t *testing.T) {
	now := time.Now()
	s := fixture.Settings(t, djangotest.Newest)
	s.Now = func() time.Time { return now }
	c, ctx := open(t, filecache.Config{Settings: s}), t.Context()
	item := add(t, c, key, "over")
	now = now.Add(time.Hour + time.Second)
	_, getErr := c.Get(ctx, key)
	_, swapErr := c.Swap(ctx, key, item, []byte("back"), time.Hour)
	for what, err := range map[string]error{"get": getErr, "swap": swapErr, "delete unchanged": c.DeleteUnchanged(ctx, key, item)} {
		if !errors.Is(err, djsession.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := os.Stat(path(c, key)); err != nil {
		t.Errorf("its file: %v", err)
	}
	again := add(t, c, key, "new")
	if _, err := c.Swap(ctx, key, item, nil, time.Hour); !errors.Is(err, djsession.ErrConflict) {
		t.Errorf("the one before it: %v", err)
	}
	if got, err := c.Get(ctx, key); err != nil || !reflect.DeepEqual(got, again) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, timeout := range []time.Duration{0, -time.Second, -time.Hour} {
		if err := c.Delete(ctx, key); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Add(ctx, key, nil, timeout); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Get(ctx, key); !errors.Is(err, djsession.ErrNotFound) {
			t.Errorf("timeout %v: %v", timeout, err)
		}
	}
}

func TestBadFiles(t *testing.T) {
	s := fixture.Settings(t, djangotest.Newest)
	s.MaxPayloadSize = 3000
	c, ctx := open(t, filecache.Config{Settings: s}), t.Context()
	large := open(t, filecache.Config{Dir: c.Dir()})
	add(t, large, key, "small")
	small, err := os.ReadFile(path(c, key))
	if err != nil {
		t.Fatal(err)
	}
	large.Delete(ctx, key)
	item := add(t, large, key, strings.Repeat("x", 4000))
	bomb, err := os.ReadFile(path(c, key))
	if err != nil {
		t.Fatal(err)
	}
	head := bomb[:21]
	for name, test := range map[string]struct {
		content []byte
		want    error
		says    string
	}{
		"inflates to more": {bomb, djsession.ErrTooLarge, "more than 3000 bytes"},
		"large":            {make([]byte, 6000), djsession.ErrTooLarge, "6000 bytes"},
		"text":             {[]byte("hello"), djsession.ErrMalformed, "does not begin with a pickled float"},
		"a session file":   {[]byte(".eJxVjDEOwjAMRe_iG:1abc:xyz"), djsession.ErrMalformed, "does not begin with a pickled float"},
		"a dict":           {[]byte("\x80\x04}\x94."), djsession.ErrMalformed, "does not begin with a pickled float"},
		"half an expiry":   {head[:15], djsession.ErrMalformed, "does not begin with a pickled float"},
		"expiry only":      {head, djsession.ErrMalformed, "not zlib's"},
		"not zlib":         {append(bytes.Clone(head), "\x80\x04}\x94."...), djsession.ErrMalformed, "not zlib's"},
		"half a value":     {small[:len(small)-5], djsession.ErrMalformed, "not zlib's"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path(c, key), test.content, 0o600); err != nil {
				t.Fatal(err)
			}
			_, getErr := c.Get(ctx, key)
			_, swapErr := c.Swap(ctx, key, item, nil, time.Hour)
			for what, err := range map[string]error{"get": getErr, "swap": swapErr, "delete unchanged": c.DeleteUnchanged(ctx, key, item)} {
				if what != "get" && name == "inflates to more" {
					continue // it is what was read
				}
				if !errors.As(err, new(*djsession.PayloadError)) || !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
					t.Errorf("%s: %v", what, err)
				}
				hasNoKey(t, err)
			}
			os.WriteFile(path(c, key), test.content, 0o600)
			if _, err := c.Add(ctx, key, nil, time.Hour); !errors.Is(err, djsession.ErrKeyTaken) {
				t.Errorf("add: %v", err)
			}
			for e, err := range c.Scan(ctx, cachestore.Range{}) {
				if e == nil || e.Name != filepath.Base(path(c, key)) || !errors.As(err, new(*djsession.PayloadError)) {
					t.Errorf("scan: %+v, %v", e, err)
				}
			}
			if got, err := os.ReadFile(path(c, key)); err != nil || !bytes.Equal(got, test.content) {
				t.Errorf("it was written over: %.80q, %v", got, err)
			}
		})
	}
	// An empty file is one that ended long ago.
	os.WriteFile(path(c, key), nil, 0o600)
	if _, err := c.Get(ctx, key); !errors.Is(err, djsession.ErrNotFound) {
		t.Errorf("empty: %v", err)
	}
	add(t, c, key, "x")
	os.Remove(path(c, key))
	if err := os.Mkdir(path(c, key), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(ctx, key); !errors.As(err, new(*djsession.PayloadError)) {
		t.Errorf("a folder: %v", err)
	}
	if _, err := c.Add(ctx, key, nil, time.Hour); !errors.Is(err, djsession.ErrKeyTaken) {
		t.Errorf("a folder: %v", err)
	}
}

func TestRefused(t *testing.T) {
	c, ctx := open(t, filecache.Config{}), t.Context()
	for name, bad := range map[string]string{"empty": "", "no text": "k\xff"} {
		if _, err := c.Get(ctx, bad); !errors.Is(err, djsession.ErrInvalidKey) {
			t.Errorf("%s key: %v", name, err)
		}
	}
	s := fixture.Settings(t, djangotest.Newest)
	s.MaxPayloadSize = 3
	if _, err := open(t, filecache.Config{Settings: s}).Add(ctx, key, []byte("much"), time.Hour); !errors.Is(err, djsession.ErrTooLarge) {
		t.Errorf("large: %v", err)
	}
	item := add(t, c, key, "x")
	readOnly := open(t, filecache.Config{Dir: c.Dir(), ReadOnly: true})
	_, addErr := readOnly.Add(ctx, "other", nil, time.Hour)
	_, swapErr := readOnly.Swap(ctx, key, item, nil, time.Hour)
	for what, err := range map[string]error{
		"add": addErr, "swap": swapErr,
		"delete": readOnly.Delete(ctx, key), "delete unchanged": readOnly.DeleteUnchanged(ctx, key, item),
	} {
		if !errors.Is(err, djsession.ErrReadOnly) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := readOnly.Get(ctx, key); err != nil {
		t.Error(err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := c.Get(ended, key); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	// Without its folder nothing is known not to be.
	os.RemoveAll(c.Dir())
	_, addErr = c.Add(ctx, "other", nil, time.Hour)
	_, getErr := c.Get(ctx, key)
	for what, err := range map[string]error{"get": getErr, "add": addErr, "delete": c.Delete(ctx, key)} {
		if err == nil || errors.Is(err, djsession.ErrNotFound) {
			t.Errorf("%s without a folder: %v", what, err)
		}
	}
}

func TestConfig(t *testing.T) {
	good := filecache.Config{Dir: t.TempDir(), Settings: fixture.Settings(t, djangotest.Newest)}
	for says, change := range map[string]func(*filecache.Config){
		"":                     func(*filecache.Config) {},
		"Dir is missing":       func(c *filecache.Config) { c.Dir = "" },
		"Settings are missing": func(c *filecache.Config) { c.Settings = nil },
		"MAX_ENTRIES -1":       func(c *filecache.Config) { c.MaxEntries = -1 },
		"CULL_FREQUENCY -2":    func(c *filecache.Config) { c.CullFrequency = -2 },
		"no such file":         func(c *filecache.Config) { c.Dir += "/none" },
	} {
		c := good
		change(&c)
		cache, err := filecache.New(c)
		if says == "" && err == nil {
			if got := cache.String(); got != "files ("+c.Dir+")" {
				t.Errorf("%s", got)
			}
			continue
		}
		if says == "" || err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", says, err)
		}
		if says == "no such file" && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v", err)
		}
	}
}

func TestScan(t *testing.T) {
	c := open(t, filecache.Config{})
	want := map[string]string{}
	for i := range 300 { // more than are read at once
		k := fmt.Sprint(key, i)
		add(t, c, k, fmt.Sprint(i))
		want[filepath.Base(path(c, k))] = fmt.Sprint(i)
	}
	if _, err := c.Add(t.Context(), "ended", []byte("ended"), -time.Hour); err != nil {
		t.Fatal(err)
	}
	want[filepath.Base(path(c, "ended"))] = "ended"
	for _, other := range []string{"tmpabcdef", "x.djcache", ".hidden.djcache", strings.Repeat("a", 32) + ".djcache_out_abcdefgh"} {
		os.WriteFile(filepath.Join(c.Dir(), other), []byte("x"), 0o600)
	}
	got := map[string]string{}
	for e, err := range c.Scan(t.Context(), cachestore.Range{Prefix: "any"}) {
		if err != nil || e.Key != "" || e.Item.Expires.IsZero() {
			t.Errorf("%+v, %v", e, err)
			continue
		}
		got[e.Name] = string(e.Item.Data)
		if ended := string(e.Item.Data) == "ended"; ended != e.Item.Expires.Before(time.Now()) {
			t.Errorf("%s ends %v", e.Name, e.Item.Expires)
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%d of %d", len(got), len(want))
	}
}

// logged is a log, and what is in it.
func logged() (*slog.Logger, *bytes.Buffer) {
	var b bytes.Buffer
	return slog.New(slog.NewTextHandler(&b, nil)), &b
}
