package storeurl

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/internal/testing/djangotest"
	_ "github.com/djsess/djsess/internal/testing/fastsqlite"
)

func TestMain(m *testing.M) { os.Exit(djangotest.Main(m)) }

func settings(t *testing.T) *djsession.Settings {
	t.Helper()
	s, err := djsession.NewSettings(djangotest.Newest, djangotest.SecretKey)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestParse(t *testing.T) {
	for raw, want := range map[string]storeURL{
		"postgres://alice@db.example.com/site":           {scheme: "postgres", user: "alice", hosts: []host{{name: "db.example.com"}}, path: "site"},
		"mysql://a%40b:p%2Fw%3A%23@h:3307/site%20two":    {scheme: "mysql", user: "a@b", password: "p/w:#", hasPassword: true, hosts: []host{{"h", "3307"}}, path: "site two"},
		"postgres://u:p@ss@h/db":                         {scheme: "postgres", user: "u", password: "p@ss", hasPassword: true, hosts: []host{{name: "h"}}, path: "db"},
		"postgres://u:a+b@h/db":                          {scheme: "postgres", user: "u", password: "a+b", hasPassword: true, hosts: []host{{name: "h"}}, path: "db"},
		"postgres://[::1]:5433/db":                       {scheme: "postgres", hosts: []host{{"::1", "5433"}}, path: "db"},
		"postgres://[::1]/db":                            {scheme: "postgres", hosts: []host{{name: "::1"}}, path: "db"},
		"postgres://%2Fvar%2Frun%2Fpostgresql:5433/site": {scheme: "postgres", hosts: []host{{"/var/run/postgresql", "5433"}}, path: "site"},
		"postgres:///site":                               {scheme: "postgres", path: "site", hosts: []host{{}}},
		"sqlite:///db.sqlite3":                           {scheme: "sqlite", path: "db.sqlite3", hosts: []host{{}}},
		"SQLite:////srv/site/db.sqlite3":                 {scheme: "sqlite", path: "/srv/site/db.sqlite3", hosts: []host{{}}},
		"file:///sessions":                               {scheme: "file", path: "sessions", hosts: []host{{}}},
		"redis://:pw@h/1":                                {scheme: "redis", password: "pw", hasPassword: true, hosts: []host{{name: "h"}}, path: "1"},
		"redis-sentinel://a:1,[::1]:2,c/main/0":          {scheme: "redis-sentinel", hosts: []host{{"a", "1"}, {"::1", "2"}, {name: "c"}}, path: "main/0"},
		"memcached://h1:11211,%2Frun%2Fm.sock":           {scheme: "memcached", hosts: []host{{"h1", "11211"}, {name: "/run/m.sock"}}},
		"dbcache+sqlite:////srv/c.sqlite3":               {scheme: "dbcache+sqlite", path: "/srv/c.sqlite3", hosts: []host{{}}},
		"FILE:////srv/a%20site@home:1/sessions":          {scheme: "file", path: "/srv/a site@home:1/sessions", hosts: []host{{}}},
	} {
		got, err := parse(raw)
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		if got.scheme != want.scheme || got.user != want.user || got.password != want.password || got.hasPassword != want.hasPassword ||
			!slices.Equal(got.hosts, want.hosts) || got.path != want.path {
			t.Errorf("%s: %+v", raw, *got)
		}
	}
}

// A user who gives a URL knows no packages: the error of a store's constructor begins with the
// setting that is wrong.
func TestErrorsNameNoPackage(t *testing.T) {
	for raw, want := range map[string]string{
		"file:////absent/folder":                      "store url file:////absent/folder: SESSION_FILE_PATH: ",
		"filecache:////absent/folder":                 "store url filecache:////absent/folder: LOCATION: ",
		"postgres://h/db?table=a.b.c":                 "store url postgres://h/db: table name ",
		"dbcache+mysql://h/db?table=t&time_zone=Mars": "store url dbcache+mysql://h/db: TimeZone: ",
	} {
		_, err := Open(raw, settings(t))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: error %v, want %s…", raw, err, want)
		}
		if isMissing := strings.Contains(raw, "absent"); errors.Is(err, fs.ErrNotExist) != isMissing {
			t.Errorf("%s: error %v, want an fs.ErrNotExist: %v", raw, err, isMissing)
		}
	}
	_, err := OpenCachedDB("filecache:////absent/folder", "postgres://h/db", settings(t))
	if want := "cached_db: cache: store url filecache:////absent/folder: LOCATION: "; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("cached_db: error %v, want %s…", err, want)
	}
}

