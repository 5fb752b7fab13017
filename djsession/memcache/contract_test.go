package memcache_test

import (
	"testing"

	gomemcache "github.com/bradfitz/gomemcache/memcache"

	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/cachestore/cachetest"
	"github.com/djsess/djsess/djsession/memcache"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// contractCache is what cachetest tests.
type contractCache struct {
	*memcache.Cache
	servers djangotest.MemcachedServers
}

// Damage stores text, which Django does not pickle.
func (c contractCache) Damage(t *testing.T, key string) {
	address := c.Shard(key)
	if address == "" {
		address = c.servers[0].Addr
	}
	client := gomemcache.New(address)
	defer client.Close()
	const text = 16
	if err := client.Set(&gomemcache.Item{Key: key, Value: []byte("text"), Flags: text}); err != nil {
		t.Fatal(err)
	}
}

func (c contractCache) ReadOnly(t *testing.T) cachestore.Cache {
	return newCache(t, memcache.Config{Servers: c.servers.Addrs(), ReadOnly: true})
}

func TestContract(t *testing.T) {
	for name, n := range map[string]int{"one server": 1, "three servers": 3} {
		if testing.Short() && n == 1 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			servers := djangotest.Memcached(t, n)
			cachetest.Run(t, func(t *testing.T) cachestore.Cache {
				servers.Flush(t)
				return contractCache{newCache(t, memcache.Config{Servers: servers.Addrs()}), servers}
			})
		})
	}
}
