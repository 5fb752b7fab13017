package rediscache_test

import (
	"encoding/base64"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/djsession/rediscache"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

func TestMain(m *testing.M) { djangotest.Main(m) }

// client returns a client of a server, as package storeurl would make it.
func client(t testing.TB, r *djangotest.RedisServer) *redis.Client {
	o, err := redis.ParseURL(r.URL)
	if err != nil {
		t.Fatal(err)
	}
	o.TLSConfig, o.ContextTimeoutEnabled = r.TLS, true
	c := redis.NewClient(o)
	t.Cleanup(func() { c.Close() })
	return c
}

// open returns a cache on a server.
func open(t testing.TB, r *djangotest.RedisServer, c rediscache.Config) *rediscache.Cache {
	if c.Writer == nil {
		c.Writer = client(t, r)
	}
	cache, err := rediscache.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return cache
}

// site is a Django with a cache.
type site struct {
	*djangotest.Django
	version string
	client  siteClient
}

// config is how Go opens the site's cache.
func (s *site) config() rediscache.Config {
	return rediscache.Config{DjangoRedis: s.client != djangosOwn}
}

// siteClient is what a site has as its client of Redis.
type siteClient string

const (
	djangosOwn   siteClient = "Django"
	djangoRedis  siteClient = "django-redis"
	djangoValkey siteClient = "django-valkey"
)

// in reports whether the peer of this release has the client.
func (c siteClient) in(version string) bool {
	switch c {
	case djangosOwn:
		return djangotest.AtLeast(version, "4.0")
	case djangoValkey:
		return djangotest.AtLeast(version, "6.0")
	}
	return true
}

// entry is the site's cache in CACHES, without options.
func (c siteClient) entry(r *djangotest.RedisServer) map[string]any {
	switch c {
	case djangoRedis:
		return r.DjangoRedis()
	case djangoValkey:
		return r.DjangoValkey()
	}
	return r.Django()
}

// withClients are the Djangos whose clients are tested: 3.2 has django-redis 5, 4.2 has 6, the newest has 7.
func withClients() []string { return djangotest.Some("3.2", "4.2", djangotest.Newest) }

// prelude defines functions for the code that a site runs.
const prelude = `
import base64, collections, datetime, decimal, json, pickle, sys, time, uuid
sys.setrecursionlimit(10000)
from django.core.cache import cache
def text(data): return base64.b64encode(data).decode()
def data(text): return base64.b64decode(text)
`

// sites runs a test with each client of Redis that Djangos have.
func sites(t *testing.T, test func(t *testing.T, s *site, r *djangotest.RedisServer)) {
	for _, version := range withClients() {
		for _, client := range []siteClient{djangosOwn, djangoRedis, djangoValkey} {
			if !client.in(version) {
				continue
			}
			t.Run(version+"/"+string(client), func(t *testing.T) {
				t.Parallel()
				r := djangotest.Redis(t)
				s := &site{
					Django: djangotest.Start(t, version, djangotest.Settings{
						"CACHES": djangotest.Caches(client.entry(r)), "USE_TZ": true,
						"SESSION_ENGINE": "django.contrib.sessions.backends.cache",
					}),
					version: version, client: client,
				}
				s.Do(t, prelude, nil, nil)
				test(t, s, r)
			})
		}
	}
}

// do runs code whose result is base64.
func (s *site) do(t *testing.T, code string, args any) string {
	t.Helper()
	var encoded string
	s.Do(t, code, args, &encoded)
	data, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// repr returns Python's repr of an expression.
func (s *site) repr(t *testing.T, expression string, args any) string {
	t.Helper()
	var result string
	s.Do(t, "result = repr("+expression+")", args, &result)
	return result
}
