package cachestore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"iter"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
)

// CachedDB is the engine cached_db: the table django_session with a cache in front of it. It
// is a djsession.Store, djsession.Scanner, djsession.BulkStore and djsession.UnchangedDeleter, and
// safe for use by several goroutines.
//
// The database decides. Load may return a cached session. Every write is compared with the
// row. Then the cached session is removed, so that the next reader, Django or Go, reads the
// row and caches it. (Django instead stores in the cache what it wrote to the row. If that
// reaches the cache after another write, it hides the newer row from every reader.)
//
// # When the cache is down
//
// Reads and writes continue with the database alone, and a warning is logged. After a failure
// a CachedDB does not use the cache for a second, so that a cache that hangs does not delay
// every request. If a session cannot be removed from the cache, the CachedDB retries until it
// can, and does not read the cached session until then. It remembers 131,072 such sessions. If
// there are more, it logs an error and never reads the cache again. Django still reads it. If
// Django can reach a cache that Go cannot, Django reads the stale sessions: a visitor whom Go
// logged out stays logged in at Django until Go reaches the cache again. Close tries once
// more, and logs how many sessions are left.
//
// # When the database is down
//
// Cached sessions are served, as by Django. A session is not served from the cache if this
// CachedDB wrote it within the last two seconds, or could not remove it from the cache since
// the write. All other loads fail, and so does every write.
//
// # Stale sessions
//
// A Django process that reads a row, and caches it only after Go has written the row, caches
// a stale session. So a CachedDB removes the cached session a second time, two seconds after a
// write, and asks the database first until then. After a write whose outcome is unknown it
// asks the database first for four seconds, and removes the cached session once the database
// answers.
//
// If the row is changed in another way, such as by SQL, a cached session hides the change from
// Go and from Django until the cached session ends.
type CachedDB struct {
	sessions
	database *dbstore.Store
	log      *cacheLog
	outage   outage
	removals *removals
}

var (
	_ djsession.Store            = (*CachedDB)(nil)
	_ djsession.Scanner          = (*CachedDB)(nil)
	_ djsession.BulkStore        = (*CachedDB)(nil)
	_ djsession.UnchangedDeleter = (*CachedDB)(nil)
	_ djsession.ExpiredClearer   = (*CachedDB)(nil)
	_ djsession.Examiner         = (*CachedDB)(nil)
	_ djsession.Reopener         = (*CachedDB)(nil)
	_ djsession.Sizer            = (*CachedDB)(nil)
)

// NewCachedDB returns the store of the engine cached_db. It sends nothing to the cache or to
// the database.
func NewCachedDB(cache Cache, database *dbstore.Store, c Config) (*CachedDB, error) {
	if database == nil {
		return nil, errors.New("cachestore: the database is missing")
	}
	if c.Settings == nil {
		c.Settings = database.Settings()
	}
	s, err := newSessions(cache, cmp.Or(database.Model().CacheKeyPrefix, cachedDBPrefix), c)
	if err != nil {
		return nil, err
	}
	db := &CachedDB{sessions: s, database: database, log: &cacheLog{logger: c.Logger, cache: cache}}
	db.removals = newRemovals(db.removeAgain, db.databaseAnswers, db.log.tooManyRemovals)
	return db, nil
}

