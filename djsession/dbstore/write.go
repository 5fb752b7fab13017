package dbstore

import (
	"context"
	"errors"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/newkey"
	"github.com/djsess/djsess/internal/sqldialect"
	"github.com/djsess/djsess/internal/sqltable"
)

// Create inserts a new row. If key is empty, the store chooses one.
func (s *Store) Create(ctx context.Context, key string, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	ctx, cancel := s.table.LimitWrite(ctx)
	defer cancel()
	const op = "create"
	if key != "" {
		if err := djsession.ValidateKey(key); err != nil {
			return nil, s.table.Error(op, key, err)
		}
		return s.insert(ctx, op, key, v, expires)
	}
	r, err := newkey.Create(func(key string) (*djsession.Record, error) { return s.insert(ctx, op, key, v, expires) })
	if errors.Is(err, djsession.ErrKeyTaken) {
		err = s.table.Error(op, "", errEveryKeyRefused)
	}
	return r, err
}

var errEveryKeyRefused = errors.New("every key is refused: does the site's table have another column that must be unique?")

func (s *Store) insert(ctx context.Context, op, key string, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	r, written, columns, err := s.encode(key, v, expires)
	if err != nil {
		return nil, s.table.Error(op, key, err)
	}
	again, err := s.table.Insert(ctx, key, written, columns)
	switch {
	case err == nil:
		return r, nil
	case again && s.table.Dialect.Classify(err) == sqldialect.Unique:
		// Either the first statement or another writer has taken the key.
		there, readErr := s.read(ctx, op, key)
		if readErr == nil && s.table.Same(there.Version.(sqltable.Version), written) {
			return r, nil
		}
		return nil, s.table.Error(op, key, djsession.ErrOutcomeUnknown)
	}
	return nil, s.table.Fail(ctx, op, key, err)
}

// Replace updates the row if it still holds what old was read from. It writes the
// columns of the model, and no others. The key stays the same.
func (s *Store) Replace(ctx context.Context, old *djsession.Record, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	ctx, cancel := s.table.LimitWrite(ctx)
	defer cancel()
	const op = "replace"
	if err := djsession.ValidateKey(old.Key); err != nil {
		return nil, s.table.Error(op, old.Key, err)
	}
	if expires.Equal(djsession.KeepExpiry) {
		expires = old.Expires
	}
	r, written, columns, err := s.encode(old.Key, v, expires)
	if err != nil {
		return nil, s.table.Error(op, old.Key, err)
	}
	change := s.change(op, old)
	s.write(&change, written, columns)
	if err := s.table.Change(ctx, change); err != nil {
		return nil, err
	}
	return r, nil
}

// write turns the deletion of a row into an update.
func (s *Store) write(c *sqltable.Change, written sqltable.Version, columns []any) {
	c.New, c.Columns = &written, columns
	c.IsOurs = func(ctx context.Context) bool {
		there, err := s.read(ctx, c.Op, c.Key)
		return err == nil && there.Version.(sqltable.Version).Equal(written)
	}
}

// change returns the deletion of the row that old was read from. write turns it into an update.
func (s *Store) change(op string, old *djsession.Record) sqltable.Change {
	c := sqltable.Change{Op: op, Key: old.Key}
	if before, known := old.Version.(sqltable.Version); known {
		c.Old = &before
	}
	c.Current = func(ctx context.Context) (there sqltable.Version, conflict, err error) {
		current, err := s.read(ctx, op, old.Key)
		if err != nil {
			return there, nil, err
		}
		return current.Version.(sqltable.Version), s.table.Error(op, old.Key, s.conflict(current)), nil
	}
	return c
}

// conflict returns the error of a write to a session that another writer has changed.
func (s *Store) conflict(current *djsession.Record) error {
	if !current.Expires.After(s.settings().Now()) {
		return djsession.ErrNotFound // another writer made it expire, which counts as deleted
	}
	return &djsession.ConflictError{Current: current}
}

