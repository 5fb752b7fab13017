package dbstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/pytime"
	"github.com/djsess/djsess/internal/sqldialect"
	"github.com/djsess/djsess/internal/waitlimit"
)

// Load returns the live session of a key: one whose expire_date is after now.
func (s *Store) Load(ctx context.Context, key string) (*djsession.Record, error) {
	const op = "load"
	if err := djsession.ValidateKey(key); err != nil {
		return nil, wrap(op, key, err)
	}
	return s.query(ctx, op, key, s.stmts.load)
}

// query reads the one row that a statement selects by its key.
func (s *Store) query(ctx context.Context, op, key string, stmt sqldialect.Statement) (*djsession.Record, error) {
	ctx, cancel := waitlimit.Context(ctx, s.timeout)
	defer cancel()
	var row row
	args := stmt.Bind(sqldialect.Args{
		"key": key,
		"now": s.now(),
	})
	err := s.dialect.Retry(func() error { return s.db.QueryRowContext(ctx, stmt.SQL, args...).Scan(row.dst()...) })
	switch {
	case errors.Is(err, sql.ErrNoRows):
		s.writer.Answered()
		return nil, wrap(op, key, djsession.ErrNotFound)
	case err != nil:
		return nil, s.fail(ctx, op, key, err)
	}
	s.writer.Answered()
	record, err := s.record(key, row)
	if err != nil {
		return nil, wrap(op, key, err)
	}
	return record, nil
}

// now is the time that Django compares expire_date with.
func (s *Store) now() any {
	now := s.settings().Now()
	if !s.settings().UseTZ && !s.dialect.NaiveTimes {
		now = pytime.Later(now, s.loc) // it sends the wall clock here, too
	}
	return s.dialect.TimeParam(now, s.loc)
}
