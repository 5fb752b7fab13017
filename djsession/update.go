package djsession

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"time"
)

// Update changes a stored session outside of a request, such as in a worker or a command.
// It loads the session, calls change with its values, and stores the result.
//
// If another writer changes the session in between, Update calls change again with the
// values that are stored then, so that no write is lost. So change must have no side
// effects: it works on v alone. It must not copy values that it read in an earlier call. An
// error of change ends the update, and nothing is written.
//
// Update retries until it succeeds or ctx ends. If ctx ends between two attempts, the error
// is an ErrConflict as well as ctx's own error.
//
// As any save does in Django, Update moves the session's expiry. A session that does not
// exist is ErrNotFound, and one that was deleted in between is ErrSessionDeleted. A payload
// that cannot be trusted is a *PayloadError and stays as it is. A session that opens under
// a fallback key is written only if SECRET_KEY is the site's, as far as CheckKey can
// tell; else the error is ErrUnknownKey.
//
// In the engine signed_cookies the key is the session. There the returned record has
// another key, and the caller has to send that key to the visitor.
func Update(ctx context.Context, store Store, key string, change func(v *Values) error) (*Record, error) {
	record, err := store.Load(ctx, key)
	if err != nil {
		return record, err
	}
	// A record without a Version may come from a cache, whose Origin is not that of the row.
	if record.Origin.Key > 0 || record.Version == nil {
		if err := checkKey(ctx, store, record.Origin); err != nil {
			return nil, fmt.Errorf("update %s: %w", ShortKey(key), err)
		}
	}
	changes := []func(*Values) error{change}
	v, err := applyAll(record.Values, changes)
	if err != nil {
		return nil, err
	}
	w := writer{store: store, op: "update"}
	return w.replace(ctx, record, v, changes)
}

// applyAll returns a copy of v with the changes applied.
func applyAll(v *Values, changes []func(*Values) error) (*Values, error) {
	v = v.Clone()
	for _, change := range changes {
		if err := change(v); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// writer saves changed sessions. It is the one place that retries after a conflict.
type writer struct {
	store Store
	op    string // for errors
	// overwrite saves the values as they are and ignores concurrent writes.
	overwrite bool
	// onConflict, if set, is called after each conflict.
	onConflict func(key string)
	// check, if set, is called before each write. Its error prevents the write.
	check func(key string, v *Values) error
}

// replace stores v, which is record's values with the changes applied.
func (w *writer) replace(ctx context.Context, record *Record, v *Values, changes []func(*Values) error) (*Record, error) {
	for attempt := 0; ; attempt++ {
		if w.check != nil {
			if err := w.check(record.Key, v); err != nil {
				return nil, fmt.Errorf("%s %s: %w", w.op, ShortKey(record.Key), err)
			}
		}
		saved, err := w.store.Replace(ctx, record, v, time.Time{})
		var conflict *ConflictError
		switch {
		case err == nil:
			return saved, nil
		case errors.Is(err, ErrNotFound):
			return nil, fmt.Errorf("%s %s: %w", w.op, ShortKey(record.Key), ErrSessionDeleted)
		case !errors.As(err, &conflict):
			return nil, err
		}
		if record, err = w.afterConflict(ctx, record, conflict.Current, attempt); err != nil {
			return nil, err
		}
		if w.overwrite {
			continue
		}
		if v, err = applyAll(record.Values, changes); err != nil {
			return nil, err
		}
	}
}

// afterConflict waits until the next attempt is due. It returns the record that the
// attempt starts from: the store had current in place of old.
func (w *writer) afterConflict(ctx context.Context, old, current *Record, attempt int) (*Record, error) {
	key := current.Key
	if w.onConflict != nil {
		w.onConflict(key)
	}
	if err := pause(ctx, attempt); err != nil {
		return nil, fmt.Errorf("%s %s: %w: %w", w.op, ShortKey(key), ErrConflict, err)
	}
	if attempt == 0 {
		return current, nil // there was no pause
	}
	record, err := w.store.Load(ctx, key)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, fmt.Errorf("%s %s: %w", w.op, ShortKey(key), ErrSessionDeleted)
	case err == nil && reflect.DeepEqual(record.Version, old.Version):
		return current, nil // the load read from a stale replica
	}
	return record, err
}

// pause waits before another attempt. The wait grows with each attempt and is random, so
// that two writers do not collide again and again. The first retry does not wait, because
// most conflicts are over by then.
func pause(ctx context.Context, attempt int) error {
	if attempt == 0 {
		return ctx.Err()
	}
	const longest = 50 * time.Millisecond
	limit := min(time.Millisecond<<min(attempt, 10), longest)
	timer := time.NewTimer(rand.N(limit))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
