package rediscache

import (
	"context"
	"hash/maphash"
	"iter"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/internal/scanning"
	"github.com/djsess/djsess/internal/waitlimit"
)

const (
	// scanCount is how many keys Redis checks in one SCAN. Meanwhile its other clients wait:
	// well under a millisecond.
	scanCount = 500
	// maxSeen is how many keys a scan remembers, so that it yields none twice. Each takes a
	// little more than 8 bytes.
	maxSeen = 1 << 23
)

// Scan yields the entries in no particular order. On a Cluster it uses SCAN on every master. It
// may or may not yield an item that is stored or deleted during the scan. Redis may return a key
// twice while its table grows or shrinks. Beyond 8 million keys Scan may yield such a key twice.
func (c *Cache) Scan(ctx context.Context, r cachestore.Range) iter.Seq2[*cachestore.Entry, error] {
	return func(yield func(*cachestore.Entry, error) bool) {
		s := &scan{cache: c, of: r, batch: scanning.FirstPage, seen: map[uint64]struct{}{}, seed: maphash.MakeSeed(), yield: yield}
		nodes, err := c.nodes(ctx)
		for _, node := range nodes {
			if more, nodeErr := s.node(ctx, node); nodeErr != nil {
				err = nodeErr
				break
			} else if !more {
				return
			}
		}
		if err != nil {
			yield(nil, c.fail(ctx, "scan", "", err))
		}
	}
}

// nodes returns the servers that hold the keys.
func (c *Cache) nodes(ctx context.Context) (nodes []redis.Cmdable, err error) {
	ctx, cancel := waitlimit.Context(ctx, c.timeout)
	defer cancel()
	var mu sync.Mutex
	add := func(_ context.Context, node *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		nodes = append(nodes, node)
		return nil
	}
	switch client := c.writer.(type) {
	case *redis.ClusterClient:
		err = client.ForEachMaster(ctx, add)
	case *redis.Ring:
		err = client.ForEachShard(ctx, add)
	default:
		nodes = append(nodes, client)
	}
	return nodes, c.ended(ctx, err)
}

type scan struct {
	cache *Cache
	of    cachestore.Range
	batch int
	seen  map[uint64]struct{}
	seed  maphash.Seed
	yield func(*cachestore.Entry, error) bool
}

// node scans one server, and reports whether to continue.
func (s *scan) node(ctx context.Context, node redis.Cmdable) (more bool, err error) {
	pattern := globEscaper.Replace(s.of.Prefix) + "*"
	for cursor := uint64(0); ; {
		var keys []string
		if keys, cursor, err = s.cache.nextKeys(ctx, node, cursor, pattern); err != nil {
			return false, err
		}
		for keys = s.wanted(keys); len(keys) > 0; {
			n := min(s.batch, len(keys))
			if more, err = s.read(ctx, keys[:n]); err != nil || !more {
				return more, err
			}
			keys = keys[n:]
		}
		if cursor == 0 {
			return true, nil
		}
	}
}

// nextKeys reads the next page of keys from a server.
func (c *Cache) nextKeys(ctx context.Context, node redis.Cmdable, cursor uint64, pattern string) ([]string, uint64, error) {
	ctx, cancel := waitlimit.Context(ctx, c.timeout)
	defer cancel()
	keys, cursor, err := node.Scan(ctx, cursor, pattern, scanCount).Result()
	return keys, cursor, c.ended(ctx, err)
}

var globEscaper = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`)

// wanted returns the keys of the part that this scan has not yielded yet.
func (s *scan) wanted(keys []string) []string {
	fresh := keys[:0]
	for _, key := range keys {
		if !scanning.IsInPart(key, s.of.Part, s.of.Parts) {
			continue
		}
		h := maphash.String(s.seed, key)
		if _, ok := s.seen[h]; ok {
			continue
		}
		if len(s.seen) < maxSeen {
			s.seen[h] = struct{}{}
		}
		fresh = append(fresh, key)
	}
	return fresh
}

// read reads the values of some keys in one round trip, and yields their entries.
func (s *scan) read(ctx context.Context, keys []string) (more bool, err error) {
	values, ttls := s.cache.values(ctx, keys)
	bytes := 0
	for i, key := range keys {
		stored, err := values[i].Result()
		left, ttlErr := ttls[i].Result()
		if ttlErr != nil && err == nil {
			err = ttlErr
		}
		if err != nil && code(err) != "WRONGTYPE" {
			return false, err
		}
		bytes += len(stored)
		if left == pttlMissing && ttlErr == nil {
			continue // the key has ended since SCAN returned it
		}
		if !s.entry(ctx, key, stored, left, err) {
			return false, nil
		}
	}
	s.batch = scanning.NextPage(s.batch, bytes)
	return true, nil
}

// values reads values and how long they still live. Each command has its own error.
func (c *Cache) values(ctx context.Context, keys []string) ([]*redis.StringCmd, []*redis.DurationCmd) {
	ctx, cancel := waitlimit.Context(ctx, c.timeout)
	defer cancel()
	values := make([]*redis.StringCmd, len(keys))
	ttls := make([]*redis.DurationCmd, len(keys))
	_, _ = c.writer.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, key := range keys {
			values[i], ttls[i] = p.GetRange(ctx, key, 0, int64(c.maxStored)), p.PTTL(ctx, key)
		}
		return nil
	})
	for _, value := range values {
		if err := value.Err(); err != nil {
			value.SetErr(c.ended(ctx, err))
		}
	}
	return values, ttls
}

// entry yields one entry. err is the error of reading its value.
func (s *scan) entry(ctx context.Context, key, stored string, left time.Duration, err error) bool {
	c, entry := s.cache, &cachestore.Entry{Key: key, Name: key}
	item := new(cachestore.Item)
	if err == nil {
		var read *cachestore.Item
		if read, err = c.item(stored); err == nil {
			item = read
		}
	}
	item.Expires = ends(left)
	entry.Item = item
	if err != nil {
		err = c.fail(ctx, "scan", key, err)
	}
	return s.yield(entry, err)
}
