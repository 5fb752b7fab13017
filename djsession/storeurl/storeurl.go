// Package storeurl opens a session store by a URL, spelled as Django people spell
// them for dj-database-url:
//
//	postgres://user:password@host:5432/name
//	mysql://user:password@host:3306/name       MariaDB, too
//	sqlite:///relative/path.sqlite3
//	sqlite:////absolute/path.sqlite3
//	file:///relative/folder                    Django's engine file
//	file:////absolute/folder
//
// Special characters in a part are percent-encoded; a host that is a path
// (postgres://user@%2Fvar%2Frun%2Fpostgresql/name) is a socket. These options
// may follow in a database's query string:
//
//   - table: the session table, or schema.table; see dbstore.Config.Table
//   - time_zone: DATABASES[…]["TIME_ZONE"]; see dbstore.Config.TimeZone
//   - the driver's own: those of lib/pq (sslmode, sslrootcert,
//     connect_timeout, …), go-sql-driver/mysql (tls, charset, timeout, …) and
//     modernc.org/sqlite (_pragma, …); for SQLite also Django's timeout, in
//     seconds
//   - Django's that mean nothing here (conn_max_age, …) are ignored
//
// A folder has the option prefix, for file names that do not begin with
// Settings.SessionCookieName; see filestore.Config.Prefix.
//
// Any other option is an error. Where nothing is said, PostgreSQL gets libpq's
// sslmode=prefer and its own files and variables (~/.pgpass, PGHOST, …), servers 10
// seconds to answer a connection, and SQLite Django's 5 seconds for a lock. A SQLite
// file is never created, nor is a folder.
//
// This is the only package that chooses drivers, and it compiles all of them: a
// program that wants one only uses package dbstore or filestore by itself.
package storeurl

import (
	"database/sql"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
)

// Store is a store that holds connections until it is closed.
type Store interface {
	djsession.Store
	io.Closer
	// String is Django's short name of the engine, and what it is on, such as
	// "db (postgresql)".
	String() string
}

// Open returns the store that a URL names. It connects when it is first used.
// No error holds a password.
func Open(rawURL string, settings *djsession.Settings) (Store, error) {
	return open(rawURL, settings, false)
}

// OpenReadOnly is Open for a store that is not to be changed in any way: a SQLite
// file is opened so that not even a WAL is tidied up, and PostgreSQL and the file
// engine refuse what writes. The other servers must be told so by the rights of the user.
func OpenReadOnly(rawURL string, settings *djsession.Settings) (Store, error) {
	return open(rawURL, settings, true)
}

func open(rawURL string, settings *djsession.Settings, readOnly bool) (Store, error) {
	u, err := parse(rawURL)
	if err != nil {
		return nil, err
	}
	u.readOnly = readOnly
	openScheme, ok := schemes[u.scheme]
	if !ok {
		known := slices.Sorted(maps.Keys(schemes))
		return nil, fmt.Errorf("store url: unknown scheme %q: want one of %s", u.scheme, strings.Join(known, ", "))
	}
	for _, name := range djangoOnly {
		u.take(name)
	}
	store, err := openScheme(u, settings)
	if err != nil {
		return nil, fmt.Errorf("store url %s: %w", u, err)
	}
	return store, nil
}

// errNoDatabase: Django wants a NAME, too.
var errNoDatabase = errors.New("it names no database: scheme://user@host/name")

// newStore closes the handle of a store that is not to be.
func newStore(db *sql.DB, c dbstore.Config) (Store, error) {
	store, err := dbstore.New(db, c)
	if err != nil {
		db.Close()
		return nil, err
	}
	return store, nil
}

type opener func(*storeURL, *djsession.Settings) (Store, error)

var schemes = map[string]opener{
	"postgres":   database(openPostgreSQL),
	"postgresql": database(openPostgreSQL),
	"pgsql":      database(openPostgreSQL),
	"postgis":    database(openPostgreSQL),
	"mysql":      database(openMySQL),
	"mariadb":    database(openMySQL),
	"sqlite":     database(openSQLite),
	"file":       openFolder,
}

// database is an opener with the options that all databases have.
func database(open func(*storeURL, dbstore.Config) (Store, error)) opener {
	return func(u *storeURL, settings *djsession.Settings) (Store, error) {
		return open(u, dbstore.Config{
			Settings: settings,
			Table:    u.take("table"),
			TimeZone: u.take("time_zone"),
		})
	}
}

// isPath tells the schemes whose URLs are a path and nothing else.
func isPath(scheme string) bool {
	return strings.EqualFold(scheme, "sqlite") || strings.EqualFold(scheme, "file")
}

// djangoOnly are options of dj-database-url and of Django's connections that say
// nothing about what is stored.
var djangoOnly = []string{
	"conn_max_age", "conn_health_checks", "atomic_requests", "autocommit",
	"disable_server_side_cursors", "server_side_binding", "pool", "isolation_level",
	"transaction_mode", "init_command",
}

// HasPassword tells whether a URL holds a password, and so has no place on a
// command line. A text that is no URL has none.
func HasPassword(rawURL string) bool {
	scheme, rest, ok := strings.Cut(rawURL, "://")
	if !ok || isPath(scheme) && strings.HasPrefix(rest, "/") {
		return false // all of it is a path
	}
	// By the last @ of all, not of the authority: a password that should have
	// been percent-encoded is one all the same.
	i := strings.LastIndexByte(rest, '@')
	return i >= 0 && strings.IndexByte(rest[:i], ':') >= 0
}

// IsURL tells whether a text is a store's URL rather than a name.
func IsURL(text string) bool { return strings.Contains(text, "://") }
