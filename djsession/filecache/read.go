package filecache

import (
	"context"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
)

// Get returns what is stored under a key and has not ended.
func (c *Cache) Get(ctx context.Context, key string) (*cachestore.Item, error) {
	const op = "get"
	name, err := c.begin(ctx, key)
	if err != nil {
		return nil, wrap(op, key, err)
	}
	f, err := c.folder.Read(ctx, name)
	if err != nil {
		return nil, c.fail(op, key, err)
	}
	item, live, err := c.item(f)
	switch {
	case !live: // Django looks no further
		return nil, wrap(op, key, djsession.ErrNotFound)
	case err != nil:
		return nil, wrap(op, key, err)
	}
	return item, nil
}

// begin is what every operation on one item begins with.
func (c *Cache) begin(ctx context.Context, key string) (name string, err error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	return fileName(key)
}
