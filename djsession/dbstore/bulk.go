package dbstore

import (
	"context"
	"errors"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/sqldialect"
	"github.com/djsess/djsess/internal/sqltable"
)

// bulk is a call that writes many sessions.
type bulk struct {
	store   *Store
	op      string
	write   func(i int) (*djsession.Record, error) // writes one session, by a method of Store
	results []djsession.BulkResult
	// rows are written together. encoded is the record of each, and index its place in the results.
	rows    []sqltable.Written
	encoded map[string]*djsession.Record
	index   map[string]int
	// alone are the places of the sessions that are written one by one, after the others.
	alone []int
}

func (s *Store) newBulk(op string, sessions int, write func(i int) (*djsession.Record, error)) *bulk {
	return &bulk{
		store: s, op: op, write: write, results: make([]djsession.BulkResult, sessions),
		encoded: map[string]*djsession.Record{}, index: map[string]int{},
	}
}

// fail sets the error of a session.
func (b *bulk) fail(key string, err error) {
	b.results[b.index[key]].Err = b.store.table.Error(b.op, key, err)
}

// done sets the record of a session that was written.
func (b *bulk) done(key string) { b.results[b.index[key]].Record = b.encoded[key] }

// encode adds a row to those that are written. A session that cannot be encoded fails.
func (b *bulk) encode(key string, v *djsession.Values, expires time.Time, old sqltable.Version) {
	r, written, columns, err := b.store.encode(key, v, expires)
	if err != nil {
		b.fail(key, err)
		return
	}
	b.encoded[key] = r
	b.rows = append(b.rows, sqltable.Written{Key: key, New: written, Old: old, Columns: columns})
}

// later has a session written after the others, unless it cannot be encoded: so an error of write is
// either about a row or about the database.
func (b *bulk) later(i int, key string, v *djsession.Values, expires time.Time) {
	err := djsession.ValidateKey(key)
	if err == nil {
		_, _, _, err = b.store.encode(key, v, expires)
	}
	if err != nil {
		b.results[i].Err = b.store.table.Error(b.op, key, err)
		return
	}
	b.alone = append(b.alone, i)
}

// one writes one session. It returns an error that is not about this session.
func (b *bulk) one(i int) error {
	r, err := b.write(i)
	if err != nil && !b.store.table.IsOfRow(err) {
		return err
	}
	b.results[i] = djsession.BulkResult{Record: r, Err: err}
	return nil
}

// each writes the sessions of a batch one by one.
func (b *bulk) each(batch []sqltable.Written) error {
	for _, row := range batch {
		if err := b.one(b.index[row.Key]); err != nil {
			return err
		}
	}
	return nil
}

// run writes the batches, and then the sessions that are written alone.
func (b *bulk) run(batch func([]sqltable.Written) error) ([]djsession.BulkResult, error) {
	for rows := range b.store.table.Batches(b.rows) {
		if err := batch(rows); err != nil {
			return nil, err
		}
	}
	for _, i := range b.alone {
		if err := b.one(i); err != nil {
			return nil, err
		}
	}
	return b.results, nil
}

// settle sets the results of a batch whose answer was lost. A session whose row equals what was to
// be written counts as written. Of any other it is not known.
func (b *bulk) settle(ctx context.Context, batch []sqltable.Written, equal func(there, written sqltable.Version) bool) error {
	holds, err := b.store.table.Holds(ctx, b.op, batch, equal)
	if err != nil {
		return err
	}
	for _, row := range batch {
		if holds[row.Key] {
			b.done(row.Key)
		} else {
			b.fail(row.Key, djsession.ErrOutcomeUnknown)
		}
	}
	return nil
}

// CreateAll inserts new rows, several hundred in a statement. If a key is empty, the store chooses one.
// A session whose key is taken is neither encoded nor sent.
func (s *Store) CreateAll(ctx context.Context, records []*djsession.Record) ([]djsession.BulkResult, error) {
	b := s.newBulk("create", len(records), func(i int) (*djsession.Record, error) {
		return s.Create(ctx, records[i].Key, records[i].Values, records[i].Expires)
	})
	var keys []string
	for i, r := range records {
		key := r.Key
		if key == "" {
			key = djsession.NewKey()
		}
		if _, twice := b.index[key]; twice || djsession.ValidateKey(key) != nil {
			b.later(i, key, r.Values, r.Expires)
			continue
		}
		b.index[key] = i
		keys = append(keys, key)
	}
	taken, err := s.table.Keys(ctx, b.op, keys, nil)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if taken[key] {
			b.fail(key, djsession.ErrKeyTaken)
			continue
		}
		r := records[b.index[key]]
		b.encode(key, r.Values, r.Expires, sqltable.Version{})
	}
	return b.run(func(batch []sqltable.Written) error { return b.insert(ctx, batch) })
}

