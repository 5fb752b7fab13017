package dbcache_test

import (
	"fmt"
	"testing"

	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/cachestore/cachetest"
)

// contractCache is what cachetest tests.
type contractCache struct{ *site }

// Damage stores a value that is not base64.
func (c contractCache) Damage(t *testing.T, key string) {
	c.exec(t, fmt.Sprintf("UPDATE %s SET value = 'gASVfQ' WHERE cache_key = '%s'", table, key))
}

func (c contractCache) ReadOnly(t *testing.T) cachestore.Cache {
	config := c.config
	config.ReadOnly = true
	return c.open(t, config)
}

func TestCacheContract(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *site) {
		cachetest.Run(t, func(t *testing.T) cachestore.Cache {
			s.exec(t, "DELETE FROM "+table)
			return contractCache{s}
		})
	})
}
