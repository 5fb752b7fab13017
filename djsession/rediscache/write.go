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

// Add stores what is not there yet. A timeout that is over already stores nothing,
// as in Django, and tells whether it could have.
func (c *Cache) Add(ctx context.Context, key string, data []byte, timeout time.Duration) (*cachestore.Item, error) {
	ctx = waitlimit.Deadline(ctx, c.timeout)
	const op = "add"
	item, err := c.made(ctx, data)
	if err != nil {
		return nil, wrap(op, key, err)
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
		return nil, wrap(op, key, djsession.ErrKeyTaken)
	}
	return item, nil
}

// setNew stores what is not there yet, and tells whether it could. Where the answer is
// lost, it is asked for again: what is there then, and is ours, is what the first
// attempt has stored.
func (c *Cache) setNew(ctx context.Context, key string, stored version, left int64) (free bool, err error) {
	const keyAt = 1
	again, err := c.sendAgain(ctx, true, func() error {
		_, err := c.once(ctx, keyAt, "set", key, string(stored), "px", left, "nx")
		return err
	})
	switch {
	case !errors.Is(err, redis.Nil):
		return err == nil, err
	case again && c.holds(ctx, key, stored):
		return true, nil
	case again:
		return false, djsession.ErrOutcomeUnknown
	}
	return false, nil
}

// Swap stores data in place of old in one script that compares the whole value. A
// timeout that is over already deletes it, as Django's set does.
func (c *Cache) Swap(ctx context.Context, key string, old *cachestore.Item, data []byte, timeout time.Duration) (*cachestore.Item, error) {
	ctx = waitlimit.Deadline(ctx, c.timeout)
	const op = "replace"
	item, err := c.made(ctx, data)
	if err != nil {
		return nil, wrap(op, key, err)
	}
	if isUncompressed(old) {
		item.Version = version(data)
	}
	if err := c.compareAnd(ctx, key, old, item.Version.(version), c.milliseconds(timeout)); err != nil {
		return nil, c.fail(ctx, op, key, err)
	}
	return item, nil
}

// Delete removes a key, whatever it holds.
func (c *Cache) Delete(ctx context.Context, key string) error {
	ctx = waitlimit.Deadline(ctx, c.timeout)
	const op = "delete"
	if err := ctx.Err(); err != nil {
		return wrap(op, key, err)
	}
	var n int64
	again, err := c.sendAgain(ctx, true, func() (err error) {
		n, err = c.del(ctx, key)
		return err
	})
	switch {
	case err != nil:
		return c.fail(ctx, op, key, err)
	case n == 0 && !again:
		return wrap(op, key, djsession.ErrNotFound)
	}
	return nil
}

// DeleteUnchanged removes a key in one script that compares the whole value.
func (c *Cache) DeleteUnchanged(ctx context.Context, key string, old *cachestore.Item) error {
	ctx = waitlimit.Deadline(ctx, c.timeout)
	const op = "delete"
	if err := ctx.Err(); err != nil {
		return wrap(op, key, err)
	}
	if err := c.compareAnd(ctx, key, old, "", 0); err != nil {
		return c.fail(ctx, op, key, err)
	}
	return nil
}

// isUncompressed tells of what stays so: every client reads that, and if a Compressor was
// named that the site does not have, the site could not read anything else.
func isUncompressed(old *cachestore.Item) bool {
	if old == nil {
		return false
	}
	stored, ok := old.Version.(version)
	return ok && string(stored) == string(old.Data)
}

// made is the item that is about to be written.
func (c *Cache) made(ctx context.Context, data []byte) (*cachestore.Item, error) {
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

// milliseconds is how long a value lives. Django cuts a timeout to whole seconds,
// django-redis to milliseconds; neither stores what would live for less.
func (c *Cache) milliseconds(timeout time.Duration) int64 {
	if c.inSeconds {
		timeout = timeout.Truncate(time.Second)
	}
	return max(timeout.Milliseconds(), 0)
}
