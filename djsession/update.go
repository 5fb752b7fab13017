package djsession

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"time"
)

// Update changes the stored session of a key: outside of a request, for a
// worker or a command. The changes are made to the session as it is stored; if
// somebody else writes it meanwhile, they are made again, to what was written,
// until that succeeds or ctx ends, which between two attempts is an ErrConflict
// as well as ctx's own error. Nobody's write is lost.
//
// As any save does in Django, it moves the session's expiry. A session that is
// not there is ErrNotFound, one that was deleted meanwhile ErrSessionDeleted;
// a payload that cannot be trusted is a *PayloadError and stays as it is.
// A session that opens under a fallback key is written only if SECRET_KEY is the site's, as
// far as CheckKey can tell; else the error is ErrUnknownKey. Without changes nothing is
// written. Where the key is the session itself, in the engine signed_cookies, the record that is returned has another key, and it
// is for the caller to give that to the visitor.
func Update(ctx context.Context, store Store, key string, changes ...Change) (*Record, error) {
	record, err := store.Load(ctx, key)
	if err != nil || len(changes) == 0 {
		return record, err
	}
	// A record without a Version may be a cache's, which says nothing of the row's key.
	if record.Origin.Key > 0 || record.Version == nil {
		if err := checkKey(ctx, store, record.Origin); err != nil {
			return nil, fmt.Errorf("update %s: %w", ShortKey(key), err)
		}
	}
	v, err := changed(record.Values, changes)
	if err != nil {
		return nil, err
	}
	w := writer{store: store, op: "update"}
	return w.replace(ctx, record, v, changes)
}

// changed is what changes make of values, which stay as they are.
func changed(v *Values, changes []Change) (*Values, error) {
	v = v.Clone()
	for _, change := range changes {
		if err := change(v); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// writer saves changed sessions: the one place where a lost race is run again.
type writer struct {
	store Store
	op    string // for errors
	// overwrite saves the values as they are, whatever was written meanwhile.
	overwrite bool
	// conflict, if set, is told of every race that was lost.
	conflict func(key string)
	// check, if set, is called before each write. Its error keeps the write from being made.
	check func(key string, v *Values) error
}

// replace stores v, which is what changes made of record.
func (w *writer) replace(ctx context.Context, record *Record, v *Values, changes []Change) (*Record, error) {
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
		if record, err = w.lost(ctx, record, conflict.Current, attempt); err != nil {
			return nil, err
		}
		if w.overwrite {
			continue
		}
		if v, err = changed(record.Values, changes); err != nil {
			return nil, err
		}
	}
}

// lost waits for another attempt than the one on old, and returns what it is to be
// made on.
func (w *writer) lost(ctx context.Context, old, current *Record, attempt int) (*Record, error) {
	key := current.Key
	if w.conflict != nil {
		w.conflict(key)
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
		return current, nil // read from a replica that is behind
	}
	return record, err
}

// pause waits before another attempt, longer each time and never the same, so
// that two writers do not go on meeting. The first one waits for nothing: most
// conflicts are over when they are seen.
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
