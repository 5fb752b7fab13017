package dbstore

import (
	"context"
	"iter"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/sqldialect"
	"github.com/djsess/djsess/internal/sqltable"
)

// Load returns the session of a key if its expire_date is after now.
func (s *Store) Load(ctx context.Context, key string) (*djsession.Record, error) {
	const op = "load"
	if err := djsession.ValidateKey(key); err != nil {
		return nil, s.table.Error(op, key, err)
	}
	row, err := s.table.QueryRow(ctx, op, key, s.load, sqldialect.Args{"key": key, "now": s.now()})
	return s.loaded(op, row, err)
}

// read returns the session of a key, even if it has expired.
func (s *Store) read(ctx context.Context, op, key string) (*djsession.Record, error) {
	row, err := s.table.Read(ctx, op, key)
	return s.loaded(op, row, err)
}

func (s *Store) loaded(op string, row sqltable.Row, err error) (*djsession.Record, error) {
	if err != nil {
		return nil, err
	}
	r, err := s.record(row)
	if err != nil {
		return nil, s.table.Error(op, row.Key, err)
	}
	return r, nil
}

// now is the parameter that Django compares expire_date with.
func (s *Store) now() any { return s.table.Param(s.table.AsSent(s.settings().Now())) }

// record returns the record of a row. If the payload cannot be trusted, it returns a record
// without values and an error.
func (s *Store) record(row sqltable.Row) (*djsession.Record, error) {
	version, err := s.table.Parse(row)
	r := &djsession.Record{Key: row.Key, Expires: version.At}
	if err != nil {
		return r, err
	}
	r.Version = version
	r.Values, r.Origin, err = s.codec.Decode([]byte(version.Data))
	return r, err
}

// Scan yields the sessions of a range in the order of their keys or, with Range.Newest, in
// descending order of expire_date. It reads pages, so that neither the site nor another
// connection waits for the caller.
func (s *Store) Scan(ctx context.Context, r djsession.Range) iter.Seq2[*djsession.Record, error] {
	return s.scan(ctx, r, sqltable.Range{})
}

// ScanByExpiry yields the sessions of a range in the order of expire_date.
func (s *Store) ScanByExpiry(ctx context.Context, r djsession.Range, lastFirst bool) iter.Seq2[*djsession.Record, error] {
	by := sqltable.ByExpiry
	if lastFirst {
		by = sqltable.ByExpiryDown
	}
	return s.scan(ctx, r, sqltable.Range{By: by})
}

// scan yields the sessions of a range, and of a range of rows that says more.
func (s *Store) scan(ctx context.Context, r djsession.Range, rows sqltable.Range) iter.Seq2[*djsession.Record, error] {
	return func(yield func(*djsession.Record, error) bool) {
		if err := r.Validate(); err != nil {
			yield(nil, s.table.Error("scan", "", err))
			return
		}
		rows.Prefix, rows.Newest, rows.Part, rows.Parts = r.Prefix, r.Newest, r.Part, r.Parts
		if !r.Expired {
			rows.Now = s.now
		}
		for row, err := range s.table.Scan(ctx, rows) {
			if err != nil {
				yield(nil, err)
				return
			}
			record, err := s.record(row)
			if err != nil {
				err = s.table.Error("scan", row.Key, err)
			}
			if !yield(record, err) {
				return
			}
		}
	}
}

// Count returns how many live sessions there are. On a large table it takes as long as a read of the whole index of
// expire_date.
func (s *Store) Count(ctx context.Context) (int64, error) { return s.table.Count(ctx, s.now()) }
