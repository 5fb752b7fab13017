package memcache_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/memcache"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

func TestMain(m *testing.M) { os.Exit(djangotest.Main(m)) }

// sessionKey is a cache key, and its end must never be shown.
const sessionKey = ":1:django.contrib.sessions.cache" + "9f3c1a0123456789abcdefghijklmnop"

const secret = "0123456789abcdefghijklmnop"

func newCache(t testing.TB, c memcache.Config) *memcache.Cache {
	t.Helper()
	if c.Timeout == 0 {
		c.Timeout = time.Minute // the machine may be slow, and no test is about that
	}
	cache, err := memcache.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cache.Close() })
	return cache
}

func open(t testing.TB, args ...string) *memcache.Cache {
	t.Helper()
	return newCache(t, memcache.Config{Servers: djangotest.Memcached(t, 1, args...).Addrs()})
}

func add(t testing.TB, c *memcache.Cache, key, data string) *cachestore.Item {
	t.Helper()
	item, err := c.Add(t.Context(), key, []byte(data), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return item
}

func get(t testing.TB, c *memcache.Cache, key string) *cachestore.Item {
	t.Helper()
	item, err := c.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return item
}

// wantStored checks what a key holds; "" is nothing.
func wantStored(t testing.TB, c *memcache.Cache, key, want string) {
	t.Helper()
	item, err := c.Get(t.Context(), key)
	switch {
	case want == "" && errors.Is(err, djsession.ErrNotFound):
	case err != nil:
		t.Error(err)
	case string(item.Data) != want:
		t.Errorf("%.50q is stored, want %.50q", item.Data, want)
	}
}

// wantError checks an error's kind, that it contains these words, and that it does not show the key.
func wantError(t testing.TB, err, kind error, words ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("got %v, want %v", err, kind)
	}
	wantText(t, err, words...)
}

func wantText(t testing.TB, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one with %q", words)
		return
	}
	var op *djsession.OpError
	if !errors.As(err, &op) || op.Store != "memcache" || op.Op == "" {
		t.Errorf("error %q is no *djsession.OpError of memcache", err)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not say %q", err, word)
		}
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("error %q shows the session key", err)
	}
}

// A client that stores the same value again has changed nothing. Django does that with
// SESSION_SAVE_EVERY_REQUEST.
func TestSwapAfterTheSameAgain(t *testing.T) {
	c := open(t)
	add(t, c, sessionKey, "one")
	read := get(t, c, sessionKey)
	if _, err := c.Swap(t.Context(), sessionKey, read, []byte("one"), 2*time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Swap(t.Context(), sessionKey, read, []byte("two"), time.Hour); err != nil {
		t.Error(err)
	}
	wantStored(t, c, sessionKey, "two")
}

// Memcached takes no key that Django refuses as an InvalidCacheKey.
func TestKeys(t *testing.T) {
	c := open(t)
	for _, key := range []string{"k", strings.Repeat("k", 250), "zażółć:1:gęślą", strings.Repeat("ż", 125), "\u00a0", "\u0080"} {
		add(t, c, key, "one")
		wantStored(t, c, key, "one")
	}
	for _, key := range []string{"", strings.Repeat("k", 251), strings.Repeat("ż", 126), "a b", "a\x00b", "a\nb", "a\x7fb", "a\r\nflush_all\r\n"} {
		_, err := c.Get(t.Context(), key)
		wantError(t, err, djsession.ErrInvalidKey)
	}
}

// Memcached does not return when an item ends.
func TestExpiryIsUnknown(t *testing.T) {
	c := open(t)
	add(t, c, sessionKey, "one")
	if got := get(t, c, sessionKey).Expires; !got.IsZero() {
		t.Errorf("the item ends at %v, want zero", got)
	}
}

func TestConfig(t *testing.T) {
	for name, c := range map[string]memcache.Config{
		"no server":         {},
		"bad server":        {Servers: []string{"a:b"}},
		"unknown hash":      {Servers: []string{"a"}, Hash: 3},
		"negative timeout":  {Servers: []string{"a"}, Timeout: -1},
		"negative size":     {Servers: []string{"a"}, MaxSize: -1},
		"negative itemsize": {Servers: []string{"a"}, MaxItemSize: -1},
	} {
		if cache, err := memcache.New(c); err == nil {
			t.Errorf("%s: got %v", name, cache)
		} else if !strings.HasPrefix(err.Error(), "memcache: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := newCache(t, memcache.Config{Servers: []string{"cache-a", "[::1]:2", "unix:/run/m.sock"}, Hash: memcache.PyLibMC})
	if got, want := c.String(), "memcached (cache-a:11211, [::1]:2, /run/m.sock)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := fmt.Sprint(memcache.PyMemcache, memcache.PyLibMC, memcache.PythonMemcached, memcache.Hash(-1)); got != "pymemcache pylibmc python-memcached Hash(-1)" {
		t.Error(got)
	}
}

// Servers are chosen by their names. Dial may connect to another address.
func TestDial(t *testing.T) {
	addr := djangotest.Memcached(t, 1)[0].Addr
	var dialled []string
	c := newCache(t, memcache.Config{Servers: []string{"cache.internal"}, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		dialled = append(dialled, network+" "+address)
		return new(net.Dialer).DialContext(ctx, network, addr)
	}})
	add(t, c, sessionKey, "one")
	wantStored(t, c, sessionKey, "one")
	if len(dialled) != 1 || dialled[0] != "tcp cache.internal:11211" {
		t.Errorf("dialled %q", dialled)
	}
}

func TestSocket(t *testing.T) {
	c := newCache(t, memcache.Config{Servers: djangotest.MemcachedSocket(t).Addrs()})
	add(t, c, sessionKey, "one")
	wantStored(t, c, sessionKey, "one")
}
