// Package storeurl opens a session store by a URL. The URLs are those of dj-database-url,
// django-environ and redis-py, and more of the same kind for Django's other engines.
//
// OpenFromFile takes the URL from a file that the command wrote in the site.
//
// # Databases
//
// Django's engine db, in the table django_session:
//
//	postgres://user@host:5432/name      PostgreSQL; also postgresql, psql, pgsql, postgis,
//	                                    timescale, timescalegis
//	postgres:///name?host=/var/run/postgresql
//	mysql://user@host:3306/name         MySQL or MariaDB; also mariadb, mysql2, mysqlgis,
//	                                    mysql-connector
//	mysql://user@/name?unix_socket=/run/mysqld/mysqld.sock
//	sqlite:///relative/db.sqlite3       SQLite; also spatialite
//	sqlite:////absolute/db.sqlite3
//
// They have the options
//
//   - table: the session table, or schema.table; see dbstore.Model.Table
//   - model: the session model, if it is one of a well-known package: user_sessions, qsessions
//     or account_id; see dbstore.ModelNamed, and WithModel for any other
//   - time_zone: DATABASES[…]["TIME_ZONE"]; see dbstore.Config.TimeZone
//   - max_open_conns: how many connections may be open. Default: 10
//   - max_idle_conns: how many idle connections are kept, for five minutes. Default: 10, or
//     max_open_conns if that is less
//   - load_timeout: how long a load may take, in seconds. Default: 10; see
//     dbstore.Config.Timeout
//   - timeout: SQLite only; how long to wait for a lock, in seconds. Default: 5
//   - PostgreSQL: host, port, user, password and dbname, as libpq has them; currentSchema,
//     which is the search_path. channel_binding=require is sslmode=verify-full here, since
//     lib/pq knows no channel binding. gssencmode=require is refused
//   - MySQL: unix_socket; ssl-ca, the file of the certificates to trust; mysqlclient's ssl_mode,
//     connect_timeout, read_timeout and write_timeout. With ssl-ca alone the certificate must
//     also be for the host, as with ssl_mode=VERIFY_IDENTITY
//   - the driver's own: those of lib/pq (sslmode, sslrootcert, connect_timeout, …),
//     go-sql-driver/mysql (tls, charset, timeout, …) and modernc.org/sqlite (_pragma, …)
//   - Django's that do not matter here (conn_max_age, …), which are ignored
//
// # Files
//
// Django's engine file:
//
//	file:////absolute/folder            a folder of session files
//	file:///relative/folder
//
// The option prefix is for file names that do not begin with Settings.SessionCookieName;
// see filestore.Config.Prefix.
//
// # Caches
//
// Django's engine cache; and [OpenCachedDB] opens the engine cached_db by the URLs of its
// cache and its database:
//
//	redis://host:6379/1                             Redis or Valkey as a cache, its database 1
//	rediss://host:6379/1                            the same over TLS
//	unix:///run/redis.sock?db=1                     Redis at a Unix socket
//	redis-sentinel://host,host/service/0            Redis found by Sentinels
//	rediss-sentinel://host,host/service/0           Redis found by Sentinels, over TLS
//	redis-cluster://host,host                       a Redis Cluster
//	rediss-cluster://host,host                      a Redis Cluster, over TLS
//	memcached://host:11211,host:11211               Memcached
//	filecache:////absolute/folder                   FileBasedCache
//	dbcache+postgres://user@host:5432/name?table=site_cache   DatabaseCache in PostgreSQL
//	dbcache+mysql://user@host:3306/name?table=site_cache      DatabaseCache in MySQL or MariaDB
//	dbcache+sqlite:///relative/db.sqlite3?table=site_cache    DatabaseCache in SQLite
//
// Other names are django-environ's rediscache (redis), memcache, pymemcache and pylibmc
// (memcached, each with its client's hash), and django-valkey's valkey and valkeys.
//
// All of them have the options prefix and version, which are KEY_PREFIX and VERSION, and
// session_prefix, which is cache_key_prefix of a SessionStore that is a subclass of Django's. The
// name key_prefix is django-environ's. A KEY_FUNCTION can be set in a [cachestore.Config] only.
// Redis also has
//
//   - client: "django", the default, is Django's own RedisCache; "django-redis" and
//     "django-valkey" are the packages of these names, which write alike. A serializer, a
//     compressor or django-environ's client_class implies django-redis, and valkey:// implies
//     django-valkey
//   - serializer: "pickle", the default, "json" or "msgpack"
//   - compressor: "none", the default, "zlib", "gzip", "lzma", "lz4" or "zstd". While a site moves from
//     one serializer or compressor to another, each can be several: serializer=json,pickle reads
//     both and writes the first
//   - username and password, if the host has none before it
//   - db: the number of the database, in place of the path
//   - replica: host:port of a server to read from, once for each. In redis://host,host/1 the
//     second host is a replica, too
//   - replicas: "1" reads from the replicas that the Sentinels know
//   - max_open_conns, or max_connections as redis-py has it, and max_idle_conns, as for a
//     database; they count for each server of a Cluster and for each replica
//   - load_timeout: how long a load or a write may take, in seconds. Default: 10; see
//     rediscache.Config.Timeout
//   - socket_timeout and socket_connect_timeout, redis-py's, in seconds
//   - ssl_ca_certs, ssl_certfile, ssl_keyfile, ssl_cert_reqs and ssl_check_hostname,
//     redis-py's; with ssl_cert_reqs=none any server is trusted
//   - sentinel_username and sentinel_password, if the Sentinels have their own
//
// Memcached also has
//
//   - hash: how a server is chosen, by the client that the site's backend uses:
//     "pymemcache", the default, "pylibmc" or "python-memcached"
//   - timeout: in seconds; see memcache.Config.Timeout
//   - max_open_conns: how many connections to each server may be open. Default: 10
//   - max_item_size: in bytes, if the servers' -I is not 1 MiB
//
// DatabaseCache (with the options of its database) and FileBasedCache also have max_entries
// and cull_frequency; see dbcache.Config and filecache.Config.
//
// # Spelling
//
// A user and a password go before the host: postgres://user:password@host/name. Special
// characters in a part are percent-encoded; as in Python, a % that begins no encoding stands for
// itself. A host that is a path (postgres://user@%2Fvar%2Frun%2Fpostgresql/name) is a socket, and
// so is postgres:////var/run/postgresql/name. Several hosts of PostgreSQL have commas between
// them. Of several options of one name the first one counts. An unknown option is an error.
//
// A password that expires does not go into the URL: [WithPasswordFrom] asks for it whenever a
// connection is opened.
//
// # Defaults
//
// PostgreSQL gets libpq's sslmode=prefer, and its own files and variables (~/.pgpass,
// PGHOST, PGCONNECT_TIMEOUT, …). Neither a SQLite file nor a folder is ever created.
//
// Every wait has a limit. Connecting, with TLS and the handshake, may take 10 seconds
// (connect_timeout of PostgreSQL, timeout of MySQL, socket_connect_timeout of Redis). A
// load, and each page of a scan, may take 10 seconds even if the context has no deadline,
// or as long as an option of the driver grants, if that is longer (connect_timeout,
// statement_timeout, readTimeout, socket_timeout, …). A write to a database may take a
// minute, which is longer than InnoDB waits for a lock. A Memcached server has one second
// to connect and one to answer. When a limit is reached, the error is a
// context.DeadlineExceeded or an os.ErrDeadlineExceeded.
//
// A store opens at most 10 connections to a server, since the site needs the server's
// connections, too, and keeps idle ones for five minutes. If all of them are in use, a
// request waits for one as long as a load may take; then its error says that all are busy. A
// cached_db has two pools, one for its cache and one for its database, even if both are on
// one server. The users of package djauth are read over the pool of the database.
//
// Before a write is sent, the drivers check whether the server has closed the connection. lib/pq,
// and go-redis over TLS, do so only if this package opened the connection.
//
// # Drivers
//
// This is the only package that imports drivers, and it imports all of them. A program that needs
// only one driver can import it, and use package dbstore, filestore, rediscache, … directly.
package storeurl

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/dbstore"
)

