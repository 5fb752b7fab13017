package cachestore

import (
	"context"
	"errors"

	"github.com/djsess/djsess/djsession"
)

// CreateAll inserts new rows, as dbstore.Store.CreateAll does. Then it removes what the cache has
// under their keys.
func (c *CachedDB) CreateAll(ctx context.Context, records []*djsession.Record) ([]djsession.BulkResult, error) {
	if c.readOnly {
		return nil, opError("create", "", djsession.ErrReadOnly)
	}
	results, err := c.database.CreateAll(ctx, records)
	for i, r := range records {
		if r.Key != "" { // nothing can be cached under a new key
			c.written(ctx, r.Key, errorOf(results, i, err))
		}
	}
	return results, err
}

// ReplaceAll updates each row that still holds what its old record was read from. If that was read
// from the cache, it updates the row if that holds the same values. Then it removes the sessions
// from the cache.
func (c *CachedDB) ReplaceAll(ctx context.Context, replacements []djsession.Replacement) ([]djsession.BulkResult, error) {
	if c.readOnly {
		return nil, opError("replace", "", djsession.ErrReadOnly)
	}
	results, err := c.database.ReplaceAll(ctx, replacements)
	if err == nil {
		err = c.onRows(ctx, replacements, results)
	}
	for i, r := range replacements {
		c.written(ctx, r.Old.Key, errorOf(results, i, err))
	}
	if err != nil {
		return nil, err
	}
	return results, nil
}

// onRows is onRow for many sessions: it writes again those whose old record was read from the cache.
func (c *CachedDB) onRows(ctx context.Context, replacements []djsession.Replacement, results []djsession.BulkResult) error {
	var again []djsession.Replacement
	var places []int
	for i, r := range replacements {
		var conflict *djsession.ConflictError
		if r.Old.Version == nil && errors.As(results[i].Err, &conflict) && equalValues(r.Old.Values, conflict.Current.Values) {
			r.Old = conflict.Current
			again, places = append(again, r), append(places, i)
		}
	}
	if len(again) == 0 {
		return nil
	}
	written, err := c.database.ReplaceAll(ctx, again)
	for i, r := range written {
		results[places[i]] = r
	}
	return err
}

// errorOf returns the error of one session of a bulk write. If the write failed, whatever the error
// is, some sessions may have been written before.
func errorOf(results []djsession.BulkResult, i int, failed error) error {
	if failed != nil {
		return djsession.ErrOutcomeUnknown
	}
	return results[i].Err
}

// Live reports for each key whether the database has a live session.
func (c *CachedDB) Live(ctx context.Context, keys []string) ([]bool, error) {
	return c.database.Live(ctx, keys)
}
