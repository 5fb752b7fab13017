package cachestore_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/internal/testing/edit"
	"github.com/djsess/djsess/internal/testing/fixture"
)

const cachedKey = ":1:django.contrib.sessions.cached_db" + key

// both is a CachedDB over a memory and a SQLite database.
type both struct {
	*cachestore.CachedDB
	cache *memory
	db    *sql.DB
	rows  *dbstore.Store
	log   *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

// warnings returns the messages that were logged since the last call.
func (b *lockedBuffer) warnings() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.Reset()
	return b.String()
}

func newBoth(t *testing.T, c cachestore.Config) *both {
	t.Helper()
	return overDatabase(t, newMemory(), filepath.Join(t.TempDir(), "db.sqlite3"), c)
}

func overDatabase(t *testing.T, cache *memory, path string, c cachestore.Config) *both {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	if c.Settings == nil {
		c.Settings = mustSettings(t)
	}
	rows, err := dbstore.New(db, dbstore.Config{Dialect: dbstore.SQLite, Settings: c.Settings})
	if err != nil {
		t.Fatal(err)
	}
	if err := rows.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := &both{cache: cache, db: db, rows: rows, log: new(lockedBuffer)}
	c.Serializer = djsession.JSONSerializer{}
	c.Logger = slog.New(slog.NewTextHandler(b.log, nil))
	if b.CachedDB, err = cachestore.NewCachedDB(cache, rows, c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// TestCheckComparesTheCache tests that Check notices a cache in which Django keeps the sessions under
// other keys.
func TestCheckComparesTheCache(t *testing.T) {
	cache, path := newMemory(), filepath.Join(t.TempDir(), "db.sqlite3")
	django := overDatabase(t, cache, path, cachestore.Config{CacheKeyPrefix: "acme.sessions"})
	if found := django.Check(t.Context()); found != nil {
		t.Errorf("without a session, Check finds %v", found)
	}
	django.row(t, `{"a":1}`)
	django.load(t) // it is cached now, as by Django
	other := overDatabase(t, cache, path, cachestore.Config{})
	if found := other.Check(t.Context()); len(found) != 1 || !strings.Contains(found[0].Error(), "none of the 1 newest sessions") {
		t.Errorf("under another prefix, Check finds %v", found)
	}
	if found := django.Check(t.Context()); found != nil {
		t.Errorf("under Django's prefix, Check finds %v", found)
	}
	if err := second(djsession.Update(t.Context(), django, key, edit.Set("a", 2))); err != nil {
		t.Fatal(err)
	}
	if found := django.Check(t.Context()); found != nil {
		t.Errorf("after a write, which removes the cached session, Check finds %v", found)
	}
}

// TestReferencedRow tests that a session whose row cannot be deleted is not served from the cache.
func TestReferencedRow(t *testing.T) {
	b := newBoth(t, cachestore.Config{})
	for _, statement := range []string{
		"PRAGMA foreign_keys = 1",
		"CREATE TABLE online (session varchar(40) REFERENCES django_session (session_key))",
	} {
		b.db.SetMaxOpenConns(1) // the connection with the PRAGMA
		if _, err := b.db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	b.row(t, `{"a":1}`)
	if _, err := b.db.Exec("INSERT INTO online VALUES (?)", key); err != nil {
		t.Fatal(err)
	}
	b.load(t) // it is cached now
	if err := b.Delete(t.Context(), key); !errors.Is(err, djsession.ErrEmptied) {
		t.Errorf("delete: %v", err)
	}
	if got := b.load(t); !strings.Contains(got, djsession.ErrNotFound.Error()) {
		t.Errorf("load: %s", got)
	}
	if b.cache.items[cachedKey] != nil {
		t.Error("it is still in the cache")
	}
}

// row writes a row without changing the cache.
func (b *both) row(t *testing.T, json string) {
	t.Helper()
	old, err := b.rows.Load(t.Context(), key)
	if errors.Is(err, djsession.ErrNotFound) {
		_, err = b.rows.Create(t.Context(), key, fixture.Values(t, json), time.Time{})
	} else if err == nil {
		_, err = b.rows.Replace(t.Context(), old, fixture.Values(t, json), time.Time{})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// breakDatabase makes the database fail until mend is called.
func (b *both) breakDatabase(t *testing.T) (mend func()) {
	t.Helper()
	rename := func(from, to string) {
		if _, err := b.db.Exec("ALTER TABLE " + from + " RENAME TO " + to); err != nil {
			t.Fatal(err)
		}
	}
	rename("django_session", "broken")
	return func() { rename("broken", "django_session") }
}

// load loads the session and returns its values or its error as text.
func (b *both) load(t *testing.T) string {
	t.Helper()
	r, err := b.Load(t.Context(), key)
	if err != nil {
		return err.Error()
	}
	return fixture.JSON(t, r.Values)
}

func (b *both) rowHolds(t *testing.T) string {
	t.Helper()
	r, err := b.rows.Load(t.Context(), key)
	if err != nil {
		return err.Error()
	}
	return fixture.JSON(t, r.Values)
}

var errDown = errors.New("connection refused")

func down(op, key string) error { return errDown }

// no returns a function that fails one operation.
func no(operation string) func(op, key string) error {
	return func(op, key string) error {
		if op == operation {
			return errDown
		}
		return nil
	}
}

func TestCachedDBLoad(t *testing.T) {
	t.Parallel()
	b := newBoth(t, cachestore.Config{})
	b.row(t, `{"a":1.0}`)
	r, err := b.Load(t.Context(), key)
	if err != nil || fixture.JSON(t, r.Values) != `{"a":1.0}` || r.Version == nil || r.Origin.Form != djsession.Signed {
		t.Fatalf("of the database: %+v, %v", r, err)
	}
	if got := b.cache.holds(cachedKey); got != `{"a":1.0}` {
		t.Errorf("cached %q", got)
	}
	if ttl := b.cache.ttl[cachedKey]; ttl%time.Second != 0 || ttl > 14*24*time.Hour || ttl < 14*24*time.Hour-time.Minute {
		t.Errorf("cached for %v", ttl)
	}
	b.row(t, `{"unseen":1}`)
	r, err = b.Load(t.Context(), key)
	if err != nil || fixture.JSON(t, r.Values) != `{"a":1.0}` || r.Version != nil || r.Origin != (djsession.Origin{Form: djsession.Unsigned}) {
		t.Fatalf("of the cache: %+v, %v", r, err)
	}
	if got := b.cache.operations(); got != "get add get" {
		t.Errorf("the cache was asked to %s", got)
	}
	if _, err := b.Load(t.Context(), "of0a0session0that0is0elsewhere00"); !errors.Is(err, djsession.ErrNotFound) {
		t.Error(err)
	}
	if _, err := b.Load(t.Context(), "short"); !errors.Is(err, djsession.ErrInvalidKey) {
		t.Error(err)
	}
	if got := b.cache.operations(); got != "get" {
		t.Errorf("for what is not there the cache was asked to %s", got)
	}
	if got := b.String(); got != "cached_db (memory here, sqlite)" {
		t.Error(got)
	}
	if _, err := djauth.UsersIn(b, djauth.UserModel{}); err != nil || b.Table() != dbstore.DefaultTable {
		t.Errorf("users beside table %q: %v", b.Table(), err)
	}
	if expires, err := b.Expires(t.Context(), key); err != nil || time.Until(expires) < 13*24*time.Hour {
		t.Errorf("%v, %v", expires, err)
	}
	if got := b.log.warnings(); got != "" {
		t.Error(got)
	}
}

// The database decides: a cached session is compared with the row, and removed.
func TestCachedDBWrites(t *testing.T) {
	t.Parallel()
	b, ctx := newBoth(t, cachestore.Config{}), t.Context()
	b.row(t, `{"a":1.0}`)
	b.load(t)
	cached, err := b.Load(ctx, key)
	if err != nil || cached.Version != nil {
		t.Fatal(cached, err)
	}
	// The row holds the same values: there is no conflict.
	replaced, err := b.Replace(ctx, cached, fixture.Values(t, `{"b":2}`), time.Time{})
	if err != nil || b.rowHolds(t) != `{"b":2}` || b.cache.holds(cachedKey) != "" {
		t.Fatalf("%v, %v, cached %q", replaced, err, b.cache.holds(cachedKey))
	}
	if replaced, err = b.Replace(ctx, replaced, fixture.Values(t, `{"c":3}`), time.Time{}); err != nil {
		t.Fatal(err)
	}
	// The row holds other values.
	var conflict *djsession.ConflictError
	b.cache.set(cachedKey, `{"a":1.0}`)
	for what, err := range map[string]error{
		"replace":          second(b.Replace(ctx, cached, fixture.Values(t, `{}`), time.Time{})),
		"delete unchanged": b.DeleteUnchanged(ctx, cached),
	} {
		if !errors.As(err, &conflict) || fixture.JSON(t, conflict.Current.Values) != `{"c":3}` || conflict.Current.Version == nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if b.rowHolds(t) != `{"c":3}` || b.cache.holds(cachedKey) != "" {
		t.Errorf("the row holds %s, cached is %q", b.rowHolds(t), b.cache.holds(cachedKey))
	}
	b.cache.set(cachedKey, `{"c":3}`)
	if err := b.DeleteUnchanged(ctx, &djsession.Record{Key: key, Values: fixture.Values(t, `{"c":3}`)}); err != nil || b.cache.holds(cachedKey) != "" {
		t.Errorf("%v, cached is %q", err, b.cache.holds(cachedKey))
	}
	// A session without a row is not created again. Django serves it from the cache.
	b.cache.set(cachedKey, `{"c":3}`)
	for what, err := range map[string]error{
		"replace":         second(b.Replace(ctx, replaced, fixture.Values(t, `{}`), time.Time{})),
		"replace unknown": second(b.Replace(ctx, cached, fixture.Values(t, `{}`), time.Time{})),
	} {
		if !errors.Is(err, djsession.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := b.Delete(ctx, key); err != nil || b.cache.holds(cachedKey) != "" {
		t.Errorf("%v, cached is %q", err, b.cache.holds(cachedKey))
	}
	if err := b.Delete(ctx, key); !errors.Is(err, djsession.ErrNotFound) {
		t.Error(err)
	}
	// An old session may be cached under a given key.
	b.cache.set(cachedKey, `{"old":true}`)
	if _, err := b.Create(ctx, key, fixture.Values(t, `{"new":true}`), time.Time{}); err != nil || b.load(t) != `{"new":true}` {
		t.Errorf("%v, and holds %s", err, b.load(t))
	}
	if err := b.Delete(ctx, key); err != nil {
		t.Error(err)
	}
	if found, errs := scan(t, b, djsession.Range{}); len(found) != 0 || errs != nil {
		t.Errorf("%q, %v", found, errs)
	}
	if got := b.log.warnings(); got != "" {
		t.Error(got)
	}
}

// TestCachedDBBulk tests that a bulk write is compared with the rows, and that no stale session is
// read from the cache afterwards, not even if the database refuses the write.
func TestCachedDBBulk(t *testing.T) {
	t.Parallel()
	b, ctx := newBoth(t, cachestore.Config{}), t.Context()
	b.cache.set(cachedKey, `{"old":true}`)
	created, err := b.CreateAll(ctx, []*djsession.Record{{Key: key, Values: fixture.Values(t, `{"new":true}`)}})
	if err != nil || created[0].Err != nil || b.cache.holds(cachedKey) != "" {
		t.Fatalf("%+v, %v, cached %q", created, err, b.cache.holds(cachedKey))
	}
	// The row holds the same values as the record that was read from the cache: there is no conflict.
	cached := &djsession.Record{Key: key, Values: fixture.Values(t, `{"new":true}`)}
	b.cache.set(cachedKey, `{"new":true}`)
	replaced, err := b.ReplaceAll(ctx, []djsession.Replacement{{Old: cached, Values: fixture.Values(t, `{"n":1}`)}})
	if err != nil || replaced[0].Err != nil || b.rowHolds(t) != `{"n":1}` || b.cache.holds(cachedKey) != "" {
		t.Fatalf("%+v, %v, cached %q", replaced, err, b.cache.holds(cachedKey))
	}
	b.cache.set(cachedKey, `{"new":true}`)
	replaced, err = b.ReplaceAll(ctx, []djsession.Replacement{{Old: cached, Values: fixture.Values(t, `{"n":2}`)}})
	if err != nil || !errors.Is(replaced[0].Err, djsession.ErrConflict) || b.rowHolds(t) != `{"n":1}` || b.cache.holds(cachedKey) != "" {
		t.Fatalf("%+v, %v, cached %q", replaced, err, b.cache.holds(cachedKey))
	}

	// The database refuses, but it may have taken an earlier statement of the same call.
	row, err := b.rows.Create(ctx, "", fixture.Values(t, `{"n":1}`), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	b.db.SetMaxOpenConns(1)
	if _, err := b.db.Exec("PRAGMA query_only = 1"); err != nil {
		t.Fatal(err)
	}
	b.cache.set(strings.TrimSuffix(cachedKey, key)+row.Key, `{"stale":true}`)
	if _, err = b.ReplaceAll(ctx, []djsession.Replacement{{Old: row, Values: fixture.Values(t, `{"n":2}`)}}); !errors.Is(err, djsession.ErrReadOnly) {
		t.Error(err)
	}
	if loaded, err := b.Load(ctx, row.Key); err != nil || fixture.JSON(t, loaded.Values) != `{"n":1}` {
		t.Errorf("loaded %v, %v: not the row", loaded, err)
	}
}

// Changes are applied to the row, even if the cached session is stale.
func TestCachedDBUpdateOnStale(t *testing.T) {
	t.Parallel()
	b := newBoth(t, cachestore.Config{})
	b.row(t, `{"n":7,"django":true}`)
	b.cache.set(cachedKey, `{"n":1}`)
	add := edit.Add("n", 1)
	if _, err := djsession.Update(t.Context(), b, key, add); err != nil {
		t.Fatal(err)
	}
	if got := b.rowHolds(t); got != `{"n":8,"django":true}` {
		t.Errorf("the row holds %s", got)
	}
	if got := b.load(t); got != `{"n":8,"django":true}` {
		t.Errorf("holds %s", got)
	}
}

// Between the read of a row and the Add to the cache the row may be written.
func TestCachedDBFillIsVerified(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]struct {
		do   func(t *testing.T, b *both)
		want string
	}{
		"written": {func(t *testing.T, b *both) { b.row(t, `{"new":1}`) }, ""},
		"deleted": {func(t *testing.T, b *both) { b.rows.Delete(t.Context(), key) }, ""},
		"written, and cached by the writer": {func(t *testing.T, b *both) {
			b.row(t, `{"new":1}`)
			b.cache.set(cachedKey, `{"new":1}`)
		}, `{"new":1}`},
		"touched": {func(t *testing.T, b *both) { b.row(t, `{"old":1}`) }, ""}, // it has another expiry
		"database down": {func(t *testing.T, b *both) {
			if _, err := b.db.Exec(`DROP TABLE django_session`); err != nil {
				t.Error(err)
			}
		}, ""},
		"nothing": {func(t *testing.T, b *both) {}, `{"old":1}`},
	} {
		b := newBoth(t, cachestore.Config{})
		b.row(t, `{"old":1}`)
		time.Sleep(2 * time.Millisecond) // SQLite's times are as fine as Django's, a clock need not be
		b.cache.after = func(op, key string) {
			if op == "add" {
				meanwhile.do(t, b)
			}
		}
		if got := b.load(t); got != `{"old":1}` {
			t.Errorf("%s: loaded %s", name, got)
		}
		if got := b.cache.holds(cachedKey); got != meanwhile.want {
			t.Errorf("%s: cached %q, want %q", name, got, meanwhile.want)
		}
	}
}

// A stale session that cannot be removed from the cache is not read.
func TestCachedDBFillStays(t *testing.T) {
	t.Parallel()
	b := newBoth(t, cachestore.Config{})
	b.row(t, `{"old":1}`)
	b.cache.fail = no("delete")
	b.cache.after = func(op, key string) {
		if op == "add" {
			b.row(t, `{"new":1}`)
		}
	}
	b.load(t)
	if got := b.cache.holds(cachedKey); got != `{"old":1}` {
		t.Fatalf("cached %q", got)
	}
	if got := b.load(t); got != `{"new":1}` {
		t.Errorf("holds %s", got)
	}
	if log := b.log.warnings(); !strings.Contains(log, "cannot be removed") || strings.Contains(log, key) {
		t.Errorf("logged %s", log)
	}
	b.cache.failing(nil)
	waitFor(t, func() bool { return b.cache.holds(cachedKey) == "" })
}

// While the cache is down, reads and writes continue with the database, and a warning is logged.
func TestCachedDBCacheDown(t *testing.T) {
	t.Parallel()
	b, ctx := newBoth(t, cachestore.Config{}), t.Context()
	b.row(t, `{"a":1}`)
	b.load(t)
	b.cache.failing(down)
	if got := b.load(t); got != `{"a":1}` {
		t.Errorf("holds %s", got)
	}
	b.cache.operations()
	for range 50 {
		b.load(t)
	}
	if got := b.cache.operations(); strings.Count(got, "get") == 50 {
		t.Error("a cache that is down is asked all the time")
	}
	log := b.log.warnings()
	if !strings.Contains(log, "level=WARN") || !strings.Contains(log, "connection refused") || strings.Contains(log, key) {
		t.Errorf("logged %s", log)
	}
	created, err := b.Create(ctx, "", fixture.Values(t, `{"new":1}`), time.Time{})
	if err != nil {
		t.Error(err)
	}
	if _, err := b.Replace(ctx, created, fixture.Values(t, `{"new":2}`), time.Time{}); err != nil {
		t.Error(err)
	}
	if _, err := djsession.Update(ctx, b, key, edit.Set("a", 2)); err != nil || b.rowHolds(t) != `{"a":2}` {
		t.Errorf("%v, and holds %s", err, b.rowHolds(t))
	}
	if log := b.log.warnings(); !strings.Contains(log, "cannot be removed") || strings.Contains(log, key) {
		t.Errorf("logged %s", log)
	}
	if err := b.Delete(ctx, created.Key); err != nil {
		t.Error(err)
	}

	// When the cache is back, its old sessions are not read, and are removed.
	b.cache.failing(nil)
	if got := b.cache.holds(cachedKey); got != `{"a":1}` {
		t.Fatalf("cached %q", got)
	}
	if got := b.load(t); got != `{"a":2}` {
		t.Errorf("holds %s", got)
	}
	waitFor(t, func() bool { return b.cache.holds(cachedKey) == "" })
	waitFor(t, func() bool { b.load(t); return b.cache.holds(cachedKey) == `{"a":2}` })
}

// waitFor waits until done returns true.
func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for !done() {
		select {
		case <-t.Context().Done():
			t.Fatal("it does not happen")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// A visitor's cancelled request does not count as a failure of the cache.
func TestCachedDBContext(t *testing.T) {
	t.Parallel()
	b := newBoth(t, cachestore.Config{})
	b.row(t, `{"a":1}`)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Load(ended, key); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	b.load(t)
	if got := b.load(t); got != `{"a":1}` || b.log.warnings() != "" {
		t.Errorf("holds %s", got)
	}
	if got := b.cache.holds(cachedKey); got == "" {
		t.Error("it was not cached")
	}
	// After a write the session is removed from the cache even if the visitor has left.
	r, err := b.rows.Load(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaving, leave := context.WithCancel(t.Context())
	b.cache.failing(func(op, key string) error { leave(); return nil })
	if _, err := b.Replace(leaving, r, fixture.Values(t, `{"a":2}`), time.Time{}); err != nil || b.cache.holds(cachedKey) != "" {
		t.Errorf("%v, cached %q", err, b.cache.holds(cachedKey))
	}
}

// While the database is down, cached sessions are served, and writes fail.
func TestCachedDBDatabaseDown(t *testing.T) {
	t.Parallel()
	b, ctx := newBoth(t, cachestore.Config{}), t.Context()
	b.row(t, `{"a":1}`)
	b.load(t)
	mend := b.breakDatabase(t)
	for range 3 { // before and after a write that failed
		cached, err := b.Load(ctx, key)
		if err != nil || fixture.JSON(t, cached.Values) != `{"a":1}` {
			t.Fatalf("%v, %v", cached, err)
		}
		for what, err := range map[string]error{
			"create":           second(b.Create(ctx, "", nil, time.Time{})),
			"replace":          second(b.Replace(ctx, cached, fixture.Values(t, `{"a":2}`), time.Time{})),
			"delete":           b.Delete(ctx, key),
			"delete unchanged": b.DeleteUnchanged(ctx, cached),
		} {
			if err == nil || errors.Is(err, djsession.ErrNotFound) || errors.Is(err, djsession.ErrConflict) {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	if _, err := b.Load(ctx, "of0a0session0that0is0elsewhere00"); err == nil || errors.Is(err, djsession.ErrNotFound) {
		t.Error(err)
	}
	time.Sleep(3 * time.Second) // longer than a removal is pending after a write
	if got := b.cache.holds(cachedKey); got != `{"a":1}` {
		t.Errorf("cached %q", got)
	}
	mend()
	// Only the row shows whether the writes were made.
	b.row(t, `{"a":2}`)
	if got := b.load(t); got != `{"a":2}` {
		t.Errorf("holds %s", got)
	}
	waitFor(t, func() bool { return b.cache.holds(cachedKey) != `{"a":1}` })
}

// A cached value that is not a session stays in the cache, and the row is read.
func TestCachedDBDamaged(t *testing.T) {
	t.Parallel()
	b := newBoth(t, cachestore.Config{})
	b.row(t, `{"a":1}`)
	b.cache.set(cachedKey, `[1]`)
	if got := b.load(t); got != `{"a":1}` || b.cache.holds(cachedKey) != `[1]` {
		t.Errorf("holds %s, cached %q", got, b.cache.holds(cachedKey))
	}
	if log := b.log.warnings(); !strings.Contains(log, "is not a session") || strings.Contains(log, key) {
		t.Errorf("logged %s", log)
	}
	b.cache.failing(func(op, key string) error { return &djsession.PayloadError{Err: djsession.ErrTooLarge} })
	if got := b.load(t); got != `{"a":1}` {
		t.Errorf("holds %s", got)
	}
	// A key that the cache does not take is no failure of the cache.
	b.cache.failing(func(op, key string) error { return djsession.ErrInvalidKey })
	if got := b.load(t); got != `{"a":1}` || b.log.warnings() != "" {
		t.Errorf("holds %s", got)
	}
	if _, err := djsession.Update(t.Context(), b, key, edit.Set("a", 2)); err != nil || b.load(t) != `{"a":2}` || b.log.warnings() != "" {
		t.Errorf("%v, holds %s", err, b.load(t))
	}
}

// A Django that read a row before it was written caches it late. That entry is removed.
func TestCachedDBLateSet(t *testing.T) {
	t.Parallel()
	b := newBoth(t, cachestore.Config{})
	b.row(t, `{"a":1}`)
	if _, err := djsession.Update(t.Context(), b, key, edit.Set("a", 2)); err != nil {
		t.Fatal(err)
	}
	b.cache.set(cachedKey, `{"a":1}`)
	if got := b.load(t); got != `{"a":2}` {
		t.Errorf("holds %s", got)
	}
	waitFor(t, func() bool { return b.cache.holds(cachedKey) != `{"a":1}` })
	if got := b.load(t); got != `{"a":2}` {
		t.Errorf("holds %s", got)
	}
}

// While the database is down, a cached session is not served if it may be older than the last
// write, whether or not that write removed it from the cache.
func TestCachedDBDatabaseDownAfterWrite(t *testing.T) {
	t.Parallel()
	for _, removed := range []bool{true, false} {
		b := newBoth(t, cachestore.Config{})
		b.row(t, `{"a":1}`)
		b.load(t)
		if !removed {
			b.cache.failing(no("delete"))
		}
		if _, err := djsession.Update(t.Context(), b, key, edit.Set("a", 2)); err != nil {
			t.Fatal(err)
		}
		if removed {
			b.cache.set(cachedKey, `{"a":1}`) // by a Django that read the row before
		}
		mend := b.breakDatabase(t)
		if got := b.load(t); !strings.Contains(got, "no such table") {
			t.Errorf("removed %v: holds %s", removed, got)
		}
		b.cache.failing(nil)
		waitFor(t, func() bool { return b.cache.holds(cachedKey) == "" })
		mend()
		if got := b.load(t); got != `{"a":2}` {
			t.Errorf("removed %v: holds %s", removed, got)
		}
	}
}

// Close removes the sessions that could not be removed from the cache before.
func TestCachedDBClose(t *testing.T) {
	t.Parallel()
	for _, works := range []bool{true, false} {
		b := newBoth(t, cachestore.Config{})
		b.row(t, `{"a":1}`)
		b.load(t)
		b.cache.failing(no("delete"))
		if _, err := djsession.Update(t.Context(), b, key, edit.Set("a", 2)); err != nil {
			t.Fatal(err)
		}
		if works {
			b.cache.failing(nil)
		}
		b.log.warnings()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		log := b.log.warnings()
		if gone := b.cache.holds(cachedKey) == ""; gone != works || strings.Contains(log, "level=ERROR") == works {
			t.Errorf("cached %q, logged %s", b.cache.holds(cachedKey), log)
		}
	}
}

func TestCachedDBFillFails(t *testing.T) {
	t.Parallel()
	b := newBoth(t, cachestore.Config{})
	b.row(t, `{"a":1}`)
	b.cache.failing(no("add"))
	if got := b.load(t); got != `{"a":1}` {
		t.Errorf("holds %s", got)
	}
	if log := b.log.warnings(); !strings.Contains(log, "cannot be cached") || strings.Contains(log, key) {
		t.Errorf("logged %s", log)
	}
	// A row that has ended, or ends within a second, is not cached.
	b = newBoth(t, cachestore.Config{})
	if _, err := b.Create(t.Context(), "anothersessionkey", nil, time.Now().Add(900*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	b.Load(t.Context(), "anothersessionkey")
	if got := b.cache.operations(); strings.Contains(got, "add") {
		t.Errorf("the cache was asked to %s", got)
	}
}

func TestCachedDBReadOnly(t *testing.T) {
	t.Parallel()
	b, ctx := newBoth(t, cachestore.Config{ReadOnly: true}), t.Context()
	b.row(t, `{"a":1}`)
	if got := b.load(t); got != `{"a":1}` {
		t.Errorf("holds %s", got)
	}
	old := &djsession.Record{Key: key, Values: fixture.Values(t, `{"a":1}`)}
	for what, err := range map[string]error{
		"create":           second(b.Create(ctx, "", nil, time.Time{})),
		"create all":       bulkError(b.CreateAll(ctx, []*djsession.Record{{Key: key}})),
		"replace":          second(b.Replace(ctx, old, nil, time.Time{})),
		"replace all":      bulkError(b.ReplaceAll(ctx, []djsession.Replacement{{Old: old}})),
		"delete":           b.Delete(ctx, key),
		"delete unchanged": b.DeleteUnchanged(ctx, old),
	} {
		if !errors.Is(err, djsession.ErrReadOnly) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if got := b.cache.operations(); got != "get" || b.rowHolds(t) != `{"a":1}` {
		t.Errorf("the cache was asked to %s", got)
	}
}

func bulkError(_ []djsession.BulkResult, err error) error { return err }

// Several services and a cache that fails now and then: no change is lost, and in the end every
// service sees the last row.
func TestCachedDBTogether(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "db.sqlite3")
	cache := newMemory()
	var n atomic.Int64
	cache.fail = func(op, key string) error {
		if n.Add(1)%17 == 0 {
			return errDown
		}
		return nil
	}
	var stores []*both
	for range 3 {
		stores = append(stores, overDatabase(t, cache, path, cachestore.Config{}))
	}
	stores[0].row(t, `{"n":0}`)
	const each = 40
	var done sync.WaitGroup
	for i := range 6 {
		done.Go(func() {
			b := stores[i%len(stores)]
			for range each {
				add := edit.Add("n", 1)
				if _, err := djsession.Update(t.Context(), b, key, add); err != nil {
					t.Error(err)
				}
				b.Load(t.Context(), key)
			}
		})
	}
	done.Wait()
	cache.failing(nil)
	for _, b := range stores {
		waitFor(t, func() bool { return b.load(t) == `{"n":240}` })
	}
	waitFor(t, func() bool { return cache.holds(cachedKey) == `{"n":240}` || cache.holds(cachedKey) == "" })
	if got := stores[0].rowHolds(t); got != `{"n":240}` {
		t.Errorf("the row holds %s", got)
	}
}
