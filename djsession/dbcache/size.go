package dbcache

import (
	"context"

	"github.com/djsess/djsess/djsession"
)

// Size returns the size of the table with its items, sessions or not.
func (c *Cache) Size(ctx context.Context) (djsession.StoreSize, error) { return c.table.Size(ctx) }
