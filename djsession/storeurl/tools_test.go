package storeurl

import (
	"bufio"
	"cmp"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lib/pq"

	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/memcache"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// reading is what somebody reads from a URL: where the store is, and the options that count.
type reading map[string]string

func (r reading) set(name string, value any) {
	if text := fmt.Sprint(value); value != nil && text != "" {
		r[name] = text
	}
}

// toolLine is a line of testdata/urls/read.jsonl.
type toolLine struct {
	URL   string         `json:"url"`
	Tool  string         `json:"tool"`
	Reads map[string]any `json:"reads"`
	Error string         `json:"error"`
}

// refusedURLs are the URLs that a tool reads and this package refuses, with words of the error. Most
// of the readings are of no use, or differ between the tools.
var refusedURLs = map[string]string{
	"postgres://u:p#ss@h/site":    "must be written as %23", // django-environ alone reads it
	"sqlite://":                   "Django cannot share a database in memory",
	"sqlite:///":                  "Django cannot share a database in memory",
	"sqlite://:memory:":           "take this for a database in memory",
	"sqlite:///:memory:":          "Django cannot share a database in memory",
	"sqlite://db.sqlite3":         "it is sqlite:///relative/path",
	"sqlite://host/db.sqlite3":    `Django's tools ignore the host, and open "db.sqlite3"`,
	"oracle://u@h/site":           "Oracle is not supported",
	"redshift://u@h/site":         "Redshift is not supported",
	"redis://h/site":              "want one such as redis://host:port/1", // both read database 0
	"redis:///run/redis.sock":     "a socket is unix:///run/redis.sock?db=1",
	"redis://:p@h1,h2/1":          "?replica=host:port",
	"redis://h/1?key_prefix=site": "write prefix=", // django-environ has Django ignore it
	"unix://run/redis.sock":       "write unix:///run/redis.sock",
	"locmemcache://":              "inside of its own process",
	"dbcache://site_cache":        "dbcache+postgres://user@host/name?table=",
}

// Every URL is read as one of Django's tools reads it, or refused with the spelling that works. A URL
// that no tool reads is refused.
func TestAsDjangosTools(t *testing.T) {
	for _, name := range []string{"PGHOST", "PGSSLMODE"} {
		t.Setenv(name, "") // so that it is set again after the test
		os.Unsetenv(name)
	}
	lines := readToolLines(t)
	t.Chdir(t.TempDir())
	server := httptest.NewTLSServer(nil) // for its certificate
	defer server.Close()
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile("rds.pem", certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, url := range slices.Sorted(maps.Keys(lines)) {
		got, err := readingOf(t, url)
		words, isRefused := refusedURLs[url]
		switch {
		case isRefused && (err == nil || !strings.Contains(err.Error(), words)):
			t.Errorf("%s: %v, want an error with %q", url, err, words)
			continue
		case isRefused:
			continue
		}
		var theirs []reading
		for _, line := range lines[url] {
			if line.Error == "" {
				theirs = append(theirs, line.reading())
			}
		}
		switch {
		case err != nil && len(theirs) > 0:
			t.Errorf("%s: %v, want one of %v", url, err, theirs)
		case err == nil && !slices.ContainsFunc(theirs, func(r reading) bool { return maps.Equal(r, got) }):
			t.Errorf("%s:\nread   %v\nwant %v", url, got, theirs)
		}
	}
}

func readToolLines(t *testing.T) map[string][]toolLine {
	t.Helper()
	f, err := os.Open(djangotest.Testdata(t, "urls", "read.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := map[string][]toolLine{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var line toolLine
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		all[line.URL] = append(all[line.URL], line)
	}
	if len(all) < 100 {
		t.Fatalf("%d URLs", len(all))
	}
	return all
}

// reading returns what a tool reads, in the words of this test.
func (l toolLine) reading() reading {
	r := reading{}
	if backend, ok := l.Reads["BACKEND"].(string); ok {
		return l.cacheReading(backend)
	}
	if engine, ok := l.Reads["engine"].(string); ok {
		r["engine"] = engine[strings.LastIndex(engine, ".")+1:]
	}
	for name, value := range l.Reads {
		switch name {
		case "engine", "detect_types", "conn_max_age", "CONN_MAX_AGE", "keepalives_idle", // do not change what is stored
			"socket_keepalive", "health_check_interval", "retry_on_timeout", "protocol", "client_name", "timeout":
		case "dbname", "database":
			r.set("name", value)
		case "unix_socket", "path":
			r.set("host", value)
		case "ssl":
			r.set("ca", value.(map[string]any)["ca"])
		case "connection_class":
			if value == "SSLConnection" {
				r.set("tls", "yes")
			}
		default:
			r.set(name, value)
		}
	}
	if r["engine"] == "sqlite3" {
		r["name"] = filepath.Clean(r["name"])
	}
	return r
}

// cacheReading returns what django-environ reads for CACHES.
func (l toolLine) cacheReading(backend string) reading {
	servers, isRedis := l.Reads["LOCATION"].([]any)
	if !isRedis {
		servers = []any{l.Reads["LOCATION"]}
	}
	r := reading{}
	if strings.HasSuffix(backend, "RedisCache") {
		r = toolLine{Reads: servers[0].(map[string]any)}.reading()
		for _, replica := range servers[1:] {
			h := replica.(map[string]any)
			r.set("replica", net.JoinHostPort(h["host"].(string), fmt.Sprint(h["port"])))
		}
		options, _ := l.Reads["OPTIONS"].(map[string]any)
		for name, value := range (toolLine{Reads: options}).reading() {
			if r[name] == "" && name != "client_class" { // of a LOCATION and OPTIONS, the former counts
				r[name] = value
			}
		}
		return r
	}
	r["client"] = backend[strings.LastIndex(backend, ".")+1:]
	var addresses []string
	for _, server := range servers {
		addresses = append(addresses, strings.TrimPrefix(server.(string), "unix:"))
	}
	r["host"] = strings.Join(addresses, ",")
	r.set("prefix", l.Reads["KEY_PREFIX"])
	r.set("version", l.Reads["VERSION"])
	return r
}

// readingOf returns what this package reads.
func readingOf(t *testing.T, url string) (reading, error) {
	u, err := parse(url)
	if err != nil {
		return nil, err
	}
	r := reading{}
	switch scheme := u.row.Names[0]; {
	case scheme == "postgres":
		err = u.readPostgreSQL(r)
	case scheme == "mysql":
		err = u.readMySQL(r)
	case scheme == "sqlite":
		r["engine"] = "sqlite3"
		if r.set("timeout", u.options.Get("timeout")); u.path != "" && u.path != ":memory:" {
			makeSQLite(t, filepath.Clean(u.path))
		}
		_, _, err = openSQLite(u)
		r["name"] = u.path
		delete(r, "timeout") // how long to wait for a lock
	case scheme == "memcached":
		err = u.readMemcached(t, r)
	default:
		err = u.readRedis(t, url, r)
	}
	return r, err
}

func (u *storeURL) readPostgreSQL(r reading) error {
	if err := u.takePostgresOptions(); err != nil {
		return err
	}
	config, err := pq.NewConfig(u.pqDSN())
	if err != nil {
		return err
	}
	r["engine"] = "postgresql"
	r["name"] = config.Database
	r.set("user", u.user) // lib/pq's default is the system's user
	r.set("password", config.Password)
	names, ports := u.hostLists("5432")
	r.set("host", names)
	r.set("port", ports)
	if len(u.hosts) > 1 && strings.Count(ports, "5432") == len(u.hosts) {
		delete(r, "port")
	}
	if config.Host != cmp.Or(u.hosts[0].name, config.Host) || len(config.Multi) != len(u.hosts)-1 {
		return fmt.Errorf("lib/pq connects to %s and %v", config.Host, config.Multi)
	}
	r.set("options", config.Options)
	r.set("sslrootcert", config.SSLRootCert)
	r.set("target_session_attrs", config.TargetSessionAttrs)
	if config.ConnectTimeout > 0 {
		r.set("connect_timeout", config.ConnectTimeout.Seconds())
	}
	if config.SSLMode != "prefer" && !strings.HasPrefix(config.Host, "/") {
		r.set("sslmode", config.SSLMode)
	}
	if config.ApplicationName != "djsess" {
		r.set("application_name", config.ApplicationName)
	}
	return nil
}

func (u *storeURL) readMySQL(r reading) error {
	ca, charset := u.options.Get("ssl-ca"), u.options.Get("charset")
	readTimeout, hasTimeout := u.options.Get("read_timeout"), u.options.Has("connect_timeout")
	config, err := u.mysqlConfig()
	if err != nil {
		return err
	}
	r["engine"] = "mysql"
	r["name"] = config.DBName
	r.set("user", config.User)
	r.set("password", config.Passwd)
	r.set("charset", charset)
	if config.Net == "unix" {
		r.set("host", config.Addr)
	} else if u.hasHost() {
		name, port, _ := net.SplitHostPort(config.Addr)
		r.set("host", name)
		if port != "3306" {
			r.set("port", port)
		}
	}
	if config.TLS != nil && config.TLS.RootCAs != nil {
		r.set("ca", ca)
	}
	if readTimeout != "" {
		r.set("read_timeout", config.ReadTimeout.Seconds())
	}
	if hasTimeout {
		r.set("connect_timeout", config.Timeout.Seconds())
	}
	return nil
}

func (u *storeURL) readRedis(t *testing.T, url string, r reading) error {
	r.set("ssl_cert_reqs", u.options.Get("ssl_cert_reqs"))
	if u.options.Has("ssl_check_hostname") {
		r.set("ssl_check_hostname", false)
	}
	server, err := u.redisServer()
	if err != nil {
		return err
	}
	opened, err := Open(url, settings(t))
	if err != nil {
		return err
	}
	opened.Close()
	o, _, err := u.redisClient(&openedCache{config: cachestore.Config{Settings: settings(t)}})
	if err != nil {
		return err
	}
	r.set("username", o.Username)
	r.set("password", o.Password)
	if server.database != 0 {
		r.set("db", server.database)
	}
	if o.ReadTimeout > 0 {
		r.set("socket_timeout", o.ReadTimeout.Seconds())
	}
	if o.TLSConfig != nil {
		r.set("tls", "yes")
	}
	r.set("replica", strings.Join(server.readers, ","))
	if strings.HasPrefix(server.writer, "/") {
		r.set("host", server.writer)
	} else if u.hasHost() {
		name, port, _ := net.SplitHostPort(server.writer)
		r.set("host", name)
		if u.hosts[0].port != "" {
			r.set("port", port)
		}
	}
	return nil
}

func (u *storeURL) readMemcached(t *testing.T, r reading) error {
	c, err := u.openCache(settings(t))
	if err != nil {
		return err
	}
	defer c.cache.Close()
	r["host"] = strings.Join(u.addresses("11211"), ",")
	r.set("prefix", c.config.KeyPrefix)
	if c.config.Version != 0 {
		r.set("version", strconv.Itoa(c.config.Version))
	}
	r["client"] = map[memcache.Hash]string{memcache.PyMemcache: "PyMemcacheCache", memcache.PyLibMC: "PyLibMCCache",
		memcache.PythonMemcached: "MemcachedCache"}[schemeHash(u.scheme)]
	return nil
}
