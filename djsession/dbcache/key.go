package dbcache

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/djsess/djsess/djsession"
)

// longestKey is what createcachetable makes the column for.
const longestKey = 255

// checkKey refuses what no row can have for its key. What memcached would not take
// Django only warns of.
func checkKey(key string) error {
	n := utf8.RuneCountInString(key)
	switch {
	case key == "":
		return fmt.Errorf("%w: an empty cache key", djsession.ErrInvalidKey)
	case n > longestKey:
		return fmt.Errorf("%w: a cache key of %d characters, and the table holds %d", djsession.ErrInvalidKey, n, longestKey)
	case strings.IndexByte(key, 0) >= 0 || !utf8.ValidString(key):
		return fmt.Errorf("%w: the cache key is not text", djsession.ErrInvalidKey)
	}
	return nil
}
