package cachestore

import (
	"context"
	"iter"
	"time"

	"github.com/djsess/djsess/djsession"
)

// Item is a value as a cache has it.
type Item struct {
	// Data is what the serializer wrote. A compression or encoding that belongs
	// to the cache is taken off.
	Data []byte
	// Expires is when the item ends; zero when the cache did not tell.
	Expires time.Time
	// Version is the cache's own way to know what it gave, such as the stored
	// bytes or a cas id. It is what reflect.DeepEqual can compare.
	Version any
}

// Cache is what sessions need of one of Django's cache backends. Package rediscache,
// memcache, dbcache and filecache have the ones there are; most users need no other.
// It must be safe for use by several goroutines.
//
// Keys are whole cache keys, as the backend's make_key makes them. A timeout is how
// long an item lives, and one that is not positive means what it means in Django: it
// is over already. Errors are those of djsession.Store: djsession.ErrNotFound,
// ErrKeyTaken, ErrInvalidKey, ErrReadOnly, ErrBusy and *djsession.PayloadError, wrapped or not;
// any other means that the cache could not be asked. No error holds a whole key.
type Cache interface {
	// Get returns what is stored under a key. ErrNotFound is the word of the cache
	// that takes the writes, not of a replica. What is there and is no value of
	// Django's, or more than the cache was told to read, is a *djsession.PayloadError.
	Get(ctx context.Context, key string) (*Item, error)

	// Add stores data under a key that is not there: else ErrKeyTaken.
	Add(ctx context.Context, key string, data []byte, timeout time.Duration) (*Item, error)

	// Swap stores data in place of old, provided that old is still what is stored:
	// else a *ConflictError. A key that is gone is ErrNotFound, and is not made again.
	Swap(ctx context.Context, key string, old *Item, data []byte, timeout time.Duration) (*Item, error)

	// Delete removes a key, whatever it holds. ErrNotFound says that there was none.
	Delete(ctx context.Context, key string) error

	// DeleteUnchanged removes a key that still holds old: else a *ConflictError.
	DeleteUnchanged(ctx context.Context, key string, old *Item) error

	// Close closes what the cache was given or has opened.
	Close() error

	// String says which cache it is and where, such as "redis (10.0.0.5:6379)".
	String() string
}

// ConflictError is a djsession.ErrConflict of a cache.
type ConflictError struct {
	// Current is what is stored now; nil when the cache has not said.
	Current *Item
}

func (e *ConflictError) Error() string { return "item was changed meanwhile" }

// Is makes a ConflictError a djsession.ErrConflict.
func (e *ConflictError) Is(target error) bool { return target == djsession.ErrConflict }

// Entry is a key of a cache and what is stored under it.
type Entry struct {
	// Key is the whole cache key, or "" where the cache keeps only its hash; then
	// Name is what it is kept as.
	Key, Name string
	Item      *Item
}

// Scanner is a Cache that can be enumerated.
type Scanner interface {
	// Scan yields the entries whose cache key begins with a prefix, and in a cache that
	// keeps only hashes of its keys all entries, without holding up whoever else uses
	// the cache. Expires is set where the cache knows: entries that have ended and are
	// still kept are yielded, too. What is no value of Django's is
	// yielded as a *djsession.PayloadError with an entry of key and expiry, and the scan
	// goes on; any other error, with a nil entry, ends it.
	Scan(ctx context.Context, prefix string) iter.Seq2[*Entry, error]
}

// Expirer is a Cache whose Get does not tell when an item ends, and that can be asked.
type Expirer interface {
	// Expires returns when a key ends, and a zero time if never. ErrNotFound: it is
	// not there.
	Expires(ctx context.Context, key string) (time.Time, error)
}
