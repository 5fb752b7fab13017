package memcache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/internal/sendonce"
)

// Get returns the item of a key. Its Expires is zero, since Memcached does not return the time
// at which an item ends.
func (c *Cache) Get(ctx context.Context, key string) (*cachestore.Item, error) {
	const op = "get"
	if err := checkRead(ctx, key); err != nil {
		return nil, opError(op, key, err)
	}
	stored, err := c.read(key)
	if err != nil {
		return nil, c.fail(ctx, op, key, err)
	}
	item, err := c.item(stored)
	if err != nil {
		return nil, opError(op, key, err)
	}
	return item, nil
}

// Add stores data under a key that is not there.
func (c *Cache) Add(ctx context.Context, key string, data []byte, timeout time.Duration) (*cachestore.Item, error) {
	const op = "add"
	next, err := c.next(ctx, key, data, timeout)
	if err != nil {
		return nil, opError(op, key, err)
	}
	lost, err := c.sendWithRetries(func() error { return c.client.Add(next) })
	switch {
	case !errors.Is(err, memcache.ErrNotStored):
	case !lost:
		err = djsession.ErrKeyTaken
	case c.isStored(next):
		err = nil // the first attempt stored it
	default:
		err = djsession.ErrOutcomeUnknown
	}
	if err != nil {
		return nil, c.fail(ctx, op, key, err)
	}
	return c.written(next), nil
}

// Swap stores data in place of old if the key still holds old.
func (c *Cache) Swap(ctx context.Context, key string, old *cachestore.Item, data []byte, timeout time.Duration) (*cachestore.Item, error) {
	const op = "swap"
	next, err := c.next(ctx, key, data, timeout)
	if err != nil {
		return nil, opError(op, key, err)
	}
	if err := c.swap(old, next); err != nil {
		return nil, c.fail(ctx, op, key, err)
	}
	return c.written(next), nil
}

// Delete removes a key, whatever its value is.
func (c *Cache) Delete(ctx context.Context, key string) error {
	const op = "delete"
	if err := c.checkWrite(ctx, key); err != nil {
		return opError(op, key, err)
	}
	lost, err := c.sendWithRetries(func() error { return c.client.Delete(key) })
	if lost && errors.Is(err, memcache.ErrCacheMiss) {
		err = nil // the first attempt may have removed it
	}
	if err != nil {
		return c.fail(ctx, op, key, err)
	}
	return nil
}

// DeleteUnchanged removes a key if it still holds old.
func (c *Cache) DeleteUnchanged(ctx context.Context, key string, old *cachestore.Item) error {
	const op = "delete"
	if err := c.checkWrite(ctx, key); err != nil {
		return opError(op, key, err)
	}
	// Memcached's delete has no cas. So the item is swapped for one that has already ended.
	ended := &memcache.Item{Key: key, Flags: flagPickle, Expiration: expired}
	if err := c.swap(old, ended); err != nil {
		return c.fail(ctx, op, key, err)
	}
	return nil
}

// maxKeySize is in bytes. Django counts characters, and its clients then refuse keys of more
// bytes.
const maxKeySize = 250

// checkKey refuses the keys that Django refuses as InvalidCacheKey.
func checkKey(key string) error {
	switch {
	case key == "":
		return fmt.Errorf("%w: an empty cache key", djsession.ErrInvalidKey)
	case len(key) > maxKeySize:
		return fmt.Errorf("%w: a cache key of %d bytes is an InvalidCacheKey: Memcached takes %d",
			djsession.ErrInvalidKey, len(key), maxKeySize)
	}
	for i := range len(key) {
		if key[i] <= ' ' || key[i] == 0x7f {
			return fmt.Errorf("%w: a cache key with a space or a control character is an InvalidCacheKey", djsession.ErrInvalidKey)
		}
	}
	return nil
}

// checkRead returns an error if no request should be sent. gomemcache takes no context, so once
// a request has begun only Config.Timeout ends it.
func checkRead(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return checkKey(key)
}

