package storeurl

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// rotating is a user of a server whose password changes.
type rotating struct {
	url    string
	change func(password string) // the server accepts no other one
	// disconnect ends the user's connections.
	disconnect func()
}

// A new connection asks for its password, so that a store goes on working when the password changes.
// A connection that is open needs none.
func TestPasswordFromFunction(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*testing.T) rotating{"postgres": rotatingPostgres, "mariadb": rotatingMariaDB, "redis": rotatingRedis} {
		t.Run(name, func(t *testing.T) {
			djangotest.NotShort(t, "it starts a server")
			t.Parallel()
			server := start(t)
			var calls atomic.Int32
			var password atomic.Pointer[string]
			set := func(text string) { password.Store(&text) }
			store, err := Open(server.url, settings(t), WithPasswordFrom(func(context.Context) (string, error) {
				calls.Add(1)
				if text := *password.Load(); text != "" {
					return text, nil
				}
				return "", errors.New("the vault is sealed")
			}))
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			load := func() error {
				_, err := store.Load(t.Context(), strings.Repeat("a", 32))
				if errors.Is(err, djsession.ErrNotFound) {
					return nil
				}
				return err
			}
			for i := range 3 {
				text := fmt.Sprintf("p%%ss:w@rd/%d", i)
				set(text)
				server.change(text)
				server.disconnect()
				if err := load(); err != nil {
					t.Fatalf("password %d: %v", i, err)
				}
				before := calls.Load()
				set("other") // no new connection asks for it
				if err := load(); err != nil || calls.Load() != before {
					t.Fatalf("password %d: %v, and %d more calls", i, err, calls.Load()-before)
				}
			}
			server.disconnect()
			if err := load(); err == nil || strings.Contains(err.Error(), "other") {
				t.Errorf("with the wrong password: %v", err)
			}
			set("")
			if err := load(); err == nil || !strings.Contains(err.Error(), "the vault is sealed") {
				t.Errorf("without a password: %v", err)
			}
		})
	}
}

func rotatingPostgres(t *testing.T) rotating {
	db := djangotest.Postgres(t)
	store := openTable(t, db.URL)
	sql := store.(djsession.SQLStore).DB()
	do := func(statement string) {
		t.Helper()
		if _, err := sql.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	do("CREATE ROLE rotating LOGIN PASSWORD 'none'")
	do("GRANT ALL ON django_session TO rotating")
	// The server trusts everybody: of this user it wants the password.
	file := filepath.Join(db.Socket, "data", "pg_hba.conf")
	do(fmt.Sprintf("COPY (SELECT 'host all rotating all scram-sha-256' UNION ALL SELECT 'host all all all trust' UNION ALL SELECT 'local all all trust') TO '%s'", file))
	do("SELECT pg_reload_conf()")
	url := strings.Replace(db.URL, "djsess@", "rotating@", 1)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		_, err := opened(t, strings.Replace(url, "rotating@", "rotating:wrong@", 1)).Load(t.Context(), strings.Repeat("a", 32))
		if err != nil && strings.Contains(err.Error(), "password authentication failed") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server wants no password: %v", err)
		}
	}
	return rotating{
		url:    url,
		change: func(password string) { do("ALTER ROLE rotating PASSWORD '" + password + "'") },
		disconnect: func() {
			do("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = 'rotating'")
		},
	}
}

func rotatingMariaDB(t *testing.T) rotating {
	db := djangotest.MariaDB(t)
	sql := openTable(t, db.URL).(djsession.SQLStore).DB()
	do := func(statement string) {
		t.Helper()
		if _, err := sql.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	do("CREATE USER rotating IDENTIFIED BY 'none'")
	do("GRANT ALL ON " + db.Name + ".* TO rotating")
	return rotating{
		url:        strings.Replace(db.URL, "djsess:djsess@", "rotating@", 1),
		change:     func(password string) { do("ALTER USER rotating IDENTIFIED BY '" + password + "'") },
		disconnect: func() { do("KILL USER rotating") },
	}
}

func rotatingRedis(t *testing.T) rotating {
	server := djangotest.Redis(t)
	return rotating{
		url: strings.Replace(server.URL, "redis://", "redis://rotating@", 1),
		change: func(password string) {
			server.Do(t, "ACL", "SETUSER", "rotating", "reset", "on", ">"+password, "~*", "+@all")
		},
		disconnect: func() { server.Do(t, "CLIENT", "KILL", "USER", "rotating") },
	}
}

func TestBadPasswordFunctions(t *testing.T) {
	f := func(context.Context) (string, error) { return "", nil }
	for _, test := range []struct {
		url  string
		want string
	}{
		{"postgres://u:hunter2@h/db", "store url postgres://u@h/db: the URL has a password, and another one is given for each connection: choose one"},
		{"postgres://u@h/db?password=hunter2", "choose one"},
		{"redis://:hunter2@h/0", "choose one"},
		{"redis://h/0?password=hunter2", "choose one"},
		{"sqlite:///storeurl.go", "but this store has none"},
		{"memcached://h", "but this store has none"},
		{"file:///.", "but this store has none"},
		{"filecache:///.", "but this store has none"},
	} {
		if _, err := Open(test.url, settings(t), WithPasswordFrom(f)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.url, err, test.want)
		}
	}
	if _, err := Open("redis://h/0", settings(t), WithCachePasswordFrom(f)); err == nil || !strings.Contains(err.Error(), "not a cached_db") {
		t.Errorf("the password of no cache: %v", err)
	}
	if _, err := OpenCachedDB("memcached://h", "postgres://h/db", settings(t), WithCachePasswordFrom(f)); err == nil || !strings.Contains(err.Error(), "cached_db: cache: store url memcached://h: ") {
		t.Errorf("the password of a Memcached: %v", err)
	}
	store, err := Open("postgres://u@127.0.0.1:1/db", settings(t), WithPasswordFrom(f))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := store.Load(t.Context(), strings.Repeat("a", 32)); err == nil || !strings.Contains(err.Error(), "the password for a new connection is empty") {
		t.Errorf("an empty password: %v", err)
	}
}
