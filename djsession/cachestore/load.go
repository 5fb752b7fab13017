package cachestore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/djsess/djsess/djsession"
)

// Load returns the session of a key. Expires is zero where the cache does not tell it
// along with the session.
func (s *Store) Load(ctx context.Context, key string) (*djsession.Record, error) {
	const op = "load"
	if err := djsession.ValidateKey(key); err != nil {
		return nil, wrap(op, key, err)
	}
	r, err := s.get(ctx, key)
	if err != nil {
		return nil, wrap(op, key, err)
	}
	return r, nil
}

// Expires returns when a session ends, which is Never if it does not. A cache that cannot
// tell is an errors.ErrUnsupported.
func (s *Store) Expires(ctx context.Context, key string) (time.Time, error) {
	const op = "expiry of"
	if err := djsession.ValidateKey(key); err != nil {
		return time.Time{}, wrap(op, key, err)
	}
	if e, ok := s.cache.(Expirer); ok {
		expires, err := e.Expires(ctx, s.keys.of(key))
		switch {
		case err != nil:
			return time.Time{}, wrap(op, key, err)
		case expires.IsZero():
			return Never, nil
		}
		return expires, nil
	}
	item, err := s.cache.Get(ctx, s.keys.of(key))
	switch {
	case err != nil:
		return time.Time{}, wrap(op, key, err)
	case item.Expires.IsZero():
		return time.Time{}, wrap(op, key, fmt.Errorf("%s does not tell: %w", s.cache, errors.ErrUnsupported))
	}
	return item.Expires, nil
}
