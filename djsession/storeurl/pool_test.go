package storeurl

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/edit"
)

// The pool of every database is bounded, by default and by the options.
func TestPoolOfDatabases(t *testing.T) {
	for url, want := range map[string]pool{
		"postgres://h/db": {10, 10}, "postgresql://h/db": {10, 10}, "pgsql://h/db": {10, 10}, "postgis://h/db": {10, 10},
		"mysql://h/db": {10, 10}, "mariadb://h/db": {10, 10}, "sqlite:///storeurl.go": {10, 10},
		"postgres://h/db?max_open_conns=25": {25, 10}, "postgres://h/db?max_open_conns=4": {4, 4}, "mysql://h/db?max_open_conns=25&max_idle_conns=20": {25, 20},
		"postgres://h/db?max_idle_conns=3": {10, 3}, "sqlite:///storeurl.go?max_open_conns=1": {1, 1},
	} {
		u, err := parse(url)
		if err != nil {
			t.Fatal(err)
		}
		p, err := u.pool()
		if err != nil || p != want {
			t.Errorf("%s: %+v (%v), want %+v", url, p, err, want)
		}
		if u, err = parse(url); err != nil {
			t.Fatal(err)
		}
		db, _, err := u.row.database.open(u) // dbcache+ opens the same
		if err != nil {
			t.Fatalf("%s: %v", url, err)
		}
		if n := db.Stats().MaxOpenConnections; n != want.open {
			t.Errorf("%s: %d connections may be open, want %d", url, n, want.open)
		}
		db.Close()
	}
}

func TestPoolOfRedis(t *testing.T) {
	for query, want := range map[string][2]int{
		"": {10, 10}, "?max_open_conns=4": {4, 4}, "?max_connections=25": {25, 10}, "?max_open_conns=25&max_idle_conns=20": {25, 20},
	} {
		for _, scheme := range []string{"redis://h/0", "redis-sentinel://h/main/0", "redis-cluster://h"} {
			u, err := parse(scheme + query)
			if err != nil {
				t.Fatal(err)
			}
			o, _, err := u.redisClient(&openedCache{config: cachestore.Config{Settings: settings(t)}})
			if err != nil {
				t.Fatalf("%s: %v", scheme+query, err)
			}
			if o.PoolSize != want[0] || o.MaxIdleConns != want[1] || o.ConnMaxIdleTime != 5*time.Minute || o.PipelinePoolSize >= 0 {
				t.Errorf("%s: %d open, %d idle for %s, %d for pipelines", scheme+query, o.PoolSize, o.MaxIdleConns, o.ConnMaxIdleTime, o.PipelinePoolSize)
			}
			if o.DialTimeout != 10*time.Second || o.PoolTimeout < 10*time.Second {
				t.Errorf("%s: %s to connect, %s to wait for a connection", scheme+query, o.DialTimeout, o.PoolTimeout)
			}
		}
	}
}

// A burst opens no more connections than the pool has, and they stay for the next one.
func TestBurst(t *testing.T) {
	t.Parallel()
	for _, kind := range djangotest.Databases() {
		if kind.Kind == "sqlite" {
			continue
		}
		t.Run(kind.Kind, func(t *testing.T) {
			t.Parallel()
			db := kind.New(t)
			server, query := newCounter(t, addressOf(db.URL)), ""
			if kind.Kind == "postgres" {
				query = "?sslmode=disable" // lib/pq asks for TLS by a connection of its own
			}
			store := openTable(t, strings.Replace(db.URL, addressOf(db.URL), server.address, 1)+query)
			for range 3 {
				burst(t, store, 100)
			}
			if n := server.opened.Load(); n > 10 {
				t.Errorf("%d connections were opened, want 10 at most", n)
			}
		})
	}
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		server := newCounter(t, djangotest.Redis(t).Addr)
		for range 3 {
			burst(t, opened(t, "redis://"+server.address+"/0"), 100)
			if n := server.opened.Swap(0); n > 10 {
				t.Errorf("%d connections were opened, want 10 at most", n)
			}
		}
	})
	t.Run("memcached", func(t *testing.T) {
		t.Parallel()
		server := newCounter(t, djangotest.Memcached(t, 1).Addrs()[0])
		store := opened(t, "memcached://"+server.address+"?timeout=60")
		for range 3 {
			burst(t, store, 100)
		}
		if n := server.opened.Load(); n > 10 {
			t.Errorf("%d connections were opened, want 10 at most", n)
		}
	})
}

