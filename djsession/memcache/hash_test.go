package memcache

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/djsess/djsess/internal/testing/djangotest"
)

// sessionKeys are cache keys as Django makes them, and a few that only a KEY_PREFIX
// or a KEY_FUNCTION makes.
func sessionKeys(n int) []string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
	random := rand.New(rand.NewPCG(4, 1))
	keys := []string{"k", "ab", "abc", "abcd", ":1:zażółć", "gęślą:1:jaźń", "ключ:1:x", "鍵鍵鍵:1:\U0001f600", strings.Repeat("long", 62)}
	for len(keys) < n {
		var key [32]byte
		for i := range key {
			key[i] = alphabet[random.IntN(len(alphabet))]
		}
		prefix := []string{"", "site", "żółw"}[random.IntN(3)]
		keys = append(keys, fmt.Sprintf("%s:1:django.contrib.sessions.cache%s", prefix, key[:]))
	}
	return keys
}

var locations = map[string][]string{
	"addresses":    {"127.0.0.1:11211", "127.0.0.1:11212", "127.0.0.1:11213"},
	"default port": {"cache-a", "cache-b", "cache-c:11212"},
	"port with 0":  {"cache-a:011211", "cache-b:11211", "cache-c"},
	"IPv6":         {"[::1]:11211", "[::1]:11212", "[fe80::1]"},
	"sockets":      {"unix:/run/memcached/a.sock", "/run/memcached/b.sock", "127.0.0.1:11211"},
	"two":          {"a:1", "b:2"},
	"seven":        {"a:1", "b:2", "c:3", "d:4", "e:5", "f:6", "g:7"},
	"one twice":    {"a:1", "b:2", "a:1"},
	"beyond ASCII": {"café:1", "bücher.example:2", "例え:3"},
	"one":          {"127.0.0.1:11211"},
	"letter case":  {"Cache:1", "cache:1", "CACHE:1"},
}

// pymemcache itself says which server it takes, for any spelling of LOCATION.
func TestServerIsPymemcaches(t *testing.T) {
	django := djangotest.Start(t, djangotest.Newest, nil)
	keys := sessionKeys(djangotest.Cases(10000))
	for name, location := range locations {
		t.Run(name, func(t *testing.T) {
			var nodes []string
			django.Do(t, `
				from django.core.cache.backends.memcached import PyMemcacheCache
				client = PyMemcacheCache(args["location"], {})._cache
				result = [client._make_client_key(client._get_client(k).server) for k in args["keys"]]
			`, map[string]any{"location": location, "keys": keys}, &nodes)
			servers, err := newServers(location, PyMemcache)
			if err != nil {
				t.Fatal(err)
			}
			for i, key := range keys {
				if got := servers.pick(key).node; got != nodes[i] {
					t.Fatalf("key %q: %s, pymemcache has %s", key, got, nodes[i])
				}
			}
		})
	}
}

// Two names of one score are rare, so their hash is made alike.
func TestTieIsPymemcaches(t *testing.T) {
	django := djangotest.Start(t, djangotest.Newest, nil)
	// Code points whose low bytes are alike: murmur3 sees nothing else.
	for _, nodes := range [][]string{{"a:1", "š:1"}, {"š:1", "a:1"}, {"ġ:1", "!:1", "ȡ:1"}} {
		var want string
		django.Do(t, `
			from pymemcache.client.rendezvous import RendezvousHash
			result = RendezvousHash(args).get_node("key")
		`, nodes, &want)
		if got := nodes[rendezvous(nodes, "key")]; got != want {
			t.Errorf("%q: %q, pymemcache has %q", nodes, got, want)
		}
	}
}

// The rule of python-memcached up to 1.59: 1.60 and later leave out that a hash of 0
// is a 1.
func TestServerIsPythonMemcacheds(t *testing.T) {
	djangotest.NotShort(t, "only Django 3.2 has that client")
	django := djangotest.Start(t, "3.2", nil)
	keys := sessionKeys(40000)
	for _, location := range [][]string{locations["addresses"], locations["two"], locations["seven"]} {
		var index []int
		django.Do(t, `
			import memcache
			hashed = memcache.cmemcache_hash
			memcache.serverHashFunction = lambda key: hashed(key) or 1
			memcache._Host.connect = lambda self: True
			client = memcache.Client(args["location"])
			result = [client.servers.index(client._get_server(k.encode())[0]) for k in args["keys"]]
		`, map[string]any{"location": location, "keys": keys}, &index)
		servers, err := newServers(location, PythonMemcached)
		if err != nil {
			t.Fatal(err)
		}
		for i, key := range keys {
			if got := servers.pick(key); got != servers.all[index[i]] {
				t.Fatalf("key %q of %d servers: %s, python-memcached has %s", key, len(location), got, servers.all[index[i]])
			}
		}
	}
}

func TestHashOfZeroIsOne(t *testing.T) {
	// cmemcache_hash of python-memcached 1.59 says 1 for it, found by trying.
	const key = "zero-5924"
	nodes := []string{"a:1", "b:2", "c:3"}
	if got := PythonMemcached.choose(nodes, key); got != 1 {
		t.Errorf("got server %d, want 1", got)
	}
}

func TestParseServer(t *testing.T) {
	tests := []struct{ spec, network, address, node string }{
		{"10.0.0.5:11212", "tcp", "10.0.0.5:11212", "10.0.0.5:11212"},
		{"cache", "tcp", "cache:11211", "cache:11211"},
		{"[::1]:11212", "tcp", "[::1]:11212", "::1:11212"},
		{"[::1]", "tcp", "[::1]:11211", "::1:11211"},
		{"unix:/run/m.sock", "unix", "/run/m.sock", "/run/m.sock"},
		{"/run/m.sock", "unix", "/run/m.sock", "/run/m.sock"},
	}
	for _, test := range tests {
		s, err := parseServer(test.spec)
		if err != nil {
			t.Errorf("%q: %v", test.spec, err)
		} else if *s != (server{test.network, test.address, test.node}) {
			t.Errorf("%q: %+v", test.spec, *s)
		}
	}
	for _, spec := range []string{"", ":", "a:", "a:b", "a:0", "a:65536", "a:-1", "::1", "a:1:2", "unix:m.sock", "unix:",
		"udp:a:1", "a:1,b:2", "a:1;b:2", "[::1", "::1]", "[]", "[]:1", "a b:1"} {
		if s, err := parseServer(spec); err == nil {
			t.Errorf("%q: taken for %+v", spec, *s)
		}
	}
}
