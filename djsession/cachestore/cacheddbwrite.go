package cachestore

import (
	"context"
	"errors"
	"time"

	"github.com/djsess/djsess/djsession"
)

// Create inserts a new row. An empty key lets the store choose one.
func (c *CachedDB) Create(ctx context.Context, key string, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	if c.readOnly {
		return nil, wrap("create", key, djsession.ErrReadOnly)
	}
	r, err := c.database.Create(ctx, key, v, expires)
	if key != "" { // else nobody can have cached anything
		c.written(ctx, key, err)
	}
	return r, err
}

// Replace updates the row if it still holds what old was read from; when that was the
// cache, if the row holds the same. Then the session is removed from the cache.
func (c *CachedDB) Replace(ctx context.Context, old *djsession.Record, v *djsession.Values, expires time.Time) (r *djsession.Record, err error) {
	if c.readOnly {
		return nil, wrap("replace", old.Key, djsession.ErrReadOnly)
	}
	err = c.onRow(old, func(old *djsession.Record) error {
		r, err = c.database.Replace(ctx, old, v, expires)
		return err
	})
	c.written(ctx, old.Key, err)
	return r, err
}

// DeleteUnchanged removes the row if it still holds what old was read from; when that
// was the cache, if the row holds the same. Then the session is removed from the cache.
func (c *CachedDB) DeleteUnchanged(ctx context.Context, old *djsession.Record) error {
	if c.readOnly {
		return wrap("delete", old.Key, djsession.ErrReadOnly)
	}
	err := c.onRow(old, func(old *djsession.Record) error { return c.database.DeleteUnchanged(ctx, old) })
	c.written(ctx, old.Key, err)
	return err
}

// onRow writes to the row. A record of the cache's is taken for the row's if they hold
// the same, as they nearly always do.
func (c *CachedDB) onRow(old *djsession.Record, write func(old *djsession.Record) error) error {
	err := write(old)
	var conflict *djsession.ConflictError
	if old.Version == nil && errors.As(err, &conflict) && same(old.Values, conflict.Current.Values) {
		err = write(conflict.Current)
	}
	return err
}

// same tells whether two sessions hold the same, as JSON has it. What JSON has no form
// for is not said to be the same.
func same(a, b *djsession.Values) bool {
	if a == nil || b == nil {
		return false
	}
	one, err := a.AppendPythonJSON(nil)
	if err != nil {
		return false
	}
	other, err := b.AppendPythonJSON(nil)
	return err == nil && string(one) == string(other)
}

// Delete removes the row of a key, and what is cached under it.
func (c *CachedDB) Delete(ctx context.Context, key string) error {
	if c.readOnly {
		return wrap("delete", key, djsession.ErrReadOnly)
	}
	err := c.database.Delete(ctx, key)
	if !errors.Is(err, djsession.ErrNotFound) {
		c.written(ctx, key, err)
		return err
	}
	// Django serves what is cached, row or not.
	removed, failed := c.removeCached(ctx, key)
	switch {
	case failed != nil:
		c.removals.put(key, removal{written: true}) // no retry: any visitor can bring too many keys
		c.log.warn(ctx, removeTrouble, wrap("remove", key, failed))
	case removed:
		return nil
	}
	return err
}

// written is due after every write to the row: what is cached may be older.
func (c *CachedDB) written(ctx context.Context, key string, err error) {
	var conflict *djsession.ConflictError
	switch {
	case err == nil, errors.As(err, &conflict):
		c.removeNow(ctx, key)
	case !isRefusal(err):
		c.removals.put(key, removal{retry: true}) // the outcome is unknown
	}
}

// removeNow removes a session from the cache. What cannot be removed now will be.
func (c *CachedDB) removeNow(ctx context.Context, key string) {
	err := error(errSpared)
	if !c.outage.spares() {
		_, err = c.removeCached(ctx, key)
	}
	c.removals.put(key, removal{written: true, retry: err != nil})
	if err != nil {
		c.log.warn(ctx, removeTrouble, wrap("remove", key, err))
	}
}

var errSpared = errors.New("the cache has just failed")

// removeCached removes a session from the cache, and tells whether it was there.
func (c *CachedDB) removeCached(ctx context.Context, key string) (bool, error) {
	ctx, cancel := lasting(ctx)
	defer cancel()
	err := c.cache.Delete(ctx, c.keys.of(key))
	switch {
	case err == nil:
		c.outage.end()
		return true, nil
	case errors.Is(err, djsession.ErrNotFound), errors.Is(err, djsession.ErrInvalidKey): // which nothing can be cached under
		return false, nil
	}
	c.outage.begin()
	return false, err
}

// databaseAnswers reports whether the database can be asked for a session.
func (c *CachedDB) databaseAnswers() bool {
	ctx, cancel := lasting(context.Background())
	defer cancel()
	_, err := c.database.Load(ctx, djsession.NewKey())
	return err == nil || hasAnswered(ctx, err) && ctx.Err() == nil
}

// removeAgain does a pending removal, and reports whether it succeeded.
func (c *CachedDB) removeAgain(key string) bool {
	ctx := context.Background()
	_, err := c.removeCached(ctx, key)
	if err != nil {
		c.log.warn(ctx, removeTrouble, wrap("remove", key, err))
	}
	return err == nil
}

// lasting is a context for what must be done though nobody waits for it: the row is
// written, whether or not the client has left.
func lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), cacheTimeout)
}

const cacheTimeout = 5 * time.Second
