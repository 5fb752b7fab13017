package memcache

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/internal/inflate"
	"github.com/djsess/djsess/internal/sniff"
)

// The flags of an item say what its bytes are. Django's three clients use the same flags.
const (
	flagPickle     = 1 << 0
	flagInteger    = 1 << 1
	flagLong       = 1 << 2
	flagCompressed = 1 << 3 // by zlib
	flagText       = 1 << 4
)

// version is an Item's Version: the cas id and the stored value. The cas id is 0 after a
// write, since Memcached does not return it.
type version struct {
	cas   uint64
	flags uint32
	data  []byte
}

// versionOf returns the version of an item, if a Cache made the item.
func versionOf(item *cachestore.Item) (v version, known bool) {
	if item != nil {
		v, known = item.Version.(version)
	}
	return v, known
}

// isStored reports whether v is the stored value. It ignores the cas id: a client that stored
// the same value again changed nothing.
func (v version) isStored(stored *memcache.Item) bool {
	return stored.Flags == v.flags && bytes.Equal(stored.Value, v.data)
}

// item returns the Item of a stored item.
func (c *Cache) item(stored *memcache.Item) (*cachestore.Item, error) {
	data, err := c.decode(stored)
	if err != nil {
		return nil, djsession.UnsignedError(err)
	}
	return &cachestore.Item{Data: data, Version: version{stored.CasID, stored.Flags, stored.Value}}, nil
}

func (c *Cache) decode(stored *memcache.Item) ([]byte, error) {
	if kind := notPickled(stored); kind != "" {
		return nil, fmt.Errorf("%w: %s (flags %d), and not a pickle (flags %d)", djsession.ErrMalformed, kind, stored.Flags, flagPickle)
	}
	if stored.Flags&flagCompressed == 0 {
		return stored.Value, nil
	}
	data, err := inflate.Zlib(nil, stored.Value, c.maxSize)
	switch {
	case errors.Is(err, djsession.ErrTooLarge):
		return nil, fmt.Errorf("%w: it inflates to more than %d bytes", err, c.maxSize)
	case err != nil:
		return nil, fmt.Errorf("%w: %s, and not a whole zlib stream (flags %d): %w", djsession.ErrMalformed, sniff.Name(stored.Value), stored.Flags, err)
	}
	return data, nil
}

// notPickled names the type of a value that is not a pickle, or returns "". It checks the flags
// in pymemcache's order.
func notPickled(stored *memcache.Item) string {
	flags := stored.Flags
	switch {
	case flags&flagText != 0:
		return "text"
	case flags&flagInteger != 0:
		return "an integer"
	case flags&flagLong != 0:
		return "a long integer"
	case flags&flagPickle == 0:
		return "bytes, " + sniff.Name(stored.Value)
	}
	return ""
}

const (
	// expired is an expiration in the past. To Memcached, 0 means never.
	expired = -1
	// longestRelative is the largest expiration that Memcached reads as seconds from now. It
	// reads a larger one as Unix time.
	longestRelative = 30 * 24 * time.Hour / time.Second
)

// expiration is Django's get_backend_timeout, which cuts off fractions of seconds.
func expiration(timeout time.Duration, now time.Time) int32 {
	seconds := timeout / time.Second
	switch {
	case seconds <= 0:
		return expired
	case seconds > longestRelative:
		return int32(min(now.Unix()+int64(seconds), math.MaxInt32))
	}
	return int32(seconds)
}

// ends returns when an item with this expiration ends.
func ends(expiration int32, now time.Time) time.Time {
	if time.Duration(expiration) > longestRelative {
		return time.Unix(int64(expiration), 0)
	}
	return now.Add(time.Duration(expiration) * time.Second)
}
