package rediscache_test

import (
	"encoding/base64"
	"strings"
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
	name        string
	djangoRedis bool
}

// prelude defines functions for the code that a site runs.
const prelude = `
import base64, collections, datetime, decimal, json, pickle, sys, time, uuid
sys.setrecursionlimit(10000)
from django.core.cache import cache
def text(data): return base64.b64encode(data).decode()
def data(text): return base64.b64decode(text)
`

// sites are Djangos with the different clients of Redis.
func sites(t *testing.T, entry func(r *djangotest.RedisServer, djangoRedis bool) map[string]any, test func(t *testing.T, s *site, r *djangotest.RedisServer)) {
	for _, s := range []site{
		{name: "3.2/django-redis", djangoRedis: true},
		{name: "4.2"},
		{name: "4.2/django-redis", djangoRedis: true},
		{name: "5.2"},
		{name: "5.2/django-redis", djangoRedis: true},
	} {
		version, _, _ := strings.Cut(s.name, "/")
		if !djangotest.Runs(version) {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			r := djangotest.Redis(t)
			e := entry(r, s.djangoRedis)
			if e == nil {
				return
			}
			s.Django = djangotest.Start(t, version, djangotest.Settings{"CACHES": djangotest.Caches(e)})
			s.Do(t, prelude, nil, nil)
			test(t, &s, r)
		})
	}
}

// plain returns the cache of a site without options.
func plain(r *djangotest.RedisServer, djangoRedis bool) map[string]any {
	if djangoRedis {
		return r.DjangoRedis()
	}
	return r.Django()
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
