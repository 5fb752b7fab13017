package storeurl

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	_ "modernc.org/sqlite"
)

// sqliteOptions are those of modernc.org/sqlite and of SQLite's own URIs.
var sqliteOptions = []string{
	"_busy_timeout", "_pragma", "_timeout", "_txlock", "cache", "immutable", "mode", "vfs",
}

func openSQLite(u *storeURL) (*sql.DB, time.Duration, error) {
	if u.path == "" || u.path == ":memory:" {
		return nil, 0, errors.New("a SQLite URL needs the path of a file: Django cannot share a database in memory")
	}
	// Django's option "timeout" is how long to wait for a locked database. Its default is
	// that of Python's sqlite3.
	milliseconds := 5000.0
	if timeout := u.take("timeout"); timeout != "" {
		seconds, err := strconv.ParseFloat(timeout, 64)
		if err != nil || !(seconds >= 0 && seconds < 1e6) {
			return nil, 0, fmt.Errorf("timeout %q: want seconds", timeout)
		}
		milliseconds = math.Round(seconds * 1000)
	}
	if !u.options.Has("_busy_timeout") && !u.options.Has("_timeout") {
		u.options.Add("_pragma", fmt.Sprintf("busy_timeout(%.0f)", milliseconds))
	}
	if !slices.ContainsFunc(u.options["_pragma"], isForeignKeys.MatchString) {
		u.options.Add("_pragma", "foreign_keys(1)") // as Django does; SQLite's default is off
	}
	if u.readOnly {
		u.options.Set("mode", "ro")
	}
	if u.options.Get("mode") == "" {
		u.options.Set("mode", "rw") // by default SQLite creates a missing file
	}
	u.path = filepath.Clean(u.path) // two slashes at the beginning would name a host
	// SQLite's own "unable to open database file" does not say why.
	info, err := os.Stat(u.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, 0, fs.ErrNotExist
	case err != nil:
		return nil, 0, err
	case info.IsDir():
		return nil, 0, errors.New("this is a folder, not a database")
	}
	file := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(u.path)}).EscapedPath(), RawQuery: u.options.Encode()}
	db, err := sql.Open("sqlite", file.String())
	return db, u.lockTimeout() + afterLock, err
}

// afterLock is how much longer a load may take than SQLite waits for a lock. So SQLite's own
// error, which says that the database was locked, comes first.
const afterLock = 5 * time.Second

var isForeignKeys = regexp.MustCompile(`(?i)^\s*foreign_keys\b`)

var busyTimeout = regexp.MustCompile(`^\s*busy_timeout\s*[(=]\s*(\d+)`)

// lockTimeout returns how long SQLite waits for a lock, by the options.
func (u *storeURL) lockTimeout() (longest time.Duration) {
	texts := append(u.options["_busy_timeout"], u.options["_timeout"]...)
	for _, pragma := range u.options["_pragma"] {
		if m := busyTimeout.FindStringSubmatch(pragma); m != nil {
			texts = append(texts, m[1])
		}
	}
	for _, text := range texts {
		if ms, err := strconv.ParseInt(text, 10, 32); err == nil {
			longest = max(longest, time.Duration(ms)*time.Millisecond)
		}
	}
	return longest
}
