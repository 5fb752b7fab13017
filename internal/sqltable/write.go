package sqltable

import (
	"context"
	"errors"
	"fmt"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/sqldialect"
)

// Insert writes a new row. columns are the values of Config.Columns. If the answer is lost, it
// sends the statement again. Then again is true, and the key may be taken by the row of the first
// statement. The error is the driver's.
func (t *Table) Insert(ctx context.Context, key string, v Version, columns []any) (again bool, err error) {
	_, again, err = t.Writer.ExecAgain(ctx, t.insert, withColumns(Args(key, &v, nil), columns))
	return again, err
}

// Delete removes the row of a key, whatever it holds.
func (t *Table) Delete(ctx context.Context, op, key string) error {
	n, again, err := t.Writer.ExecAgain(ctx, t.delete, Args(key, nil, nil))
	switch {
	case err != nil:
		return t.Fail(ctx, op, key, err)
	case n == 0 && !again:
		return t.Error(op, key, djsession.ErrNotFound)
	}
	return nil
}

// Overwrite writes a version in place of whatever the row of a key holds. If the answer is lost, it
// sends the statement again.
func (t *Table) Overwrite(ctx context.Context, op, key string, v Version, columns []any) error {
	n, _, err := t.Writer.ExecAgain(ctx, t.overwrite, withColumns(Args(key, &v, nil), columns))
	if err != nil {
		return t.Fail(ctx, op, key, err)
	}
	if n > 0 {
		return nil
	}
	// There is no such row, or it holds this version already: MySQL counts only rows that change.
	row, err := t.Read(ctx, op, key)
	if err != nil {
		return err
	}
	if there, err := t.Parse(row); err != nil || !t.Same(there, v) {
		return t.Error(op, key, ErrRefused)
	}
	return nil
}

// Change is an update or a deletion that is made only if the row is unchanged since it was read.
type Change struct {
	Op, Key string
	// Old is the version that was read. If it is nil, the caller does not know the version,
	// and the change is a conflict.
	Old *Version
	// New is written in place of Old. If it is nil, the row is deleted.
	New *Version
	// Columns are the values of Config.Columns that are written with New.
	Columns []any
	// Current reads the row again after a statement that changed no row. It returns the
	// current version, and the error to return if that is a conflict. Any other error ends
	// the change.
	Current func(context.Context) (current Version, conflict, err error)
	// IsOurs, if set, is called when the answer to an update was lost. It reports whether the
	// row shows that the update was made.
	IsOurs func(context.Context) bool
}

// changeAttempts limits the attempts to change a row that is unchanged and yet is not changed by
// the statement.
const changeAttempts = 3

// ErrRefused: the statement changed no row, though the row is there as it was read.
var ErrRefused = fmt.Errorf("%w: the database does not take the write: a rule, a policy, a trigger or the type of a column keeps it from the row", djsession.ErrDenied)

// Change makes a change. An update that may have reached the database is never sent again: it
// may still wait for a lock, and if another writer then restored the old version of the row, the
// update would be made twice. A deletion is sent again.
func (t *Table) Change(ctx context.Context, c Change) error {
	before := c.Old
	sentAgain := false
	for range changeAttempts {
		rolledBack := false // by the database, because of another writer's statement
		if before != nil {
			n, again, err := t.send(ctx, c, before)
			sentAgain = sentAgain || again
			switch class := t.Dialect.Classify(err); {
			case err == nil && n > 0:
				return nil
			case class == sqldialect.Lost && c.New != nil:
				if c.IsOurs != nil && c.IsOurs(ctx) {
					return nil
				}
				return t.Fail(ctx, c.Op, c.Key, err)
			case class == sqldialect.Conflict:
				rolledBack = true
			case err != nil:
				return t.Fail(ctx, c.Op, c.Key, err)
			}
		}
		current, conflict, err := c.Current(ctx)
		switch {
		case sentAgain && errors.Is(err, djsession.ErrNotFound):
			return nil // deleted, perhaps by the first statement
		case err != nil:
			return err
		case rolledBack || before == nil || !t.Same(current, *before):
			return conflict
		case current.Expires != before.Expires:
			before = &current // the column spells or rounds the time in its own way
		case t.Dialect.ChangedRows && c.New != nil && t.Same(*before, *c.New):
			// The new version equals the old one, and MySQL counts only rows that change.
			return nil
		}
		// The row is as it was read, but the statement changed nothing: another writer changed
		// the row and then restored it, or the database refuses the write.
	}
	return t.Error(c.Op, c.Key, ErrRefused)
}

// send sends the statement of a change. If the answer to a deletion is lost, it sends it
// again, which again reports.
func (t *Table) send(ctx context.Context, c Change, before *Version) (n int64, again bool, err error) {
	args := withColumns(Args(c.Key, c.New, before), c.Columns)
	if c.New == nil {
		return t.Writer.ExecAgain(ctx, t.deleteUnchanged, args)
	}
	n, err = t.Writer.Exec(ctx, t.replace, args)
	return n, false, err
}

// Args returns the parameters of a statement that writes a version in place of another.
func Args(key string, written, old *Version) sqldialect.Args {
	args := sqldialect.Args{"key": key}
	if written != nil {
		args["data"], args["expires"] = written.Data, written.Expires
	}
	if old != nil {
		args["old"], args["seen"] = old.Data, old.Expires
	}
	return args
}

// withColumns adds the values of Config.Columns to a statement's parameters.
func withColumns(args sqldialect.Args, columns []any) sqldialect.Args {
	for i, value := range columns {
		args[columnParam(i)] = value
	}
	return args
}