func burst(t *testing.T, store Store, n int) {
	t.Helper()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if _, err := store.Load(t.Context(), aKey); !errors.Is(err, djsession.ErrNotFound) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// counter is a proxy that counts the connections that were opened.
type counter struct {
	address string
	opened  atomic.Int32
}

func newCounter(t *testing.T, server string) *counter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	c := &counter{address: l.Addr().String()}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			c.opened.Add(1)
			conn, err := net.Dial("tcp", server)
			if err != nil {
				client.Close()
				continue
			}
			pass := func(to, from net.Conn) {
				io.Copy(to, from)
				to.Close()
			}
			go pass(client, conn)
			go pass(conn, client)
		}
	}()
	return c
}

// If all connections are in use, a request waits for one. When its time is up, its error is a
// timeout that says so.
func TestAllConnectionsAreBusy(t *testing.T) {
	t.Parallel()
	const busy = "all 2 connections are busy"
	for _, kind := range djangotest.Databases() {
		t.Run(kind.Kind, func(t *testing.T) {
			t.Parallel()
			store := openTable(t, kind.New(t).URL+"?max_open_conns=2&load_timeout=0.5")
			db := store.(*dbstore.Store).DB()
			for range 2 {
				conn, err := db.Conn(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
			}
			_, err := store.Load(t.Context(), aKey)
			wantTimeout(t, "load", err, busy)
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			_, err = store.Create(ctx, "", nil, time.Time{})
			wantTimeout(t, "create", err, busy)
			for _, err := range store.(djsession.Scanner).Scan(t.Context(), djsession.Range{}) {
				wantTimeout(t, "scan", err, busy)
			}
		})
	}
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		p := newLink(t, djangotest.Redis(t).Addr)
		p.frozen.Store(true)
		store := opened(t, "redis://"+p.address+"/0?max_open_conns=2&load_timeout=60&socket_timeout=60")
		held, release := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		defer wg.Wait()
		defer p.cut() // go-redis does not look at a context that is canceled
		defer release()
		for range 2 {
			wg.Go(func() { store.Load(held, aKey) })
		}
		for p.accepted.Load() < 2 {
			time.Sleep(time.Millisecond)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := store.Load(ctx, aKey)
		wantTimeout(t, "load", err, busy)
		wantTimeout(t, "load", err, p.address)
	})
	t.Run("memcached", func(t *testing.T) {
		t.Parallel()
		address := silent(t, "")
		store := opened(t, "memcached://"+address+"?timeout=1&max_open_conns=2")
		errs := make(chan error, 3)
		for range cap(errs) {
			go func() {
				_, err := store.Load(t.Context(), aKey)
				errs <- err
			}()
		}
		var texts []string
		for range cap(errs) {
			err := <-errs
			wantTimeout(t, "load", err, address)
			texts = append(texts, fmt.Sprint(err))
		}
		if n := strings.Count(strings.Join(texts, "\n"), busy); n > 1 {
			t.Errorf("%q", texts)
		}
	})
}

