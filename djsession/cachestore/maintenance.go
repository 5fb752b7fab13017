package cachestore

import (
	"context"
	"fmt"
	"iter"

	"github.com/djsess/djsess/djsession"
)

const cacheCheck = "cache"

// examineCache returns what Check of the cache finds, as results.
func (s *sessions) examineCache(ctx context.Context) djsession.CheckResult {
	if errs := s.Check(ctx); len(errs) > 0 {
		return djsession.ErrorResult(cacheCheck, djsession.CheckFails, errs[0])
	}
	return djsession.CheckResult{Check: cacheCheck, Status: djsession.CheckOK, Text: s.cache.String() + " answers"}
}

// Examine checks the cache: whether it answers and, if it is an Examiner, what that finds. See
// djsession.Examiner.
func (s *Store) Examine(ctx context.Context) []djsession.CheckResult {
	results := []djsession.CheckResult{s.examineCache(ctx)}
	if examiner, ok := s.cache.(Examiner); ok && results[0].Status == djsession.CheckOK {
		results = append(results, examiner.Examine(ctx, s.keys.head)...)
	}
	return results
}

// Examine checks the cache and the database: see djsession.Examiner. A cache that evicts, or that
// is lost when it is restarted, loses no session here.
func (c *CachedDB) Examine(ctx context.Context) []djsession.CheckResult {
	cache := c.examineCache(ctx)
	if cache.Status == djsession.CheckOK {
		if n := c.uncached(ctx); n > 0 {
			cache = djsession.ErrorResult(cacheCheck, djsession.CheckWarns, errUncached(n)) // it may also have been restarted
			cache.Remedy = "compare its URL with the site's CACHES; after a restart of the cache, wait for some visitors"
		}
	}
	return append([]djsession.CheckResult{cache}, c.database.Examine(ctx)...)
}

// Reopen returns the sessions of the database under other settings: see djsession.Reopener.
func (c *CachedDB) Reopen(settings *djsession.Settings) (djsession.Store, error) {
	return c.database.Reopen(settings)
}

// errUncached is the error if the cache has none of the newest n sessions.
func errUncached(n int) error {
	return opError("check", "", fmt.Errorf("none of the %d newest sessions in the database is in the cache: "+
		"is it the site's cache, with the site's KEY_PREFIX, VERSION and cache_key_prefix? "+
		"Otherwise Django goes on serving sessions that are changed or deleted here", n))
}

// Size returns the size of the cache, if it is a Sizer. That counts all items, sessions or not.
func (s *Store) Size(ctx context.Context) (djsession.StoreSize, error) {
	if sizer, ok := s.cache.(Sizer); ok {
		return sizer.Size(ctx)
	}
	return djsession.UnknownSize, nil
}

// Size returns the size of the table. What the cache takes is not in it.
func (c *CachedDB) Size(ctx context.Context) (djsession.StoreSize, error) {
	return c.database.Size(ctx)
}

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
