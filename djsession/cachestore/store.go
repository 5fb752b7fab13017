package cachestore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/newkey"
)

// Load returns the session of a key. Record.Expires is zero if the cache returns items
// without the time at which they end.
func (s *Store) Load(ctx context.Context, key string) (*djsession.Record, error) {
	const op = "load"
	if err := djsession.ValidateKey(key); err != nil {
		return nil, opError(op, key, err)
	}
	r, err := s.get(ctx, key)
	if err != nil {
		return nil, opError(op, key, err)
	}
	return r, nil
}

// Create stores a session under a key that the cache does not have. If key is empty, the
// store chooses one.
func (s *Store) Create(ctx context.Context, key string, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	if key != "" {
		return s.create(ctx, key, v, expires)
	}
	r, err := newkey.Create(func(key string) (*djsession.Record, error) { return s.create(ctx, key, v, expires) })
	if errors.Is(err, djsession.ErrKeyTaken) {
		err = opError("create", "", fmt.Errorf("%s refuses every new key: is it full, or down?", s.cache))
	}
	return r, err
}

func (s *Store) create(ctx context.Context, key string, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	const op = "create"
	p, err := s.payloadFor(key, v, expires)
	if err != nil {
		return nil, opError(op, key, err)
	}
	item, err := s.cache.Add(ctx, s.keys.cacheKey(key), p.data, p.timeout)
	if err != nil {
		return nil, opError(op, key, err)
	}
	return p.record(key, item), nil
}

// Replace stores v if the cache still holds the item that old was read from. The key stays
// the same.
func (s *Store) Replace(ctx context.Context, old *djsession.Record, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	const op = "replace"
	key := old.Key
	expires, err := s.keptExpiry(old, expires)
	if err != nil {
		return nil, opError(op, key, err)
	}
	p, err := s.payloadFor(key, v, expires)
	if err != nil {
		return nil, opError(op, key, err)
	}
	before, known := old.Version.(*Item)
	if !known {
		return nil, opError(op, key, s.conflictWithStored(ctx, key))
	}
	item, err := s.cache.Swap(ctx, s.keys.cacheKey(key), before, p.data, p.timeout)
	if err != nil {
		return nil, opError(op, key, s.conflict(ctx, key, err))
	}
	return p.record(key, item), nil
}

// keptExpiry returns the expiry of old in place of djsession.KeepExpiry, unless the cache keeps it
// by itself.
func (s *Store) keptExpiry(old *djsession.Record, expires time.Time) (time.Time, error) {
	if !expires.Equal(djsession.KeepExpiry) {
		return expires, nil
	}
	if _, ok := s.cache.(Expirer); ok {
		return expires, nil
	}
	if old.Expires.IsZero() {
		return expires, fmt.Errorf("%s does not return when an item ends, so it cannot keep that: %w", s.cache, errors.ErrUnsupported)
	}
	return old.Expires, nil
}

// payloadFor returns the payload to store under a key, or an error if the key cannot be
// written.
func (s *Store) payloadFor(key string, v *djsession.Values, expires time.Time) (payload, error) {
	if err := s.checkWrite(key); err != nil {
		return payload{}, err
	}
	return s.payload(v, expires)
}

// Delete removes the session of a key, and any other value under it.
func (s *Store) Delete(ctx context.Context, key string) error {
	const op = "delete"
	if err := s.checkWrite(key); err != nil {
		return opError(op, key, err)
	}
	if err := s.cache.Delete(ctx, s.keys.cacheKey(key)); err != nil {
		return opError(op, key, err)
	}
	return nil
}

// DeleteUnchanged removes a session if the cache still holds the item that old was read from.
func (s *Store) DeleteUnchanged(ctx context.Context, old *djsession.Record) error {
	const op = "delete"
	key := old.Key
	if err := s.checkWrite(key); err != nil {
		return opError(op, key, err)
	}
	before, known := old.Version.(*Item)
	if !known {
		return opError(op, key, s.conflictWithStored(ctx, key))
	}
	if err := s.cache.DeleteUnchanged(ctx, s.keys.cacheKey(key), before); err != nil {
		return opError(op, key, s.conflict(ctx, key, err))
	}
	return nil
}

// conflict turns the cache's ConflictError into djsession's, which holds the current session.
// It returns other errors as they are.
func (s *Store) conflict(ctx context.Context, key string, err error) error {
	var conflict *ConflictError
	switch {
	case !errors.As(err, &conflict):
		return err
	case conflict.Current == nil:
		return s.conflictWithStored(ctx, key)
	}
	return conflictWith(s.record(key, conflict.Current))
}

// conflictWithStored reads the stored session and returns the conflict with it.
func (s *Store) conflictWithStored(ctx context.Context, key string) error {
	return conflictWith(s.get(ctx, key))
}

// conflictWith returns the conflict with the session that was read, or err if reading failed.
func conflictWith(current *djsession.Record, err error) error {
	if err != nil {
		return err
	}
	return &djsession.ConflictError{Current: current}
}

// Expires returns the time at which a session ends, or djsession.Never. If the cache cannot
// return it, the error is an errors.ErrUnsupported.
func (s *Store) Expires(ctx context.Context, key string) (time.Time, error) {
	const op = "expiry of"
	if err := djsession.ValidateKey(key); err != nil {
		return time.Time{}, opError(op, key, err)
	}
	if e, ok := s.cache.(Expirer); ok {
		expires, err := e.Expires(ctx, s.keys.cacheKey(key))
		switch {
		case err != nil:
			return time.Time{}, opError(op, key, err)
		case expires.IsZero():
			return djsession.Never, nil
		}
		return expires, nil
	}
	item, err := s.cache.Get(ctx, s.keys.cacheKey(key))
	switch {
	case err != nil:
		return time.Time{}, opError(op, key, err)
	case item.Expires.IsZero():
		return time.Time{}, opError(op, key, fmt.Errorf("%s does not return when an item ends: %w", s.cache, errors.ErrUnsupported))
	}
	return item.Expires, nil
}

// Shard returns the name of the cache server of a session key, or "" if there is only one
// server.
func (s *Store) Shard(key string) string {
	if c, ok := s.cache.(Sharded); ok {
		return c.Shard(s.keys.cacheKey(key))
	}
	return ""
}

// Shards returns the number of cache servers.
func (s *Store) Shards() int {
	if c, ok := s.cache.(Sharded); ok {
		return c.Shards()
	}
	return 1
}

// Misplaced returns the name of a cache server that has a session although its key belongs
// to another server, or "" if there is none.
func (s *Store) Misplaced(ctx context.Context, key string) (string, error) {
	c, ok := s.cache.(Sharded)
	if !ok {
		return "", nil
	}
	server, err := c.Misplaced(ctx, s.keys.cacheKey(key))
	if err != nil {
		return "", opError("look on all servers for", key, err)
	}
	return server, nil
}

// Evicts returns why the cache may drop sessions, or "" if the cache does not say that it may.
func (s *Store) Evicts(ctx context.Context) (string, error) {
	c, ok := s.cache.(Evicter)
	if !ok {
		return "", nil
	}
	reason, err := c.Evicts(ctx)
	if err != nil {
		return "", opError("eviction", "", err)
	}
	return reason, nil
}
