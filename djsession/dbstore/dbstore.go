// Package dbstore keeps sessions in the table django_session, as Django's engine
// db does, on PostgreSQL, MySQL, MariaDB and SQLite. (The engine cached_db has
// the same table, and a cache before it, which this package knows nothing of.)
//
// It works over a *sql.DB and compiles no driver. Errors are told apart for
// lib/pq and pgx, go-sql-driver/mysql and modernc.org/sqlite.
//
//	db, err := sql.Open("postgres", "host=… binary_parameters=yes")
//	store, err := dbstore.New(db, dbstore.Config{Dialect: dbstore.PostgreSQL, Settings: settings})
//	record, err := store.Load(ctx, key)
//
// Package storeurl makes a store from a URL and chooses driver and options.
// Whoever opens the database itself should know these: lib/pq needs
// binary_parameters=yes, and go-sql-driver/mysql interpolateParams=true, to send a
// query in one round trip. With interpolateParams the connection's charset must
// be utf8mb4 (charset=utf8mb4): under some others, such as gbk, a quote in a
// session key is not escaped. A MySQL server with autocommit off wants
// autocommit=1, or nothing that is written stays. SQLite wants a busy timeout as
// Django's (5 seconds), since Django writes to the same file.
//
// A change is made once. If the answer to a write is lost, the store reads the row. If the
// row holds what was written, the write succeeded; otherwise the error is a
// djsession.ErrOutcomeUnknown. A pooled connection that the server has closed, as all are
// when it restarts, loses no answer: go-sql-driver and pgx notice it before they send
// anything, and so does lib/pq if storeurl opens it. For lib/pq opened by sql.Open, the
// store sends a ping before a write if the database has not answered for a second, or if a
// connection has broken within the last minute.
//
// What Django writes at the same time is never lost: [Store.Replace] compares
// the stored text and expiry with what was loaded, in the statement that writes.
// Columns that the site added to the table are left alone. Times are stored as
// the site stores them: on MySQL and SQLite, which know no time zones, as the
// wall clock of Settings.TimeZone, or with USE_TZ on as that of
// Config.TimeZone.
//
// By default a *sql.DB opens as many connections as there are requests, and keeps two idle
// ones. A burst of visitors then takes every connection that the server has, also those
// that Django needs. So call SetMaxOpenConns, and SetMaxIdleConns with the same number.
// Package storeurl sets both to 10. The store never holds one connection while it waits
// for another, so one is enough.
package dbstore

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/pytime"
	"github.com/djsess/djsess/internal/sqldialect"
	"github.com/djsess/djsess/internal/waitlimit"
)

// Dialect is a kind of database, by Django's name of it (connection.vendor).
type Dialect = djsession.Dialect

const (
	PostgreSQL Dialect = "postgresql"
	MySQL      Dialect = "mysql" // MariaDB, too
	SQLite     Dialect = "sqlite"
)

// DefaultTable is the table of django.contrib.sessions.
const DefaultTable = "django_session"

// ErrNoTable: the database has no such table. Django makes it by "manage.py
// migrate", and Store.CreateTable as Django would.
var ErrNoTable = errors.New("no such table")

// Config says which table is meant, and how it is written.
type Config struct {
	// Dialect is the kind of database.
	Dialect Dialect
	// Settings are the site's.
	Settings *djsession.Settings
	// Table is the table's name, or schema.table. Default: DefaultTable.
	Table string
	// TimeZone is DATABASES[…]["TIME_ZONE"], the zone of the naive times on
	// MySQL and SQLite when USE_TZ is on. Default: "UTC". As in Django it
	// cannot be set when USE_TZ is off.
	TimeZone string
	// Timeout limits how long a load may take, even if its context has no deadline:
	// the wait for a free connection, connecting, and the answer. It also limits
	// each page of a scan. A write may take a minute, or Timeout if that is longer.
	// Then the error is a context.DeadlineExceeded. Default: 10 seconds; negative:
	// no limit but the context's.
	//
	// lib/pq by itself goes on waiting for a server that is silent; with the
	// connections of package storeurl it does not.
	Timeout time.Duration
}

// Store is a djsession.Store, djsession.Scanner and djsession.UnchangedDeleter over the table. It is safe
// for use by several goroutines.
type Store struct {
	db       *sql.DB
	writer   *sqldialect.Writer
	dialect  *sqldialect.Dialect
	settings func() *djsession.Settings // of a func, fmt prints no secrets
	codec    djsession.Codec
	loc      *time.Location // of naive times
	name     string         // of the table, as it was given
	table    string         // quoted
	stmts    statements
	timeout  time.Duration // of a load, and of a page of a scan
}

var (
	_ djsession.Store            = (*Store)(nil)
	_ djsession.Scanner          = (*Store)(nil)
	_ djsession.UnchangedDeleter = (*Store)(nil)
	_ djsession.SQLStore         = (*Store)(nil)
)

// New returns a store over db. It does not ask the database anything.
func New(db *sql.DB, c Config) (*Store, error) {
	d, err := sqldialect.ByVendor(string(c.Dialect))
	if err != nil {
		return nil, fmt.Errorf("dbstore: %w", err)
	}
	s := &Store{db: db, writer: d.NewWriter(db), dialect: d, name: c.Table, timeout: waitlimit.Or(c.Timeout)}
	if c.Settings == nil {
		return nil, errors.New("dbstore: Settings are missing")
	}
	settings := *c.Settings // later changes by the caller must not apply
	s.settings = func() *djsession.Settings { return &settings }
	if s.codec, err = djsession.NewCodec(c.Settings); err != nil {
		return nil, err
	}
	if s.loc, err = location(c); err != nil {
		return nil, err
	}
	if s.name == "" {
		s.name = DefaultTable
	}
	if err := sqldialect.CheckTable(s.name); err != nil {
		return nil, fmt.Errorf("dbstore: %w", err)
	}
	s.table = s.dialect.Quote(s.name)
	s.stmts = s.compile()
	return s, nil
}

// location is the zone of the naive times in the table.
func location(c Config) (*time.Location, error) {
	if !c.Settings.UseTZ {
		if c.TimeZone != "" {
			return nil, errors.New("dbstore: TimeZone cannot be set when USE_TZ is off: the times are then in TIME_ZONE")
		}
		return c.Settings.Location()
	}
	if c.TimeZone == "" {
		return time.UTC, nil
	}
	loc, err := pytime.Location(c.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("dbstore: TimeZone: %w", err)
	}
	return loc, nil
}

// Close closes the database handle.
func (s *Store) Close() error { return s.db.Close() }

// Dialect tells which kind of database the store is on.
func (s *Store) Dialect() Dialect { return Dialect(s.dialect.Vendor) }

// String is Django's name of the engine, and what it is on.
func (s *Store) String() string { return "db (" + s.dialect.Vendor + ")" }
