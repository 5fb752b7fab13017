package dbstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/pytime"
	"github.com/djsess/djsess/internal/sqldialect"
	"github.com/djsess/djsess/internal/waitlimit"
)

// Create inserts a new row. An empty key lets the store choose one.
func (s *Store) Create(ctx context.Context, key string, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	ctx, cancel := waitlimit.ForWrite(ctx, s.timeout)
	defer cancel()
	const op = "create"
	if key == "" {
		for attempt := 1; ; attempt++ {
			r, err := s.insert(ctx, op, djsession.NewKey(), v, expires)
			if !errors.Is(err, djsession.ErrKeyTaken) {
				return r, err
			}
			if attempt == 5 { // no five random keys are taken
				return nil, fmt.Errorf("dbstore: create: every key is refused: a column of the site's own must be unique, too")
			}
		}
	}
	if err := djsession.ValidateKey(key); err != nil {
		return nil, wrap(op, key, err)
	}
	return s.insert(ctx, op, key, v, expires)
}

func (s *Store) insert(ctx context.Context, op, key string, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	r, err := s.encode(key, v, expires)
	if err != nil {
		return nil, wrap(op, key, err)
	}
	_, again, err := s.writer.ExecAgain(ctx, s.stmts.insert, args(r, version{}))
	switch {
	case err == nil:
		return r, nil
	case again && s.dialect.Classify(err) == sqldialect.Unique:
		// The key is taken, by the first statement or by somebody else.
		there, readErr := s.query(ctx, op, key, s.stmts.read)
		if readErr == nil && there.Version.(version).same(r.Version.(version)) {
			return r, nil
		}
		return nil, wrap(op, key, djsession.ErrOutcomeUnknown)
	}
	return nil, s.fail(ctx, op, key, err)
}

// Replace updates the row if it still holds what old was read from, and leaves
// the table's other columns alone. The key stays.
func (s *Store) Replace(ctx context.Context, old *djsession.Record, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	ctx, cancel := waitlimit.ForWrite(ctx, s.timeout)
	defer cancel()
	const op = "replace"
	if err := djsession.ValidateKey(old.Key); err != nil {
		return nil, wrap(op, old.Key, err)
	}
	r, err := s.encode(old.Key, v, expires)
	if err != nil {
		return nil, wrap(op, old.Key, err)
	}
	before, known := old.Version.(version)
	for range replaceAttempts {
		beaten := false // by somebody else's statement
		if known {
			n, err := s.writer.Exec(ctx, s.stmts.replace, args(r, before))
			switch class := s.dialect.Classify(err); {
			case err == nil && n > 0:
				return r, nil
			case class == sqldialect.Lost:
				return s.settle(ctx, op, r, err)
			case class == sqldialect.Conflict:
				beaten = true
			case err != nil:
				return nil, s.fail(ctx, op, old.Key, err)
			}
		}
		current, err := s.query(ctx, op, old.Key, s.stmts.read)
		if err != nil {
			return nil, err
		}
		seen := current.Version.(version)
		switch {
		case beaten || !known || !seen.same(before):
			return nil, s.conflict(op, current)
		case seen.expires != before.expires:
			before = seen // the column spells or rounds the time in its own way
		case s.dialect.ChangedRows && before.same(r.Version.(version)):
			// Nothing was to change, and MySQL counts only rows that do. Else a
			// row that equals ours is somebody else's: two that add one to the
			// same number in the same second write the same text.
			return r, nil
		}
		// The row is as it was read, and was not replaced: somebody changed it
		// to and fro in between, or the database does not let us.
	}
	return nil, wrap(op, old.Key, errNotTaken)
}

// settle finds out whether an update whose answer was lost was made. It never sends the
// update again: the first statement may still wait for a lock, and if somebody else then
// restores the row to what it was, the change would be made twice.
func (s *Store) settle(ctx context.Context, op string, r *djsession.Record, lost error) (*djsession.Record, error) {
	there, err := s.query(ctx, op, r.Key, s.stmts.read)
	if err == nil && there.Version.(version).is(r.Version.(version)) {
		return r, nil
	}
	return nil, s.fail(ctx, op, r.Key, lost)
}

