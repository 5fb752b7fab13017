package cachestore

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
)

// CachedDB is a djsession.Store, djsession.Scanner and djsession.UnchangedDeleter over
// the table django_session with a cache before it: the engine cached_db. It is safe for
// use by several goroutines.
//
// The database decides. What is loaded may be the cache's; what is written is compared
// with the row, and then the cached session is removed: the next reader, Django or Go,
// takes the row and caches that. (Django sets what it wrote. A set that comes late, after
// somebody else's write, would hide that from everybody.)
//
// # When the cache is down
//
// Reads and writes go on from the database, as if nothing was cached, and the log warns
// of it. A cache that fails is left alone for a second, so that one which hangs costs a
// request its time now and then, and not each. What could not be removed from the cache
// is removed as soon as that can be, and until then this CachedDB does not read it. It
// remembers 131,072 such sessions; when there are more, it logs an error and reads
// nothing from the cache any more. Django does read it: if it can reach a cache that Go
// cannot, it sees those sessions as they were, and a logout of theirs is not one there
// before Go can reach the cache, too. Close tries once more, and logs how many it leaves.
//
// # When the database is down
//
// What is cached is served, as Django serves it, unless this CachedDB has written the
// session within the last two seconds, or could not remove it from the cache since.
// What is not cached, and every write, fails.
//
// # What may be stale
//
// A Django that reads a row or writes one, and caches it only when Go has written in
// between, caches what is stale. So the cached session is removed a second time, two
// seconds after a write, and until then this CachedDB asks the database first. After a
// write whose outcome is unknown it does the same, for four seconds, and removes the
// cached session once the database answers.
//
// What somebody does to the table by other means, such as deleting a row, does not show
// as long as the session is cached, nor in Django.
type CachedDB struct {
	sessions
	database *dbstore.Store
	log      *warner
	outage   outage
	removals *removals
}

var (
	_ djsession.Store            = (*CachedDB)(nil)
	_ djsession.Scanner          = (*CachedDB)(nil)
	_ djsession.UnchangedDeleter = (*CachedDB)(nil)
)

// NewCachedDB returns the store of the engine cached_db. It asks neither the cache nor
// the database anything.
func NewCachedDB(cache Cache, database *dbstore.Store, c Config) (*CachedDB, error) {
	if database == nil {
		return nil, errors.New("cachestore: the database is missing")
	}
	if c.Settings == nil {
		c.Settings = database.Settings()
	}
	s, err := newSessions(cache, cachedDBPrefix, c)
	if err != nil {
		return nil, err
	}
	db := &CachedDB{sessions: s, database: database, log: &warner{logger: c.Logger, cache: cache}}
	db.removals = newRemovals(db.removeAgain, db.databaseAnswers, db.log.full)
	return db, nil
}

// Scan yields the sessions of a range in the database. What is only in the cache is not
// among them.
func (c *CachedDB) Scan(ctx context.Context, r djsession.Range) iter.Seq2[*djsession.Record, error] {
	return c.database.Scan(ctx, r)
}

// Expires returns when a session ends, which the database knows.
func (c *CachedDB) Expires(ctx context.Context, key string) (time.Time, error) {
	r, err := c.database.Load(ctx, key)
	if err != nil {
		return time.Time{}, err
	}
	return r.Expires, nil
}

// DB returns the database handle: package djauth finds the users by it.
func (c *CachedDB) DB() *sql.DB { return c.database.DB() }

// Dialect tells which kind of database it is.
func (c *CachedDB) Dialect() dbstore.Dialect { return c.database.Dialect() }

// Settings returns a copy of the settings that the database was made with.
func (c *CachedDB) Settings() *djsession.Settings { return c.database.Settings() }

// Table returns the name of the session table, table or schema.table.
func (c *CachedDB) Table() string { return c.database.Table() }

// Location returns the zone of the wall clocks that MySQL and SQLite hold.
func (c *CachedDB) Location() *time.Location { return c.database.Location() }

// Close removes from the cache what is still to be removed, and closes cache and
// database.
func (c *CachedDB) Close() error {
	if left := c.removals.close(); left > 0 {
		c.log.left(left)
	}
	return errors.Join(c.cache.Close(), c.database.Close())
}

// String is Django's name of the engine, and what it is on.
func (c *CachedDB) String() string {
	return "cached_db (" + inParentheses(c.cache) + ", " + string(c.database.Dialect()) + ")"
}
