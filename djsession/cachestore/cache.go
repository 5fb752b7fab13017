package cachestore

import (
	"context"
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/secret"
)

// Cache is one of Django's cache backends. Packages rediscache, memcache, dbcache and
// filecache implement it, and most users need no other. A Cache must be safe for use by
// several goroutines. Package cachetest tests that it keeps the promises below.
//
// Keys are whole cache keys, as make_key of Django's backend returns them. If a cache cannot
// hold a key, it returns djsession.ErrInvalidKey.
//
// A timeout is how long an item lives. As in Django, an item whose timeout is not positive has
// already ended when it is stored, so the cache may store nothing. For an item that has ended,
// Get and the methods that change an item return ErrNotFound.
//
// Errors are those of djsession.Store: djsession.ErrNotFound, ErrKeyTaken, ErrInvalidKey,
// ErrReadOnly, ErrBusy, ErrOutcomeUnknown and *djsession.PayloadError, in a
// *djsession.OpError. Any other error means that the cache did not answer. If ctx has ended,
// the error is ctx.Err(). No error holds a whole key.
type Cache interface {
	// Get returns the item of a key. A cache that reads from replicas asks its writer
	// before it returns ErrNotFound. If Django cannot have written the value, or if the value
	// is larger than the cache is configured to read, the error is a *djsession.PayloadError.
	Get(ctx context.Context, key string) (*Item, error)

	// Add stores data under a key that is not there. Otherwise it returns ErrKeyTaken. The
	// cache must not keep the slice data.
	Add(ctx context.Context, key string, data []byte, timeout time.Duration) (*Item, error)

	// Swap stores data in place of old if the key still holds old. Otherwise it returns a
	// *ConflictError. If the key is gone, Swap returns ErrNotFound and does not store data.
	// If old is nil or its Version is not this cache's, Swap returns a conflict. An Expirer
	// takes KeepTimeout.
	Swap(ctx context.Context, key string, old *Item, data []byte, timeout time.Duration) (*Item, error)

	// Delete removes a key, whatever its value is. If there is no such key, Delete returns
	// ErrNotFound.
	Delete(ctx context.Context, key string) error

	// DeleteUnchanged removes a key if it still holds old. Otherwise its errors are Swap's.
	DeleteUnchanged(ctx context.Context, key string, old *Item) error

	// Close closes the connections of the cache, including those that the caller opened for
	// it.
	Close() error

	// String returns the kind of the cache and its place, such as "redis (10.0.0.5:6379)".
	String() string
}

// KeepTimeout, as the timeout of an Expirer's Swap, keeps the time at which the item ends.
const KeepTimeout time.Duration = math.MinInt64 + 1

// Range is a part of a cache's entries.
type Range struct {
	// Prefix is the beginning of the cache keys. A cache that keeps only hashes of its keys
	// ignores it.
	Prefix string
	// Part and Parts divide the entries among several scans, as those of djsession.Range do. A
	// cache divides them by their keys, or by the hashes that it keeps, and does not read the
	// values of other parts.
	Part, Parts int
}

// Scanner is a Cache that can be enumerated.
type Scanner interface {
	// Scan yields the entries of a range. A scan must not block the cache's other users.
	// Item.Expires is set if the cache knows it. Entries that have ended and are still stored
	// may be yielded, too.
	//
	// For a damaged value Scan yields a *djsession.PayloadError with an entry that has a key
	// and an expiry, and goes on. Any other error comes with a nil entry and ends the scan.
	Scan(ctx context.Context, r Range) iter.Seq2[*Entry, error]
}

// Expirer is a Cache whose Get does not return the time at which an item ends.
type Expirer interface {
	// Expires returns the time at which the item of a key ends. The time is zero if the item
	// never ends. If there is no such key, Expires returns ErrNotFound.
	Expires(ctx context.Context, key string) (time.Time, error)
}

// Sharded is a Cache that spreads its keys over several servers. It is djsession.Sharded
// for cache keys in place of session keys.
type Sharded interface {
	// Shard returns the name of a key's server, or "" if there is only one server.
	Shard(key string) string
	// Shards returns the number of servers.
	Shards() int
	// Misplaced returns the name of a server that has a key although the key belongs to
	// another server. It returns "" if there is none.
	Misplaced(ctx context.Context, key string) (server string, err error)
}

// BulkCache is a Cache that reads and writes many items in few round trips. Each item is treated
// as by the method of Cache that takes one item, and independently of the others. The results are
// in the order of the arguments.
//
// If the cache does not answer, or refuses, it need not be asked for the other items. They get the
// same error.
type BulkCache interface {
	// AddAll stores items as Add does. Their Old is nil.
	AddAll(ctx context.Context, writes []BulkWrite) []BulkResult

	// SwapAll replaces items as Swap does.
	SwapAll(ctx context.Context, writes []BulkWrite) []BulkResult

	// Has reports for each key whether there is an item that has not ended. It reads no values.
	Has(ctx context.Context, keys []string) ([]bool, error)
}

