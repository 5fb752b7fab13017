package storeurl

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
)

// openedCache is a cache, and how sessions are kept in it.
type openedCache struct {
	cache  cachestore.Cache
	config cachestore.Config
}

// openFunc opens a cache, with the options that are left.
type openFunc func(*storeURL, *openedCache) error

// caches are the schemes of caches, but for those in databases, whose schemes
// follow databaseCache.
var caches = map[string]openFunc{
	"redis":           openRedis,
	"rediss":          openRedis,
	"redis-sentinel":  openRedisSentinel,
	"rediss-sentinel": openRedisSentinel,
	"redis-cluster":   openRedisCluster,
	"rediss-cluster":  openRedisCluster,
	"memcached":       openMemcached,
	"filecache":       openFileCache,
}

const databaseCache = "dbcache+"

// cacheOpener is nil for what is no cache's scheme.
func cacheOpener(scheme string) openFunc {
	if kind, ok := strings.CutPrefix(scheme, databaseCache); ok {
		if d, ok := databases[kind]; ok {
			return d.openCache
		}
	}
	return caches[scheme]
}

// openCache opens the cache of a URL, with the options that all caches have.
func (u *storeURL) openCache(settings *djsession.Settings) (*openedCache, error) {
	open := cacheOpener(u.scheme)
	if open == nil {
		return nil, fmt.Errorf("it is none of a cache: want one of %s; or %s before that of a database", known(caches), databaseCache)
	}
	c := &openedCache{config: cachestore.Config{Settings: settings, KeyPrefix: u.take("prefix"), ReadOnly: u.readOnly}}
	if version := u.take("version"); version != "" {
		n, err := strconv.Atoi(version)
		if err != nil || n == 0 {
			return nil, fmt.Errorf("version %q: want the cache's VERSION, a whole number and not 0", version)
		}
		c.config.Version = n
	}
	if err := open(u, c); err != nil {
		return nil, err
	}
	return c, nil
}

// seconds takes an option that is a time in seconds.
func (u *storeURL) seconds(name string) (time.Duration, error) {
	text := u.take(name)
	if text == "" {
		return 0, nil
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || !(seconds > 0 && seconds < 1e6) {
		return 0, fmt.Errorf("%s %q: want seconds", name, text)
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// number takes an option that is a whole number, and is otherwise if it is not there.
func (u *storeURL) number(name string, otherwise int) (int, error) {
	text := u.take(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s %q: want a whole number, and not a negative one", name, text)
	}
	return n, nil
}

// choice takes an option that is one of a few words.
func choice[T any](u *storeURL, name string, choices map[string]T) (chosen T, err error) {
	text := u.take(name)
	chosen, ok := choices[text]
	if !ok {
		return chosen, fmt.Errorf("%s %q: want one of %s", name, text, known(choices))
	}
	return chosen, nil
}
