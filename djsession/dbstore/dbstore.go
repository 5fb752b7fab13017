// Package dbstore keeps sessions in the table django_session, as Django's engine db does, on
// PostgreSQL, MySQL, MariaDB and SQLite. The engine cached_db has the same table and a cache
// before it: see package cachestore.
//
// Package storeurl opens a store from a URL. It chooses the driver and its options, so start
// there. To use a *sql.DB of your own:
//
//	db, err := sql.Open("postgres", "host=… binary_parameters=yes")
//	store, err := dbstore.New(db, dbstore.Config{Dialect: dbstore.PostgreSQL, Settings: settings})
//	record, err := store.Load(ctx, key)
//
// This package compiles no driver. It knows the errors of lib/pq, pgx, go-sql-driver/mysql
// and modernc.org/sqlite. A handle of your own needs these options:
//
//   - lib/pq: binary_parameters=yes, to send a query in one round trip.
//   - pgx, as a *sql.DB of its package stdlib: nothing. Behind a pooler in transaction mode, such
//     as PgBouncer, it needs default_query_exec_mode=exec. The module examples/pgx shows it.
//   - go-sql-driver/mysql: interpolateParams=true for the same, with charset=utf8mb4. Under
//     some other charsets, such as gbk, a quote in a session key is not escaped. If the
//     server has autocommit off, also autocommit=1: otherwise no write is committed.
//   - SQLite: a busy timeout as Django's (5 seconds), since Django writes to the same file, and
//     PRAGMA foreign_keys on as in Django. Otherwise a deletion leaves rows that point at nothing.
//   - A limit of connections: call SetMaxOpenConns, and SetMaxIdleConns with the same number.
//     By default a *sql.DB opens as many connections as there are requests. A burst of
//     visitors then takes all connections of the server and leaves none for Django. Package
//     storeurl sets both to 10. One connection is enough, since the store never holds one
//     while it waits for another.
//
// # Beside a live Django
//
// [Store.Replace] compares the stored text and expiry with what was loaded, in the statement
// that writes. So it never overwrites what Django wrote meanwhile.
//
// A session model of the site's own may have more columns, which its SessionStore fills: see
// [Model]. The store fills them in the same statement. [Store.Check] reports a column that is
// missing in Config.Model.
//
// Times are stored as the site stores them. MySQL and SQLite store times without a zone: with
// USE_TZ on in the zone of Config.TimeZone, and with USE_TZ off in that of Settings.TimeZone.
//
// # Rows that others point at
//
// A site may have a table with a foreign key to the session table. Django deletes the rows of that
// table itself, before it deletes a session. The store does not know them. Where the database
// refuses a deletion for this reason, the store empties the row and lets it expire in place of
// that, and returns a djsession.ErrEmptied. The session has ended. But unlike after a deletion, a
// Django request that loaded the session before can still save it.
//
// # Lost answers
//
// A change is made once. If the answer to a write is lost, the store reads the row. If the
// row holds what was written, the write succeeded; otherwise the error is a
// djsession.ErrOutcomeUnknown.
//
// A server that restarts closes all pooled connections. No answer is lost by that: before it
// sends a statement, go-sql-driver detects that the connection is closed. So does lib/pq if
// storeurl opens it. With pgx, and if sql.Open opens lib/pq, the store sends a ping before a
// write when the database has not answered for a second, or when a connection has broken within
// the last minute. A read by pgx on a connection that was in use less than a second ago may fail
// then, once for each such connection.
//
// # Errors
//
// All errors are *djsession.OpError. Besides the errors that djsession.Store describes,
// there is [ErrNoTable].
package dbstore

