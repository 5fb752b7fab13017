package cachestore

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/printable"
)

// cached returns the cached session of a key, or nil. missing reports whether the cache does
// not have the key. Failures of the cache are logged and do not fail the request, as in
// Django. A cached value that is not a session stays in the cache.
func (c *CachedDB) cached(ctx context.Context, key string) (r *djsession.Record, missing bool) {
	if c.outage.skip() {
		return nil, false
	}
	start := time.Now()
	item, err := c.cache.Get(ctx, c.keys.cacheKey(key))
	var payload *djsession.PayloadError
	switch {
	case err == nil:
		c.outage.end()
		if r, err = c.record(key, item); err != nil {
			c.log.warn(ctx, damagedValue, opError("load", key, err))
			return nil, false
		}
		r.Version = nil // writes compare with the row
		return r, false
	case errors.Is(err, djsession.ErrNotFound):
		c.outage.end()
		return nil, true
	case errors.Is(err, djsession.ErrInvalidKey): // not logged: any visitor can send a key that the cache refuses
	case errors.As(err, &payload):
		c.log.warn(ctx, damagedValue, opError("load", key, err))
	case ctx.Err() == nil || time.Since(start) >= longWait: // otherwise the visitor has left
		c.outage.begin()
		c.log.warn(ctx, readFailed, opError("load", key, err))
	}
	return nil, false
}

// fill caches a session that was read from the database. Between the read and the Add, another
// writer may have written the row and removed the cached session. So fill reads the row again
// after the Add, and removes the cached session if the row has changed.
func (c *CachedDB) fill(ctx context.Context, r *djsession.Record) {
	const op = "cache"
	timeout := r.Expires.Sub(c.settings().Now()).Truncate(time.Second)
	if timeout <= 0 {
		return
	}
	data, err := c.encode(r.Values)
	if err != nil {
		c.log.warn(ctx, fillFailed, opError(op, r.Key, err))
		return
	}
	item, err := c.cache.Add(ctx, c.keys.cacheKey(r.Key), data, timeout)
	switch {
	case errors.Is(err, djsession.ErrKeyTaken):
		return // another request has cached it
	case err != nil:
		if !isRefusal(err) {
			c.removals.put(r.Key, removal{}) // the entry may have been stored
		}
		c.log.warn(ctx, fillFailed, opError(op, r.Key, err))
		return
	}
	current, err := c.database.Load(ctx, r.Key)
	if err == nil && reflect.DeepEqual(current.Version, r.Version) {
		return
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	err = c.cache.DeleteUnchanged(ctx, c.keys.cacheKey(r.Key), item)
	if err != nil && !errors.Is(err, djsession.ErrNotFound) && !errors.Is(err, djsession.ErrConflict) {
		c.removals.put(r.Key, removal{written: true, retry: true})
		c.log.warn(ctx, removeFailed, opError(op, r.Key, err))
	}
}

// removeNow removes a session from the cache. If that fails, a round of removals does it.
func (c *CachedDB) removeNow(ctx context.Context, key string) {
	err := error(errSkipped)
	if !c.outage.skip() {
		_, err = c.removeCached(ctx, key)
	}
	c.removals.put(key, removal{written: true, retry: err != nil})
	if err != nil {
		c.log.warn(ctx, removeFailed, opError("remove", key, err))
	}
}

var errSkipped = errors.New("the cache has failed within the last second")

// removeAgain does a pending removal, and reports whether it succeeded.
func (c *CachedDB) removeAgain(key string) bool {
	ctx := context.Background()
	_, err := c.removeCached(ctx, key)
	if err != nil {
		c.log.warn(ctx, removeFailed, opError("remove", key, err))
	}
	return err == nil
}

// removeCached removes a session from the cache, and reports whether it was there.
func (c *CachedDB) removeCached(ctx context.Context, key string) (bool, error) {
	ctx, cancel := detached(ctx)
	defer cancel()
	err := c.cache.Delete(ctx, c.keys.cacheKey(key))
	switch {
	case err == nil:
		c.outage.end()
		return true, nil
	case errors.Is(err, djsession.ErrNotFound), errors.Is(err, djsession.ErrInvalidKey): // nothing can be cached under such a key
		return false, nil
	}
	c.outage.begin()
	return false, err
}

// detached returns a context that does not end with the visitor's request. It is for work that
// must follow a write to the row.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), cacheTimeout)
}

const (
	// cacheTimeout is the limit of detached.
	cacheTimeout = 5 * time.Second
	// outagePause is how long a cache that has failed is not used. Then one request tries the
	// cache again.
	outagePause = time.Second
	// longWait is longer than a working cache needs for an answer. A cache that takes longer
	// counts as failed, even if the visitor ended the request.
	longWait = 500 * time.Millisecond
)

// outage is the time during which a cache that has failed is not used.
type outage struct {
	until atomic.Int64 // in nanoseconds since 1970; 0: there is no outage
}

// skip reports whether the caller must not use the cache. After the pause, skip lets one caller
// try the cache, and begins another pause for all others.
func (o *outage) skip() bool {
	until := o.until.Load()
	if until == 0 {
		return false
	}
	now := time.Now().UnixNano()
	return now < until || !o.until.CompareAndSwap(until, now+int64(outagePause))
}

func (o *outage) begin() { o.until.Store(time.Now().UnixNano() + int64(outagePause)) }

func (o *outage) end() {
	if o.until.Load() != 0 {
		o.until.Store(0)
	}
}

// failure is a kind of failure of the cache that the log reports and the caller does not see.
type failure int

const (
	readFailed failure = iota
	damagedValue
	fillFailed
	removeFailed
	failures // their number
)

var failureTexts = [failures]string{
	readFailed:   "cached_db: the cache does not answer: sessions are read from the database",
	damagedValue: "cached_db: a cached value is not a session: it stays in the cache, and the session is read from the database",
	fillFailed:   "cached_db: a session cannot be cached",
	removeFailed: "cached_db: a session that was written cannot be removed from the cache: until that succeeds, Django may see the old session",
}

// cacheLog logs the failures of the cache, each kind at most once in logEvery.
type cacheLog struct {
	logger *slog.Logger
	cache  Cache
	logged [failures]atomic.Int64 // when last, in nanoseconds since 1970
}

const logEvery = 10 * time.Second

func (l *cacheLog) warn(ctx context.Context, f failure, err error) {
	now, last := time.Now().UnixNano(), l.logged[f].Load()
	if now-last < int64(logEvery) || !l.logged[f].CompareAndSwap(last, now) {
		return
	}
	l.log().WarnContext(ctx, failureTexts[f], "cache", l.cache.String(), "error", printable.Line(err.Error()))
}

// removalsLeft logs that Close could not remove some sessions.
func (l *cacheLog) removalsLeft(n int) {
	l.log().Error("cached_db: the cache may still hold old states of sessions that were written", "cache", l.cache.String(), "sessions", n)
}

// tooManyRemovals logs that the removal of a session cannot be remembered.
func (l *cacheLog) tooManyRemovals() {
	l.log().Error("cached_db: too many sessions wait to be removed from the cache: it is not read any more, and Django may see old sessions", "cache", l.cache.String())
}

func (l *cacheLog) log() *slog.Logger {
	if l.logger != nil {
		return l.logger
	}
	return slog.Default()
}
