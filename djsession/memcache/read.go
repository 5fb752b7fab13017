package memcache

import (
	"context"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
)

// Get returns what is stored under a key. Its Expires is zero: Memcached does not
// tell.
func (c *Cache) Get(ctx context.Context, key string) (*cachestore.Item, error) {
	const op = "get"
	if err := begin(ctx, key); err != nil {
		return nil, wrap(op, key, err)
	}
	stored, err := c.read(key)
	if err != nil {
		return nil, c.fail(ctx, op, key, err)
	}
	item, err := c.item(stored)
	if err != nil {
		return nil, wrap(op, key, err)
	}
	return item, nil
}

// begin is what every operation begins with. From there on it is Config.Timeout
// that ends it.
func begin(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return checkKey(key)
}

func (c *Cache) beginWrite(ctx context.Context, key string) error {
	if c.readOnly {
		return djsession.ErrReadOnly
	}
	return begin(ctx, key)
}

// read gets what is stored, and its cas id.
func (c *Cache) read(key string) (*memcache.Item, error) {
	stored, err := c.client.Get(key)
	if broken(err) {
		c.client.Close()
		stored, err = c.client.Get(key)
	}
	if err != nil {
		return nil, err
	}
	if stored.Key != key { // which gomemcache leaves to us
		return nil, &ServerError{Server: c.servers.pick(key).String()}
	}
	return stored, nil
}
