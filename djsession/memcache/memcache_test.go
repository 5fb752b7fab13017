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

// wantError checks an error's kind, that it says these words, and that it keeps the key.
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
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not say %q", err, word)
		}
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("error %q shows the session key", err)
	}
}

func wantConflict(t testing.TB, err error, current string) *cachestore.Item {
	t.Helper()
	wantError(t, err, djsession.ErrConflict, "9f3c1a…")
	var conflict *cachestore.ConflictError
	if !errors.As(err, &conflict) || conflict.Current == nil {
		t.Fatalf("got %v, want a conflict that knows what is stored", err)
	}
	if string(conflict.Current.Data) != current {
		t.Errorf("the conflict is with %q, want %q", conflict.Current.Data, current)
	}
	return conflict.Current
}

func TestAdd(t *testing.T) {
	c := open(t)
	item := add(t, c, sessionKey, "one")
	if string(item.Data) != "one" || item.Version == nil || time.Until(item.Expires) > time.Hour || time.Until(item.Expires) < 0 {
		t.Errorf("got %+v", item)
	}
	wantStored(t, c, sessionKey, "one")
	_, err := c.Add(t.Context(), sessionKey, []byte("two"), time.Hour)
	wantError(t, err, djsession.ErrKeyTaken, "add 9f3c1a…")
	_, err = c.Add(t.Context(), sessionKey, []byte("two"), 0)
	wantError(t, err, djsession.ErrKeyTaken)
	wantStored(t, c, sessionKey, "one")
	if got := get(t, c, sessionKey).Expires; !got.IsZero() {
		t.Errorf("it ends at %v, which Memcached did not tell", got)
	}
}

func TestTimeoutThatIsOver(t *testing.T) {
	for _, timeout := range []time.Duration{0, -time.Second, -time.Hour, time.Second - 1, -1 << 63} {
		c := open(t)
		if _, err := c.Add(t.Context(), sessionKey, []byte("one"), timeout); err != nil {
			t.Errorf("add for %v: %v", timeout, err)
		}
		wantStored(t, c, sessionKey, "")
		old := add(t, c, sessionKey, "one")
		if _, err := c.Swap(t.Context(), sessionKey, old, []byte("two"), timeout); err != nil {
			t.Errorf("swap for %v: %v", timeout, err)
		}
		wantStored(t, c, sessionKey, "")
	}
}

