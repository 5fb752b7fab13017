package filecache_test

import (
	"os"
	"testing"

	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/cachestore/cachetest"
	"github.com/djsess/djsess/djsession/filecache"
)

// contractCache is what cachetest tests.
type contractCache struct{ *filecache.Cache }

// Damage cuts off the end of the file.
func (c contractCache) Damage(t *testing.T, key string) {
	info, err := os.Stat(path(c.Cache, key))
	if err == nil {
		err = os.Truncate(path(c.Cache, key), info.Size()-5)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (c contractCache) ReadOnly(t *testing.T) cachestore.Cache {
	return open(t, filecache.Config{Dir: c.Dir(), ReadOnly: true})
}

func TestCacheContract(t *testing.T) {
	cachetest.Run(t, func(t *testing.T) cachestore.Cache { return contractCache{open(t, filecache.Config{})} })
}
