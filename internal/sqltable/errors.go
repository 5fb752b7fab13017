package sqltable

import (
	"context"
	"errors"
	"fmt"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/sqldialect"
)

// ErrNoTable: the database has no such table.
var ErrNoTable = errors.New("no such table")

// ErrForeignKey: a row of another table points at the row that was to be deleted, or the row that
// was to be written points at a row that does not exist.
var ErrForeignKey = errors.New("a foreign key forbids it")

// rowError is the text of a driver's error about a row, without the details that quote the row.
type rowError string

func (e rowError) Error() string { return string(e) }

// IsOfRow reports whether an error is about the row that was read or written, and not about the
// database. The error is the driver's or one of this package.
func (t *Table) IsOfRow(err error) bool {
	switch t.Dialect.Classify(err) {
	case sqldialect.ReadOnly, sqldialect.Busy, sqldialect.NoTable, sqldialect.NoColumn, sqldialect.Denied, sqldialect.Lost:
		return false
	}
	for _, ofRow := range []error{
		djsession.ErrNotFound, djsession.ErrKeyTaken, djsession.ErrConflict, djsession.ErrInvalidKey, djsession.ErrInvalidExpiry,
		djsession.ErrTooLarge, djsession.ErrMalformed, djsession.ErrOutcomeUnknown, ErrRefused, ErrForeignKey,
	} {
		if errors.Is(err, ofRow) {
			return true
		}
	}
	return errors.As(err, new(*djsession.PayloadError)) || errors.As(err, new(rowError)) || t.Dialect.Answered(err)
}

// Error returns an OpError of the table's package.
func (t *Table) Error(op, key string, err error) error { return t.opError(op, key, err, "") }

// ErrorHint is Error for an operation on no single key, with a remedy.
func (t *Table) ErrorHint(op string, err error, hint string) error {
	return t.opError(op, "", err, hint)
}

func (t *Table) opError(op, key string, err error, hint string) error {
	if key != "" {
		key = t.config.ShortKey(key)
	}
	return &djsession.OpError{Store: t.config.Package, Op: op, Key: key, Err: err, Hint: hint}
}

// Fail returns the OpError for an error of the driver. If ctx has ended, the error is also
// ctx's.
func (t *Table) Fail(ctx context.Context, op, key string, err error) error {
	if key != "" {
		err = sqldialect.HideKey(err, key, t.config.ShortKey(key))
	}
	hint, err := t.explain(err)
	return t.opError(op, key, sqldialect.Ended(ctx, t.DB, err), hint)
}

// ended adds to an error of the driver that ctx has ended.
func (t *Table) ended(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	return sqldialect.Ended(ctx, t.DB, err)
}

// Explain wraps an error of the driver in the error of djsession that it means.
func (t *Table) Explain(err error) error {
	_, err = t.explain(err)
	return err
}

func (t *Table) explain(err error) (hint string, explained error) {
	switch t.Dialect.Classify(err) {
	case sqldialect.Unique:
		return "", djsession.ErrKeyTaken // the driver's text may hold the key
	case sqldialect.ForeignKey:
		return "", fmt.Errorf("%w: %s", ErrForeignKey, err) // not the error itself: its details quote the row
	case sqldialect.NotNull:
		return t.config.ColumnHint, rowError(err.Error()) // as above
	case sqldialect.Unfit:
		return t.config.ColumnHint, rowError(sqldialect.WithoutValue(err))
	case sqldialect.NoColumn:
		return t.config.ColumnHint, err
	case sqldialect.Integrity:
		return "", rowError(err.Error()) // as above
	case sqldialect.ReadOnly:
		return "connect to a database that takes writes, as a user who may write", fmt.Errorf("%w: %w", djsession.ErrReadOnly, err)
	case sqldialect.Busy:
		return "", fmt.Errorf("%w: %w", djsession.ErrBusy, err)
	case sqldialect.NoTable:
		return t.config.NoTableHint, fmt.Errorf("%w %q: %w", ErrNoTable, t.Name, err)
	case sqldialect.Denied:
		return "grant the database user the rights listed in docs/stores.md", fmt.Errorf("%w: %w", djsession.ErrDenied, err)
	case sqldialect.Lost:
		return "", fmt.Errorf("%w: %w", djsession.ErrOutcomeUnknown, err)
	}
	return "", err
}
