package cachestore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/djsess/djsess/djsession"
)

// Create stores a session under a key that the cache does not have. An empty key lets
// the store choose one.
func (s *Store) Create(ctx context.Context, key string, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	const op = "create"
	if key != "" {
		return s.create(ctx, op, key, v, expires)
	}
	for attempt := 1; ; attempt++ {
		r, err := s.create(ctx, op, djsession.NewKey(), v, expires)
		if !errors.Is(err, djsession.ErrKeyTaken) {
			return r, err
		}
		if attempt == 5 { // no five random keys are taken
			return nil, fmt.Errorf("cachestore: create: %s takes no new key: is it full, or down?", s.cache)
		}
	}
}

func (s *Store) create(ctx context.Context, op, key string, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	m, err := s.beginWrite(key, v, expires)
	if err != nil {
		return nil, wrap(op, key, err)
	}
	item, err := s.cache.Add(ctx, s.keys.of(key), m.data, m.timeout)
	if err != nil {
		return nil, wrap(op, key, err)
	}
	return m.stored(key, item), nil
}

// Replace stores v if the cache still has what old was read from. The key stays.
func (s *Store) Replace(ctx context.Context, old *djsession.Record, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	const op = "replace"
	key := old.Key
	m, err := s.beginWrite(key, v, expires)
	if err != nil {
		return nil, wrap(op, key, err)
	}
	before, known := old.Version.(*Item)
	if !known {
		return nil, s.compare(ctx, op, key)
	}
	item, err := s.cache.Swap(ctx, s.keys.of(key), before, m.data, m.timeout)
	if err != nil {
		return nil, s.fail(ctx, op, key, err)
	}
	return m.stored(key, item), nil
}

// Delete removes whatever is stored under a key.
func (s *Store) Delete(ctx context.Context, key string) error {
	const op = "delete"
	if err := s.begin(key); err != nil {
		return wrap(op, key, err)
	}
	if err := s.cache.Delete(ctx, s.keys.of(key)); err != nil {
		return wrap(op, key, err)
	}
	return nil
}

// DeleteUnchanged removes a session if the cache still has what old was read from.
func (s *Store) DeleteUnchanged(ctx context.Context, old *djsession.Record) error {
	const op = "delete"
	key := old.Key
	if err := s.begin(key); err != nil {
		return wrap(op, key, err)
	}
	before, known := old.Version.(*Item)
	if !known {
		return s.compare(ctx, op, key)
	}
	if err := s.cache.DeleteUnchanged(ctx, s.keys.of(key), before); err != nil {
		return s.fail(ctx, op, key, err)
	}
	return nil
}

// begin is what every write begins with.
func (s *sessions) begin(key string) error {
	if s.readOnly {
		return djsession.ErrReadOnly
	}
	return djsession.ValidateKey(key)
}

func (s *Store) beginWrite(key string, v *djsession.Values, expires time.Time) (made, error) {
	if err := s.begin(key); err != nil {
		return made{}, err
	}
	return s.make(v, expires)
}

// compare is the conflict with a record of which nobody knows what it was.
func (s *Store) compare(ctx context.Context, op, key string) error {
	current, err := s.get(ctx, key)
	if err != nil {
		return wrap(op, key, err)
	}
	return wrap(op, key, &djsession.ConflictError{Current: current})
}

// fail wraps an error of the cache, with what is stored now if it is a conflict.
func (s *Store) fail(ctx context.Context, op, key string, err error) error {
	var conflict *ConflictError
	switch {
	case !errors.As(err, &conflict):
		return wrap(op, key, err)
	case conflict.Current == nil:
		return s.compare(ctx, op, key)
	}
	current, err := s.record(key, conflict.Current)
	if err != nil {
		return wrap(op, key, err)
	}
	return wrap(op, key, &djsession.ConflictError{Current: current})
}
