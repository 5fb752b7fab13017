package rediscache_test

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/cachestore/cachetest"
	"github.com/djsess/djsess/djsession/rediscache"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// contractCache is the cache that cachetest tests.
type contractCache struct {
	*rediscache.Cache
	server *djangotest.RedisServer
}

// Damage stores a number, as Django does with integers.
func (c contractCache) Damage(t *testing.T, key string) { c.server.Do(t, "SET", key, "42", "KEEPTTL") }

func TestContract(t *testing.T) {
	for name, config := range map[string]rediscache.Config{
		"Django":       {},
		"django-redis": {DjangoRedis: true, Compressor: rediscache.Zlib},
	} {
		if testing.Short() && config.DjangoRedis {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := djangotest.Redis(t)
			cachetest.Run(t, func(t *testing.T) cachestore.Cache {
				server.Do(t, "FLUSHALL")
				return contractCache{open(t, server, config), server}
			})
		})
	}
	t.Run("without scripts", func(t *testing.T) {
		djangotest.NotShort(t, "one server is enough")
		t.Parallel()
		server := djangotest.RedisWith(t, djangotest.RedisOptions{Config: []string{"user app on >" + secret + " ~* &* +@all -@scripting"}})
		cachetest.Run(t, func(t *testing.T) cachestore.Cache {
			server.Do(t, "FLUSHALL")
			writer := redis.NewClient(&redis.Options{Addr: server.Addr, Username: "app", Password: secret})
			t.Cleanup(func() { writer.Close() })
			return contractCache{open(t, server, rediscache.Config{Writer: writer}), server}
		})
	})
}
