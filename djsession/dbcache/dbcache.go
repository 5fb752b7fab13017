// Package dbcache is Django's DatabaseCache, a cache in a table, for the session engines cache
// and cached_db.
//
// Django deletes sessions from this cache. When a site writes to a table of more than
// MAX_ENTRIES rows (300 by default), Django deletes a third of them (CULL_FREQUENCY), the lowest
// by key, even if they have not ended. Their visitors are logged out. To keep sessions, use the
// engine db, or cached_db, which also stores them in the table django_session.
//
// Package storeurl opens a store from a URL such as dbcache+postgres://…?table=site_cache.
// To use a *sql.DB of your own, with the options that package dbstore describes:
//
//	db, err := sql.Open("postgres", "host=… binary_parameters=yes")
//	cache, err := dbcache.New(dbcache.Config{DB: db, Dialect: dbstore.PostgreSQL, Table: "django_cache", Settings: settings})
//	store, err := cachestore.New(cache, cachestore.Config{Settings: settings})
//
// Django's "manage.py createcachetable" creates the table.
//
// If Config.MaxEntries is set, the package deletes the items that the site would delete, and
// logs how many of them had not ended. Otherwise it deletes nothing.
//
// An item is replaced only if it is unchanged since it was read. The statement that writes
// compares it.
//
// # Times
//
// An item ends at a whole second, and is not returned once that second has begun. Its row stays
// until Django deletes it: when Django next reads the item, or culls.
//
// The times in the table are in the zone in which the site reads them. With USE_TZ on, MySQL and
// SQLite have the wall clock of Config.TimeZone; with USE_TZ off it is that of TIME_ZONE.
// Django up to 3.2 writes the wall clock of UTC and reads that of DATABASES[…]["TIME_ZONE"]. If
// that is another zone, items end early or late by the difference. This package uses the zone
// in which Django reads.
//
// # Errors
//
// All errors are *djsession.OpError. Besides the errors that cachestore.Cache describes,
// there is [ErrNoTable].
package dbcache

import (
	"database/sql"
	"errors"
	"log/slog"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/internal/culling"
	"github.com/djsess/djsess/internal/sqltable"
)

// ErrNoTable: the database has no such table. "manage.py createcachetable" creates it. It is the
// same error as dbstore.ErrNoTable.
var ErrNoTable = sqltable.ErrNoTable

// Config describes the table, and how the site uses it.
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

	// MaxEntries is OPTIONS["MAX_ENTRIES"], or DefaultMaxEntries if the site sets none. A
	// write then culls the table when the site's would. As in Django, each write counts all
	// rows. Default: 0, which never culls. Django's default is not used here, because a
	// number below the site's own would log visitors out.
	MaxEntries int
	// CullFrequency is OPTIONS["CULL_FREQUENCY"]: one of so many items is deleted.
	// Default: 3. CullAll is Django's 0.
	CullFrequency int

	// Timeout limits loads, pages of a scan and writes, as dbstore.Config.Timeout does.
	// Default: 10 seconds, and a minute for writes.
	Timeout time.Duration
	// ReadOnly refuses all writes with an ErrReadOnly.
	ReadOnly bool
	// Logger logs what is culled. Default: slog.Default.
	Logger *slog.Logger
}

// Django's MAX_ENTRIES and CULL_FREQUENCY if a site does not set them.
const (
	DefaultMaxEntries    = culling.DefaultMaxEntries
	DefaultCullFrequency = culling.DefaultFrequency
)

// CullAll is a CULL_FREQUENCY of 0: if there are too many items, all are deleted.
const CullAll = culling.All

// Cache is a cachestore.Cache and cachestore.Scanner over the table.
type Cache struct {
	table  *sqltable.Table
	culls  *culling.Policy
	config Config
	stmts  statements
}

var (
	_ cachestore.Cache          = (*Cache)(nil)
	_ cachestore.Examiner       = (*Cache)(nil)
	_ cachestore.Scanner        = (*Cache)(nil)
	_ cachestore.ExpiredClearer = (*Cache)(nil)
	_ cachestore.Sizer          = (*Cache)(nil)
)

// New returns a cache over a table. It sends nothing to the database.
func New(c Config) (*Cache, error) {
	switch {
	case c.DB == nil:
		return nil, errors.New("dbcache: DB is missing")
	case c.Table == "":
		return nil, errors.New("dbcache: Table is missing: the cache's LOCATION")
	}
	culls, err := culling.New("dbcache", slog.String("table", c.Table), c.MaxEntries, c.CullFrequency, c.Logger)
	if err != nil {
		return nil, err
	}
	table, err := sqltable.New(sqltable.Config{
		DB: c.DB, Vendor: string(c.Dialect), Name: c.Table,
		Key: "cache_key", Data: "value", Expires: "expires",
		Settings: c.Settings, TimeZone: c.TimeZone, Timeout: c.Timeout,
		Package:     "dbcache",
		ShortKey:    cachestore.ShortKey,
		Form:        djsession.Unsigned,
		NoTableHint: `is this the site's database, and the table the LOCATION of its cache? "manage.py createcachetable" makes the table`,
	})
	if err != nil {
		return nil, err
	}
	settings := *c.Settings                                   // copy: later changes by the caller must not apply
	settings.SecretKey, settings.SecretKeyFallbacks = "", nil // a cache signs nothing
	c.Settings = &settings
	cache := &Cache{table: table, culls: culls, config: c}
	cache.stmts = cache.compile()
	return cache, nil
}

// Close closes the database handle.
func (c *Cache) Close() error { return c.table.DB.Close() }

// String returns the kind of database, and the table.
func (c *Cache) String() string {
	return "database (" + c.table.Dialect.Vendor + ", " + c.table.Name + ")"
}
