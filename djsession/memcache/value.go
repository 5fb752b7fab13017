package memcache

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/internal/inflate"
	"github.com/djsess/djsess/internal/sniff"
)

// The flags of an item say what its bytes are; Django's three clients have the same.
const (
	flagPickle     = 1 << 0
	flagInteger    = 1 << 1
	flagLong       = 1 << 2
	flagCompressed = 1 << 3 // by zlib
	flagText       = 1 << 4
)

// version is an Item's Version: the cas id, 0 where a write was not told it, and
// what was stored.
type version struct {
	cas   uint64
	flags uint32
	data  []byte
}

// holds tells whether it is v that is stored. Whoever stored the same again has
// changed nothing.
func (v version) holds(stored *memcache.Item) bool {
	return stored.Flags == v.flags && bytes.Equal(stored.Value, v.data)
}

// item makes an Item of what is stored.
func (c *Cache) item(stored *memcache.Item) (*cachestore.Item, error) {
	data, err := c.decode(stored)
	if err != nil {
		return nil, djsession.UnsignedError(err)
	}
	return &cachestore.Item{Data: data, Version: version{stored.CasID, stored.Flags, stored.Value}}, nil
}

func (c *Cache) decode(stored *memcache.Item) ([]byte, error) {
	if what := plain(stored); what != "" {
		return nil, fmt.Errorf("%w: %s (flags %d), and not a pickle (flags %d)", djsession.ErrMalformed, what, stored.Flags, flagPickle)
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

// plain names what is not pickled. The order is pymemcache's.
func plain(stored *memcache.Item) string {
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