// A pool of one connection is enough: no operation holds one while it waits for another.
func TestOneConnectionIsEnough(t *testing.T) {
	t.Parallel()
	one := func(url string) string {
		if strings.Contains(url, "?") {
			return url + "&max_open_conns=1"
		}
		return url + "?max_open_conns=1"
	}
	for _, kind := range djangotest.Databases() {
		t.Run(kind.Kind, func(t *testing.T) {
			t.Parallel()
			db := kind.New(t)
			django := djangotest.Start(t, djangotest.Newest, djangotest.Settings{"DATABASES": db.Settings(),
				"CACHES": djangotest.Caches(map[string]any{"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "site_cache"})})
			django.Do(t, `
				migrate()
				from django.core.management import call_command
				call_command("createcachetable", verbosity=0)
				User.objects.create_user("alice")
			`, nil, nil)
			cacheURL := "dbcache+" + one(db.URL+"?table=site_cache")
			for name, open := range map[string]func() (Store, error){
				"db":            func() (Store, error) { return Open(one(db.URL), settings(t)) },
				"dbcache":       func() (Store, error) { return Open(cacheURL, settings(t)) },
				"culled":        func() (Store, error) { return Open(cacheURL+"&max_entries=6", settings(t)) },
				"cached_db":     func() (Store, error) { return OpenCachedDB(cacheURL, one(db.URL), settings(t)) },
				"other's table": func() (Store, error) { return Open(one(db.URL+"?table=my_sessions"), settings(t)) },
			} {
				store, err := open()
				if err != nil {
					t.Fatal(err)
				}
				defer store.Close()
				wholeLife(t, name, store)
				if name == "db" || name == "cached_db" {
					users, err := djauth.UsersIn(store, djauth.UserModel{})
					if err != nil {
						t.Fatal(err)
					}
					alice, err := users.UserByUsername(t.Context(), "alice")
					if err != nil {
						t.Fatal(err)
					}
					if err := users.SetLastLogin(t.Context(), alice.ID, time.Now()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		r := djangotest.Redis(t)
		wholeLife(t, "redis", opened(t, one(r.URL)))
		r.Do(t, "ACL", "SETUSER", "default", "-evalsha", "-eval") // a save is then WATCH and MULTI
		wholeLife(t, "redis without scripts", opened(t, one(r.URL)))
	})
	t.Run("memcached", func(t *testing.T) {
		t.Parallel()
		wholeLife(t, "memcached", opened(t, one("memcached://"+djangotest.Memcached(t, 1).Addrs()[0]+"?timeout=60")))
	})
}

// wholeLife runs all operations of a store, from several goroutines at a time.
func wholeLife(t *testing.T, name string, store Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // or a deadlock has no end
	defer cancel()
	if s, ok := store.(*dbstore.Store); ok {
		if err := s.CreateTable(ctx); err != nil {
			t.Errorf("%s: create table: %v", name, err)
		}
	}
	goroutines, rounds := 4, 3
	if testing.Short() {
		goroutines, rounds = 2, 1
	}
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			if err := severalLives(ctx, store, rounds); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	wg.Wait()
	scanner, ok := store.(djsession.Scanner)
	if !ok || strings.HasPrefix(name, "memcached") {
		return
	}
	for r, err := range scanner.Scan(ctx, djsession.Range{}) {
		if err == nil {
			_, err = store.Load(ctx, r.Key)
		}
		if err == nil {
			_, err = djsession.Update(ctx, store, r.Key, edit.Set("seen", true))
		}
		if err != nil && !errors.Is(err, djsession.ErrNotFound) {
			t.Errorf("%s: in a scan: %v", name, err)
		}
	}
}

// severalLives makes, changes and deletes a session, and leaves one, so many times.
func severalLives(ctx context.Context, store Store, n int) error {
	for range n {
		old, err := store.Create(ctx, "", nil, time.Time{})
		if err != nil {
			return err
		}
		if _, err = store.Create(ctx, old.Key, nil, time.Time{}); err != nil && !errors.Is(err, djsession.ErrKeyTaken) {
			return err
		}
		if old, err = store.Load(ctx, old.Key); err != nil {
			return leftToCull(err)
		}
		if _, err = djsession.Update(ctx, store, old.Key, edit.Set("n", 1)); err != nil {
			return leftToCull(err)
		}
		if _, err = store.Replace(ctx, old, old.Values, time.Time{}); !errors.Is(err, djsession.ErrConflict) {
			return leftToCull(fmt.Errorf("replace what was changed: %w", err))
		}
		if unchanged, ok := store.(djsession.UnchangedDeleter); ok {
			if err := unchanged.DeleteUnchanged(ctx, old); !errors.Is(err, djsession.ErrConflict) {
				return leftToCull(fmt.Errorf("delete what was changed: %w", err))
			}
		}
		if err = store.Delete(ctx, old.Key); err != nil {
			return leftToCull(err)
		}
		if _, err = store.Create(ctx, "", nil, time.Time{}); err != nil { // and one stays
			return err
		}
	}
	return nil
}

// leftToCull returns err, or nil if culling may have caused it.
func leftToCull(err error) error {
	if errors.Is(err, djsession.ErrNotFound) {
		return nil
	}
	return err
}

// opened opens a store until the test ends.
func opened(t *testing.T, url string) Store {
	t.Helper()
	store, err := Open(url, settings(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// openTable opens a database's URL, and makes the table.
func openTable(t *testing.T, url string) Store {
	t.Helper()
	if path, ok := strings.CutPrefix(url, "sqlite:///"); ok {
		path, _, _ = strings.Cut(path, "?")
		makeSQLite(t, path)
	}
	store := opened(t, url)
	if err := store.(*dbstore.Store).CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store
}

func makeSQLite(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err == nil {
		_, err = db.Exec("PRAGMA user_version = 0")
		db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}
