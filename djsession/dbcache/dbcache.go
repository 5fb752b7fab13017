// Package dbcache is Django's DatabaseCache, a cache in a table, for the session
// engines cache and cached_db.
//
// This cache throws sessions away. When a site writes to a table of more than
// MAX_ENTRIES rows (300 unless the site says more), it deletes one row in
// CULL_FREQUENCY (three), the lowest by key, however long they had to live: whoever
// they were of is logged out. Sessions that are to last belong into the engine db,
// or into cached_db, which finds them again in its other table.
//
//	db, err := sql.Open("postgres", "host=… binary_parameters=yes")
//	cache, err := dbcache.New(dbcache.Config{DB: db, Dialect: dbstore.PostgreSQL, Table: "django_cache", Settings: settings})
//	store, err := cachestore.New(cache, cachestore.Config{Settings: settings})
//
// We throw away what the site would, and only what it would: see Config.MaxEntries.
// Each time that it costs something that was still alive, the log says how much.
//
// The table is made by "manage.py createcachetable". As in package dbstore any
// *sql.DB will do, and what is said there about drivers holds here. Items are
// replaced only where they still are what was read, compared in the statement that
// writes.
//
// # Times
//
// An item ends at a whole second, and is there until that second has begun. The
// times in the table are those that the site reads there: with USE_TZ on the wall
// clock of Config.TimeZone on MySQL and SQLite, with USE_TZ off that of TIME_ZONE.
// (Django up to 3.2 writes the wall clock of UTC and reads that of
// DATABASES[…]["TIME_ZONE"]: where that is another zone, items end early or late by
// the difference. We do as it reads.)
//
// An item that has ended is not there, and its row stays. Django deletes it when it
// is next asked for, or culls.
package dbcache

import (
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/internal/pytime"
	"github.com/djsess/djsess/internal/sqldialect"
	"github.com/djsess/djsess/internal/waitlimit"
)

// ErrNoTable: the database has no such table. "manage.py createcachetable" makes
// it.
var ErrNoTable = errors.New("no such table")

// Config says which table is meant, and how the site treats it.
type Config struct {
	// DB is the database. Close closes it.
	DB *sql.DB
	// Dialect is the kind of database.
	Dialect dbstore.Dialect
	// Table is the cache's LOCATION: the table's name, or schema.table.
	Table string
	// Settings are the site's.
	Settings *djsession.Settings
	// TimeZone is DATABASES[…]["TIME_ZONE"], as in dbstore.Config.
	TimeZone string

	// MaxEntries is OPTIONS["MAX_ENTRIES"], or DefaultMaxEntries where the site sets
	// none. With it our writes cull the table when the site's would. 0 leaves all that
	// to the site: a number that is smaller than the site's own would log its
	// visitors out, and so nothing is taken for granted here. As in Django it costs a
	// count of all rows at each write.
	MaxEntries int
	// CullFrequency is OPTIONS["CULL_FREQUENCY"]: of how many items one goes.
	// Default: 3. CullAll is Django's 0.
	CullFrequency int

	// Timeout limits how long a load, a page of a scan or a write may take, as
	// dbstore.Config.Timeout does. Default: 10 seconds.
	Timeout time.Duration
	// ReadOnly refuses whatever would write.
	ReadOnly bool
	// Logger is told what is thrown away. Default: slog.Default.
	Logger *slog.Logger
}

// Django's MAX_ENTRIES and CULL_FREQUENCY, where a site does not set them.
const (
	DefaultMaxEntries    = 300
	DefaultCullFrequency = 3
)

// CullAll is a CULL_FREQUENCY of 0: all items go when there are too many.
const CullAll = -1

// Cache is a cachestore.Cache and cachestore.Scanner over the table.
type Cache struct {
	db      *sql.DB
	writer  *sqldialect.Writer
	config  Config
	dialect *sqldialect.Dialect
	loc     *time.Location // of naive times
	table   string         // quoted
	stmts   statements
	timeout time.Duration // of a load, and of a page of a scan
}

var (
	_ cachestore.Cache   = (*Cache)(nil)
	_ cachestore.Scanner = (*Cache)(nil)
)

// New returns a cache over a table. It does not ask the database anything.
func New(c Config) (*Cache, error) {
	d, err := sqldialect.ByVendor(string(c.Dialect))
	switch {
	case err != nil:
		return nil, fmt.Errorf("dbcache: %w", err)
	case c.DB == nil:
		return nil, errors.New("dbcache: DB is missing")
	case c.Settings == nil:
		return nil, errors.New("dbcache: Settings are missing")
	case c.Table == "":
		return nil, errors.New("dbcache: Table is missing: the cache's LOCATION")
	case c.MaxEntries < 0:
		return nil, fmt.Errorf("dbcache: MAX_ENTRIES %d: want 0, for what the site does, or more", c.MaxEntries)
	case c.CullFrequency < CullAll:
		return nil, fmt.Errorf("dbcache: CULL_FREQUENCY %d: want 1 or more, or CullAll", c.CullFrequency)
	}
	if err := c.Settings.Validate(); err != nil {
		return nil, err
	}
	if err := sqldialect.CheckTable(c.Table); err != nil {
		return nil, fmt.Errorf("dbcache: %w", err)
	}
	settings := *c.Settings                                   // later changes by the caller must not apply
	settings.SecretKey, settings.SecretKeyFallbacks = "", nil // a cache signs nothing
	c.Settings = &settings
	if c.CullFrequency == 0 {
		c.CullFrequency = DefaultCullFrequency
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	cache := &Cache{db: c.DB, writer: d.NewWriter(c.DB), config: c, dialect: d, table: d.Quote(c.Table), timeout: waitlimit.Or(c.Timeout)}
	if cache.loc, err = location(c); err != nil {
		return nil, err
	}
	cache.stmts = cache.compile()
	return cache, nil
}

// location is the zone of the naive times in the table.
func location(c Config) (*time.Location, error) {
	switch {
	case !c.Settings.UseTZ && c.TimeZone != "":
		return nil, errors.New("dbcache: TimeZone cannot be set when USE_TZ is off: the times are then in TIME_ZONE")
	case !c.Settings.UseTZ:
		return c.Settings.Location()
	case c.TimeZone == "":
		return time.UTC, nil
	}
	loc, err := pytime.Location(c.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("dbcache: TimeZone: %w", err)
	}
	return loc, nil
}

// Close closes the database handle.
func (c *Cache) Close() error { return c.db.Close() }

// String is the kind of database, and the table.
func (c *Cache) String() string { return "database (" + c.dialect.Vendor + ", " + c.config.Table + ")" }