// Delete removes the row of a key, even if its session has expired. If rows of another table point
// at it, the error is a djsession.ErrEmptied.
func (s *Store) Delete(ctx context.Context, key string) error {
	ctx, cancel := s.table.LimitWrite(ctx)
	defer cancel()
	const op = "delete"
	if err := djsession.ValidateKey(key); err != nil {
		return s.table.Error(op, key, err)
	}
	err := s.delete(ctx, op, key)
	if !errors.Is(err, sqltable.ErrForeignKey) {
		return err
	}
	empty, columns, err := s.empty(key)
	if err != nil {
		return s.table.Error(op, key, err)
	}
	return s.emptied(op, key, s.table.Overwrite(ctx, op, key, empty, columns))
}

// deleteAttempts limits the attempts to delete a row that is there and yet is not deleted.
const deleteAttempts = 3

// delete removes the row of a key. A row that is there after the statement found none may have been stored in
// between, as copies are in a move to another engine. If it is there again and again, the database passes over the
// deletion, and ErrNotFound would be wrong: a caller takes that for success.
func (s *Store) delete(ctx context.Context, op, key string) error {
	for range deleteAttempts {
		err := s.table.Delete(ctx, op, key)
		if !errors.Is(err, djsession.ErrNotFound) {
			return err
		}
		if _, err = s.table.Read(ctx, op, key); err != nil {
			return err
		}
	}
	return s.table.Error(op, key, sqltable.ErrRefused)
}

// DeleteUnchanged removes the row if it still holds what old was read from. If rows of another
// table point at it, the error is a djsession.ErrEmptied.
func (s *Store) DeleteUnchanged(ctx context.Context, old *djsession.Record) error {
	ctx, cancel := s.table.LimitWrite(ctx)
	defer cancel()
	const op = "delete"
	if err := djsession.ValidateKey(old.Key); err != nil {
		return s.table.Error(op, old.Key, err)
	}
	change := s.change(op, old)
	err := s.table.Change(ctx, change)
	if !errors.Is(err, sqltable.ErrForeignKey) {
		return err
	}
	empty, columns, err := s.empty(old.Key)
	if err != nil {
		return s.table.Error(op, old.Key, err)
	}
	s.write(&change, empty, columns)
	return s.emptied(op, old.Key, s.table.Change(ctx, change))
}

// empty returns the version of a row that cannot be deleted: a session without values that has
// expired.
func (s *Store) empty(key string) (empty sqltable.Version, columns []any, err error) {
	// Columns that Django 1 made have whole seconds, and must not round the time up.
	now := s.table.AsSent(s.settings().Now()).Truncate(time.Second)
	_, empty, columns, err = s.encode(key, nil, now)
	return empty, columns, err
}

// emptied returns the error of a deletion that has emptied the row instead. err is that of the
// write.
func (s *Store) emptied(op, key string, err error) error {
	if err != nil {
		return err
	}
	return &djsession.OpError{Store: "dbstore", Op: op, Key: djsession.ShortKey(key), Err: djsession.ErrEmptied,
		Hint: `let the database delete or detach those rows (ON DELETE CASCADE or SET NULL), or delete them first; ` +
			`"manage.py clearsessions" removes expired sessions with the rows that point at them`}
}

// encode returns the record that is about to be written, the version of its row, and the values of
// the model's columns.
func (s *Store) encode(key string, v *djsession.Values, expires time.Time) (*djsession.Record, sqltable.Version, []any, error) {
	var none sqltable.Version
	now := s.settings().Now()
	if v == nil {
		v = new(djsession.Values)
	}
	if expires.IsZero() {
		var err error
		if expires, err = s.settings().ExpiryDate(v, now); err != nil {
			return nil, none, nil, err
		}
		expires = s.table.AsSent(expires)
	}
	data, err := s.codec.Append(nil, v)
	if err != nil {
		return nil, none, nil, err
	}
	if err := s.table.CheckExpiry(expires); err != nil {
		return nil, none, nil, err
	}
	expires = expires.Truncate(time.Microsecond)
	written := s.table.NewVersion(string(data), expires)
	return &djsession.Record{Key: key, Values: v.Clone(), Expires: expires.UTC(), Version: written}, written, s.columns(v, now), nil
}
