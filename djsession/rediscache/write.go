package rediscache

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/internal/waitlimit"
)

// Add stores data under a key that Redis does not have. If the timeout is not positive, it stores
// nothing, as Django does, but still returns ErrKeyTaken for a key that Redis has.
func (c *Cache) Add(ctx context.Context, key string, data []byte, timeout time.Duration) (*cachestore.Item, error) {
	ctx = waitlimit.Deadline(ctx, c.timeout)
	const op = "add"
	item, err := c.newItem(ctx, data)
	if err != nil {
		return nil, opError(op, key, err)
	}
	var free bool
	if left := c.milliseconds(timeout); left > 0 {
		free, err = c.setNew(ctx, key, item.Version.(version), left)
	} else {
		var n int64
		n, err = c.writer.Exists(ctx, key).Result()
		free = n == 0
	}
	switch {
	case err != nil:
		return nil, c.fail(ctx, op, key, err)
	case !free:
		return nil, opError(op, key, djsession.ErrKeyTaken)
	}
	return item, nil
}

// setNew stores a value under a key that Redis does not have, and reports whether the key was free.
// If the answer is lost, it sends the command again. If the key then holds the same value, the
// first attempt has stored it.
func (c *Cache) setNew(ctx context.Context, key string, stored version, left int64) (free bool, err error) {
	lost, err := c.sendWithRetries(ctx, true, func() error {
		_, err := c.sendOnce(ctx, setNewCommand(ctx, key, stored, left))
		return err
	})
	return c.setNewOutcome(ctx, key, stored, lost, err)
}

func setNewCommand(ctx context.Context, key string, stored version, left int64) *redis.Cmd {
	const keyAt = 1
	return command(ctx, keyAt, "set", key, string(stored), "px", left, "nx")
}

// setNewOutcome returns whether the key was free, by the answer to setNewCommand. If the answer
// to an earlier attempt was lost, it reads the key.
func (c *Cache) setNewOutcome(ctx context.Context, key string, stored version, lost bool, err error) (free bool, _ error) {
	switch {
	case !errors.Is(err, redis.Nil):
		return err == nil, err
	case lost && c.holds(ctx, key, stored):
		return true, nil
	case lost:
		return false, djsession.ErrOutcomeUnknown
	}
	return false, nil
}

// Swap stores data in place of old, in one script that compares the whole value. If the timeout
// is not positive, it deletes the key, as Django's set does.
func (c *Cache) Swap(ctx context.Context, key string, old *cachestore.Item, data []byte, timeout time.Duration) (*cachestore.Item, error) {
	ctx = waitlimit.Deadline(ctx, c.timeout)
	const op = "swap"
	item, err := c.nextItem(ctx, old, data)
	if err != nil {
		return nil, opError(op, key, err)
	}
	if err := c.compareAndSet(ctx, key, old, item.Version.(version), c.milliseconds(timeout)); err != nil {
		return nil, c.fail(ctx, op, key, err)
	}
	return item, nil
}

// Delete removes a key, whatever its value is.
func (c *Cache) Delete(ctx context.Context, key string) error {
	ctx = waitlimit.Deadline(ctx, c.timeout)
	const op = "delete"
	if err := ctx.Err(); err != nil {
		return opError(op, key, err)
	}
	var n int64
	lost, err := c.sendWithRetries(ctx, true, func() (err error) {
		n, err = c.del(ctx, key)
		return err
	})
	switch {
	case err != nil:
		return c.fail(ctx, op, key, err)
	case n == 0 && !lost:
		return opError(op, key, djsession.ErrNotFound)
	}
	return nil
}

// DeleteUnchanged removes a key if it still holds old, in one script that compares the whole
// value.
func (c *Cache) DeleteUnchanged(ctx context.Context, key string, old *cachestore.Item) error {
	ctx = waitlimit.Deadline(ctx, c.timeout)
	const op = "delete"
	if err := ctx.Err(); err != nil {
		return opError(op, key, err)
	}
	if err := c.compareAndSet(ctx, key, old, "", 0); err != nil {
		return c.fail(ctx, op, key, err)
	}
	return nil
}

// staysUncompressed reports whether a value is stored without compression. Swap then stores the
// new value uncompressed, too: every client can read it, even if Config.Compressor is not the
// site's. If Config.OldCompressors has Uncompressed, Swap compresses it.
func (c *Cache) staysUncompressed(old *cachestore.Item) bool {
	return old != nil && !c.oldUncompressed && string(versionOf(old)) == string(old.Data)
}

// nextItem returns the item to store in place of old.
func (c *Cache) nextItem(ctx context.Context, old *cachestore.Item, data []byte) (*cachestore.Item, error) {
	item, err := c.newItem(ctx, data)
	if err == nil && c.staysUncompressed(old) {
		item.Version = version(data)
	}
	return item, err
}

// newItem returns the item to store.
func (c *Cache) newItem(ctx context.Context, data []byte) (*cachestore.Item, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(data) > c.maxSize {
		return nil, fmt.Errorf("value of %d bytes: %w", len(data), djsession.ErrTooLarge)
	}
	stored, err := c.compressor.Compress(data)
	if err != nil {
		return nil, err
	}
	return &cachestore.Item{Data: slices.Clone(data), Version: version(stored)}, nil
}

// keepTTL stands for the milliseconds that a key still lives.
const keepTTL = -1

// milliseconds returns how long a value lives. Django truncates a timeout to whole seconds, and
// django-redis to whole milliseconds. Neither stores a value whose timeout is then 0.
func (c *Cache) milliseconds(timeout time.Duration) int64 {
	if timeout == cachestore.KeepTimeout {
		return keepTTL
	}
	if c.wholeSeconds {
		timeout = timeout.Truncate(time.Second)
	}
	return max(timeout.Milliseconds(), 0)
}