// No message about a URL has a part of it that may be a password.
func TestBadURLs(t *testing.T) {
	const password = "hunter2"
	for _, raw := range []string{
		"", "db.sqlite3", "postgres", "oracle://u:hunter2@h/db", "postgres://u:hunter2/x@h/db", "postgres://u:hunter2%ff@h/db",
		"postgres://u:hunter2#@h/db", "postgres://u:hunter2@h:port/db", "postgres://u:hunter2@h:99999/db", "postgres://u:hunter2@h/%ff", "postgres://h%zz:hunter2/db",
		"postgres://u:hunter2@h/db?sslmode=sometimes", "postgres://u:hunter2@h/db?nonsense=1", "mysql://u:hunter2@h/db?nonsense=1",
		"mysql://u:hunter2@h/db?timeout=soon", "postgres://u:hunter2@h/db?a=%zz", "postgres://u:hunter2@h/db?table=a.b.c",
		"postgres://u:hunter2@h/db?time_zone=Nowhere", "postgres://u:hunter2@h/db?channel_binding=require&sslmode=disable", "postgres://u:hunter2@h/db?gssencmode=require", "postgres:///db?password=hunter2&port=0", "postgres:///db?password=hunter2&host=a,b&port=1,2,3", "postgres:///?password=hunter2", "postgres://[hunter2]/db",
		"postgres://u:12/hunter2@h/db?foo=1", "postgres://u:80?hunter2@h/db", "mysql://u:80?hunter2@h/db", "postgres:/u:hunter2@h/db?x=a://b",
		"postgres://u:hunter2@h", "mysql://u:hunter2@h/", "mysql://u:hunter2@h/db?charset=gbk", "mysql://u:hunter2@h/db?charset=utf8mb4,gbk",
		"sqlite://host/db", "sqlite:///", "sqlite:///:memory:", "sqlite:///missing.sqlite3", "sqlite:////", "sqlite:///x?timeout=soon", "sqlite:///x?nonsense=1",
		"redis://:hunter2@h/one", "redis://:hunter2@h/0?nonsense=1", "redis://:hunter2@h/0?serializer=yaml", "redis://:hunter2@h/0?compressor=rar",
		"redis://:hunter2@h/0?client=jedis", "redis://:hunter2@h/0?version=0", "redis://:hunter2@h/0?version=one", "redis://:hunter2@h/-1", "redis://h/one?password=hunter2", "redis://:hunter2@a,b/1", "redis://:hunter2@a/1,redis://:hunter2@b/1", "unix://:hunter2@h/run/s", "unix://:hunter2@/", "redis://h/1?client_class=hunter.Client", "mysql://u:hunter2@h/db?unix_socket=/s", "mysql://u:hunter2@h/db?ssl-ca=missing.pem", "mysql://u:hunter2@h/db?ssl-ca=storeurl.go", "mysql://u:hunter2@h/db?ssl_mode=SOME", "mysql://u:hunter2@h/db?ssl_mode=REQUIRED&tls=true",
		"redis://:hunter2@h/0?replica=h:x", "redis://:hunter2@h/0?socket_timeout=soon", "redis://:hunter2@h/0?max_connections=many",
		"rediss://:hunter2@h/0?ssl_ca_certs=missing.pem", "rediss://:hunter2@h/0?ssl_ca_certs=storeurl.go", "rediss://:hunter2@h/0?ssl_keyfile=x",
		"rediss://:hunter2@h/0?ssl_cert_reqs=perhaps", "redis://:hunter2@h/0?ssl_ca_certs=x", "redis-sentinel://:hunter2@h", "redis-sentinel://:hunter2@h/main/one",
		"redis-cluster://:hunter2@a,b/1", "redis-cluster://:hunter2@a:x,b", "memcached://:hunter2@h", "memcached://h/1", "memcached://h?hash=md5",
		"memcached://h?timeout=soon", "memcached://h?max_item_size=big", "memcached://h?nonsense=1",
		"postgres://u:hunter2@h/db?sslkey=-----BEGIN+PRIVATE+KEY-----hunter2", "postgres://u:hunter2@h/db?sslinline=true&sslkey=hunter2&sslmode=hunter2&sslcert=hunter2",
		"postgres://u@h/db?sslinline=true&sslkey=hunter2&sslcert=x&sslmode=hunter2", "postgres://h/db?-----BEGIN+hunter2=x",
		"rediss://h/0?ssl_keyfile=-----BEGIN+PRIVATE+KEY-----hunter2", "rediss://h/0?ssl_certfile=-----BEGIN+PRIVATE+KEY-----hunter2", "rediss://h/0?ssl_ca_certs=-----BEGIN+CERTIFICATE-----hunter2",
		"mysql://u@h/db?serverPubKey=-----BEGIN+PRIVATE+KEY-----hunter2", "postgres://h/db?options=-----BEGIN+PRIVATE+KEY-----hunter2&sslinline=true",
		"postgres://h/db?max_open_conns=0", "postgres://h/db?max_open_conns=-1", "mysql://h/db?max_open_conns=many", "sqlite:///storeurl.go?max_idle_conns=0", "postgres://h/db?max_open_conns=1000000",
		"postgres://h/db?max_open_conns=5&max_idle_conns=6", "dbcache+mysql://h/db?table=t&max_open_conns=0", "redis://h/0?max_open_conns=0", "redis://h/0?max_connections=99999999999",
		"redis://h/0?max_connections=5&max_open_conns=5", "redis-cluster://h?max_idle_conns=11", "memcached://h?max_open_conns=0", "postgres://h/db?load_timeout=0", "redis://h/0?load_timeout=soon",
		"postgres://u@h/db&password=hunter2", "redis://h&password=hunter2", "mysql://u@h&password=hunter2/db?x=1",
		"dbcache+oracle://u:hunter2@h/db?table=t", "dbcache+postgres://u:hunter2@h/db", "dbcache+postgres://u:hunter2@h/db?table=t&max_entries=x",
		"dbcache+file:///.", "filecache://host/tmp", "filecache:///", "filecache:///missing", "filecache:///.?table=x", "filecache:///.?cull_frequency=-1",
		"file://host/tmp", "file:///", "file://", "file:///missing", "file:///storeurl.go", "file:///.?nonsense=1", "file:///.?table=x", "file:///.?prefix=a/b",
	} {
		store, err := Open(raw, settings(t))
		if err == nil {
			t.Errorf("%s is opened as %v", raw, store)
			continue
		}
		if strings.Contains(err.Error(), password) {
			t.Errorf("%s: %v", raw, err)
		}
	}
	_, err := Open("sqlite:///missing.sqlite3", settings(t))
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "missing.sqlite3") {
		t.Errorf("missing file: %v", err)
	}
	if _, err := os.Stat("missing.sqlite3"); err == nil {
		t.Error("a missing file is made")
	}
	_, err = Open("postgres://h/db?sslmod=x", settings(t))
	if err == nil || !strings.Contains(err.Error(), `unknown option "sslmod"`) || !strings.Contains(err.Error(), "sslmode") {
		t.Errorf("unknown option: %v", err)
	}
}

