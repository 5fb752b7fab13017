package memcache

import (
	"context"
	"errors"

	"github.com/bradfitz/gomemcache/memcache"
)

// Shard names the server of a key; "" where there is only one server.
func (c *Cache) Shard(key string) string {
	if len(c.servers.all) == 1 {
		return ""
	}
	return c.servers.pick(key).address
}

// Shards is how many servers there are.
func (c *Cache) Shards() int { return len(c.servers.all) }

// Misplaced names a server that has a key though the hash chooses another server for
// it, and is "" if there is none. A site whose servers are spelled or hashed in another
// way than ours has its keys there.
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
