package dbcache

import (
	"context"
	"database/sql"
	"errors"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/internal/sqldialect"
	"github.com/djsess/djsess/internal/waitlimit"
)

// Get returns what is stored under a key and has not ended.
func (c *Cache) Get(ctx context.Context, key string) (*cachestore.Item, error) {
	const op = "get"
	if err := checkKey(key); err != nil {
		return nil, wrap(op, key, err)
	}
	return c.get(ctx, op, key)
}

func (c *Cache) get(ctx context.Context, op, key string) (*cachestore.Item, error) {
	item, err := c.read(ctx, op, key)
	switch {
	case item != nil && !item.Expires.IsZero() && c.ended(item.Expires):
		return nil, wrap(op, key, djsession.ErrNotFound)
	case err != nil:
		return nil, err
	}
	return item, nil
}

// read returns what is stored under a key, whether it has ended or not; with an
// error about the value, too.
func (c *Cache) read(ctx context.Context, op, key string) (*cachestore.Item, error) {
	ctx, cancel := waitlimit.Context(ctx, c.timeout)
	defer cancel()
	var row row
	args := c.stmts.read.Bind(sqldialect.Args{"key": key})
	err := c.dialect.Retry(func() error {
		return c.db.QueryRowContext(ctx, c.stmts.read.SQL, args...).Scan(row.dst()...)
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		c.writer.Answered()
		return nil, wrap(op, key, djsession.ErrNotFound)
	case err != nil:
		return nil, c.fail(ctx, op, key, err)
	}
	c.writer.Answered()
	item, err := c.item(row)
	if err != nil {
		return item, wrap(op, key, err)
	}
	return item, nil
}
