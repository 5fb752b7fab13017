package cachestore

import "context"

// Sharded is a Cache that spreads its keys over several servers: see djsession.Sharded.
type Sharded interface {
	Shard(key string) string
	Shards() int
	Misplaced(ctx context.Context, key string) (server string, err error)
}

// Shard returns the name of the cache server of a session key, or "" if there is only one
// server.
func (s *Store) Shard(key string) string {
	if c, ok := s.cache.(Sharded); ok {
		return c.Shard(s.keys.of(key))
	}
	return ""
}

// Shards returns the number of cache servers.
func (s *Store) Shards() int {
	if c, ok := s.cache.(Sharded); ok {
		return c.Shards()
	}
	return 1
}

// Misplaced returns the name of a cache server that has a session although its key belongs
// to another server, or "" if there is none.
func (s *Store) Misplaced(ctx context.Context, key string) (string, error) {
	if c, ok := s.cache.(Sharded); ok {
		return c.Misplaced(ctx, s.keys.of(key))
	}
	return "", nil
}
