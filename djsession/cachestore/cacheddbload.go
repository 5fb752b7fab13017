package cachestore

import (
	"context"
	"errors"
	"reflect"
	"time"

	"github.com/djsess/djsess/djsession"
)

// Load returns the cached session, or else the database's, which it then caches. A
// record of the cache's has no Version: Replace compares it with the row.
func (c *CachedDB) Load(ctx context.Context, key string) (*djsession.Record, error) {
	if err := djsession.ValidateKey(key); err != nil {
		return nil, wrap("load", key, err)
	}
	if removal, pending := c.removals.of(key); pending {
		r, err := c.database.Load(ctx, key)
		if err != nil && !removal.written && !hasAnswered(ctx, err) {
			if cached, _ := c.cached(ctx, key); cached != nil {
				return cached, nil
			}
		}
		return r, err
	}
	cached, missing := c.cached(ctx, key)
	if cached != nil {
		return cached, nil
	}
	r, err := c.database.Load(ctx, key)
	if err == nil && missing && !c.readOnly {
		c.fill(ctx, r)
	}
	return r, err
}

// hasAnswered tells an answer of the database from its being down, which nothing can be
// said of once the context has ended.
func hasAnswered(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, djsession.ErrNotFound) || errors.As(err, new(*djsession.PayloadError))
}

// cached returns what is cached of a session, nil if nothing is, and whether it is
// missing. As in Django the cache's troubles are not the visitor's; what it holds and is
// no session Django overwrites, and it is left here.
func (c *CachedDB) cached(ctx context.Context, key string) (r *djsession.Record, missing bool) {
	if c.outage.spares() {
		return nil, false
	}
	start := time.Now()
	item, err := c.cache.Get(ctx, c.keys.of(key))
	var payload *djsession.PayloadError
	switch {
	case err == nil:
		c.outage.end()
		if r, err = c.record(key, item); err != nil {
			c.log.warn(ctx, valueTrouble, wrap("load", key, err))
			return nil, false
		}
		r.Version = nil // the row is what counts
		return r, false
	case errors.Is(err, djsession.ErrNotFound):
		c.outage.end()
		return nil, true
	case errors.Is(err, djsession.ErrInvalidKey): // to this cache; any visitor can bring one
	case errors.As(err, &payload):
		c.log.warn(ctx, valueTrouble, wrap("load", key, err))
	case ctx.Err() == nil || time.Since(start) >= longWait: // else it is the visitor who left
		c.outage.begin()
		c.log.warn(ctx, readTrouble, wrap("load", key, err))
	}
	return nil, false
}

// fill caches a session that was read from the database. Who reads a row and caches it
// later may cache what somebody has written over meanwhile and removed: so the row is
// read again once it is cached.
func (c *CachedDB) fill(ctx context.Context, r *djsession.Record) {
	const op = "cache"
	timeout := r.Expires.Sub(c.settings().Now()).Truncate(time.Second)
	if timeout <= 0 {
		return
	}
	data, err := c.encode(r.Values)
	if err != nil {
		c.log.warn(ctx, fillTrouble, wrap(op, r.Key, err))
		return
	}
	item, err := c.cache.Add(ctx, c.keys.of(r.Key), data, timeout)
	switch {
	case errors.Is(err, djsession.ErrKeyTaken):
		return // somebody else was faster
	case err != nil:
		if !isRefusal(err) {
			c.removals.put(r.Key, removal{}) // the entry may have been stored
		}
		c.log.warn(ctx, fillTrouble, wrap(op, r.Key, err))
		return
	}
	again, err := c.database.Load(ctx, r.Key)
	if err == nil && reflect.DeepEqual(again.Version, r.Version) {
		return
	}
	ctx, cancel := lasting(ctx)
	defer cancel()
	err = c.cache.DeleteUnchanged(ctx, c.keys.of(r.Key), item)
	if err != nil && !errors.Is(err, djsession.ErrNotFound) && !errors.Is(err, djsession.ErrConflict) {
		c.removals.put(r.Key, removal{written: true, retry: true})
		c.log.warn(ctx, removeTrouble, wrap(op, r.Key, err))
	}
}

// isRefusal reports whether an error says that nothing was done.
func isRefusal(err error) bool {
	if errors.Is(err, djsession.ErrOutcomeUnknown) {
		return false
	}
	for _, refusal := range []error{
		djsession.ErrNotFound, djsession.ErrKeyTaken, djsession.ErrInvalidKey, djsession.ErrInvalidExpiry,
		djsession.ErrReadOnly, djsession.ErrBusy, djsession.ErrTooLarge, djsession.ErrMalformed,
	} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	return false
}