// Evicter is a Cache that can drop items that have not ended, to make room. It is
// djsession.Evicter for items in place of sessions.
type Evicter interface {
	// Evicts returns why the cache may drop items. It is empty if the cache keeps them all.
	Evicts(ctx context.Context) (reason string, err error)
}

// Examiner is a Cache that can check its server or its folder. It is djsession.Examiner for a cache.
type Examiner interface {
	// Examine returns one result for each check. The keys of sessions begin with prefix. It is
	// empty if that is not known. Examine writes nothing.
	Examine(ctx context.Context, prefix string) []djsession.CheckResult
}

// ExpiredClearer is a Cache that keeps items that have ended until they are removed. It is
// djsession.ExpiredClearer for items in place of sessions. A cache without it, such as Redis,
// removes them by itself.
type ExpiredClearer interface {
	ClearExpired(ctx context.Context, r djsession.ClearRequest) iter.Seq2[djsession.Cleared, error]
}

// Sizer is a Cache that can tell how much room it takes. It is djsession.Sizer for items in place
// of sessions.
type Sizer interface {
	Size(ctx context.Context) (djsession.StoreSize, error)
}

// BulkWrite is an item to store, as in the arguments of Add and Swap.
type BulkWrite struct {
	Key     string
	Old     *Item
	Data    []byte
	Timeout time.Duration
}

// BulkResult is what Add or Swap would have returned for one item.
type BulkResult struct {
	Item *Item
	Err  error
}

// Item is a value in a cache.
type Item struct {
	// Data is the output of the serializer, without the cache's own compression or encoding.
	Data []byte
	// Expires is the time at which the item ends. It is zero if the cache did not return it.
	Expires time.Time
	// Version identifies the stored value, by its bytes or by a cas id. Only the cache that
	// returned the item uses it. reflect.DeepEqual must be able to compare it.
	Version any
	// Old is true if the cache would compress Data in another way now: see
	// djsession.Origin.Old.
	Old bool
}

// Entry is an item with its key, as a scan yields it.
type Entry struct {
	// Key is the whole cache key. It is empty if the cache keeps only a hash of it.
	Key string
	// Name is the name under which the cache keeps the item.
	Name string
	Item *Item
}

// ConflictError is the djsession.ErrConflict of a cache.
type ConflictError struct {
	// Current is the item that is stored now. It is nil if the cache did not return it.
	Current *Item
}

func (e *ConflictError) Error() string { return "item was changed meanwhile" }

// Is makes a ConflictError a djsession.ErrConflict.
func (e *ConflictError) Is(target error) bool { return target == djsession.ErrConflict }

// NewConflict returns the *ConflictError for the item that is stored now. If err is not nil,
// the item could not be read, and NewConflict returns err.
func NewConflict(current *Item, err error) error {
	if err != nil {
		return err
	}
	return &ConflictError{Current: current}
}

// The methods below keep values and keys out of what fmt, log/slog and encoding/json show.

// String shows the beginning of the prefix, which may be a whole key.
func (r Range) String() string {
	return fmt.Sprintf("keys that begin with %s, part %d of %d", ShortKey(r.Prefix), r.Part, max(r.Parts, 1))
}

// Format writes String for every verb.
func (r Range) Format(f fmt.State, verb rune) { secret.Format(f, verb, r) }

// MarshalText returns String, also to encoding/json.
func (r Range) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// String shows the length of the value, but neither the value nor the version, which often
// contains the value.
func (i Item) String() string {
	return fmt.Sprintf("item of %d bytes, until %v", len(i.Data), i.Expires)
}

// Format writes String for every verb.
func (i Item) Format(f fmt.State, verb rune) { secret.Format(f, verb, i) }

// MarshalText returns String, also to encoding/json.
func (i Item) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// String shows the key as ShortKey does, and no value.
func (e Entry) String() string {
	key := ShortKey(e.Key)
	if e.Key == "" {
		key = e.Name
	}
	return fmt.Sprintf("%s: %v", key, e.Item)
}

// Format writes String for every verb.
func (e Entry) Format(f fmt.State, verb rune) { secret.Format(f, verb, e) }

// MarshalText returns String, also to encoding/json.
func (e Entry) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// String shows the key as ShortKey does, and no value.
func (w BulkWrite) String() string {
	return fmt.Sprintf("%s: %d bytes, for %v", ShortKey(w.Key), len(w.Data), w.Timeout)
}

// Format writes String for every verb.
func (w BulkWrite) Format(f fmt.State, verb rune) { secret.Format(f, verb, w) }

// MarshalText returns String, also to encoding/json.
func (w BulkWrite) MarshalText() ([]byte, error) { return []byte(w.String()), nil }