func TestHasSecret(t *testing.T) {
	for raw, want := range map[string]bool{
		"postgres://u:p@h/db": true, "postgres://u:@h/db": true, "postgres://u@h:5432/db": false, "postgres://u:p/x@h/db": true,
		"sqlite:///db": false, "sqlite:////a:b@c": false, "sqlite://u:p@h/db": true, "file:////a:b@c": false, "file://u:p@h/x": true, "main": false, "postgres://h/db": false, "redis://:p@h/0": true,
		"redis-sentinel://h/main?sentinel_password=p": true, "redis://h/0": false, "dbcache+postgres://u:p@h/db": true, "filecache:////a:b@c": false, "postgres://u:p%zz@h": true,
		// As options, which is what libpq and redis-py take, too.
		"postgres://u@h/db?password=p": true, "postgres://u@h/db?sslmode=disable&PASS%77ord=p": true, "postgres://u@h/db?sslpassword=p": true, "redis://h/0?username=u&password=p": true,
		"sqlite:///db?password=p": true, "mysql://u@h/db?allowNativePasswords=true&allowCleartextPasswords=1": false, "postgres://h/db?passfile=/x": false, "postgres://h/db?password=": false,
		// A key itself, and not the name of its file.
		"postgres://h/db?sslinline=true&sslkey=x": true, "postgres://h/db?sslinline=yes": true, "postgres://h/db?sslinline=1": true, "postgres://h/db?sslinline=false&sslkey=/k": false,
		"postgres://h/db?sslkey=/etc/key.pem&sslcert=/etc/cert.pem": false, "postgres://h/db?sslkey=-----BEGIN%20PRIVATE%20KEY-----": true, "postgres://h/db?sslkey=-----BEGIN+EC+PRIVATE+KEY-----": true,
		"dbcache+postgres://h/db?table=t&sslcert=-----BEGIN CERTIFICATE": true, "rediss://h/0?ssl_keyfile=%0A-----BEGIN PRIVATE KEY-----": true, "rediss://h/0?ssl_keyfile=/k": false,
	} {
		if HasSecret(raw) != want {
			t.Errorf("%s: %v", raw, !want)
		}
	}
}

