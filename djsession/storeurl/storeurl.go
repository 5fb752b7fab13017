// Package storeurl opens a session store by a URL, spelled as Django people spell
// them for dj-database-url:
//
//	postgres://user:password@host:5432/name
//	mysql://user:password@host:3306/name       MariaDB, too
//	sqlite:///relative/path.sqlite3
//	sqlite:////absolute/path.sqlite3
//	file:///relative/folder                    Django's engine file
//	file:////absolute/folder
//	redis://user:password@host:6379/1          Redis as a cache, database number 1
//	redis-sentinel://host,host/service/0
//	redis-cluster://host,host
//	memcached://host:11211,host:11211
//	dbcache+postgres://…?table=site_cache      DatabaseCache; also dbcache+mysql, …
//	filecache:////absolute/folder              FileBasedCache
//
// and [OpenCachedDB] the engine cached_db by two. With rediss Redis is spoken to by TLS.
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
//   - max_open_conns: how many connections may be open. Default: 10
//   - max_idle_conns: how many idle ones are kept, for five minutes. Default: 10, or
//     max_open_conns if that is less
//   - load_timeout: how long a load may take, in seconds. Default: 10; see
//     dbstore.Config.Timeout
//   - Django's that mean nothing here (conn_max_age, …) are ignored
//
// A folder has the option prefix, for file names that do not begin with
// Settings.SessionCookieName; see filestore.Config.Prefix.
//
// All caches have prefix and version, which are KEY_PREFIX and VERSION. A KEY_FUNCTION
// is for [cachestore.Config]. Besides, Redis has
//
//   - client: "django", the default, is Django's own RedisCache, "django-redis" the
//     package of that name; a serializer or compressor implies the latter
//   - serializer: "pickle", the default, "json" or "msgpack"
//   - compressor: "none", the default, "zlib", "gzip", "lzma", "lz4" or "zstd"
//   - replica: host:port of a server to read from, once for each. Sentinels know them:
//     replicas=1 there
//   - max_open_conns, which redis-py calls max_connections, and max_idle_conns, as for a
//     database; in a Cluster, and with replicas, for each server
//   - load_timeout: how long a load or a write may take, in seconds. Default: 10; see
//     rediscache.Config.Timeout
//   - redis-py's socket_timeout, socket_connect_timeout (both in seconds),
//     ssl_ca_certs, ssl_certfile, ssl_keyfile and ssl_cert_reqs ("none" trusts any server)
//   - sentinel_username and sentinel_password, where the Sentinels have their own
//
// Memcached has
//
//   - hash: how a server is chosen, by the client that the site's backend uses:
//     "pymemcache", the default, "pylibmc" or "python-memcached"
//   - timeout: in seconds; see memcache.Config.Timeout
//   - max_open_conns: how many connections to each server may be open. Default: 10
//   - max_item_size: in bytes, where the servers' -I is not 1 MiB
//
// and DatabaseCache (with the options of its database) and FileBasedCache have
// max_entries and cull_frequency: see dbcache.Config and filecache.Config.
//
// Any other option is an error.
//
// # Defaults
//
// PostgreSQL gets libpq's sslmode=prefer and its own files and variables (~/.pgpass,
// PGHOST, PGCONNECT_TIMEOUT, …). SQLite waits 5 seconds for a lock, as Django does. A
// SQLite file is never created, nor is a folder.
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
// connections, too, and keeps idle ones for five minutes. A request that finds all of them in
// use waits for one, for as long as a load may take; then its error says that all are busy. A
// cached_db has two pools, one for its cache and one for its database, even if both are on
// one server. The users of package djauth are read over the pool of the database.
//
// Connections of lib/pq, and of go-redis over TLS, that the server has closed are noticed
// before a write is sent on them only if this package opened them.
//
// This is the only package that chooses drivers, and it compiles all of them: a
// program that wants one only uses package dbstore, filestore or rediscache, … by
// itself.
package storeurl

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
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
	if err := checkScheme(u.scheme); err != nil {
		return nil, err
	}
	store, err := u.open(settings)
	if err != nil {
		return nil, fmt.Errorf("store url %s: %w", u, err)
	}
	return store, nil
}

