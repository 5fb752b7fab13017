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
	_, again, err := c.writer.ExecAgain(ctx, c.stmts.insert, args(key, item, nil))
	switch {
	case err == nil:
		return item, nil
	case c.dialect.Classify(err) != sqldialect.Unique:
		return nil, c.fail(ctx, op, key, err)
	}
	there, err := c.read(ctx, op, key)
	switch {
	case again && holds(there, item):
		return item, nil // the key was taken by the statement that was sent first
	case again:
		return nil, wrap(op, key, djsession.ErrOutcomeUnknown)
	case errors.Is(err, djsession.ErrNotFound):
		return nil, wrap(op, key, djsession.ErrKeyTaken) // it was, a moment ago
	case there == nil:
		return nil, err
	case there.Expires.IsZero() || !c.replaceable(there.Expires):
		return nil, wrap(op, key, djsession.ErrKeyTaken)
	}
	return c.revive(ctx, op, key, item, there)
}

// revive takes over the row of an item that has ended.
func (c *Cache) revive(ctx context.Context, op, key string, item, ended *cachestore.Item) (*cachestore.Item, error) {
	var n int64
	err := c.dialect.Retry(func() (err error) {
		n, err = c.writer.Exec(ctx, c.stmts.revive, args(key, item, ended))
		return err
	})
	switch class := c.dialect.Classify(err); {
	case err == nil && n > 0:
		return item, nil
	case err == nil || class == sqldialect.Conflict:
		return nil, wrap(op, key, djsession.ErrKeyTaken) // by whoever came first
	case class == sqldialect.Lost:
		if err = c.settle(ctx, op, key, item, err); err == nil {
			return item, nil
		}
		return nil, err
	}
	return nil, c.fail(ctx, op, key, err)
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

// settle finds out whether an insert whose answer was lost was made.
func (c *Cache) settle(ctx context.Context, op, key string, item *cachestore.Item, lost error) error {
	if there, _ := c.read(ctx, op, key); holds(there, item) {
		return nil
	}
	return c.fail(ctx, op, key, lost)
}

// holds reports whether a row is what was written.
func holds(there, item *cachestore.Item) bool {
	seen, known := versionOf(there)
	return known && seen.same(item.Version.(version))
}

// Delete removes the row of a key, whatever it holds.
func (c *Cache) Delete(ctx context.Context, key string) error {
	ctx, cancel := waitlimit.ForWrite(ctx, c.timeout)
	defer cancel()
	const op = "delete"
	if err := c.begin(key); err != nil {
		return wrap(op, key, err)
	}
	n, again, err := c.writer.ExecAgain(ctx, c.stmts.delete, args(key, nil, nil))
	switch {
	case err != nil:
		return c.fail(ctx, op, key, err)
	case n == 0 && !again:
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

// compareAnd writes item in place of old, or deletes old if item is nil. The statement
// changes the row only if it still holds what old was read from.
func (c *Cache) compareAnd(ctx context.Context, op string, stmt sqldialect.Statement, key string, item, old *cachestore.Item) error {
	before, known := versionOf(old)
	sentAgain := false
	for range compareAttempts {
		beaten := false // by somebody else's statement
		if known && !c.ended(before.at) {
			n, again, err := c.execOnly(ctx, stmt, key, item, old)
			sentAgain = sentAgain || again
			switch class := c.dialect.Classify(err); {
			case err == nil && n > 0:
				return nil
			case class == sqldialect.Lost && item != nil:
				// Even a row that is equal may be somebody else's: two that add one to the
				// same number write the same.
				return c.fail(ctx, op, key, err)
			case class == sqldialect.Conflict:
				beaten = true
			case err != nil:
				return c.fail(ctx, op, key, err)
			}
		}
		current, err := c.get(ctx, op, key)
		switch {
		case sentAgain && errors.Is(err, djsession.ErrNotFound):
			return nil // deleted, perhaps by the statement that was sent first
		case err != nil:
			return err
		}
		seen, _ := versionOf(current)
		switch {
		case beaten || !known || !seen.same(before):
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

// execOnly runs a statement of compareAnd. A deletion whose answer is lost is sent again,
// which again reports; an update is not.
func (c *Cache) execOnly(ctx context.Context, stmt sqldialect.Statement, key string, item, old *cachestore.Item) (n int64, again bool, err error) {
	if item == nil {
		return c.writer.ExecAgain(ctx, stmt, args(key, nil, old))
	}
	n, err = c.writer.Exec(ctx, stmt, args(key, item, old))
	return n, false, err
}

// args returns the parameters of a statement that writes item in place of old.
func args(key string, item, old *cachestore.Item) sqldialect.Args {
	args := sqldialect.Args{"key": key}
	if item != nil {
		written := item.Version.(version)
		args["data"], args["expires"] = written.value, written.expires
	}
	if seen, ok := versionOf(old); ok {
		args["old"], args["seen"] = seen.value, seen.expires
	}
	return args
}
