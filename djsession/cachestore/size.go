package cachestore

import (
	"context"

	"github.com/djsess/djsess/djsession"
)

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
