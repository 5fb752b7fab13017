package cachestore_test

import (
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/memcache"
	"github.com/djsess/djsess/djsession/rediscache"
	"github.com/djsess/djsess/djsession/storetest"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// storeOf returns the store of the engine cache with the default serializer.
func storeOf(t *testing.T, cache cachestore.Cache, settings *djsession.Settings) *cachestore.Store {
	t.Helper()
	store, err := cachestore.New(cache, cachestore.Config{Settings: settings})
	return must(t, store, err)
}

func TestContract(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		var cache *memory
		storetest.Run(t, func(t *testing.T, settings *djsession.Settings) djsession.Store {
			cache = newMemory()
			cache.returnsExpires, cache.now = true, settings.Now
			return storeOf(t, listed{memory: cache}, settings)
		}, storetest.Options{ForgetsExpired: true, Damage: func(t *testing.T, _ djsession.Store, key string) {
			cache.set(":1:django.contrib.sessions.cache"+key, "no pickle")
		}})
	})
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		server := djangotest.Redis(t)
		storetest.Run(t, func(t *testing.T, settings *djsession.Settings) djsession.Store {
			server.Do(t, "FLUSHALL")
			cache, err := rediscache.New(rediscache.Config{Writer: redis.NewClient(&redis.Options{Addr: server.Addr})})
			store := storeOf(t, must(t, cache, err), settings)
			t.Cleanup(func() { store.Close() })
			return store
		}, storetest.Options{OwnClock: true, ForgetsExpired: true, Damage: func(t *testing.T, _ djsession.Store, key string) {
			server.Do(t, "SET", ":1:django.contrib.sessions.cache"+key, "no pickle", "KEEPTTL")
		}})
	})
	t.Run("memcached", func(t *testing.T) {
		djangotest.NotShort(t, "one server is enough")
		t.Parallel()
		servers := djangotest.Memcached(t, 3)
		storetest.Run(t, func(t *testing.T, settings *djsession.Settings) djsession.Store {
			servers.Flush(t)
			cache, err := memcache.New(memcache.Config{Servers: servers.Addrs()})
			store := storeOf(t, must(t, cache, err), settings)
			t.Cleanup(func() { store.Close() })
			return store
		}, storetest.Options{OwnClock: true, ForgetsExpired: true, CannotScan: true})
	})
	t.Run("cached_db", func(t *testing.T) {
		t.Parallel()
		for name, fails := range map[string]bool{"cache works": false, "cache fails at every second operation": true} {
			if testing.Short() && !fails {
				continue
			}
			t.Run(name, func(t *testing.T) {
				var b *both
				var operations atomic.Int64
				failing := func(op, key string) error {
					if fails && operations.Add(1)%2 == 0 {
						return errDown
					}
					return nil
				}
				storetest.Run(t, func(t *testing.T, settings *djsession.Settings) djsession.Store {
					b = newBoth(t, cachestore.Config{Settings: settings})
					b.cache.now = settings.Now
					operations.Store(0)
					b.cache.failing(failing)
					return b.CachedDB
				}, storetest.Options{Damage: func(t *testing.T, _ djsession.Store, key string) {
					if _, err := b.db.Exec("UPDATE django_session SET session_data = 'no session' WHERE session_key = ?", key); err != nil {
						t.Fatal(err)
					}
					b.cache.Delete(t.Context(), ":1:django.contrib.sessions.cached_db"+key)
				}})
			})
		}
	})
}
