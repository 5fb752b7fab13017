package dbstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/sqldialect"
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
	var data string
	var expires any
	args := stmt.Bind(sqldialect.Args{
		"key": key,
		"now": s.dialect.TimeParam(s.settings.Now(), s.loc),
	})
	err := s.db.QueryRowContext(ctx, stmt.SQL, args...).Scan(&data, &expires)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, wrap(op, key, djsession.ErrNotFound)
	case err != nil:
		return nil, s.fail(op, key, err)
	}
	record, err := s.record(key, data, expires)
	if err != nil {
		return nil, wrap(op, key, err)
	}
	return record, nil
}

// record makes a record of a row. With a payload that cannot be trusted it
// returns the record without values, and the error.
func (s *Store) record(key, data string, expires any) (*djsession.Record, error) {
	r := &djsession.Record{Key: key, Version: data}
	var err error
	if r.Expires, err = s.dialect.ParseTime(expires, s.loc); err != nil {
		return nil, err
	}
	r.Values, r.Origin, err = s.codec.Decode([]byte(data))
	return r, err
}
