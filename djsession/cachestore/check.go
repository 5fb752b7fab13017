package cachestore

import (
	"context"
	"errors"

	"github.com/djsess/djsess/djsession"
)

// Check tells whether the cache can be asked: Manager.Check calls it. Without it, a
// cached_db whose cache is another one, or refuses the password, would show only at
// the first request.
func (s *sessions) Check(ctx context.Context) error {
	_, err := s.cache.Get(ctx, s.keys.of(djsession.NewKey()))
	if err != nil && !errors.Is(err, djsession.ErrNotFound) {
		return wrap("check", "", err)
	}
	return nil
}