// Store is a store that holds connections until it is closed.
type Store interface {
	djsession.Store
	io.Closer
	// String returns Django's short name of the engine, and where it keeps sessions, such as
	// "db (postgresql)".
	String() string
}

// Option is an option that a URL cannot hold.
type Option func(*given)

// WithModel says that the sessions are in the table of this model. It is for databases only. The
// option table of a URL overrides the model's.
func WithModel(m dbstore.Model) Option {
	return func(g *given) { g.model = &m }
}

// Open returns the store that a URL names. It connects when it is first used.
// No error holds a password.
func Open(rawURL string, settings *djsession.Settings, options ...Option) (Store, error) {
	return open(rawURL, settings, false, options)
}

// OpenReadOnly is like Open, but nothing changes the store: a SQLite file is opened so that not
// even its WAL is cleaned up, and with PostgreSQL, the engine file and the caches every write is
// refused. On MySQL the user's rights must forbid writes.
//
// It is the PostgreSQL server that refuses, also behind a pooler such as PgBouncer. There each
// statement runs in a transaction of its own, which costs two more round trips.
func OpenReadOnly(rawURL string, settings *djsession.Settings, options ...Option) (Store, error) {
	return open(rawURL, settings, true, options)
}

func open(rawURL string, settings *djsession.Settings, readOnly bool, options []Option) (Store, error) {
	u, err := parse(rawURL)
	if err != nil {
		return nil, err
	}
	u.apply(readOnly, options)
	switch {
	case u.model != nil && u.row.database == nil:
		return nil, u.openError(errors.New("a session model was given, but this is not a database"))
	case u.cachePassword != nil:
		return nil, u.openError(errors.New("a password for a cache was given, but this is not a cached_db"))
	}
	if err := u.checkPassword(); err != nil {
		return nil, u.openError(err)
	}
	store, err := u.open(settings)
	if err != nil {
		return nil, u.openError(err)
	}
	return store, nil
}