// Load returns the cached session. If there is none, it returns the session of the database
// and caches it. A cached record has no Version: Replace compares its values with the row's.
func (c *CachedDB) Load(ctx context.Context, key string) (*djsession.Record, error) {
	if err := djsession.ValidateKey(key); err != nil {
		return nil, opError("load", key, err)
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

// hasAnswered reports whether the database has answered a load that failed. It returns true if
// the context has ended, since it is then not known whether the database is down.
func hasAnswered(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, djsession.ErrNotFound) || errors.As(err, new(*djsession.PayloadError))
}

// databaseAnswers reports whether the database answers a load.
func (c *CachedDB) databaseAnswers() bool {
	ctx, cancel := detached(context.Background())
	defer cancel()
	_, err := c.database.Load(ctx, djsession.NewKey())
	return err == nil || hasAnswered(ctx, err) && ctx.Err() == nil
}

// Create inserts a new row. If key is empty, the store chooses one.
func (c *CachedDB) Create(ctx context.Context, key string, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	if c.readOnly {
		return nil, opError("create", key, djsession.ErrReadOnly)
	}
	r, err := c.database.Create(ctx, key, v, expires)
	if key != "" { // nothing can be cached under a new key
		c.written(ctx, key, err)
	}
	return r, err
}

// Replace updates the row if it still holds what old was read from. If old was read from the
// cache, it updates the row if that holds the same values. Then it removes the session from
// the cache.
func (c *CachedDB) Replace(ctx context.Context, old *djsession.Record, v *djsession.Values, expires time.Time) (r *djsession.Record, err error) {
	if c.readOnly {
		return nil, opError("replace", old.Key, djsession.ErrReadOnly)
	}
	err = c.onRow(old, func(old *djsession.Record) error {
		r, err = c.database.Replace(ctx, old, v, expires)
		return err
	})
	c.written(ctx, old.Key, err)
	return r, err
}

// DeleteUnchanged removes the row if it still holds what old was read from. If old was read
// from the cache, it removes the row if that holds the same values. Then it removes the
// session from the cache.
func (c *CachedDB) DeleteUnchanged(ctx context.Context, old *djsession.Record) error {
	if c.readOnly {
		return opError("delete", old.Key, djsession.ErrReadOnly)
	}
	err := c.onRow(old, func(old *djsession.Record) error { return c.database.DeleteUnchanged(ctx, old) })
	c.written(ctx, old.Key, err)
	return err
}

// onRow writes to the row. A cached record has no Version, so the first write is a conflict.
// If the row holds the same values as the cached record, onRow writes again on top of the row.
func (c *CachedDB) onRow(old *djsession.Record, write func(old *djsession.Record) error) error {
	err := write(old)
	var conflict *djsession.ConflictError
	if old.Version == nil && errors.As(err, &conflict) && equalValues(old.Values, conflict.Current.Values) {
		err = write(conflict.Current)
	}
	return err
}

// equalValues reports whether two sessions hold the same values, compared as JSON. It returns
// false for values that JSON cannot express.
func equalValues(a, b *djsession.Values) bool {
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

// Delete removes the row of a key and the cached session.
func (c *CachedDB) Delete(ctx context.Context, key string) error {
	if c.readOnly {
		return opError("delete", key, djsession.ErrReadOnly)
	}
	err := c.database.Delete(ctx, key)
	if !errors.Is(err, djsession.ErrNotFound) {
		c.written(ctx, key, err)
		return err
	}
	// Django serves a cached session even if it has no row.
	removed, failed := c.removeCached(ctx, key)
	switch {
	case failed != nil:
		c.removals.put(key, removal{written: true}) // no retry: any visitor can send too many keys
		c.log.warn(ctx, removeFailed, opError("remove", key, failed))
	case removed:
		return nil
	}
	return err
}

// written removes the session from the cache after a write to the row, since the cached
// session may be older.
func (c *CachedDB) written(ctx context.Context, key string, err error) {
	var conflict *djsession.ConflictError
	switch {
	case err == nil, errors.As(err, &conflict), errors.Is(err, djsession.ErrEmptied):
		c.removeNow(ctx, key)
	case !isRefusal(err):
		c.removals.put(key, removal{retry: true}) // the outcome is unknown
	}
}

// isRefusal reports whether an error means that nothing was written.
func isRefusal(err error) bool {
	if errors.Is(err, djsession.ErrOutcomeUnknown) {
		return false
	}
	for _, refusal := range []error{
		djsession.ErrNotFound, djsession.ErrKeyTaken, djsession.ErrInvalidKey, djsession.ErrInvalidExpiry,
		djsession.ErrReadOnly, djsession.ErrDenied, djsession.ErrBusy, djsession.ErrTooLarge, djsession.ErrMalformed,
	} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	return false
}

// checkedRows is how many rows Check compares with the cache.
const checkedRows = 20

// Check returns an error if the cache does not answer, or if it has none of the newest sessions of
// the database: under another prefix, version or address, changes here do not reach the sessions
// that Django serves. It also returns what dbstore.Store.Check finds.
func (c *CachedDB) Check(ctx context.Context) []error {
	found := c.sessions.Check(ctx)
	if len(found) == 0 {
		if n := c.uncached(ctx); n > 0 {
			found = append(found, errUncached(n))
		}
	}
	return append(found, c.database.Check(ctx)...)
}

// uncached returns how many of the newest sessions are not in the cache, or 0 if one of them is.
func (c *CachedDB) uncached(ctx context.Context) (n int) {
	for r, err := range c.database.Scan(ctx, djsession.Range{Newest: checkedRows}) {
		if r == nil {
			return 0 // the database does not answer, which its own check reports
		}
		if _, pending := c.removals.of(r.Key); pending || err != nil {
			continue // this CachedDB has removed it, or Django does not read it either
		}
		if _, err := c.cache.Get(ctx, c.keys.cacheKey(r.Key)); !errors.Is(err, djsession.ErrNotFound) {
			return 0
		}
		n++
	}
	return n
}

// Scan yields the sessions of a range in the database. It does not yield sessions that are only
// in the cache.
func (c *CachedDB) Scan(ctx context.Context, r djsession.Range) iter.Seq2[*djsession.Record, error] {
	return c.database.Scan(ctx, r)
}

// ScanByExpiry yields the sessions in the database in the order of expire_date.
func (c *CachedDB) ScanByExpiry(ctx context.Context, r djsession.Range, lastFirst bool) iter.Seq2[*djsession.Record, error] {
	return c.database.ScanByExpiry(ctx, r, lastFirst)
}

// UserColumn returns the column of users in the database: see dbstore.Store.UserColumn.
func (c *CachedDB) UserColumn() string { return c.database.UserColumn() }

// ScanUser yields the sessions of a user in the database: see dbstore.Store.ScanUser.
func (c *CachedDB) ScanUser(ctx context.Context, id string, r djsession.Range) iter.Seq2[*djsession.Record, error] {
	return c.database.ScanUser(ctx, id, r)
}

// Count returns how many live sessions the database has.
func (c *CachedDB) Count(ctx context.Context) (int64, error) { return c.database.Count(ctx) }

// Expires returns the time at which a session ends, by its row.
func (c *CachedDB) Expires(ctx context.Context, key string) (time.Time, error) {
	r, err := c.database.Load(ctx, key)
	if err != nil {
		return time.Time{}, err
	}
	return r.Expires, nil
}

// DB returns the database handle, in which package djauth finds the users.
func (c *CachedDB) DB() *sql.DB { return c.database.DB() }

// Dialect returns the kind of the database.
func (c *CachedDB) Dialect() dbstore.Dialect { return c.database.Dialect() }

// Settings returns a copy of the settings that the database store was made with.
func (c *CachedDB) Settings() *djsession.Settings { return c.database.Settings() }

// Table returns the name of the session table: table or schema.table.
func (c *CachedDB) Table() string { return c.database.Table() }

// Location returns the zone of the wall clock times in MySQL and SQLite.
func (c *CachedDB) Location() *time.Location { return c.database.Location() }

// Close does the pending removals from the cache, and closes the cache and the database.
func (c *CachedDB) Close() error {
	if left := c.removals.close(); left > 0 {
		c.log.removalsLeft(left)
	}
	return errors.Join(c.cache.Close(), c.database.Close())
}

// String returns Django's name of the engine, the cache and the kind of the database.
func (c *CachedDB) String() string {
	return "cached_db (" + withoutParentheses(c.cache) + ", " + string(c.database.Dialect()) + ")"
}
