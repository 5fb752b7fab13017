package djangotest

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
)

// Database is a fresh, empty database, as Django and as djsess are told about it.
type Database struct {
	Kind   string         // sqlite, postgres or mariadb
	Name   string         // the database's name; for SQLite its path
	Django map[string]any // the entry for DATABASES; a test may add to it
	URL    string         // the store URL, spelled as dj-database-url does
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
		URL: fmt.Sprintf("postgres://%s@%s:%d/%s", dbUser, localhost, s.port, name),
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
		URL: fmt.Sprintf("mysql://%s:%s@%s:%d/%s", dbUser, password, localhost, s.port, name),
	}
}