func (g *given) apply(readOnly bool, options []Option) {
	g.readOnly = readOnly
	for _, option := range options {
		option(g)
	}
}

// storePackages are the packages whose constructors begin their errors with the package's name.
var storePackages = []string{"cachestore", "dbcache", "dbstore", "filecache", "filestore", "memcache", "rediscache"}

// openError adds the URL to an error, in place of the name of a store's package: a user who
// gives a URL knows no packages.
func (u *storeURL) openError(err error) error {
	if name, text, ok := strings.Cut(err.Error(), ": "); ok && slices.Contains(storePackages, name) {
		err = &unprefixedError{err, text}
	}
	if u.row.IsPath && errors.Is(err, fs.ErrNotExist) && !filepath.IsAbs(u.path) {
		// django-environ reads the path of filecache:///path as an absolute one.
		if _, statErr := os.Stat("/" + u.path); statErr == nil {
			return fmt.Errorf("store url %s: %w; the absolute path is %s:////%s", u, err, u.scheme, u.path)
		}
	}
	return fmt.Errorf("store url %s: %w", u, err)
}

// unprefixedError is an error with a shorter text.
type unprefixedError struct {
	error
	text string
}

func (e *unprefixedError) Error() string { return e.text }
func (e *unprefixedError) Unwrap() error { return e.error }

// open opens the store of any scheme.
func (u *storeURL) open(settings *djsession.Settings) (Store, error) {
	switch {
	case u.row.store != nil:
		return u.row.store(u, settings)
	case u.row.database != nil:
		store, err := u.openTable(settings)
		if err != nil {
			return nil, err // and not a nil *dbstore.Store
		}
		return store, nil
	}
	c, err := u.openCache(settings)
	if err != nil {
		return nil, err
	}
	store, err := cachestore.New(c.cache, c.config)
	if err != nil {
		c.cache.Close()
		return nil, err
	}
	return store, nil
}