import (
	"database/sql"
	"slices"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/sqldialect"
	"github.com/djsess/djsess/internal/sqltable"
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

// ErrNoTable: the database has no such table. Django's "manage.py migrate" creates it, and so
// does [Store.CreateTable].
var ErrNoTable = sqltable.ErrNoTable

// Config describes the table.
type Config struct {
	// Dialect is the kind of database.
	Dialect Dialect
	// Settings are the site's.
	Settings *djsession.Settings
	// Model is the site's session model. Default: Django's own, in [DefaultTable].
	Model Model
	// TimeZone is DATABASES[…]["TIME_ZONE"], the zone of the naive times on
	// MySQL and SQLite when USE_TZ is on. Default: "UTC". As in Django it
	// cannot be set when USE_TZ is off.
	TimeZone string
	// Timeout limits how long a load may take, even if its context has no deadline:
	// the wait for a free connection, connecting, and the answer. It also limits
	// each page of a scan. A write may take a minute, or Timeout if that is longer.
	// After that time the error is a context.DeadlineExceeded. Default: 10 seconds.
	// If Timeout is negative, only the context sets a limit.
	//
	// lib/pq waits for a silent server beyond this limit, unless package storeurl opened
	// the connection.
	Timeout time.Duration
}

// Store is a djsession.Store, djsession.Scanner, djsession.BulkStore,
// djsession.UnchangedDeleter and djsession.Checker over the table. It is safe for use by several goroutines.
type Store struct {
	table    *sqltable.Table
	config   Config                     // without Settings, which hold secrets
	model    Model                      // complete
	settings func() *djsession.Settings // a func, so that fmt prints no secrets
	codec    djsession.Codec
	load     sqldialect.Statement // of a live session
}

var (
	_ djsession.Store            = (*Store)(nil)
	_ djsession.Scanner          = (*Store)(nil)
	_ djsession.BulkStore        = (*Store)(nil)
	_ djsession.UnchangedDeleter = (*Store)(nil)
	_ djsession.SQLStore         = (*Store)(nil)
	_ djsession.Checker          = (*Store)(nil)
	_ djsession.Examiner         = (*Store)(nil)
	_ djsession.Reopener         = (*Store)(nil)
	_ djsession.ExpiredClearer   = (*Store)(nil)
	_ djsession.Sizer            = (*Store)(nil)
	_ djsession.ExpiryScanner    = (*Store)(nil)
)

// New returns a store over db. It sends nothing to the database.
func New(db *sql.DB, c Config) (*Store, error) {
	if err := c.Model.complete(); err != nil {
		return nil, err
	}
	table, err := sqltable.New(sqltable.Config{
		DB: db, Vendor: string(c.Dialect), Name: c.Model.Table,
		Key: c.Model.KeyColumn, Data: c.Model.DataColumn, Expires: c.Model.ExpiryColumn, Columns: c.Model.written(),
		Settings: c.Settings, TimeZone: c.TimeZone, Timeout: c.Timeout,
		TimeSlack:   time.Second - 1, // Django 1 made the column without fractions of a second
		Package:     "dbstore",
		ShortKey:    djsession.ShortKey,
		NoTableHint: `is this the site's database? "manage.py migrate" makes the table`,
		ColumnHint:  columnHint,
	})
	if err != nil {
		return nil, err
	}
	settings := *c.Settings // copy: later changes by the caller must not apply
	s := &Store{table: table, config: c, model: c.Model, settings: func() *djsession.Settings { return &settings }}
	s.config.Settings = nil
	if s.codec, err = djsession.NewCodec(c.Settings); err != nil {
		return nil, err
	}
	s.load = table.Dialect.Compile(table.Select() + " AND " + table.EndsAfter(":now"))
	return s, nil
}

// Settings returns a copy of the settings that the store was made with.
func (s *Store) Settings() *djsession.Settings {
	settings := *s.settings()
	return &settings
}

// DB returns the store's database handle, for other tables of the site: package djauth reads
// the users with it. Close closes it.
func (s *Store) DB() *sql.DB { return s.table.DB }

// Dialect returns the kind of database.
func (s *Store) Dialect() Dialect { return Dialect(s.table.Dialect.Vendor) }

// Table returns the name of the session table, table or schema.table.
func (s *Store) Table() string { return s.table.Name }

// Model returns the session model, with its defaults.
func (s *Store) Model() Model {
	m := s.model
	m.Columns = slices.Clone(m.Columns)
	return m
}

// Location returns the zone of the wall clock times in MySQL and SQLite.
func (s *Store) Location() *time.Location { return s.table.Location }

// Close closes the database handle.
func (s *Store) Close() error { return s.table.DB.Close() }

// String returns Django's name of the engine, and the kind of database.
func (s *Store) String() string { return "db (" + s.table.Dialect.Vendor + ")" }
