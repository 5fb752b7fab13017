package memcache

import (
	"fmt"

	"github.com/djsess/djsess/djsession"
)

// longestKey is in bytes. Django counts characters, and what it then lets pass its
// clients refuse.
const longestKey = 250

// checkKey refuses what Django refuses as InvalidCacheKey.
func checkKey(key string) error {
	switch {
	case key == "":
		return fmt.Errorf("%w: an empty cache key", djsession.ErrInvalidKey)
	case len(key) > longestKey:
		return fmt.Errorf("%w: a cache key of %d bytes is an InvalidCacheKey: Memcached takes %d",
			djsession.ErrInvalidKey, len(key), longestKey)
	}
	for i := range len(key) {
		if key[i] <= ' ' || key[i] == 0x7f {
			return fmt.Errorf("%w: a cache key with a space or a control character is an InvalidCacheKey", djsession.ErrInvalidKey)
		}
	}
	return nil
}
