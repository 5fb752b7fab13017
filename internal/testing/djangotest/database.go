package djangotest

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

// Database is a new, empty database, described for Django and for djsess.
type Database struct {
	Kind   string         // sqlite, postgres or mariadb
	Name   string         // the database's name; for SQLite its path
	Django map[string]any // the entry for DATABASES; a test may add to it
	URL    string         // the store URL, spelled as dj-database-url does
	Socket string         // of PostgreSQL the folder of the server's Unix socket, of MariaDB the socket
}

// Settings is the DATABASES setting with this database as the default.
func (d Database) Settings() map[string]any {
	return map[string]any{"default": d.Django}
}

// DatabaseKind makes databases of one kind.
type DatabaseKind struct {
	Kind string // sqlite, postgres or mariadb
	New  func(testing.TB) Database
}

// Databases returns the kinds for tests that run on each: SQLite, PostgreSQL and MariaDB.
// With -short they are SQLite and those that are named.
func Databases(short ...string) []DatabaseKind {
	var kinds []DatabaseKind
	for _, k := range []DatabaseKind{{"sqlite", SQLite}, {"postgres", Postgres}, {"mariadb", MariaDB}} {
		if k.Kind == "sqlite" || !testing.Short() || slices.Contains(short, k.Kind) {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// SQLite returns a database in the test's temporary folder. The file appears when Django migrates.
func SQLite(t testing.TB) Database {
	path := filepath.Join(t.TempDir(), "db.sqlite3")
	return Database{
		Kind:   "sqlite",
		Name:   path,
		Django: map[string]any{"ENGINE": "django.db.backends.sqlite3", "NAME": path},
		URL:    "sqlite:///" + filepath.ToSlash(path),
	}
}

// Postgres returns a new database of this test binary's PostgreSQL server.
func Postgres(t testing.TB) Database {
	t.Helper()
	s := postgres.get(t)
	name := s.newName()
	s.sql(t, fmt.Sprintf("CREATE DATABASE %s TEMPLATE template0", name))
	return Database{
		Kind: "postgres",
		Name: name,
		Django: map[string]any{"ENGINE": "django.db.backends.postgresql", "NAME": name, "USER": dbUser,
			"HOST": localhost, "PORT": s.port},
		URL:    fmt.Sprintf("postgres://%s@%s:%d/%s", dbUser, localhost, s.port, name),
		Socket: s.dir,
	}
}

// MariaDB returns a new database of this test binary's MariaDB server: utf8mb4 with the default collation, which ignores
// case and trailing spaces.
func MariaDB(t testing.TB) Database {
	t.Helper()
	s := mariadb.get(t)
	name := s.newName()
	s.sql(t, "CREATE DATABASE "+name)
	return Database{
		Kind: "mariadb",
		Name: name,
		Django: map[string]any{"ENGINE": "django.db.backends.mysql", "NAME": name, "USER": dbUser, "PASSWORD": password,
			"HOST": localhost, "PORT": s.port},
		URL:    fmt.Sprintf("mysql://%s:%s@%s:%d/%s", dbUser, password, localhost, s.port, name),
		Socket: filepath.Join(s.dir, socket),
	}
}

var postgres = &once{recipe: recipe{
	name:     "postgres",
	accounts: []string{"postgres", "nobody"},
	signal:   "QUIT",
	programs: func() map[string]string {
		// initdb and postgres must be of one version, and only one of them may be on PATH.
		initdb := find("initdb", "/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
		if path, err := filepath.EvalSymlinks(initdb); err == nil {
			initdb = path
		}
		bin := filepath.Dir(initdb)
		return map[string]string{
			"initdb":   initdb,
			"postgres": find(filepath.Join(bin, "postgres")),
			"psql":     cmp.Or(find(filepath.Join(bin, "psql")), find("psql")), // not the wrapper of Debian that is on PATH
		}
	},
	prepare: func(programs map[string]string, dir string) *exec.Cmd {
		return exec.Command(programs["initdb"], "--pgdata", filepath.Join(dir, "data"), "--no-sync",
			"--auth=trust", "--username="+dbUser, "--encoding=UTF8", "--no-locale")
	},
	run: func(programs map[string]string, dir string, port int) []string {
		return []string{programs["postgres"], "-D", filepath.Join(dir, "data"), "-p", strconv.Itoa(port),
			"-c", "listen_addresses=" + localhost, "-c", "unix_socket_directories=" + dir,
			"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off"}
	},
	client: func(programs map[string]string, port int) []string {
		return []string{programs["psql"], "--no-psqlrc", "--quiet", "--no-password",
			fmt.Sprintf("postgresql://%s@%s:%d/postgres?connect_timeout=5", dbUser, localhost, port), "--command"}
	},
}}

// grants creates a user with all privileges. An init file has one statement in each line.
const grants = "CREATE USER '" + dbUser + "'@'%' IDENTIFIED BY '" + password + "';\n" +
	"GRANT ALL ON *.* TO '" + dbUser + "'@'%' WITH GRANT OPTION;\n"

var mariadb = &once{recipe: recipe{
	name:     "mariadb",
	accounts: []string{"mysql", "nobody"},
	signal:   "KILL",
	programs: func() map[string]string {
		return map[string]string{
			"mariadb-install-db": find("mariadb-install-db"),
			"mariadbd":           find("mariadbd", "/usr/sbin", "/usr/local/sbin", "/usr/libexec"),
			"mariadb":            find("mariadb"),
		}
	},
	prepare: func(programs map[string]string, dir string) *exec.Cmd {
		return exec.Command(programs["mariadb-install-db"], "--no-defaults", "--datadir="+filepath.Join(dir, "data"),
			"--auth-root-authentication-method=normal", "--skip-test-db", "--innodb-log-file-size=8M")
	},
	run: func(programs map[string]string, dir string, port int) []string {
		init := filepath.Join(dir, "init.sql")
		os.WriteFile(init, []byte(grants), 0o644) // If that fails, the server says so.
		return []string{programs["mariadbd"], "--no-defaults", "--datadir=" + filepath.Join(dir, "data"),
			"--tmpdir=" + dir, // in a shared folder a starting server removes the temporary tables of the others
			"--bind-address=" + localhost, fmt.Sprint("--port=", strconv.Itoa(port)),
			"--socket=" + filepath.Join(dir, socket), "--pid-file=" + filepath.Join(dir, "pid"), "--init-file=" + init,
			"--character-set-server=utf8mb4", "--skip-name-resolve",
			"--innodb-log-file-size=8M", "--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync"}
	},
	client: func(programs map[string]string, port int) []string {
		return []string{programs["mariadb"], "--no-defaults", "--protocol=tcp", "--host=" + localhost,
			"--port=" + strconv.Itoa(port), "--user=" + dbUser, "--password=" + password, "--connect-timeout=5", "--execute"}
	},
}}

// TimeZones are a site's settings of time zones, for tests of the times in a database.
func TimeZones() []TimeZone {
	return []TimeZone{
		{"USE_TZ", true, "Europe/Warsaw", ""},
		{"USE_TZ and a zone of the database", true, "Europe/Warsaw", "Asia/Kolkata"},
		{"naive", false, "America/St_Johns", ""},
	}
}

// TimeZone is the USE_TZ and TIME_ZONE of a site, and the TIME_ZONE of its entry in DATABASES. PostgreSQL
// does not take the latter.
type TimeZone struct {
	Name           string
	UseTZ          bool
	Zone, Database string
}
