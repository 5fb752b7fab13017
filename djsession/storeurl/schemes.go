package storeurl

import (
	"slices"
	"strings"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
)

// Scheme describes the URLs of one kind of store. It is a row of the table below, and also
// says how this package opens such a store.
type Scheme struct {
	// Names are the words before ://. All of them mean the same store.
	Names []string
	// Description names the store, such as "PostgreSQL".
	Description string
	// Example is a URL of this scheme.
	Example string
	// IsPath: only a path follows ://, which may be relative.
	IsPath bool
	// KeepsWallClock: the store keeps times without their zone, so that USE_TZ and TIME_ZONE
	// decide what they mean.
	KeepsWallClock bool

	severalHosts  bool     // servers may be listed with commas between them
	password      bool     // the server may ask for a password
	passwordAlone bool     // a URL may have a password without a user
	tls           bool     // the connection is encrypted
	options       []string // that this package reads, in the order of messages
	ignored       []string // options of Django's tools that do not change what is stored
	driver        string   // whose options driverOptions are
	driverOptions []string // that this package passes on to the driver

	// socketBefore, if set, reports whether a path that begins with / is that of a socket, and
	// only its last part is the name of the database.
	socketBefore func(path string) bool

	// A row has exactly one of these.
	store    func(*storeURL, *djsession.Settings) (Store, error)
	database *database
	cache    func(*storeURL, *openedCache) error
}

// IsCache reports whether the store is a cache, which keeps sessions without a signature.
func (s Scheme) IsCache() bool { return s.cache != nil }

// schemes is the table of schemes. CONTRIBUTING.md says how to add an engine; here it takes a
// row, and the function that opens it in a file of this package. TestSchemes checks the row:
// the example opens, every option is read, and the package comment names both. For example,
// a cache in etcd would be:
//
//	{Names: []string{"etcd"}, Description: "etcd as a cache", Example: "etcd://host:2379,host:2379", severalHosts: true,
//		options: slices.Concat(cacheOptions, []string{"timeout"}), cache: openEtcd},
//
// The command's help, the check of options, the error for an unknown scheme and the dbcache+
// URLs follow from the table.
var schemes = withDatabaseCaches([]Scheme{
	{Names: []string{"postgres", "postgresql", "psql", "pgsql", "postgis", "timescale", "timescalegis"}, Description: "PostgreSQL", Example: "postgres://user@host:5432/name", severalHosts: true, password: true,
		options: slices.Concat(databaseOptions, postgresOptions), ignored: libpqIgnored, driver: "lib/pq", driverOptions: pqOptions, socketBefore: isAnySocket,
		database: &database{dbstore.PostgreSQL, openPostgreSQL}},
	{Names: []string{"mysql", "mariadb", "mysql2", "mysqlgis", "mysql-connector"}, Description: "MySQL or MariaDB", Example: "mysql://user@host:3306/name", KeepsWallClock: true, password: true,
		options: slices.Concat(databaseOptions, mysqlclientOptions), ignored: mysqlclientIgnored, driver: "go-sql-driver/mysql", driverOptions: mysqlOptions, socketBefore: isCloudSQL,
		database: &database{dbstore.MySQL, openMySQL}},
	{Names: []string{"sqlite", "spatialite"}, Description: "SQLite", Example: "sqlite:///relative/db.sqlite3", IsPath: true, KeepsWallClock: true,
		options: slices.Concat(databaseOptions, []string{"timeout"}), driver: "modernc.org/sqlite", driverOptions: sqliteOptions,
		database: &database{dbstore.SQLite, openSQLite}},
	{Names: []string{"file"}, Description: "a folder of session files", Example: "file:////absolute/folder", IsPath: true,
		options: []string{"prefix"}, store: openFolder},

	{Names: []string{"redis", "rediscache", "valkey"}, Description: "Redis or Valkey as a cache", Example: "redis://host:6379/1", severalHosts: true, password: true, passwordAlone: true,
		options: slices.Concat(cacheOptions, redisOptions, redisServerOptions), ignored: redisPyIgnored, cache: openRedis},
	{Names: []string{"rediss", "valkeys"}, Description: "the same over TLS", Example: "rediss://host:6379/1", severalHosts: true, password: true, passwordAlone: true, tls: true,
		options: slices.Concat(cacheOptions, redisOptions, redisServerOptions, tlsOptions), ignored: redisPyIgnored, cache: openRedis},
	{Names: []string{"unix"}, Description: "Redis at a Unix socket", Example: "unix:///run/redis.sock?db=1", password: true, passwordAlone: true,
		options: slices.Concat(cacheOptions, redisOptions, redisServerOptions), ignored: redisPyIgnored, cache: openRedis},
	{Names: []string{"redis-sentinel"}, Description: "Redis found by Sentinels", Example: "redis-sentinel://host,host/service/0", severalHosts: true, password: true, passwordAlone: true,
		options: slices.Concat(cacheOptions, redisOptions, sentinelOptions), ignored: redisPyIgnored, cache: openRedisSentinel},
	{Names: []string{"rediss-sentinel"}, Description: "Redis found by Sentinels, over TLS", Example: "rediss-sentinel://host,host/service/0", severalHosts: true, password: true, passwordAlone: true, tls: true,
		options: slices.Concat(cacheOptions, redisOptions, sentinelOptions, tlsOptions), ignored: redisPyIgnored, cache: openRedisSentinel},
	{Names: []string{"redis-cluster"}, Description: "a Redis Cluster", Example: "redis-cluster://host,host", severalHosts: true, password: true, passwordAlone: true,
		options: slices.Concat(cacheOptions, redisOptions), ignored: redisPyIgnored, cache: openRedisCluster},
	{Names: []string{"rediss-cluster"}, Description: "a Redis Cluster, over TLS", Example: "rediss-cluster://host,host", severalHosts: true, password: true, passwordAlone: true, tls: true,
		options: slices.Concat(cacheOptions, redisOptions, tlsOptions), ignored: redisPyIgnored, cache: openRedisCluster},
	{Names: []string{"memcached", "memcache", "pymemcache", "pylibmc"}, Description: "Memcached", Example: "memcached://host:11211,host:11211", severalHosts: true,
		options: slices.Concat(cacheOptions, []string{"hash", "timeout", "max_open_conns", "max_item_size"}), cache: openMemcached},
	{Names: []string{"filecache"}, Description: "FileBasedCache", Example: "filecache:////absolute/folder", IsPath: true,
		options: slices.Concat(cacheOptions, cullOptions), ignored: []string{"timeout"}, cache: openFileCache},
})

