package cachestore

import (
	"strconv"
	"strings"

	"github.com/djsess/djsess/djsession"
)

// Django's engines put these prefixes before a session key.
const (
	cachePrefix    = "django.contrib.sessions.cache"
	cachedDBPrefix = "django.contrib.sessions.cached_db"
)

// keys turns session keys into cache keys and cache keys into session keys.
type keys struct {
	engine string // cache_key_prefix of the SessionStore
	config Config
	// head is the part of every cache key before the session key. headKnown is false if a
	// KEY_FUNCTION does not put the session key last.
	head      string
	headKnown bool
}

func newKeys(engine string, c Config) keys {
	if c.Version == 0 {
		c.Version = 1
	}
	k := keys{engine: engine, config: c}
	if c.KeyFunction == nil {
		k.head, k.headKnown = c.KeyPrefix+":"+strconv.Itoa(c.Version)+":"+engine, true
		return k
	}
	// Session keys that differ as much as possible: if each of their cache keys is the same
	// head and then the session key, this holds for every session key.
	for i, probe := range []string{"00000000", strings.Repeat("z", 40), djsession.NewKey()} {
		head, ok := strings.CutSuffix(k.cacheKey(probe), probe)
		if !ok || i > 0 && head != k.head {
			return keys{engine: engine, config: c}
		}
		k.head = head
	}
	k.headKnown = true
	return k
}

// cacheKey returns the cache key of a session key.
func (k *keys) cacheKey(session string) string {
	if f := k.config.KeyFunction; f != nil {
		return f(k.engine+session, k.config.KeyPrefix, k.config.Version)
	}
	return k.head + session
}

// sessionKey returns the session key in a cache key. ok is false if the cache key is not this
// engine's. Django's prefix of cached_db begins with that of cache, so a cache key of cached_db is
// told apart by its underscore, which session keys do not have.
func (k *keys) sessionKey(key string) (session string, ok bool) {
	session, ok = strings.CutPrefix(key, k.head)
	if ok && k.engine == cachePrefix {
		ok = !strings.HasPrefix(session, strings.TrimPrefix(cachedDBPrefix, cachePrefix))
	}
	return session, ok && djsession.ValidateKey(session) == nil && k.cacheKey(session) == key
}

// ShortKey returns a cache key as logs and errors show it: the session key in it, shortened by
// djsession.ShortKey. If a KEY_FUNCTION removes Django's prefixes, ShortKey shortens the cache
// key.
func ShortKey(key string) string {
	// The longer prefix comes first: it begins with the other one.
	for _, prefix := range []string{cachedDBPrefix, cachePrefix} {
		if i := strings.LastIndex(key, prefix); i >= 0 {
			return djsession.ShortKey(key[i+len(prefix):])
		}
	}
	return djsession.ShortKey(key)
}
