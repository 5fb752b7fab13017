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
)

// Add stores data under a key that is not there.
func (c *Cache) Add(ctx context.Context, key string, data []byte, timeout time.Duration) (*cachestore.Item, error) {
	const op = "add"
	if err := c.beginWrite(ctx, key); err != nil {
		return nil, wrap(op, key, err)
	}
	next, err := c.next(key, data, timeout)
	if err != nil {
		return nil, wrap(op, key, err)
	}
	again, err := c.sendAgain(func() error { return c.client.Add(next) })
	switch {
	case !errors.Is(err, memcache.ErrNotStored):
	case !again:
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

// Swap stores data if it is still old that is stored.
func (c *Cache) Swap(ctx context.Context, key string, old *cachestore.Item, data []byte, timeout time.Duration) (*cachestore.Item, error) {
	const op = "swap"
	if err := c.beginWrite(ctx, key); err != nil {
		return nil, wrap(op, key, err)
	}
	next, err := c.next(key, data, timeout)
	if err != nil {
		return nil, wrap(op, key, err)
	}
	if err := c.swap(old, next); err != nil {
		return nil, c.fail(ctx, op, key, err)
	}
	return c.written(next), nil
}

// Delete removes a key, whatever it holds.
func (c *Cache) Delete(ctx context.Context, key string) error {
	const op = "delete"
	if err := c.beginWrite(ctx, key); err != nil {
		return wrap(op, key, err)
	}
	again, err := c.sendAgain(func() error { return c.client.Delete(key) })
	if again && errors.Is(err, memcache.ErrCacheMiss) {
		err = nil // it may have been the first attempt that removed it
	}
	if err != nil {
		return c.fail(ctx, op, key, err)
	}
	return nil
}

// DeleteUnchanged removes a key if it is still old that is stored.
func (c *Cache) DeleteUnchanged(ctx context.Context, key string, old *cachestore.Item) error {
	const op = "delete"
	if err := c.beginWrite(ctx, key); err != nil {
		return wrap(op, key, err)
	}
	// Memcached's delete knows no cas: what is swapped for something that has
	// expired is gone, too.
	gone := &memcache.Item{Key: key, Flags: flagPickle, Expiration: expired}
	if err := c.swap(old, gone); err != nil {
		return c.fail(ctx, op, key, err)
	}
	return nil
}

// next is what is about to be stored.
func (c *Cache) next(key string, data []byte, timeout time.Duration) (*memcache.Item, error) {
	if len(data) > c.maxItemSize {
		// Not even tried: there are servers and proxies that drop the old value first.
		return nil, fmt.Errorf("value of %d bytes, and the server takes %d: %w", len(data), c.maxItemSize, djsession.ErrTooLarge)
	}
	return &memcache.Item{
		Key:        key,
		Value:      bytes.Clone(data), // it is compared with later
		Flags:      flagPickle,
		Expiration: expiration(timeout, c.now()),
	}, nil
}

// written is the Item of what was just stored. Its cas id is not known.
func (c *Cache) written(next *memcache.Item) *cachestore.Item {
	return &cachestore.Item{
		Data:    next.Value,
		Expires: ends(next.Expiration, c.now()),
		Version: version{flags: next.Flags, data: next.Value},
	}
}

// isStored tells whether it is next that a key holds.
func (c *Cache) isStored(next *memcache.Item) bool {
	stored, err := c.read(next.Key)
	return err == nil && holds(stored, next)
}
