package cachestore

import (
	"strconv"
	"strings"

	"github.com/djsess/djsess/djsession"
)

// What Django's engines put before a session key.
const (
	cachePrefix    = "django.contrib.sessions.cache"
	cachedDBPrefix = "django.contrib.sessions.cached_db"
)

// keys are cache keys, and how they are made of session keys.
type keys struct {
	engine string // what the engine puts before a session key
	config Config
	// head is what all cache keys of sessions begin with, the session key following;
	// not to be known behind some KEY_FUNCTIONs.
	head  string
	known bool
}

func newKeys(engine string, c Config) keys {
	if c.Version == 0 {
		c.Version = 1
	}
	k := keys{engine: engine, config: c}
	if c.KeyFunction == nil {
		k.head, k.known = c.KeyPrefix+":"+strconv.Itoa(c.Version)+":"+engine, true
		return k
	}
	// Keys that have nothing in common but their length, or not even that.
	for i, probe := range []string{"00000000", strings.Repeat("z", 40), djsession.NewKey()} {
		head, ok := strings.CutSuffix(k.of(probe), probe)
		if !ok || i > 0 && head != k.head {
			return keys{engine: engine, config: c}
		}
		k.head = head
	}
	k.known = true
	return k
}

// of is the cache key of a session key.
func (k *keys) of(session string) string {
	if f := k.config.KeyFunction; f != nil {
		return f(k.engine+session, k.config.KeyPrefix, k.config.Version)
	}
	return k.head + session
}

// session is the session key of a cache key. What begins with the other engine's
// prefix is none, though that begins with ours: session keys have no underscore.
func (k *keys) session(key string) (session string, ok bool) {
	session, ok = strings.CutPrefix(key, k.head)
	if ok && k.engine == cachePrefix {
		ok = !strings.HasPrefix(session, strings.TrimPrefix(cachedDBPrefix, cachePrefix))
	}
	return session, ok && djsession.ValidateKey(session) == nil && k.of(session) == key
}