// insert inserts a batch.
func (b *bulk) insert(ctx context.Context, batch []sqltable.Written) error {
	t := b.store.table
	again, err := t.InsertAll(ctx, batch)
	switch {
	case err == nil:
		for _, row := range batch {
			b.done(row.Key)
		}
		return nil
	case again && t.Dialect.Classify(err) == sqldialect.Unique:
		return b.settle(ctx, batch, t.Same) // either the first statement or another writer has taken the keys
	case t.IsOfRow(err):
		return b.each(batch) // such as a key that was taken meanwhile
	}
	return t.FailAll(ctx, b.op, batch, err)
}

// ReplaceAll updates rows, several hundred in a statement, that still hold what they were read from.
//
// MySQL does not say which rows it has updated. If it has updated only some of them, a row that holds
// exactly what was to be written counts as updated. If another writer has changed an updated row at the
// same moment, that session is an ErrOutcomeUnknown, and so are the other changed sessions of the
// statement.
func (s *Store) ReplaceAll(ctx context.Context, replacements []djsession.Replacement) ([]djsession.BulkResult, error) {
	b := s.newBulk("replace", len(replacements), func(i int) (*djsession.Record, error) {
		return s.Replace(ctx, replacements[i].Old, replacements[i].Values, replacements[i].Expires)
	})
	for i, r := range replacements {
		key := r.Old.Key
		if r.Expires.Equal(djsession.KeepExpiry) {
			r.Expires = r.Old.Expires
		}
		before, known := r.Old.Version.(sqltable.Version)
		if _, twice := b.index[key]; twice || !known || djsession.ValidateKey(key) != nil {
			b.later(i, key, r.Values, r.Expires)
			continue
		}
		b.index[key] = i
		b.encode(key, r.Values, r.Expires, before)
	}
	return b.run(func(batch []sqltable.Written) error { return b.update(ctx, batch) })
}

// update updates a batch.
func (b *bulk) update(ctx context.Context, batch []sqltable.Written) error {
	t := b.store.table
	replaced, err := t.ReplaceAll(ctx, batch)
	switch {
	case err == nil:
	case t.Dialect.Classify(err) == sqldialect.Lost:
		if failed := b.settle(ctx, batch, sqltable.Version.Equal); failed != nil {
			return errors.Join(t.FailAll(ctx, b.op, batch, err), failed)
		}
		return nil
	case t.IsOfRow(err):
		return b.each(batch)
	default:
		return t.FailAll(ctx, b.op, batch, err)
	}
	outcomes, stored, err := t.Outcomes(ctx, b.op, batch, replaced)
	if err != nil {
		return err
	}
	for _, row := range batch {
		switch outcomes[row.Key] {
		case sqltable.Done:
			b.done(row.Key)
		case sqltable.Gone:
			b.fail(row.Key, djsession.ErrNotFound)
		case sqltable.Changed:
			b.changed(stored[row.Key])
		case sqltable.Unknown:
			b.fail(row.Key, djsession.ErrOutcomeUnknown)
		case sqltable.Unchanged:
			if err := b.one(b.index[row.Key]); err != nil {
				return err
			}
		}
	}
	return nil
}

// changed sets the error of a session whose row another writer has changed.
func (b *bulk) changed(row sqltable.Row) {
	current, err := b.store.record(row)
	if err == nil {
		err = b.store.conflict(current)
	}
	b.fail(row.Key, err)
}

// Live reports for each key whether there is a row whose expire_date is after now.
func (s *Store) Live(ctx context.Context, keys []string) ([]bool, error) {
	asked := make([]string, 0, len(keys))
	for _, key := range keys {
		if djsession.ValidateKey(key) == nil {
			asked = append(asked, key)
		}
	}
	there, err := s.table.Keys(ctx, "load", asked, s.now())
	if err != nil {
		return nil, err
	}
	live := make([]bool, len(keys))
	for i, key := range keys {
		live[i] = there[key]
	}
	return live, nil
}
