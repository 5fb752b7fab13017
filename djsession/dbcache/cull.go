package dbcache

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/djsess/djsess/internal/sqldialect"
)

// statements are the statements that package sqltable does not have. Django culls before it
// writes, so the culling never removes the written row. A Swap changes a row that is there
// before, so the deletions exclude the row of :key.
type statements struct {
	revive       sqldialect.Statement // writes a new item in place of one that has ended
	count        sqldialect.Statement
	deleteEnded  sqldialect.Statement
	deleteBelow  sqldialect.Statement
	deleteOthers sqldialect.Statement
}

func (c *Cache) compile() statements {
	d, from, key := c.table.Dialect, "DELETE FROM "+c.table.Quoted, c.table.HasKey()
	return statements{
		revive:       d.Compile(c.table.Update() + key + " AND " + c.table.SameTime()),
		count:        d.Compile("SELECT COUNT(*) FROM " + c.table.Quoted),
		deleteEnded:  d.Compile(from + " WHERE expires < :now"),
		deleteBelow:  d.Compile(from + " WHERE cache_key < :last AND NOT " + key),
		deleteOthers: d.Compile(from + " WHERE NOT " + key),
	}
}

// Evicts returns why the site may delete items that have not ended.
func (c *Cache) Evicts(context.Context) (string, error) { return c.culls.Evicts(), nil }

// makeRoom culls as Django does before every write, but keeps the row of key. A session is saved
// even if culling fails.
func (c *Cache) makeRoom(ctx context.Context, key string) {
	if c.culls.MaxEntries == 0 {
		return
	}
	if err := c.cull(ctx, key); err != nil && ctx.Err() == nil {
		c.culls.LogError(ctx, c.table.Explain(err))
	}
}

func (c *Cache) cull(ctx context.Context, key string) error {
	var rows int64
	err := c.table.Dialect.Retry(func() error { return c.table.DB.QueryRowContext(ctx, c.stmts.count.SQL).Scan(&rows) })
	if err != nil || rows <= int64(c.culls.MaxEntries) {
		return err
	}
	if c.culls.Frequency == CullAll {
		deleted, err := c.clean(ctx, c.stmts.deleteOthers, sqldialect.Args{"key": key})
		c.culls.LogDeleted(ctx, int(deleted), int(rows))
		return err
	}
	now := c.table.Param(c.stored(c.config.Settings.Now()))
	ended, err := c.clean(ctx, c.stmts.deleteEnded, sqldialect.Args{"now": now})
	rows -= ended
	if err != nil || rows <= int64(c.culls.MaxEntries) {
		return err
	}
	var last string
	nth := fmt.Sprintf("SELECT cache_key FROM %s ORDER BY cache_key LIMIT 1 OFFSET %d", c.table.Quoted, rows/int64(c.culls.Frequency))
	err = c.table.Dialect.Retry(func() error { return c.table.DB.QueryRowContext(ctx, nth).Scan(&last) })
	switch {
	case errors.Is(err, sql.ErrNoRows): // a CULL_FREQUENCY of 1 culls nothing
		return nil
	case err != nil:
		return err
	}
	deleted, err := c.clean(ctx, c.stmts.deleteBelow, sqldialect.Args{"key": key, "last": last})
	c.culls.LogDeleted(ctx, int(deleted), int(rows))
	return sqldialect.HideKey(err, last, "…")
}

// clean runs a deleting statement and counts the rows.
func (c *Cache) clean(ctx context.Context, stmt sqldialect.Statement, args sqldialect.Args) (n int64, err error) {
	err = c.table.Dialect.Retry(func() error {
		n, err = c.table.Writer.Exec(ctx, stmt, args)
		return err
	})
	return n, err
}