func TestPostgreSQLDefaults(t *testing.T) {
	t.Setenv("PGSSLMODE", "")
	u, err := parse(`postgres://u:it's\@h/db?sslmode=disable`)
	if err != nil {
		t.Fatal(err)
	}
	dsn := u.pqDSN()
	for _, part := range []string{"binary_parameters='yes'", `password='it\'s\\'`, "sslmode='disable'"} {
		if !strings.Contains(dsn, part) {
			t.Errorf("%s is not in %s", part, dsn)
		}
	}
	if u, err = parse("postgres://h/db"); err != nil {
		t.Fatal(err)
	}
	// libpq's default, and so Django's; lib/pq's own would not speak to a server without TLS.
	if dsn := u.pqDSN(); !strings.Contains(dsn, "sslmode='prefer'") {
		t.Errorf("no sslmode=prefer in %s", dsn)
	}
	// Neon's URLs ask for it. lib/pq cannot do it, and a certificate for the host keeps out the same attackers.
	if u, err = parse("postgres://u@h/db?sslmode=require&channel_binding=require"); err == nil {
		err = u.takePostgresOptions()
	}
	if dsn := u.pqDSN(); err != nil || !strings.Contains(dsn, "sslmode='verify-full'") || strings.Contains(dsn, "channel_binding") {
		t.Errorf("channel_binding=require: %s, %v", dsn, err)
	}
}

