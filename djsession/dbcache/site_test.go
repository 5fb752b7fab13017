package dbcache_test

import (
	"bytes"
	"database/sql"
	"encoding/hex"
	"errors"
	"log/slog"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/lib/pq"
	_ "modernc.org/sqlite"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/dbcache"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/internal/testing/djangotest"
	_ "github.com/djsess/djsess/internal/testing/fastsqlite"
)

func TestMain(m *testing.M) { os.Exit(djangotest.Main(m)) }

// The Djangos of the cache engines.
var versions = djangotest.Since("3.2")

const (
	table = "django_cache"
	key   = ":1:django.contrib.sessions.cacheabcdefghijklmnopqrstuvwxyz012345"
)

// site is a Django with a cache in a database, and the same cache.
type site struct {
	*djangotest.Django
	*dbcache.Cache
	db       djangotest.Database
	config   dbcache.Config
	settings *djsession.Settings
}

// newSite starts a Django with two caches, of which the second has another table.
func newSite(t *testing.T, version string, db djangotest.Database, django djangotest.Settings, options map[string]any) *site {
	t.Helper()
	entry := func(table string) map[string]any {
		return map[string]any{"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": table, "OPTIONS": options}
	}
	if options == nil {
		options = map[string]any{}
	}
	settings := djangotest.Settings{
		"DATABASES": db.Settings(),
		"CACHES":    map[string]any{"default": entry(table), "other": entry("other_cache")},
	}
	maps.Copy(settings, django)
	s := &site{db: db, Django: djangotest.Start(t, version, settings)}
	s.Do(t, `
		from django.core.cache import cache, caches
		from django.core.management import call_command
		call_command("createcachetable", verbosity=0)
	`, nil, nil)
	var err error
	if s.settings, err = djsession.NewSettings(version, djangotest.SecretKey); err != nil {
		t.Fatal(err)
	}
	if v, ok := settings["USE_TZ"]; ok {
		s.settings.UseTZ = v.(bool)
	}
	if v, ok := settings["TIME_ZONE"]; ok {
		s.settings.TimeZone = v.(string)
	}
	s.config = dbcache.Config{Settings: s.settings, Table: table, Dialect: dialects[db.Kind]}
	s.Cache = s.open(t, s.config)
	return s
}

var dialects = map[string]dbstore.Dialect{"sqlite": dbstore.SQLite, "postgres": dbstore.PostgreSQL, "mariadb": dbstore.MySQL}

func (s *site) open(t *testing.T, c dbcache.Config) *dbcache.Cache {
	t.Helper()
	c.DB = openDB(t, s.db)
	cache, err := dbcache.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cache.Close() })
	return cache
}

func openDB(t *testing.T, db djangotest.Database) *sql.DB {
	t.Helper()
	driver, source := "sqlite", "file:"+db.Name+"?_pragma=busy_timeout(30000)&_pragma=synchronous(off)"
	_, address, _ := strings.Cut(db.URL, "://")
	switch db.Kind {
	case "postgres":
		driver, source = "postgres", db.URL+"?sslmode=disable&binary_parameters=yes"
	case "mariadb":
		user, rest, _ := strings.Cut(address, "@")
		host, name, _ := strings.Cut(rest, "/")
		driver, source = "mysql", user+"@tcp("+host+")/"+name+"?interpolateParams=true&charset=utf8mb4"
	}
	handle, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { handle.Close() })
	return handle
}

func (s *site) exec(t *testing.T, statements ...string) {
	t.Helper()
	db := openDB(t, s.db)
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// column is a query's only column, as text.
func (s *site) column(t *testing.T, query string) []string {
	t.Helper()
	rows, err := openDB(t, s.db).Query(query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

// add adds an item of Go's.
func (s *site) add(t *testing.T, key, data string) *cachestore.Item {
	t.Helper()
	item, err := s.Add(t.Context(), key, []byte(data), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return item
}

// onEachDatabase runs f beside Django 5.2 on a fresh database of each kind.
func onEachDatabase(t *testing.T, f func(t *testing.T, s *site)) {
	for _, d := range djangotest.Databases() {
		t.Run(d.Kind, func(t *testing.T) {
			t.Parallel()
			f(t, newSite(t, djangotest.Newest, d.New(t), nil, nil))
		})
	}
}

func hasNoKey(t *testing.T, err error) {
	t.Helper()
	for e := err; e != nil; e = errors.Unwrap(e) {
		if strings.Contains(e.Error(), "abcdefghij") {
			t.Errorf("it holds the key: %v", e)
		}
	}
}

// logged is a log, and what is in it.
func logged() (*slog.Logger, *bytes.Buffer) {
	var b bytes.Buffer
	return slog.New(slog.NewTextHandler(&b, nil)), &b
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
