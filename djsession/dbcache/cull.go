package dbcache

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/djsess/djsess/internal/printable"
	"github.com/djsess/djsess/internal/sqldialect"
)

// makeRoom culls as Django does before every write, and leaves the row of key, which
// Django would put back. What goes wrong with it keeps nobody's session from being
// saved.
func (c *Cache) makeRoom(ctx context.Context, key string) {
	if c.config.MaxEntries == 0 {
		return
	}
	err := c.cull(ctx, key)
	if err != nil && ctx.Err() == nil {
		c.config.Logger.WarnContext(ctx, "dbcache: cache was not culled", "table", c.config.Table, "error", printable.Line(c.classified(err).Error()))
	}
}

func (c *Cache) cull(ctx context.Context, key string) error {
	var rows int64
	err := c.dialect.Retry(func() error { return c.db.QueryRowContext(ctx, c.stmts.count.SQL).Scan(&rows) })
	if err != nil || rows <= int64(c.config.MaxEntries) {
		return err
	}
	if c.config.CullFrequency == CullAll {
		gone, err := c.clean(ctx, c.stmts.deleteOthers, sqldialect.Args{"key": key})
		c.tellOfCull(ctx, rows, gone)
		return err
	}
	now := c.dialect.TimeParam(c.stored(c.config.Settings.Now()), c.loc)
	ended, err := c.clean(ctx, c.stmts.deleteEnded, sqldialect.Args{"now": now})
	rows -= ended
	if err != nil || rows <= int64(c.config.MaxEntries) {
		return err
	}
	var last string
	nth := fmt.Sprintf("SELECT cache_key FROM %s ORDER BY cache_key LIMIT 1 OFFSET %d", c.table, rows/int64(c.config.CullFrequency))
	err = c.dialect.Retry(func() error { return c.db.QueryRowContext(ctx, nth).Scan(&last) })
	switch {
	case errors.Is(err, sql.ErrNoRows): // a CULL_FREQUENCY of 1 culls nothing
		return nil
	case err != nil:
		return err
	}
	gone, err := c.clean(ctx, c.stmts.deleteBelow, sqldialect.Args{"key": key, "last": last})
	c.tellOfCull(ctx, rows, gone)
	return sqldialect.HideKey(err, last, "…")
}

// clean runs a deleting statement and counts the rows.
func (c *Cache) clean(ctx context.Context, stmt sqldialect.Statement, args sqldialect.Args) (n int64, err error) {
	err = c.dialect.Retry(func() error {
		n, err = c.writer.Exec(ctx, stmt, args)
		return err
	})
	return n, err
}

// tellOfCull says what nobody should have to find out from visitors.
func (c *Cache) tellOfCull(ctx context.Context, rows, gone int64) {
	if gone == 0 {
		return
	}
	c.config.Logger.WarnContext(ctx,
		"dbcache: entries that had not ended were thrown away, because there were more than MAX_ENTRIES: "+
			"whoever had a session among them is logged out, unless it is in a database, too",
		"table", c.config.Table, "deleted", gone, "of", rows,
		"max_entries", c.config.MaxEntries, "cull_frequency", max(c.config.CullFrequency, 0))
}