// Options that several schemes have.
var (
	databaseOptions    = []string{"table", "model", "time_zone", "max_open_conns", "max_idle_conns", "load_timeout"}
	postgresOptions    = []string{"host", "port", "user", "password", "dbname", "currentSchema", "channel_binding", "gssencmode"}
	mysqlclientOptions = []string{"unix_socket", "ssl-ca", "ssl_mode", "connect_timeout", "read_timeout", "write_timeout"}
	cacheOptions       = []string{"prefix", "key_prefix", "version", "session_prefix"}
	cullOptions        = []string{"max_entries", "cull_frequency"}
	redisOptions       = []string{"username", "password", "client", "client_class", "serializer", "compressor", "max_open_conns", "max_connections", "max_idle_conns", "load_timeout", "socket_timeout", "socket_connect_timeout"}
	redisServerOptions = []string{"db", "replica"}
	sentinelOptions    = []string{"replicas", "sentinel_username", "sentinel_password"}
	tlsOptions         = []string{"ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname"}
)

// Options that change how the site's client works, and not what it stores.
var (
	libpqIgnored       = []string{"keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout", "prepare_threshold"}
	mysqlclientIgnored = []string{"sql_mode", "use_unicode", "local_infile"}
	// timeout is both redis-py's, for a pool, and the TIMEOUT of django-environ's cache URLs.
	redisPyIgnored = []string{"timeout", "socket_keepalive", "socket_read_size", "retry_on_timeout", "retry_on_error", "health_check_interval",
		"protocol", "legacy_responses", "client_name", "lib_name", "lib_version"}
)

const databaseCachePrefix = "dbcache+"

// withDatabaseCaches adds a row for a DatabaseCache in each of the databases.
func withDatabaseCaches(rows []Scheme) []Scheme {
	for _, row := range rows {
		if row.database == nil {
			continue
		}
		var names []string
		for _, name := range row.Names {
			names = append(names, databaseCachePrefix+name)
		}
		row.Names, row.Description, row.Example = names, "DatabaseCache in "+row.Description, databaseCachePrefix+row.Example+"?table=site_cache"
		row.options = slices.Concat(cacheOptions, row.options, cullOptions)
		row.options = slices.DeleteFunc(row.options, func(name string) bool { return name == "model" }) // of sessions
		row.cache, row.database = row.database.openCache, nil
		rows = append(rows, row)
	}
	return rows
}

// Schemes returns the table of schemes, for a program's help.
func Schemes() []Scheme { return slices.Clone(schemes) }

// SchemeOf returns the scheme of a URL. It returns an error if the text is not the URL of a
// store.
func SchemeOf(rawURL string) (Scheme, error) {
	row, _, _, err := cutScheme(rawURL)
	if err != nil {
		return Scheme{}, err
	}
	return *row, nil
}

func isAnySocket(string) bool { return true }

// isCloudSQL: of MySQL's sockets, django-environ knows those of Google's Cloud SQL.
func isCloudSQL(path string) bool { return strings.Contains(path, "cloudsql") }

// IsURL reports whether a text is a store's URL rather than a name.
func IsURL(text string) bool { return strings.Contains(text, "://") }

// schemeNamed returns the row of a name, or nil.
func schemeNamed(name string) *Scheme {
	name = strings.ToLower(name)
	for i := range schemes {
		if slices.Contains(schemes[i].Names, name) {
			return &schemes[i]
		}
	}
	return nil
}

// isPath reports whether URLs of this name have only a path. It is false for an unknown name.
func isPath(name string) bool {
	row := schemeNamed(name)
	return row != nil && row.IsPath
}

// namesOf lists the names of the selected schemes for a message.
func namesOf(selected func(*Scheme) bool) string {
	var names []string
	end := ""
	for i := range schemes {
		switch row := &schemes[i]; {
		case !selected(row):
		case strings.HasPrefix(row.Names[0], databaseCachePrefix):
			end = "; or " + databaseCachePrefix + " before that of a database"
		default:
			names = append(names, row.Names...)
		}
	}
	return strings.Join(names, ", ") + end
}
