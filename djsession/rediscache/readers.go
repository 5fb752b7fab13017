package rediscache

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/djsession"
)

// reader is a replica.
type reader struct {
	client redis.UniversalClient
	rests  atomic.Int64 // until then it is not asked: Unix milliseconds
}

// rest is how long a reader that is down is left alone. Without it, each request
// would wait for it to time out.
const rest = 5 * time.Second

// reader picks one that is not known to be down; nil if there is none.
func (c *Cache) reader() *reader {
	if len(c.readers) == 0 {
		return nil
	}
	now := time.Now().UnixMilli()
	for first, i := rand.IntN(len(c.readers)), 0; i < len(c.readers); i++ {
		if r := c.readers[(first+i)%len(c.readers)]; r.rests.Load() <= now {
			return r
		}
	}
	return nil
}

// failed notes an error that may be the reader's own, and is not the caller's change of
// mind.
func (r *reader) failed(err error) {
	var payload *djsession.PayloadError
	if !errors.Is(err, redis.Nil) && !errors.As(err, &payload) && !errors.Is(err, context.Canceled) && code(err) != "WRONGTYPE" {
		r.rests.Store(time.Now().Add(rest).UnixMilli())
	}
}
