package filecache

import (
	"context"

	"github.com/djsess/djsess/djsession"
)

// Size returns how many files the folder has, sessions or not, and their bytes. In a folder of more than
// 100,000 files neither is known.
func (c *Cache) Size(ctx context.Context) (djsession.StoreSize, error) { return c.folder.Size(ctx) }
