package rediscache

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/internal/sniff"
	"github.com/djsess/djsess/internal/waitlimit"
)

// version is an Item's Version: what is stored, compressed as it is.
type version string

// Get returns what is stored under a key: at a reader if there are any, and as far
// as that is no answer, at the writer.
func (c *Cache) Get(ctx context.Context, key string) (*cachestore.Item, error) {
	ctx = waitlimit.Deadline(ctx, c.timeout)
	const op = "get"
	if err := ctx.Err(); err != nil {
		return nil, wrap(op, key, err)
	}
	if r := c.reader(); r != nil {
		item, err := c.getFrom(ctx, r, key)
		if err == nil {
			return item, nil
		}
		if r.failed(err); ctx.Err() != nil {
			return nil, c.fail(ctx, op, key, err)
		}
	}
	item, err := c.get(ctx, c.writer, key)
	if err != nil {
		return nil, c.fail(ctx, op, key, err)
	}
	return item, nil
}

// getFrom gets a value from a reader. It leaves time to ask the writer if the reader is
// silent.
func (c *Cache) getFrom(ctx context.Context, r *reader, key string) (*cachestore.Item, error) {
	ctx, cancel := waitlimit.Context(ctx, c.timeout/2)
	defer cancel()
	return c.get(ctx, r.client, key)
}

func (c *Cache) get(ctx context.Context, client redis.UniversalClient, key string) (*cachestore.Item, error) {
	stored, err := c.read(ctx, client, key)
	if err != nil {
		return nil, err
	}
	return c.item(stored)
}

// read returns what is stored, or the beginning of it if that is too long. To
// GETRANGE what is not there is empty, and an empty value should not be there.
func (c *Cache) read(ctx context.Context, client redis.UniversalClient, key string) (string, error) {
	for range 2 { // it may be stored between the two commands
		stored, err := client.GetRange(ctx, key, 0, int64(c.maxStored)).Result()
		if err != nil || stored != "" {
			return stored, err
		}
		n, err := client.Exists(ctx, key).Result()
		switch {
		case err != nil:
			return "", err
		case n == 0:
			return "", redis.Nil
		}
	}
	return "", nil
}

// item makes an Item of what is stored.
func (c *Cache) item(stored string) (*cachestore.Item, error) {
	data, err := c.decode([]byte(stored))
	if err != nil {
		return nil, djsession.UnsignedError(err)
	}
	return &cachestore.Item{Data: data, Version: version(stored)}, nil
}

func (c *Cache) decode(stored []byte) ([]byte, error) {
	switch {
	case len(stored) > c.maxStored:
		return nil, fmt.Errorf("%w: more than %d bytes are stored", djsession.ErrTooLarge, c.maxStored)
	case len(stored) == 0:
		return nil, fmt.Errorf("%w: an empty value", djsession.ErrMalformed)
	case sniff.IsInt(stored):
		// Both clients store integers so, and look for them before anything else.
		return nil, fmt.Errorf("%w: an integer, where the values of a session should be", djsession.ErrMalformed)
	}
	data, err := c.compressor.Decompress(stored)
	switch {
	case errors.Is(err, djsession.ErrTooLarge):
		return nil, err
	case err != nil:
		// django-redis takes for uncompressed what does not decompress. It is: or
		// nobody could read it.
		switch found := sniff.Compression(stored); found {
		case "":
		case c.compressor.Stream:
			return nil, fmt.Errorf("%w: %s that does not decompress: %w", djsession.ErrMalformed, found, err)
		default:
			return nil, fmt.Errorf("%w: %s, where %s should be", djsession.ErrMalformed, found, c.compressor.Stream)
		}
		data = stored
	}
	if len(data) > c.maxSize {
		return nil, fmt.Errorf("%w: %d bytes", djsession.ErrTooLarge, len(data))
	}
	return data, herd(data)
}

// Expires returns when a key ends, by the writer.
func (c *Cache) Expires(ctx context.Context, key string) (time.Time, error) {
	ctx, cancel := waitlimit.Context(ctx, c.timeout)
	defer cancel()
	const op = "expiry of"
	left, err := c.writer.PTTL(ctx, key).Result()
	if err == nil && left == pttlMissing {
		err = redis.Nil
	}
	if err != nil {
		return time.Time{}, c.fail(ctx, op, key, err)
	}
	return ends(left), nil
}

// What go-redis makes of PTTL's -2 and -1.
const (
	pttlMissing time.Duration = -2
	pttlForever time.Duration = -1
)

func ends(left time.Duration) time.Time {
	if left == pttlForever {
		return time.Time{}
	}
	return time.Now().Add(left)
}

// wrongType is the error for what is no string to Redis.
func (c *Cache) wrongType(ctx context.Context, key string) error {
	ctx, cancel := waitlimit.Context(ctx, c.timeout)
	defer cancel()
	found := "something else"
	if name, err := c.writer.Type(ctx, key).Result(); err == nil && name != "none" {
		found = "a " + strings.TrimSuffix(name, "-rl") // a module's type, such as ReJSON-RL, has a suffix
	}
	return djsession.UnsignedError(fmt.Errorf("%w: %s of Redis, where a string should be", djsession.ErrMalformed, found))
}