// A store of each database is opened by its URL, with Django's options that are ignored, and
// for SQLite with a name full of special characters.
func TestOpen(t *testing.T) {
	for _, d := range djangotest.Databases() {
		t.Run(d.Kind, func(t *testing.T) {
			db := d.New(t)
			raw := db.URL
			if db.Kind == "sqlite" {
				path := filepath.Join(t.TempDir(), "a b?c%20é&=+.sqlite3")
				if err := os.WriteFile(path, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				t.Chdir(filepath.Dir(path))
				raw = "sqlite:///" + url.PathEscape(filepath.Base(path))
			}
			store, err := Open(raw+"?conn_max_age=60&conn_health_checks=true&table=my_sessions", settings(t))
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			if err := store.(*dbstore.Store).CreateTable(t.Context()); err != nil {
				t.Fatal(err)
			}
			r, err := store.Create(t.Context(), "", new(djsession.Values), time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := store.Load(t.Context(), r.Key); err != nil {
				t.Error(err)
			}
			for _, url := range socketURLs(t, db) {
				bySocket, err := Open(url+"&table=my_sessions", settings(t))
				if err != nil {
					t.Fatal(err)
				}
				defer bySocket.Close()
				if _, err := bySocket.Load(t.Context(), r.Key); err != nil {
					t.Errorf("%s: %v", url, err)
				}
			}
			if d.Kind != "mariadb" {
				reader, err := OpenReadOnly(raw+"?table=my_sessions", settings(t))
				if err != nil {
					t.Fatal(err)
				}
				defer reader.Close()
				if _, err := reader.Load(t.Context(), r.Key); err != nil {
					t.Error(err)
				}
				if err := reader.Delete(t.Context(), r.Key); !errors.Is(err, djsession.ErrReadOnly) {
					t.Errorf("delete, read-only: %v", err)
				}
			}
			if !strings.HasPrefix(store.String(), "db (") {
				t.Errorf("String: %s", store)
			}
			if files, _ := filepath.Glob("*"); db.Kind == "sqlite" && !slices.Equal(files, []string{"a b?c%20é&=+.sqlite3"}) {
				t.Errorf("files %q", files)
			}
		})
	}
}

// socketURLs returns the spellings of the URL of a server's socket.
func socketURLs(t *testing.T, db djangotest.Database) []string {
	t.Helper()
	u, err := parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	switch user, port := u.user, u.hosts[0].port; db.Kind {
	case "postgres":
		return []string{
			fmt.Sprintf("postgres:///%s?host=%s&port=%s&user=%s", u.path, db.Socket, port, user),
			fmt.Sprintf("postgres://%s@/%s?host=%s&port=%s", user, u.path, url.QueryEscape(db.Socket), port),
			fmt.Sprintf("psql://%s@:%s/%s/%s?sslmode=prefer", user, port, db.Socket, u.path),
			fmt.Sprintf("postgres://%s@%s:%s/%s?sslmode=prefer", user, url.PathEscape(db.Socket), port, u.path),
		}
	case "mariadb":
		return []string{
			fmt.Sprintf("mysql://%s:%s@/%s?unix_socket=%s", user, u.password, u.path, db.Socket),
			fmt.Sprintf("mysql://%s:%s@localhost/%s?unix_socket=%s", user, u.password, u.path, db.Socket),
			fmt.Sprintf("mysql://%s:%s@%s/%s?charset=utf8mb4", user, u.password, url.PathEscape(db.Socket), u.path),
		}
	}
	return nil
}

// What people copy along with a URL is named, and so is how to write what is not read.
func TestRefusalsNameTheSpelling(t *testing.T) {
	for raw, want := range map[string]string{
		"'postgres://u:hunter2@h/db'":     "begins with a quote (')",
		`"postgres://u:hunter2@h/db"`:     `begins with a quote (")`,
		"postgres://u:hunter2@h/db”":      "ends with a quote (”)",
		" postgres://u:hunter2@h/db":      "begins with a space",
		"postgres://u:hunter2@h/db ":      "ends with a space",
		"postgres://u:hunter2@h/db\u00a0": "ends with a space",
		"postgres://u:hunter2@h/db\n":     "ends with a newline",
		"postgres://u:hunter2@h/db\r\n":   "ends with a newline",
		"\ufeffpostgres://u:hunter2@h":    "begins with a byte order mark",
		"postgres://u:hunter2\n@h/db":     "a newline or a tab inside",
		"\n":                              "a newline",

		"sqlite3:///hunter2.sqlite3":          "write sqlite:///relative/path or sqlite:////absolute/path",
		"postgresql+psycopg2://u:hunter2@h/d": "write postgresql://…",
		"redis+socket:///hunter2":             "write unix:///path",
		"cockroachdb://u:hunter2@h/d":         "CockroachDB is not supported",

		"postgres://u:hunter2@h/d?ssl_mode=require":     `unknown option "ssl_mode": write sslmode`,
		"postgres://u:hunter2@h/d?schema=hunter2":       "write currentSchema",
		"postgres://u:hunter2@h/d?Table=x":              "write table",
		"mysql://u:hunter2@h/d?sslmode=require":         "write ssl_mode",
		"mysql://u:hunter2@h/d?ssl_ca=x":                "write ssl-ca",
		"mysql://u@h/d?password=hunter2":                "the password after the user: scheme://user:password@host/name",
		"mysql://u:hunter2@h/d?ReadTimeout=1s":          "write read_timeout",
		"redis://:hunter2@h/1?max_conns=3":              "max_open_conns",
		"redis://:hunter2@h/1?key_function=f":           "cachestore.Config",
		"redis://:hunter2@a/1,redis://:hunter2@b/1":     "several URLs: write one, with commas between its hosts",
		"postgres://u:hunter2@h/d?application_name=a@b": "which must be written as %40",
		"filecache://hunter2/folder":                    "it is filecache:///relative/path or filecache:////absolute/path",
		"postgres://u:hunter2@h/d?gssencmode=require":   "write sslmode=verify-full",
		"redis://:hunter2@h/main":                       "redis-py takes it for 0: write redis://host:port/0",
		"sqlite://var/hunter/db.sqlite3":                `open "hunter/db.sqlite3"`,
		"mysql://u:hunter2@h/d?unix_socket=/s":          "leave the host out",
		"rediss://:hunter2@h/1?ssl_ca=xy":               "write ssl_ca_certs",
		"postgres://u:hunter2@h/d?ssl_ca=x":             "write sslrootcert",
		"redis://:hunter2@h/1?ssl=true":                 "the scheme with an s, such as rediss",
	} {
		_, err := Open(raw, settings(t))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v, want %s", raw, err, want)
		}
	}
}

// Of a relative path that is missing, the error names the absolute one if that is there.
func TestAbsolutePathIsNamed(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "db.sqlite3")
	makeSQLite(t, file)
	t.Chdir(dir)
	for raw, want := range map[string]string{
		"filecache://" + dir:                        "; the absolute path is filecache:///" + dir,
		"file://" + dir:                             "; the absolute path is file:///" + dir,
		"sqlite://" + file:                          "; the absolute path is sqlite:///" + file,
		"dbcache+sqlite://" + file + "?table=cache": "; the absolute path is dbcache+sqlite:///" + file,
	} {
		_, err := Open(raw, settings(t))
		if err == nil || !strings.HasSuffix(err.Error(), want) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, want %s", raw, err, want)
		}
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(filepath.Dir(dir))
	for url, want := range map[string]string{
		"file:///" + filepath.ToSlash(dir):                      "sessionid",
		"file:///" + filepath.Base(dir) + "?conn_max_age=600":   "sessionid",
		"FILE:///" + filepath.Base(dir) + "?prefix=site%20two_": "site two_",
	} {
		store, err := Open(url, settings(t))
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if store.String() != "file ("+dir+")" {
			t.Errorf("%s is %s", url, store)
		}
		r, err := store.Create(t.Context(), "", nil, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, want+r.Key)); err != nil {
			t.Error(err)
		}
		reader, err := OpenReadOnly(url, settings(t))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := reader.Load(t.Context(), r.Key); err != nil {
			t.Error(err)
		}
		if err := reader.Delete(t.Context(), r.Key); !errors.Is(err, djsession.ErrReadOnly) {
			t.Errorf("read-only: %v", err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
}
