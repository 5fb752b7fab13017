package memcache_test

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/memcache"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// backends are Django's, and which Djangos have them.
var backends = []struct {
	name     string
	hash     memcache.Hash
	versions []string
}{
	{"PyMemcacheCache", memcache.PyMemcache, djangotest.Since("3.2")},
	{"PyLibMCCache", memcache.PyLibMC, djangotest.Since("3.2")},
	{"MemcachedCache", memcache.PythonMemcached, []string{"3.2"}},
}

// onEachBackend runs a test with each backend of each Django.
func onEachBackend(t *testing.T, test func(t *testing.T, version, backend string, hash memcache.Hash)) {
	for _, backend := range backends {
		for _, version := range backend.versions {
			if !djangotest.Runs(version) {
				continue
			}
			t.Run(version+"/"+backend.name, func(t *testing.T) {
				t.Parallel()
				test(t, version, backend.name, backend.hash)
			})
		}
	}
}

func start(t testing.TB, version string, entry map[string]any) *djangotest.Django {
	t.Helper()
	django := djangotest.Start(t, version, djangotest.Settings{"CACHES": djangotest.Caches(entry)})
	django.Do(t, `
		import base64, pickle, time
		from django.core.cache import cache
	`, nil, nil)
	return django
}

// Go and Django read each other's items.
func TestBothWays(t *testing.T) {
	onEachBackend(t, func(t *testing.T, version, backend string, hash memcache.Hash) {
		servers := djangotest.Memcached(t, 1)
		entry := servers.Django(backend)
		entry["KEY_PREFIX"] = "site"
		django := start(t, version, entry)
		c := newCache(t, memcache.Config{Servers: servers.Addrs(), Hash: hash})

		var put struct{ Key, Pickle string }
		django.Do(t, `
			value = {"at": datetime.datetime(2026, 1, 2), "who": "ż", "many": list(range(500))}
			cache.set("session", value, 100)
			result = {"Key": cache.make_key("session")}
			for protocol in range(6):  # which one, is up to the client
				text = base64.b64encode(pickle.dumps(value, protocol)).decode()
				result["Pickle"] = result.get("Pickle", "") + text + " "
		`, nil, &put)
		item := get(t, c, put.Key)
		if text := base64.StdEncoding.EncodeToString(item.Data); !strings.Contains(put.Pickle, text+" ") {
			t.Errorf("read %q", item.Data)
		}

		var pickled string
		django.Do(t, `result = base64.b64encode(pickle.dumps({"by": "Go", "n": 10**30}, 4)).decode()`, nil, &pickled)
		data, _ := base64.StdEncoding.DecodeString(pickled)
		written, err := c.Swap(t.Context(), put.Key, item, data, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		var seen string
		if django.Do(t, `result = repr(cache.get("session"))`, nil, &seen); seen != `{'by': 'Go', 'n': 1000000000000000000000000000000}` {
			t.Errorf("Django reads %s", seen)
		}
		// Django in between is a conflict, and its delete is one.
		django.Do(t, `cache.set("session", {"by": "Django"})`, nil, nil)
		if _, err = c.Swap(t.Context(), put.Key, written, data, time.Hour); !errors.Is(err, djsession.ErrConflict) {
			t.Errorf("got %v, want a conflict", err)
		}
		// Not by Django's delete, which python-memcached from 1.60 on does not support.
		django.Do(t, `cache._cache.delete(cache.make_key("session"))`, nil, nil)
		if _, err = c.Swap(t.Context(), put.Key, written, data, time.Hour); !errors.Is(err, djsession.ErrNotFound) {
			t.Errorf("got %v, want that it is gone", err)
		}
		// Add and delete, as each sees the other's.
		add(t, c, put.Key, string(data))
		var added bool
		if django.Do(t, `result = bool(cache.add("session", {}))`, nil, &added); added {
			t.Error("Django does not see what Go added")
		}
		if err := c.Delete(t.Context(), put.Key); err != nil {
			t.Error(err)
		}
		var none bool
		if django.Do(t, `result = cache.get("session") is None`, nil, &none); !none {
			t.Error("Django still sees what Go deleted")
		}
	})
}

// remaining asks a server how many seconds an item has, -1 for ever, by a command that
// Django's clients do not know.
func remaining(t testing.TB, addr, key string) int {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "mg %s t\r\n", key)
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`^HD t(-?\d+)`).FindStringSubmatch(line)
	if m == nil {
		return 0 // not there
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

func TestTimeoutsAgreeWithDjango(t *testing.T) {
	onEachBackend(t, func(t *testing.T, version, backend string, hash memcache.Hash) {
		servers := djangotest.Memcached(t, 1)
		django := start(t, version, servers.Django(backend))
		c := newCache(t, memcache.Config{Servers: servers.Addrs(), Hash: hash})
		for i, seconds := range []float64{-5, -0.5, 0, 0.5, 100.9, 1209600, 2591999.5, 2592000, 2592000.5, 2592001, 31536000} {
			name := fmt.Sprintf("key%d", i)
			key, whole := ":1:"+name, int(seconds)
			// lives checks how long it says to live that was stored after start. Memcached's
			// clock ticks once a second.
			lives := func(who string, start time.Time) {
				t.Helper()
				left := remaining(t, servers[0].Addr, key)
				passed := int(time.Since(start)/time.Second) + 1
				if whole <= 0 && left != 0 || whole > 0 && (left > whole+1 || left < whole-1-passed) {
					t.Errorf("%v s: %s's has %d s left after %d s", seconds, who, left, passed)
				}
			}
			start := time.Now()
			django.Do(t, `cache.set(args["key"], {}, args["seconds"])`, map[string]any{"key": name, "seconds": seconds}, nil)
			lives("Django", start)
			c.Delete(t.Context(), key)

			start = time.Now()
			item, err := c.Add(t.Context(), key, []byte("one"), time.Duration(seconds*float64(time.Second)))
			if err != nil {
				t.Fatal(err)
			}
			if at := item.Expires; whole > 0 && (at.Before(start.Add(time.Duration(whole-1)*time.Second)) || at.After(time.Now().Add(time.Duration(whole)*time.Second))) {
				t.Errorf("%v s: added at %v, said to end at %v", seconds, start, at)
			}
			lives("Go", start)
			if whole > 0 {
				start = time.Now()
				if _, err := c.Swap(t.Context(), key, item, []byte("two"), time.Duration(seconds*float64(time.Second))); err != nil {
					t.Fatal(err)
				}
				lives("Go's swap", start)
			}
		}
	})
}

// 2038-01-19 is the end of Memcached's time. Django raises there.
func TestFarFuture(t *testing.T) {
	servers := djangotest.Memcached(t, 1)
	c := newCache(t, memcache.Config{Servers: servers.Addrs()})
	for _, timeout := range []time.Duration{100 * 365 * 24 * time.Hour, 1<<63 - 1} {
		item, err := c.Add(t.Context(), fmt.Sprint(timeout), []byte("one"), timeout)
		if err != nil {
			t.Fatal(err)
		}
		before := time.Until(item.Expires)
		left := time.Duration(remaining(t, servers[0].Addr, fmt.Sprint(timeout))) * time.Second
		if item.Expires.Unix() != 1<<31-1 || left > before+2*time.Second || left < time.Until(item.Expires)-2*time.Second {
			t.Errorf("said to end at %v, and has %v left", item.Expires, left)
		}
	}
}

// 10,000 items that Django spread over three servers are where Go looks, and the other
// way round: an item lives on one of them only.
func TestThreeServers(t *testing.T) {
	djangotest.NotShort(t, "three servers")
	onEachBackend(t, func(t *testing.T, version, backend string, hash memcache.Hash) {
		if version != djangotest.Newest && hash != memcache.PythonMemcached {
			return // the client library chooses, and it is the same there
		}
		servers := djangotest.Memcached(t, 3)
		entry := servers.Django(backend)
		entry["KEY_PREFIX"] = "żółw" // and keys beyond ASCII with it
		django := start(t, version, entry)
		if hash == memcache.PythonMemcached {
			// From 1.60 on a hash of 0 is no longer a 1. See Hash.
			django.Do(t, `
				import memcache
				hashed = memcache.cmemcache_hash
				memcache.serverHashFunction = lambda key: hashed(key) or 1
			`, nil, nil)
		}
		c := newCache(t, memcache.Config{Servers: servers.Addrs(), Hash: hash})
		n := djangotest.Cases(10000)
		var keys []string
		django.Do(t, `
			from django.contrib.sessions.backends.cache import SessionStore as Cached
			names = [Cached.cache_key_prefix + Cached()._get_new_session_key() for i in range(args)]
			for name in names:
				cache.set(name, {"name": name})
			result = [cache.make_key(name) for name in names]
		`, n, &keys)
		missed := 0
		for i, key := range keys {
			if _, err := c.Get(t.Context(), key); errors.Is(err, djsession.ErrNotFound) {
				missed++
			} else if err != nil {
				t.Fatal(err)
			}
			if err := c.Delete(t.Context(), key); err != nil && !errors.Is(err, djsession.ErrNotFound) {
				t.Fatal(err)
			}
			if _, err := c.Add(t.Context(), key, []byte("\x80\x02K"+string([]byte{byte(i)})+"."), time.Hour); err != nil {
				t.Fatal(err)
			}
		}
		if missed > 0 {
			t.Errorf("Go misses %d of Django's %d", missed, n)
		}
		var wrong int
		if django.Do(t, `result = sum(cache.get(name) != i % 256 for i, name in enumerate(names))`, nil, &wrong); wrong > 0 {
			t.Errorf("Django misses %d of Go's %d", wrong, n)
		}
	})
}

// A session that its client compressed, which Django never asks for and OPTIONS can.
func TestCompressed(t *testing.T) {
	for _, test := range []struct{ version, backend, put string }{
		{djangotest.Newest, "PyLibMCCache", `cache._cache.set(cache.make_key("k"), value, min_compress_len=1)`},
		{"3.2", "MemcachedCache", `cache._cache.set(cache.make_key("k"), value, min_compress_len=1)`},
		{djangotest.Newest, "PyMemcacheCache", `
			import pymemcache.serde
			from django.core.cache.backends.memcached import PyMemcacheCache
			own = PyMemcacheCache(settings.CACHES["default"]["LOCATION"], {"OPTIONS": {"serde": pymemcache.serde.compressed_serde}})
			own.set("k", value)
		`},
	} {
		if !djangotest.Runs(test.version) {
			continue
		}
		t.Run(test.backend, func(t *testing.T) {
			t.Parallel()
			servers := djangotest.Memcached(t, 1)
			django := start(t, test.version, servers.Django(test.backend))
			django.Do(t, `value = {"text": "x" * 20000}`, nil, nil)
			django.Do(t, test.put, nil, nil)
			c := newCache(t, memcache.Config{Servers: servers.Addrs()})
			item := get(t, c, ":1:k")
			if !strings.Contains(string(item.Data), strings.Repeat("x", 20000)) {
				t.Fatalf("read %.50q", item.Data)
			}
			data := strings.Replace(string(item.Data), "xx", "yx", 1)
			if _, err := c.Swap(t.Context(), ":1:k", item, []byte(data), time.Hour); err != nil {
				t.Fatal(err)
			}
			var seen string
			if django.Do(t, `result = cache.get("k")["text"][:3]`, nil, &seen); seen != "yxx" {
				t.Errorf("Django reads %q", seen)
			}
			// A bomb is not blown up.
			small := newCache(t, memcache.Config{Servers: servers.Addrs(), MaxSize: 10000})
			django.Do(t, test.put, nil, nil)
			_, err := small.Get(t.Context(), ":1:k")
			wantError(t, err, djsession.ErrTooLarge, "10000")
			var payload *djsession.PayloadError
			if !errors.As(err, &payload) {
				t.Errorf("%v is no PayloadError", err)
			}
		})
	}
}

// Values with the flag for compression that are not a whole zlib stream are PayloadErrors.
func TestCompressedBadly(t *testing.T) {
	servers := djangotest.Memcached(t, 1)
	django := start(t, djangotest.Newest, servers.Django("PyMemcacheCache"))
	c := newCache(t, memcache.Config{Servers: servers.Addrs()})
	for what, value := range map[string]string{
		"a pickle":      `pickle.dumps({})`,
		"nothing":       `b""`,
		"a zlib stream": `zlib.compress(pickle.dumps({"a": list(range(1000))}))[:-100]`,
		"an xz stream":  `lzma.compress(pickle.dumps({}))`,
	} {
		django.Do(t, `
			import lzma, zlib
			client = cache._cache._get_client(args["key"])
			client.set(args["key"], eval(args["value"]), flags=9)
		`, map[string]any{"key": sessionKey, "value": value}, nil)
		_, err := c.Get(t.Context(), sessionKey)
		wantError(t, err, djsession.ErrMalformed, "get 9f3c1a…", what+", and not a whole zlib stream (flags 9)")
	}
}

// The error for a value that is not a session says what the value is. The value stays.
func TestOtherValues(t *testing.T) {
	onEachBackend(t, func(t *testing.T, version, backend string, hash memcache.Hash) {
		servers := djangotest.Memcached(t, 1)
		django := start(t, version, servers.Django(backend))
		c := newCache(t, memcache.Config{Servers: servers.Addrs(), Hash: hash})
		for _, test := range []struct{ value, words string }{
			{`42`, "integer (flags "}, // pylibmc has longs only
			{`10**30`, "integer (flags "},
			{`"text"`, "text (flags 16)"},
			{`b"bytes"`, "bytes, text (flags 0)"},
			{`pickle.dumps({})`, "bytes, a pickle (flags 0)"},
		} {
			django.Do(t, `cache.set(args["key"][3:], eval(args["value"]))`, map[string]any{"key": sessionKey, "value": test.value}, nil)
			_, err := c.Get(t.Context(), sessionKey)
			wantError(t, err, djsession.ErrMalformed, "get 9f3c1a…", test.words, "not a pickle (flags 1)")
			var payload *djsession.PayloadError
			if !errors.As(err, &payload) {
				t.Errorf("%v is no PayloadError", err)
			}
			_, err = c.Swap(t.Context(), sessionKey, nil, []byte("one"), time.Hour)
			wantError(t, err, djsession.ErrMalformed, test.words)
			var same bool
			if django.Do(t, `result = cache.get(args["key"][3:]) == eval(args["value"])`, map[string]any{"key": sessionKey, "value": test.value}, &same); !same {
				t.Errorf("%s was changed", test.value)
			}
		}
	})
}

// The same bytes with other flags are another value.
func TestSameBytesOfAnotherKind(t *testing.T) {
	servers := djangotest.Memcached(t, 1)
	django := start(t, djangotest.Newest, servers.Django("PyMemcacheCache"))
	c := newCache(t, memcache.Config{Servers: servers.Addrs()})
	item := add(t, c, sessionKey, "one")
	django.Do(t, `cache.set(args[3:], "one")`, sessionKey, nil)
	_, err := c.Swap(t.Context(), sessionKey, item, []byte("two"), time.Hour)
	wantError(t, err, djsession.ErrMalformed, "text (flags 16)")
}