func (c *Cache) checkWrite(ctx context.Context, key string) error {
	if c.readOnly {
		return djsession.ErrReadOnly
	}
	return checkRead(ctx, key)
}

// next returns the item to store, or an error if it cannot be written.
func (c *Cache) next(ctx context.Context, key string, data []byte, timeout time.Duration) (*memcache.Item, error) {
	if err := c.checkWrite(ctx, key); err != nil {
		return nil, err
	}
	if len(data) > c.maxItemSize {
		// It is not sent, since some servers and proxies drop the old value before they refuse
		// the new one.
		return nil, fmt.Errorf("value of %d bytes, and the server takes %d: %w", len(data), c.maxItemSize, djsession.ErrTooLarge)
	}
	return &memcache.Item{
		Key:        key,
		Value:      bytes.Clone(data), // swap compares it later
		Flags:      flagPickle,
		Expiration: expiration(timeout, c.now()),
	}, nil
}

// written returns the Item of next, which was just stored. Memcached does not return its cas id.
func (c *Cache) written(next *memcache.Item) *cachestore.Item {
	return &cachestore.Item{
		Data:    next.Value,
		Expires: ends(next.Expiration, c.now()),
		Version: version{flags: next.Flags, data: next.Value},
	}
}

// read returns the stored item and its cas id.
func (c *Cache) read(key string) (*memcache.Item, error) {
	stored, err := c.client.Get(key)
	if sendonce.IsBroken(err) {
		c.client.Close()
		stored, err = c.client.Get(key)
	}
	if err != nil {
		return nil, err
	}
	if stored.Key != key { // gomemcache does not check that
		return nil, &ServerError{Server: c.servers.pick(key).String()}
	}
	return stored, nil
}

// isStored reports whether a key holds next.
func (c *Cache) isStored(next *memcache.Item) bool {
	stored, err := c.read(next.Key)
	return err == nil && version{flags: next.Flags, data: next.Value}.isStored(stored)
}

// swapAttempts limits the attempts on an item that another client keeps storing with the same
// value.
const swapAttempts = 10

// swap stores next in place of old. If old's cas id is known, swap sends it at once. Otherwise
// swap reads the stored item and, if that is old, sends its cas id.
func (c *Cache) swap(old *cachestore.Item, next *memcache.Item) error {
	before, known := versionOf(old)
	next.CasID = before.cas
	lost := false
	for range swapAttempts {
		if next.CasID == 0 {
			stored, err := c.read(next.Key)
			switch {
			case lost && errors.Is(err, memcache.ErrCacheMiss):
				return nil // deleted, perhaps by the request whose answer was lost
			case err != nil:
				return err
			case !known || !before.isStored(stored):
				return cachestore.NewConflict(c.item(stored))
			case stored.CasID == 0:
				return errNoCAS
			}
			next.CasID = stored.CasID
		}
		nowLost, err := c.compareAndSwap(next)
		lost = lost || nowLost
		switch {
		case lost && (errors.Is(err, memcache.ErrNotStored) || errors.Is(err, memcache.ErrCacheMiss)):
			return nil
		case errors.Is(err, memcache.ErrNotStored):
			return memcache.ErrCacheMiss
		case !errors.Is(err, memcache.ErrCASConflict):
			return err
		}
		next.CasID = 0
	}
	return fmt.Errorf("%w: another client keeps storing the item", djsession.ErrBusy)
}

// compareAndSwap sends a cas. After a lost answer it sends a cas that ends the item again, but
// not a cas that changes the item: the first request may still arrive. The stored value does
// not show whether it has arrived, since two clients that add one to the same number store equal
// values.
func (c *Cache) compareAndSwap(next *memcache.Item) (lost bool, err error) {
	send := func() error { return c.client.CompareAndSwap(next) }
	if next.Expiration == expired {
		return c.sendWithRetries(send)
	}
	return c.sendOnce(send)
}
