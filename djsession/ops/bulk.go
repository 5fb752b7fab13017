package ops

import (
	"context"
	"errors"
	"time"

	"github.com/djsess/djsess/djsession"
)

// This file has the methods of djsession.BulkStore for any store.

// createAll stores records under their keys. Each session that is not stored has its own error.
func createAll(ctx context.Context, store djsession.Store, records []*djsession.Record) ([]djsession.BulkResult, error) {
	if bulk, ok := store.(djsession.BulkStore); ok {
		return bulk.CreateAll(ctx, records)
	}
	results := make([]djsession.BulkResult, len(records))
	for i, r := range records {
		stored, err := store.Create(ctx, r.Key, r.Values, r.Expires)
		if err != nil && !isAboutSession(err) {
			return results, err
		}
		results[i] = djsession.BulkResult{Record: stored, Err: err}
	}
	return results, nil
}

// replaceAll replaces sessions that are unchanged.
func replaceAll(ctx context.Context, store djsession.Store, replacements []djsession.Replacement) ([]djsession.BulkResult, error) {
	if bulk, ok := store.(djsession.BulkStore); ok {
		return bulk.ReplaceAll(ctx, replacements)
	}
	results := make([]djsession.BulkResult, len(replacements))
	for i, r := range replacements {
		stored, err := store.Replace(ctx, r.Old, r.Values, r.Expires)
		if err != nil && !isAboutSession(err) {
			return results, err
		}
		results[i] = djsession.BulkResult{Record: stored, Err: err}
	}
	return results, nil
}

// live reports for each key whether it has a live session.
func live(ctx context.Context, store djsession.Store, keys []string) ([]bool, error) {
	if bulk, ok := store.(djsession.BulkStore); ok {
		return bulk.Live(ctx, keys)
	}
	found := make([]bool, len(keys))
	for i, key := range keys {
		_, err := store.Load(ctx, key)
		var payload *djsession.PayloadError
		switch {
		case err == nil || errors.As(err, &payload): // it is there, readable or not
			found[i] = true
		case !errors.Is(err, djsession.ErrNotFound):
			return nil, err
		}
	}
	return found, nil
}

// deleteUnchanged removes a session if it is still what was stored.
func deleteUnchanged(ctx context.Context, store djsession.Store, r *djsession.Record) error {
	if deleter, ok := store.(djsession.UnchangedDeleter); ok {
		return deleter.DeleteUnchanged(ctx, r)
	}
	return store.Delete(ctx, r.Key)
}

// expiry returns when a session ends. Some stores return it only by another call.
func expiry(ctx context.Context, store djsession.Store, r *djsession.Record) (time.Time, error) {
	reader, ok := store.(djsession.ExpiryReader)
	if !r.Expires.IsZero() || !ok {
		return r.Expires, nil
	}
	expires, err := reader.Expires(ctx, r.Key)
	if err == nil && expires.IsZero() {
		return djsession.Never, nil
	}
	return expires, err
}

// hasAge reports whether a session has an age of its own, set by set_expiry(seconds). The engine file never ends such
// a session.
func hasAge(r *djsession.Record) bool {
	age, err := djsession.GetOr(r.Values, expiryName, 0.0)
	return err == nil && age != 0
}

// isAboutSession reports whether an error is about one session, and not about the store.
func isAboutSession(err error) bool {
	var payload *djsession.PayloadError
	if errors.As(err, &payload) {
		return true
	}
	for _, own := range []error{
		djsession.ErrKeyTaken, djsession.ErrNotFound, djsession.ErrConflict, djsession.ErrInvalidKey, djsession.ErrOpaque,
		djsession.ErrTooLarge, djsession.ErrInvalidExpiry, djsession.ErrEmptied,
	} {
		if errors.Is(err, own) {
			return true
		}
	}
	return false
}