func (u *storeURL) open(settings *djsession.Settings) (Store, error) {
	if u.scheme == "file" {
		return openFolder(u, settings)
	}
	if d, ok := databases[u.scheme]; ok {
		store, err := d.openTable(u, settings)
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

// OpenCachedDB returns the store of the engine cached_db: the URL of its cache, and
// that of the database with the table django_session. Close closes both.
func OpenCachedDB(cacheURL, databaseURL string, settings *djsession.Settings) (*cachestore.CachedDB, error) {
	return openCachedDB(cacheURL, databaseURL, settings, false)
}

// OpenCachedDBReadOnly is to OpenCachedDB what OpenReadOnly is to Open. Nor is the
// cache filled with what is read from the database.
func OpenCachedDBReadOnly(cacheURL, databaseURL string, settings *djsession.Settings) (*cachestore.CachedDB, error) {
	return openCachedDB(cacheURL, databaseURL, settings, true)
}

func openCachedDB(cacheURL, databaseURL string, settings *djsession.Settings, readOnly bool) (*cachestore.CachedDB, error) {
	u, err := parse(databaseURL)
	if err != nil {
		return nil, fmt.Errorf("cached_db: database: %w", err)
	}
	u.readOnly = readOnly
	d, ok := databases[u.scheme]
	if !ok {
		return nil, fmt.Errorf("cached_db: database: store url %s: it is none of a database: want one of %s", u, known(databases))
	}
	db, err := d.openTable(u, settings)
	if err != nil {
		return nil, fmt.Errorf("cached_db: database: store url %s: %w", u, err)
	}
	store, err := overDatabase(cacheURL, db, settings, readOnly)
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("cached_db: cache: %w", err)
	}
	return store, nil
}

func overDatabase(cacheURL string, db *dbstore.Store, settings *djsession.Settings, readOnly bool) (*cachestore.CachedDB, error) {
	u, err := parse(cacheURL)
	if err != nil {
		return nil, err
	}
	u.readOnly = readOnly
	c, err := u.openCache(settings)
	if err != nil {
		return nil, fmt.Errorf("store url %s: %w", u, err)
	}
	store, err := cachestore.NewCachedDB(c.cache, db, c.config)
	if err != nil {
		c.cache.Close()
		return nil, fmt.Errorf("store url %s: %w", u, err)
	}
	return store, nil
}

// isPath tells the schemes whose URLs are a path and nothing else.
func isPath(scheme string) bool {
	switch strings.ToLower(scheme) {
	case "sqlite", "file", "filecache", "dbcache+sqlite":
		return true
	}
	return false
}

// hasSeveralHosts tells the schemes whose URLs name servers with commas between.
func hasSeveralHosts(scheme string) bool {
	switch scheme {
	case "memcached", "redis-cluster", "rediss-cluster", "redis-sentinel", "rediss-sentinel":
		return true
	}
	return false
}

// known lists the schemes there are.
func known[T any](schemes ...map[string]T) string {
	var names []string
	for _, m := range schemes {
		names = slices.AppendSeq(names, maps.Keys(m))
	}
	slices.Sort(names)
	names = slices.DeleteFunc(names, func(name string) bool { return name == "" })
	return strings.Join(names, ", ")
}

// CheckScheme is an error when a URL's scheme is that of no store.
func CheckScheme(rawURL string) error {
	scheme, _, ok := strings.Cut(rawURL, "://")
	if !ok || !isScheme(scheme) {
		return nil // Open says what is wrong with it
	}
	return checkScheme(strings.ToLower(scheme))
}

func checkScheme(scheme string) error {
	if scheme == "file" || databases[scheme] != nil || cacheOpener(scheme) != nil {
		return nil
	}
	return fmt.Errorf("store url: unknown scheme %q: want one of file, %s, %s; or %s before that of a database", scheme, known(databases), known(caches), databaseCache)
}

// IsPath tells whether a URL names a file or folder, and so a path that can be
// relative.
func IsPath(rawURL string) bool {
	scheme, _, ok := strings.Cut(rawURL, "://")
	return ok && isPath(scheme)
}

// IsCache tells whether a URL names a cache, which keeps sessions without a
// signature.
func IsCache(rawURL string) bool {
	scheme, _, ok := strings.Cut(strings.ToLower(rawURL), "://")
	return ok && cacheOpener(scheme) != nil
}

// KeepsWallClock tells whether a URL names a database that keeps times without their
// zone, so that USE_TZ and TIME_ZONE decide what they mean.
func KeepsWallClock(rawURL string) bool {
	scheme, _, _ := strings.Cut(strings.ToLower(rawURL), "://")
	d, ok := databases[strings.TrimPrefix(scheme, "dbcache+")]
	return ok && d.dialect != dbstore.PostgreSQL
}

// IsURL tells whether a text is a store's URL rather than a name.
func IsURL(text string) bool { return strings.Contains(text, "://") }
