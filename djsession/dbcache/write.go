package dbcache

import (
	"context"
	"errors"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/internal/sqldialect"
	"github.com/djsess/djsess/internal/waitlimit"
)

// Add inserts a row, or takes over that of an item which has ended.
func (c *Cache) Add(ctx context.Context, key string, data []byte, timeout time.Duration) (*cachestore.Item, error) {
	ctx, cancel := waitlimit.ForWrite(ctx, c.timeout)
	defer cancel()
	const op = "add"
	item, err := c.beginWrite(key, data, timeout)
	if err != nil {
		return nil, wrap(op, key, err)
	}
	c.makeRoom(ctx, key)
	_, err = c.exec(ctx, c.stmts.insert, key, item, nil)
	switch {
	case err == nil:
		return item, nil
	case c.dialect.Classify(err) != sqldialect.Unique:
		return nil, c.fail(ctx, op, key, err)
	}
	there, err := c.read(ctx, op, key)
	switch {
	case errors.Is(err, djsession.ErrNotFound):
		return nil, wrap(op, key, djsession.ErrKeyTaken) // it was, a moment ago
	case there == nil:
		return nil, err
	case there.Expires.IsZero() || !c.replaceable(there.Expires):
		return nil, wrap(op, key, djsession.ErrKeyTaken)
	}
	n, err := c.exec(ctx, c.stmts.revive, key, item, there)
	switch {
	case err != nil && c.dialect.Classify(err) != sqldialect.Conflict:
		return nil, c.fail(ctx, op, key, err)
	case err != nil || n == 0:
		return nil, wrap(op, key, djsession.ErrKeyTaken) // by whoever came first
	}
	return item, nil
}

// Swap updates the row if it still holds what old was read from, and has not ended.
func (c *Cache) Swap(ctx context.Context, key string, old *cachestore.Item, data []byte, timeout time.Duration) (*cachestore.Item, error) {
	ctx, cancel := waitlimit.ForWrite(ctx, c.timeout)
	defer cancel()
	const op = "replace"
	item, err := c.beginWrite(key, data, timeout)
	if err != nil {
		return nil, wrap(op, key, err)
	}
	c.makeRoom(ctx, key)
	if err := c.compareAnd(ctx, op, c.stmts.replace, key, item, old); err != nil {
		return nil, err
	}
	return item, nil
}

// Delete removes the row of a key, whatever it holds.
func (c *Cache) Delete(ctx context.Context, key string) error {
	ctx, cancel := waitlimit.ForWrite(ctx, c.timeout)
	defer cancel()
	const op = "delete"
	if err := c.begin(key); err != nil {
		return wrap(op, key, err)
	}
	n, err := c.exec(ctx, c.stmts.delete, key, nil, nil)
	switch {
	case err != nil:
		return c.fail(ctx, op, key, err)
	case n == 0:
		return wrap(op, key, djsession.ErrNotFound)
	}
	return nil
}

// DeleteUnchanged removes the row if it still holds what old was read from.
func (c *Cache) DeleteUnchanged(ctx context.Context, key string, old *cachestore.Item) error {
	ctx, cancel := waitlimit.ForWrite(ctx, c.timeout)
	defer cancel()
	const op = "delete"
	if err := c.begin(key); err != nil {
		return wrap(op, key, err)
	}
	return c.compareAnd(ctx, op, c.stmts.deleteUnchanged, key, nil, old)
}

// compareAttempts is how often a row that is as it was, and yet was not written, is
// tried again.
const compareAttempts = 3

// errNotTaken: no row was written, though it is there and as it was read.
var errNotTaken = errors.New("the database does not take the write: a rule, a policy or the type of a column keeps it from the row")

// compareAnd runs a statement that writes only what is still as old was read.
func (c *Cache) compareAnd(ctx context.Context, op string, stmt sqldialect.Statement, key string, item, old *cachestore.Item) error {
	before, known := versionOf(old)
	for range compareAttempts {
		lost := false // to somebody else's statement
		if known && !c.ended(before.at) {
			n, err := c.execOnce(ctx, stmt, key, item, old)
			if err == nil && n > 0 {
				return nil
			}
			lost = err != nil && c.dialect.Classify(err) == sqldialect.Conflict
			if err != nil && !lost {
				return c.fail(ctx, op, key, err)
			}
		}
		current, err := c.get(ctx, op, key)
		if err != nil {
			return err
		}
		seen, _ := versionOf(current)
		switch {
		case lost || !known || !seen.same(before):
			return wrap(op, key, &cachestore.ConflictError{Current: current})
		case seen.expires != before.expires:
			before, old = seen, current // the column spells the time in its own way
		case c.dialect.ChangedRows && item != nil && before.same(item.Version.(version)):
			// Nothing was to change, and MySQL counts only rows that do.
			return nil
		}
		// The row is as it was read, and was not written: somebody changed it to
		// and fro in between, or the database does not let us.
	}
	return wrap(op, key, errNotTaken)
}

// begin is what every write begins with.
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
	return c.made(data, timeout)
}

// exec is execOnce until it loses against nobody.
func (c *Cache) exec(ctx context.Context, stmt sqldialect.Statement, key string, item, old *cachestore.Item) (n int64, err error) {
	err = c.dialect.Retry(func() error {
		n, err = c.execOnce(ctx, stmt, key, item, old)
		return err
	})
	return n, err
}

// execOnce runs a statement that writes item, in place of old, and counts the rows.
func (c *Cache) execOnce(ctx context.Context, stmt sqldialect.Statement, key string, item, old *cachestore.Item) (int64, error) {
	args := sqldialect.Args{"key": key}
	if item != nil {
		written := item.Version.(version)
		args["data"], args["expires"] = written.value, written.expires
	}
	if seen, ok := versionOf(old); ok {
		args["old"], args["seen"] = seen.value, seen.expires
	}
	result, err := c.db.ExecContext(ctx, stmt.SQL, stmt.Bind(args)...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
