package rediscache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/internal/pickle"
	"github.com/djsess/djsess/internal/sniff"
	"github.com/djsess/djsess/internal/waitlimit"
)

// version is an Item's Version: the stored value, still compressed.
type version string

// Get returns the item of a key. It asks a reader if there are any. If the reader does not
// have the key, or does not answer, it asks the writer.
func (c *Cache) Get(ctx context.Context, key string) (*cachestore.Item, error) {
	ctx = waitlimit.Deadline(ctx, c.timeout)
	const op = "get"
	if err := ctx.Err(); err != nil {
		return nil, opError(op, key, err)
	}
	if r := c.reader(); r != nil {
		item, err := c.getFrom(ctx, r, key)
		if err == nil {
			return item, nil
		}
		if r.pauseAfter(err); ctx.Err() != nil {
			return nil, c.fail(ctx, op, key, err)
		}
	}
	item, err := c.get(ctx, c.writer, key)
	if err != nil {
		return nil, c.fail(ctx, op, key, err)
	}
	return item, nil
}

// getFrom gets an item from a reader. If the reader does not answer, time is left to ask the
// writer.
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

// read returns the stored value, or its beginning if it is too long. GETRANGE returns an empty
// value for a missing key. A stored value can be empty, too, though Django stores none.
func (c *Cache) read(ctx context.Context, client redis.UniversalClient, key string) (string, error) {
	for range 2 { // the value may be stored between the two commands
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

// item returns the Item of a stored value.
func (c *Cache) item(stored string) (*cachestore.Item, error) {
	data, isOld, err := c.decode([]byte(stored))
	if err != nil {
		return nil, djsession.UnsignedError(err)
	}
	return &cachestore.Item{Data: data, Version: version(stored), Old: isOld}, nil
}

// decode returns the data of a stored value. isOld reports whether it would be compressed in another
// way now.
func (c *Cache) decode(stored []byte) (data []byte, isOld bool, err error) {
	switch {
	case len(stored) > c.maxStored:
		return nil, false, fmt.Errorf("%w: more than %d bytes are stored", djsession.ErrTooLarge, c.maxStored)
	case len(stored) == 0:
		return nil, false, fmt.Errorf("%w: an empty value", djsession.ErrMalformed)
	case sniff.IsInt(stored):
		// Django's RedisCache and django-redis store integers as text, and check for them first.
		return nil, false, fmt.Errorf("%w: an integer in place of the values of a session", djsession.ErrMalformed)
	}
	data, isOld, err = c.decompress(stored)
	switch {
	case err != nil:
		return nil, false, err
	case len(data) > c.maxSize:
		return nil, false, fmt.Errorf("%w: %d bytes", djsession.ErrTooLarge, len(data))
	}
	return data, isOld, checkHerd(data)
}

func (c *Cache) decompress(stored []byte) (data []byte, isOld bool, err error) {
	data, err = c.compressor.Decompress(stored)
	found := sniff.Compression(stored)
	if err != nil || c.compressor.Stream == "" { // the zero Compressor takes anything
		for i := range c.oldCompressors {
			if old := &c.oldCompressors[i]; old.Stream == found {
				data, err := old.Decompress(stored)
				if err != nil && !errors.Is(err, djsession.ErrTooLarge) {
					err = fmt.Errorf("%w: %s that does not decompress: %w", djsession.ErrMalformed, found, err)
				}
				return data, true, err
			}
		}
	}
	switch {
	case err == nil || errors.Is(err, djsession.ErrTooLarge):
		return data, false, err
	// django-redis reads a value that does not decompress as an uncompressed value. So does
	// this package, unless the value looks compressed.
	case found == "":
		return stored, c.oldUncompressed && c.compressor.Compresses(stored), nil
	case found == c.compressor.Stream:
		return nil, false, fmt.Errorf("%w: %s that does not decompress: %w", djsession.ErrMalformed, found, err)
	}
	return nil, false, fmt.Errorf("%w: %s in place of %s", djsession.ErrMalformed, found, c.compressor.Stream)
}

// Expires returns the time at which a key ends. It asks the writer.
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

// go-redis returns these for PTTL's -2 and -1.
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

// wrongType returns the error for a value that is not a Redis string.
func (c *Cache) wrongType(ctx context.Context, key string) error {
	ctx, cancel := waitlimit.Context(ctx, c.timeout)
	defer cancel()
	found := "something else"
	if name, err := c.writer.Type(ctx, key).Result(); err == nil && name != "none" {
		found = "a " + strings.TrimSuffix(name, "-rl") // modules' types have a suffix, as ReJSON-RL
	}
	return djsession.UnsignedError(fmt.Errorf("%w: %s of Redis in place of a string", djsession.ErrMalformed, found))
}

const herdModule = "django_redis.client.herd"

// checkHerd returns an error for a value of django-redis's HerdClient: a tuple of a marker, the
// value and a second timeout. A change of the value would have to update that timeout, too.
func checkHerd(data []byte) error {
	if !bytes.Contains(data, []byte(herdModule)) {
		return nil
	}
	o, err := pickle.Load(data, pickle.Limits{})
	if err != nil || o.Kind != pickle.Tuple || len(o.Items) != 3 || !isMarker(o.Items[0].Call) {
		return nil // the serializer reports what is wrong
	}
	return fmt.Errorf("%w: %w", djsession.ErrMalformed, ErrHerdClient)
}

// isMarker reports whether a call makes an instance of the class Marker. In old protocols of
// pickle the call is to a function with the class as an argument.
func isMarker(call *pickle.Call) bool {
	if call == nil {
		return false
	}
	candidates := []*pickle.Object{call.Callable}
	if call.Args != nil {
		candidates = append(candidates, call.Args.Items...)
	}
	for _, o := range candidates {
		if o == nil {
			continue
		}
		if module, name := o.Global(); module == herdModule && name == "Marker" {
			return true
		}
	}
	return false
}

// reader is a replica.
type reader struct {
	client      redis.UniversalClient
	pausedUntil atomic.Int64 // in Unix milliseconds; the reader is not used before
}

// readerPause is how long a reader is not used after a failure. Without the pause, each request
// would wait for the timeout of a reader that is down.
const readerPause = 5 * time.Second

// reader returns a random reader that is not paused, or nil.
func (c *Cache) reader() *reader {
	if len(c.readers) == 0 {
		return nil
	}
	now := time.Now().UnixMilli()
	for first, i := rand.IntN(len(c.readers)), 0; i < len(c.readers); i++ {
		if r := c.readers[(first+i)%len(c.readers)]; r.pausedUntil.Load() <= now {
			return r
		}
	}
	return nil
}

// pauseAfter pauses the reader after an error, unless the reader has answered or the caller has
// cancelled.
func (r *reader) pauseAfter(err error) {
	if !isAboutKey(err) && !errors.Is(err, context.Canceled) {
		r.pausedUntil.Store(time.Now().Add(readerPause).UnixMilli())
	}
}
