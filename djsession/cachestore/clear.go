package cachestore

import (
	"context"
	"fmt"
	"iter"

	"github.com/djsess/djsess/djsession"
)

// ClearExpired removes the items of the cache that have ended, sessions and others. A cache that is
// no ExpiredClearer removes them by itself, which is a djsession.ErrExpiresByItself.
func (s *Store) ClearExpired(ctx context.Context, r djsession.ClearRequest) iter.Seq2[djsession.Cleared, error] {
	if clearer, ok := s.cache.(ExpiredClearer); ok {
		return clearer.ClearExpired(ctx, r)
	}
	return func(yield func(djsession.Cleared, error) bool) {
		yield(djsession.Cleared{}, opError("clear expired", "", fmt.Errorf("%s: %w", s.cache, djsession.ErrExpiresByItself)))
	}
}

// ClearExpired removes the expired sessions from the database, and then from the cache, if that
// does not do it by itself.
func (c *CachedDB) ClearExpired(ctx context.Context, r djsession.ClearRequest) iter.Seq2[djsession.Cleared, error] {
	return func(yield func(djsession.Cleared, error) bool) {
		if c.readOnly && !r.DryRun {
			yield(djsession.Cleared{}, opError("clear expired", "", djsession.ErrReadOnly))
			return
		}
		for cleared, err := range c.database.ClearExpired(ctx, r) {
			if !yield(cleared, err) || err != nil {
				return
			}
		}
		if clearer, ok := c.cache.(ExpiredClearer); ok {
			clearer.ClearExpired(ctx, r)(yield)
		}
	}
}
