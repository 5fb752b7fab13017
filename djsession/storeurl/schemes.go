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
	passwordAlone bool     // a URL may have a password without a user
	tls           bool     // the connection is encrypted
	options       []string // that this package reads, in the order of messages
	driver        string   // whose options driverOptions are
	driverOptions []string // that this package passes on to the driver

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
	{Names: []string{"postgres", "postgresql", "pgsql", "postgis"}, Description: "PostgreSQL", Example: "postgres://user@host:5432/name",
		options: databaseOptions, driver: "lib/pq", driverOptions: pqOptions,
		database: &database{dbstore.PostgreSQL, openPostgreSQL}},
	{Names: []string{"mysql", "mariadb"}, Description: "MySQL or MariaDB", Example: "mysql://user@host:3306/name", KeepsWallClock: true,
		options: databaseOptions, driver: "go-sql-driver/mysql", driverOptions: mysqlOptions,
		database: &database{dbstore.MySQL, openMySQL}},
	{Names: []string{"sqlite"}, Description: "SQLite", Example: "sqlite:///relative/db.sqlite3", IsPath: true, KeepsWallClock: true,
		options: slices.Concat(databaseOptions, []string{"timeout"}), driver: "modernc.org/sqlite", driverOptions: sqliteOptions,
		database: &database{dbstore.SQLite, openSQLite}},
	{Names: []string{"file"}, Description: "a folder of session files", Example: "file:////absolute/folder", IsPath: true,
		options: []string{"prefix"}, store: openFolder},

	{Names: []string{"redis"}, Description: "Redis as a cache", Example: "redis://host:6379/1", passwordAlone: true,
		options: slices.Concat(cacheOptions, redisOptions, redisServerOptions), cache: openRedis},
	{Names: []string{"rediss"}, Description: "Redis over TLS", Example: "rediss://host:6379/1", passwordAlone: true, tls: true,
		options: slices.Concat(cacheOptions, redisOptions, redisServerOptions, tlsOptions), cache: openRedis},
	{Names: []string{"redis-sentinel"}, Description: "Redis found by Sentinels", Example: "redis-sentinel://host,host/service/0", severalHosts: true, passwordAlone: true,
		options: slices.Concat(cacheOptions, redisOptions, sentinelOptions), cache: openRedisSentinel},
	{Names: []string{"rediss-sentinel"}, Description: "Redis found by Sentinels, over TLS", Example: "rediss-sentinel://host,host/service/0", severalHosts: true, passwordAlone: true, tls: true,
		options: slices.Concat(cacheOptions, redisOptions, sentinelOptions, tlsOptions), cache: openRedisSentinel},
	{Names: []string{"redis-cluster"}, Description: "a Redis Cluster", Example: "redis-cluster://host,host", severalHosts: true, passwordAlone: true,
		options: slices.Concat(cacheOptions, redisOptions), cache: openRedisCluster},
	{Names: []string{"rediss-cluster"}, Description: "a Redis Cluster, over TLS", Example: "rediss-cluster://host,host", severalHosts: true, passwordAlone: true, tls: true,
		options: slices.Concat(cacheOptions, redisOptions, tlsOptions), cache: openRedisCluster},
	{Names: []string{"memcached"}, Description: "Memcached", Example: "memcached://host:11211,host:11211", severalHosts: true,
		options: slices.Concat(cacheOptions, []string{"hash", "timeout", "max_open_conns", "max_item_size"}), cache: openMemcached},
	{Names: []string{"filecache"}, Description: "FileBasedCache", Example: "filecache:////absolute/folder", IsPath: true,
		options: slices.Concat(cacheOptions, cullOptions), cache: openFileCache},
})

// Options that several schemes have.
var (
	databaseOptions    = []string{"table", "model", "time_zone", "max_open_conns", "max_idle_conns", "load_timeout"}
	cacheOptions       = []string{"prefix", "version", "session_prefix"}
	cullOptions        = []string{"max_entries", "cull_frequency"}
	redisOptions       = []string{"client", "serializer", "compressor", "max_open_conns", "max_connections", "max_idle_conns", "load_timeout", "socket_timeout", "socket_connect_timeout"}
	redisServerOptions = []string{"db", "replica"}
	sentinelOptions    = []string{"replicas", "sentinel_username", "sentinel_password"}
	tlsOptions         = []string{"ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs"}
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
