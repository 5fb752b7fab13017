package cachestore

import (
	"strings"

	"github.com/djsess/djsess/djsession"
)

// ShortKey is how logs and errors show a cache key: by the session key in it, and
// that as djsession.ShortKey shows it. Of a key in which Django's prefixes are not to
// be found, as a KEY_FUNCTION may make them, it is the beginning.
func ShortKey(key string) string {
	// The longer one first: it begins with the other.
	for _, prefix := range []string{"django.contrib.sessions.cached_db", "django.contrib.sessions.cache"} {
		if i := strings.LastIndex(key, prefix); i >= 0 {
			return djsession.ShortKey(key[i+len(prefix):])
		}
	}
	return djsession.ShortKey(key)
}
