package dbstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/sqldialect"
)

// wrap says what was being done to which session.
func wrap(op, key string, err error) error {
	if key != "" {
		op += " " + djsession.ShortKey(key)
	}
	return fmt.Errorf("dbstore: %s: %w", op, err)
}

// fail wraps an error of the driver, with the class that djsession has for it.
// When ctx has ended that is what it is, whatever the server says of it.
func (s *Store) fail(ctx context.Context, op, key string, err error) error {
	err = s.classified(sqldialect.HideKey(err, key, djsession.ShortKey(key)))
	return wrap(op, key, sqldialect.Ended(ctx, s.db, err))
}

// classified adds to an error of the driver what it means to djsession.
func (s *Store) classified(err error) error {
	switch s.dialect.Classify(err) {
	case sqldialect.Unique:
		return djsession.ErrKeyTaken // the driver's text may hold the key
	case sqldialect.Integrity:
		return errors.New(err.Error()) // not the error itself: its details quote the row
	case sqldialect.ReadOnly:
		return fmt.Errorf("%w: %w", djsession.ErrReadOnly, err)
	case sqldialect.Busy:
		return fmt.Errorf("%w: %w", djsession.ErrBusy, err)
	case sqldialect.NoTable:
		return fmt.Errorf("%w %q: %w", ErrNoTable, s.name, err)
	case sqldialect.Lost:
		return fmt.Errorf("%w: %w", djsession.ErrOutcomeUnknown, err)
	}
	return err
}
