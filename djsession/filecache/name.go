package filecache

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/djsess/djsess/djsession"
)

// suffix is Django's cache_suffix.
const suffix = ".djcache"

// fileName is the name of a key's file.
func fileName(key string) (string, error) {
	switch {
	case key == "":
		return "", fmt.Errorf("%w: an empty cache key", djsession.ErrInvalidKey)
	case !utf8.ValidString(key):
		return "", fmt.Errorf("%w: the cache key is not text", djsession.ErrInvalidKey)
	}
	digest := md5.Sum([]byte(key)) // a name, not a signature
	return hex.EncodeToString(digest[:]) + suffix, nil
}

// isItem tells whether a name is one that fileName makes.
func isItem(name string) bool {
	digest, ok := strings.CutSuffix(name, suffix)
	return ok && len(digest) == 2*md5.Size && strings.Trim(digest, "0123456789abcdef") == ""
}

// isCulled tells whether Django counts a file when it culls, and may delete it:
// whatever is named so, but for hidden files.
func isCulled(name string) bool {
	return strings.HasSuffix(name, suffix) && !strings.HasPrefix(name, ".")
}