// openTable opens the engine db. It returns an error for the URL of another store.
func (u *storeURL) openTable(settings *djsession.Settings) (*dbstore.Store, error) {
	if u.row.database == nil {
		return nil, fmt.Errorf("this is not a database: want one of %s", namesOf(func(s *Scheme) bool { return s.database != nil }))
	}
	return u.row.database.openTable(u, settings)
}

// openedCache is a cache, and how sessions are kept in it.
type openedCache struct {
	cache         cachestore.Cache
	config        cachestore.Config
	environPrefix bool // the prefix is spelled as django-environ spells it, key_prefix
}

// openCache opens a cache, with the options that all caches have. It returns an error for the URL
// of another store.
func (u *storeURL) openCache(settings *djsession.Settings) (*openedCache, error) {
	if u.row.cache == nil {
		return nil, fmt.Errorf("this is not a cache: want one of %s", namesOf(func(s *Scheme) bool { return s.cache != nil }))
	}
	c := &openedCache{config: cachestore.Config{
		Settings: settings, CacheKeyPrefix: u.take("session_prefix"), ReadOnly: u.readOnly,
	}}
	prefix, environs := u.take("prefix"), u.take("key_prefix")
	c.config.KeyPrefix, c.environPrefix = cmp.Or(prefix, environs), prefix == "" && environs != ""
	if version := u.take("version"); version != "" {
		n, err := strconv.Atoi(version)
		if err != nil || n == 0 {
			return nil, fmt.Errorf("version %q: want the cache's VERSION, a whole number and not 0", version)
		}
		c.config.Version = n
	}
	if err := u.row.cache(u, c); err != nil {
		return nil, err
	}
	return c, nil
}

// OpenCachedDB returns the store of the engine cached_db. It takes the URL of its cache, and
// that of the database with the table django_session. Close closes both.
func OpenCachedDB(cacheURL, databaseURL string, settings *djsession.Settings, options ...Option) (*cachestore.CachedDB, error) {
	return openCachedDB(cacheURL, databaseURL, settings, false, options)
}

// OpenCachedDBReadOnly is like OpenCachedDB, but opens both stores as OpenReadOnly does. Sessions
// that are read from the database are not written into the cache.
func OpenCachedDBReadOnly(cacheURL, databaseURL string, settings *djsession.Settings, options ...Option) (*cachestore.CachedDB, error) {
	return openCachedDB(cacheURL, databaseURL, settings, true, options)
}

func openCachedDB(cacheURL, databaseURL string, settings *djsession.Settings, readOnly bool, options []Option) (*cachestore.CachedDB, error) {
	u, err := parse(databaseURL)
	if err != nil {
		return nil, fmt.Errorf("cached_db: database: %w", err)
	}
	u.apply(readOnly, options)
	if err := u.checkPassword(); err != nil {
		return nil, fmt.Errorf("cached_db: database: %w", u.openError(err))
	}
	db, err := u.openTable(settings)
	if err != nil {
		return nil, fmt.Errorf("cached_db: database: %w", u.openError(err))
	}
	store, err := openCacheOver(db, cacheURL, settings, given{readOnly: readOnly, newPassword: u.cachePassword})
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("cached_db: cache: %w", err)
	}
	return store, nil
}

// openCacheOver opens a cache over a database that is open.
func openCacheOver(db *dbstore.Store, cacheURL string, settings *djsession.Settings, g given) (*cachestore.CachedDB, error) {
	u, err := parse(cacheURL)
	if err != nil {
		return nil, err
	}
	u.given = g
	if err := u.checkPassword(); err != nil {
		return nil, u.openError(err)
	}
	c, err := u.openCache(settings)
	if err != nil {
		return nil, u.openError(err)
	}
	store, err := cachestore.NewCachedDB(c.cache, db, c.config)
	if err != nil {
		c.cache.Close()
		return nil, u.openError(err)
	}
	return store, nil
}