// conflict is the error for a row that somebody else wrote.
func (s *Store) conflict(op string, current *djsession.Record) error {
	if !current.Expires.After(s.settings().Now()) {
		// Somebody ended it, by its expiry: as good as deleted.
		return wrap(op, current.Key, djsession.ErrNotFound)
	}
	return wrap(op, current.Key, &djsession.ConflictError{Current: current})
}

// replaceAttempts is how often a row that is as it was, and yet was not replaced,
// is tried again.
const replaceAttempts = 3

// errNotTaken: no row was updated, though it is there and as it was read.
var errNotTaken = errors.New("the database does not take the write: a rule, a policy or the type of session_data keeps it from the row")

// Delete removes the row of a key, dead or alive.
func (s *Store) Delete(ctx context.Context, key string) error {
	ctx, cancel := waitlimit.ForWrite(ctx, s.timeout)
	defer cancel()
	const op = "delete"
	if err := djsession.ValidateKey(key); err != nil {
		return wrap(op, key, err)
	}
	n, again, err := s.writer.ExecAgain(ctx, s.stmts.delete, sqldialect.Args{"key": key})
	switch {
	case err != nil:
		return s.fail(ctx, op, key, err)
	case n == 0 && !again:
		return wrap(op, key, djsession.ErrNotFound)
	}
	return nil
}

// DeleteUnchanged removes the row if it still holds what old was read from.
func (s *Store) DeleteUnchanged(ctx context.Context, old *djsession.Record) error {
	ctx, cancel := waitlimit.ForWrite(ctx, s.timeout)
	defer cancel()
	const op = "delete"
	if err := djsession.ValidateKey(old.Key); err != nil {
		return wrap(op, old.Key, err)
	}
	before, known := old.Version.(version)
	sentAgain := false
	for range replaceAttempts {
		beaten := false // by somebody else's statement
		if known {
			n, again, err := s.writer.ExecAgain(ctx, s.stmts.deleteUnchanged, args(&djsession.Record{Key: old.Key, Version: version{}}, before))
			if err == nil && n > 0 {
				return nil
			}
			sentAgain = sentAgain || again
			beaten = err != nil && s.dialect.Classify(err) == sqldialect.Conflict
			if err != nil && !beaten {
				return s.fail(ctx, op, old.Key, err)
			}
		}
		current, err := s.query(ctx, op, old.Key, s.stmts.read)
		switch {
		case sentAgain && errors.Is(err, djsession.ErrNotFound):
			return nil // deleted, perhaps by the statement that was sent first
		case err != nil:
			return err
		}
		seen := current.Version.(version)
		if beaten || !known || !seen.same(before) {
			return s.conflict(op, current)
		}
		before = seen // the column spells or rounds the time in its own way
	}
	return wrap(op, old.Key, errNotTaken)
}

// encode makes the record that is about to be written.
func (s *Store) encode(key string, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	if v == nil {
		v = new(djsession.Values)
	}
	if expires.IsZero() {
		var err error
		if expires, err = s.settings().ExpiryDate(v, s.settings().Now()); err != nil {
			return nil, err
		}
		if !s.settings().UseTZ && !s.dialect.NaiveTimes {
			// Django sends the wall clock, and the database makes an instant of it.
			expires = pytime.Later(expires, s.loc)
		}
	}
	data, err := s.codec.Append(nil, v)
	if err != nil {
		return nil, err
	}
	if y := expires.In(s.loc).Year(); y < 1 || y > 9999 {
		return nil, fmt.Errorf("expiry in the year %d: %w", y, djsession.ErrInvalidExpiry)
	}
	expires = expires.Truncate(time.Microsecond)
	return &djsession.Record{
		Key:     key,
		Values:  v.Clone(),
		Expires: expires.UTC(),
		Version: version{string(data), s.dialect.TimeParam(expires, s.loc), expires},
	}, nil
}

// args returns the parameters of a statement that writes r in place of old.
func args(r *djsession.Record, old version) sqldialect.Args {
	written := r.Version.(version)
	return sqldialect.Args{
		"key":     r.Key,
		"data":    written.data,
		"expires": written.expires,
		"old":     old.data,
		"seen":    old.expires,
	}
}
