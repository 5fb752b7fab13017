package sqltable

import (
	"context"
	"errors"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/sqldialect"
)

// Insert writes a new row. If an answer is lost, it sends the statement again; then again is
// true, and an error that the key is taken may come from the first statement. The error is
// the database's.
func (t *Table) Insert(ctx context.Context, key string, v Version) (again bool, err error) {
	_, again, err = t.Writer.ExecAgain(ctx, t.insert, Args(key, &v, nil))
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

// Change is a write that is made only if the row still holds what was read.
type Change struct {
	Op, Key string
	// Old is what was read. It is nil if the caller does not know: then the change is a
	// conflict.
	Old *Version
	// New is written in place of Old. It is nil if the row is to be deleted.
	New *Version
	// Current reads the row again after the statement has changed nothing. It returns what
	// is there, and the conflict that this is, or an error that ends the change.
	Current func(context.Context) (there Version, conflict, err error)
	// IsOurs, if set, is called when the answer to an update was lost. It reports whether the
	// row shows that the update was made.
	IsOurs func(context.Context) bool
}

// changeAttempts is how often a row that is as it was, and yet was not changed, is tried
// again.
const changeAttempts = 3

// errRefused: no row was changed, though it is there and as it was read.
var errRefused = errors.New("the database does not take the write: a rule, a policy or the type of a column keeps it from the row")

// Change makes a change. A statement that may have changed the row is never sent again,
// unless it deletes: it may still wait for a lock, and if another writer then restores the
// row to what it was, the change would be made twice.
func (t *Table) Change(ctx context.Context, c Change) error {
	before := c.Old
	sentAgain := false
	for range changeAttempts {
		beaten := false // by another writer's statement
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
				beaten = true
			case err != nil:
				return t.Fail(ctx, c.Op, c.Key, err)
			}
		}
		there, conflict, err := c.Current(ctx)
		switch {
		case sentAgain && errors.Is(err, djsession.ErrNotFound):
			return nil // deleted, perhaps by the statement that was sent first
		case err != nil:
			return err
		case beaten || before == nil || !t.Same(there, *before):
			return conflict
		case there.Expires != before.Expires:
			before = &there // the column spells or rounds the time in its own way
		case t.Dialect.ChangedRows && c.New != nil && t.Same(*before, *c.New):
			// Nothing was to change, and MySQL counts only rows that do. Else a row that
			// equals ours is another writer's.
			return nil
		}
		// The row is as it was read, and was not changed: another writer changed it and
		// changed it back in between, or the database refuses the write.
	}
	return t.Error(c.Op, c.Key, errRefused)
}

// send sends the statement of a change. If the answer to a deletion is lost, it sends it
// again, which again reports.
func (t *Table) send(ctx context.Context, c Change, before *Version) (n int64, again bool, err error) {
	args := Args(c.Key, c.New, before)
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