func TestSwap(t *testing.T) {
	c := open(t)
	ctx := t.Context()
	first := add(t, c, sessionKey, "one")
	second, err := c.Swap(ctx, sessionKey, first, []byte("two"), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	wantStored(t, c, sessionKey, "two")
	// What was written can be swapped again, without a Get.
	if _, err := c.Swap(ctx, sessionKey, second, []byte("three"), time.Hour); err != nil {
		t.Fatal(err)
	}
	for name, old := range map[string]*cachestore.Item{"written": second, "nothing": nil, "no version": {}, "foreign version": {Version: "two"}} {
		_, err := c.Swap(ctx, sessionKey, old, []byte("four"), time.Hour)
		t.Log(name)
		wantConflict(t, err, "three")
	}
	read := get(t, c, sessionKey)
	if _, err := c.Swap(ctx, sessionKey, read, []byte("four"), time.Hour); err != nil {
		t.Fatal(err)
	}
	_, err = c.Swap(ctx, sessionKey, read, []byte("five"), time.Hour)
	current := wantConflict(t, err, "four")
	if _, err := c.Swap(ctx, sessionKey, current, []byte("six"), time.Hour); err != nil {
		t.Errorf("swap of what the conflict carried: %v", err)
	}
	wantStored(t, c, sessionKey, "six")
}

// Who stores the same again, as Django's SESSION_SAVE_EVERY_REQUEST does, has changed nothing.
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

// A session that was deleted stays deleted.
func TestGone(t *testing.T) {
	c := open(t)
	ctx := t.Context()
	written := add(t, c, sessionKey, "one")
	read := get(t, c, sessionKey)
	if err := c.Delete(ctx, sessionKey); err != nil {
		t.Fatal(err)
	}
	for name, old := range map[string]*cachestore.Item{"written": written, "read": read, "nothing": nil} {
		_, err := c.Swap(ctx, sessionKey, old, []byte("two"), time.Hour)
		t.Log(name)
		wantError(t, err, djsession.ErrNotFound, "swap 9f3c1a…")
		wantError(t, c.DeleteUnchanged(ctx, sessionKey, old), djsession.ErrNotFound, "delete 9f3c1a…")
	}
	wantError(t, c.Delete(ctx, sessionKey), djsession.ErrNotFound)
	wantStored(t, c, sessionKey, "")
}

func TestDeleteUnchanged(t *testing.T) {
	c := open(t)
	ctx := t.Context()
	written := add(t, c, sessionKey, "one")
	read := get(t, c, sessionKey)
	if _, err := c.Swap(ctx, sessionKey, read, []byte("two"), time.Hour); err != nil {
		t.Fatal(err)
	}
	wantConflict(t, c.DeleteUnchanged(ctx, sessionKey, written), "two")
	current := wantConflict(t, c.DeleteUnchanged(ctx, sessionKey, read), "two")
	if err := c.DeleteUnchanged(ctx, sessionKey, current); err != nil {
		t.Fatal(err)
	}
	wantStored(t, c, sessionKey, "")
	again := add(t, c, sessionKey, "three")
	if err := c.DeleteUnchanged(ctx, sessionKey, again); err != nil {
		t.Fatal(err)
	}
	wantStored(t, c, sessionKey, "")
}

// Of writers that all start from the same, each one counts.
func TestSwapIsAtomic(t *testing.T) {
	c := open(t)
	add(t, c, sessionKey, "")
	const writers, writes = 8, 25
	done := make(chan error, writers)
	for range writers {
		go func() {
			done <- func() error {
				item, err := c.Get(context.Background(), sessionKey)
				for n := 0; n < writes && err == nil; {
					var next *cachestore.Item
					next, err = c.Swap(context.Background(), sessionKey, item, append(item.Data[:len(item.Data):len(item.Data)], '.'), time.Hour)
					var conflict *cachestore.ConflictError
					if errors.As(err, &conflict) {
						item, err = conflict.Current, nil
						continue
					}
					item, n = next, n+1
				}
				return err
			}()
		}()
	}
	for range writers {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	wantStored(t, c, sessionKey, strings.Repeat(".", writers*writes))
}

func TestKeys(t *testing.T) {
	c := open(t)
	ctx := t.Context()
	for _, key := range []string{"k", strings.Repeat("k", 250), "zażółć:1:gęślą", strings.Repeat("ż", 125), "\u00a0", "\u0080"} {
		add(t, c, key, "one")
		wantStored(t, c, key, "one")
		if err := c.Delete(ctx, key); err != nil {
			t.Errorf("key %q: %v", key, err)
		}
	}
	for _, key := range []string{"", strings.Repeat("k", 251), strings.Repeat("ż", 126), "a b", "a\x00b", "a\nb", "a\x7fb", "a\r\nflush_all\r\n"} {
		_, getErr := c.Get(ctx, key)
		_, addErr := c.Add(ctx, key, nil, time.Hour)
		_, swapErr := c.Swap(ctx, key, nil, nil, time.Hour)
		for _, err := range []error{getErr, addErr, swapErr, c.Delete(ctx, key), c.DeleteUnchanged(ctx, key, nil)} {
			wantError(t, err, djsession.ErrInvalidKey)
		}
	}
}

func TestContextHasEnded(t *testing.T) {
	c := open(t)
	add(t, c, sessionKey, "one")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, getErr := c.Get(ctx, sessionKey)
	_, addErr := c.Add(ctx, sessionKey, nil, time.Hour)
	_, swapErr := c.Swap(ctx, sessionKey, nil, nil, time.Hour)
	for _, err := range []error{getErr, addErr, swapErr, c.Delete(ctx, sessionKey), c.DeleteUnchanged(ctx, sessionKey, nil)} {
		wantError(t, err, context.Canceled)
	}
	wantStored(t, c, sessionKey, "one")
}

func TestReadOnly(t *testing.T) {
	servers := djangotest.Memcached(t, 1).Addrs()
	item := add(t, newCache(t, memcache.Config{Servers: servers}), sessionKey, "one")
	c := newCache(t, memcache.Config{Servers: servers, ReadOnly: true})
	_, addErr := c.Add(t.Context(), "other", nil, time.Hour)
	_, swapErr := c.Swap(t.Context(), sessionKey, item, nil, time.Hour)
	for _, err := range []error{addErr, swapErr, c.Delete(t.Context(), sessionKey), c.DeleteUnchanged(t.Context(), sessionKey, item)} {
		wantError(t, err, djsession.ErrReadOnly)
	}
	wantStored(t, c, sessionKey, "one")
	wantStored(t, c, "other", "")
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

// Servers are chosen by their names, and reached wherever Dial finds them.
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
