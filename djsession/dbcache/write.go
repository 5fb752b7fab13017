package dbcache

import (
	"context"
	"errors"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/internal/sqldialect"
	"github.com/djsess/djsess/internal/sqltable"
)

// Add inserts a row, or takes over the row of an item that has ended.
func (c *Cache) Add(ctx context.Context, key string, data []byte, timeout time.Duration) (*cachestore.Item, error) {
	ctx, cancel := c.table.LimitWrite(ctx)
	defer cancel()
	const op = "add"
	item, err := c.beginWrite(key, data, timeout)
	if err != nil {
		return nil, c.table.Error(op, key, err)
	}
	c.makeRoom(ctx, key)
	again, err := c.table.Insert(ctx, key, *versionOf(item), nil)
	switch {
	case err == nil:
		return item, nil
	case c.table.Dialect.Classify(err) != sqldialect.Unique:
		return nil, c.table.Fail(ctx, op, key, err)
	}
	there, err := c.read(ctx, op, key)
	switch {
	case again && holds(there, item):
		return item, nil // the first statement has taken the key
	case again:
		return nil, c.table.Error(op, key, djsession.ErrOutcomeUnknown)
	case errors.Is(err, djsession.ErrNotFound):
		return nil, c.table.Error(op, key, djsession.ErrKeyTaken) // the row was deleted since
	case there == nil:
		return nil, err
	case there.Expires.IsZero() || !c.isReplaceable(there.Expires):
		return nil, c.table.Error(op, key, djsession.ErrKeyTaken)
	}
	return c.revive(ctx, op, key, item, there)
}

// revive takes over the row of an item that has ended.
func (c *Cache) revive(ctx context.Context, op, key string, item, ended *cachestore.Item) (*cachestore.Item, error) {
	var n int64
	err := c.table.Dialect.Retry(func() (err error) {
		n, err = c.table.Writer.Exec(ctx, c.stmts.revive, sqltable.Args(key, versionOf(item), versionOf(ended)))
		return err
	})
	switch class := c.table.Dialect.Classify(err); {
	case err == nil && n > 0:
		return item, nil
	case err == nil || class == sqldialect.Conflict:
		return nil, c.table.Error(op, key, djsession.ErrKeyTaken) // another writer was first
	case class == sqldialect.Lost:
		if there, _ := c.read(ctx, op, key); holds(there, item) {
			return item, nil
		}
	}
	return nil, c.table.Fail(ctx, op, key, err)
}

// holds reports whether a row is what was written.
func holds(there, item *cachestore.Item) bool {
	seen := versionOf(there)
	return seen != nil && seen.Equal(*versionOf(item))
}

// Swap updates the row if it still holds what old was read from, and has not ended.
func (c *Cache) Swap(ctx context.Context, key string, old *cachestore.Item, data []byte, timeout time.Duration) (*cachestore.Item, error) {
	ctx, cancel := c.table.LimitWrite(ctx)
	defer cancel()
	const op = "replace"
	item, err := c.beginWrite(key, data, timeout)
	if err != nil {
		return nil, c.table.Error(op, key, err)
	}
	c.makeRoom(ctx, key)
	change := c.change(op, key, old)
	change.New = versionOf(item)
	if err := c.table.Change(ctx, change); err != nil {
		return nil, err
	}
	return item, nil
}

// change returns the deletion of the row that old was read from. Swap turns it into an update.
// It sets no IsOurs: after a lost answer the row does not show whether the update was made, since
// two writers that add one to the same number write the same.
func (c *Cache) change(op, key string, old *cachestore.Item) sqltable.Change {
	change := sqltable.Change{Op: op, Key: key}
	if before := versionOf(old); before != nil && !c.hasEnded(before.At) {
		change.Old = before
	}
	change.Current = func(ctx context.Context) (there sqltable.Version, conflict, err error) {
		current, err := c.get(ctx, op, key)
		if err != nil {
			return there, nil, err
		}
		return *versionOf(current), c.table.Error(op, key, &cachestore.ConflictError{Current: current}), nil
	}
	return change
}

// Delete removes the row of a key, whatever it holds.
func (c *Cache) Delete(ctx context.Context, key string) error {
	ctx, cancel := c.table.LimitWrite(ctx)
	defer cancel()
	const op = "delete"
	if err := c.begin(key); err != nil {
		return c.table.Error(op, key, err)
	}
	return c.table.Delete(ctx, op, key)
}

// DeleteUnchanged removes the row if it still holds what old was read from.
func (c *Cache) DeleteUnchanged(ctx context.Context, key string, old *cachestore.Item) error {
	ctx, cancel := c.table.LimitWrite(ctx)
	defer cancel()
	const op = "delete"
	if err := c.begin(key); err != nil {
		return c.table.Error(op, key, err)
	}
	return c.table.Change(ctx, c.change(op, key, old))
}

// begin returns an error if the item of a key cannot be written.
func (c *Cache) begin(key string) error {
	if c.config.ReadOnly {
		return djsession.ErrReadOnly
	}
	return checkKey(key)
}

func (c *Cache) beginWrite(key string, data []byte, timeout time.Duration) (*cachestore.Item, error) {
	if err := c.begin(key); err != nil {
		return nil, err
	}
	return c.newItem(data, timeout)
}
