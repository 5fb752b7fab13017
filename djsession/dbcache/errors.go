package dbcache

import (
	"context"
	"errors"
	"fmt"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/internal/sqldialect"
)

// wrap says what was being done to which item.
func wrap(op, key string, err error) error {
	if key != "" {
		op += " " + cachestore.ShortKey(key)
	}
	return fmt.Errorf("dbcache: %s: %w", op, err)
}

// fail wraps an error of the driver, with the class that djsession has for it.
// When ctx has ended that is what it is, whatever the server says of it.
func (c *Cache) fail(ctx context.Context, op, key string, err error) error {
	err = c.classified(sqldialect.HideKey(err, key, cachestore.ShortKey(key)))
	return wrap(op, key, sqldialect.Ended(ctx, c.db, err))
}

// classified adds to an error of the driver what it means to djsession.
func (c *Cache) classified(err error) error {
	switch c.dialect.Classify(err) {
	case sqldialect.Unique:
		return djsession.ErrKeyTaken // the driver's text may hold the key
	case sqldialect.Integrity:
		return errors.New(err.Error()) // not the error itself: its details quote the row
	case sqldialect.ReadOnly:
		return fmt.Errorf("%w: %w", djsession.ErrReadOnly, err)
	case sqldialect.Busy:
		return fmt.Errorf("%w: %w", djsession.ErrBusy, err)
	case sqldialect.NoTable:
		return fmt.Errorf("%w %q: %w", ErrNoTable, c.config.Table, err)
	case sqldialect.Lost:
		return fmt.Errorf("%w: %w", djsession.ErrOutcomeUnknown, err)
	}
	return err
}
