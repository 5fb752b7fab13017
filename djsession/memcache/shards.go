package memcache

import (
	"context"
	"errors"

	"github.com/bradfitz/gomemcache/memcache"
)

// Shard returns the address of the server of a key, or "" if there is only one server.
func (c *Cache) Shard(key string) string {
	if len(c.servers.all) == 1 {
		return ""
	}
	return c.servers.pick(key).address
}

// Shards returns the number of servers.
func (c *Cache) Shards() int { return len(c.servers.all) }

// Misplaced returns the address of a server that has a key although the hash chooses
// another server for it, or "". If it finds one, the site's list of servers or its hash may
// be another than this Cache's.
func (c *Cache) Misplaced(ctx context.Context, key string) (string, error) {
	const op = "look on all servers for"
	if err := begin(ctx, key); err != nil {
		return "", wrap(op, key, err)
	}
	own := c.servers.pick(key)
	for i, server := range c.servers.all {
		if server == own {
			continue
		}
		_, err := c.each[i].Get(key)
		switch {
		case err == nil:
			return server.address, nil
		case !errors.Is(err, memcache.ErrCacheMiss):
			return "", c.fail(ctx, op, key, err)
		}
	}
	return "", nil
}
