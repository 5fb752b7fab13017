package storeurl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/waitlimit"
)

const aKey = "abcdefghijklmnopqrstuvwxyz012345"

// silent starts a server that accepts connections, sends a greeting on each, and then sends
// nothing more.
func silent(t *testing.T, greeting string) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Error(err)
		return ""
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
			go func() {
				io.WriteString(conn, greeting)
				io.Copy(io.Discard, conn)
			}()
		}
	}()
	return l.Addr().String()
}

// soon fails the test if f does not end. Its minute is far more than f takes on a busy
// machine.
func soon(t *testing.T, what string, f func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-time.After(time.Minute):
		t.Errorf("%s has no end", what)
		return nil
	}
}

// wantTimeout fails the test if an error is no timeout or does not name the address.
func wantTimeout(t *testing.T, what string, err error, address string) {
	t.Helper()
	var timeout interface{ Timeout() bool }
	switch {
	case err == nil:
		t.Errorf("%s: no error", what)
	case !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, os.ErrDeadlineExceeded) && !(errors.As(err, &timeout) && timeout.Timeout()):
		t.Errorf("%s: not a timeout: %v", what, err)
	case !strings.Contains(err.Error(), address):
		t.Errorf("%s: %s is not named: %v", what, address, err)
	}
}

// greetings are what a server may send before it is silent: nothing, the beginning of an
// answer, or that TLS is to begin.
var greetings = map[string][]string{
	"postgres": {"", "N", "S", "SSSSSSSS", "R\x00\x00\x00\x0c\x00"},
	"mysql":    {"", "J", "\x4a\x00\x00\x00\x0a8.0.33\x00\x01\x00\x00\x00aaaaaaaa\x00\xff\xff\xff\x02\x00\xff\xdf\x15\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00bbbbbbbbbbbb\x00mysql_native_password\x00"},
	"redis":    {"", "+O", "$100\r\n"},
	"memcache": {"", "VALUE "},
}

// A load from a server that accepts connections and stays silent ends by the options for
// connecting and by the one for loads. The context of the load has no deadline.
func TestSilentServer(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, c := range []struct{ kind, url string }{
		{"postgres", "postgres://u:p@ADDRESS/db?connect_timeout=1"},
		{"postgres", "postgres://u:p@ADDRESS/db?connect_timeout=1&sslmode=disable"},
		{"postgres", "postgres://u:p@ADDRESS/db?connect_timeout=1&sslmode=require"},
		{"postgres", "postgres://u:p@ADDRESS/db?connect_timeout=1&target_session_attrs=read-write"},
		{"postgres", "postgres://u:p@ADDRESS/db?load_timeout=1"},
		{"postgres", "postgres://u:p@ADDRESS/db?load_timeout=1&connect_timeout=0"},
		{"postgres", "dbcache+postgres://u:p@ADDRESS/db?table=t&connect_timeout=1"},
		{"postgres", "dbcache+postgres://u:p@ADDRESS/db?table=t&load_timeout=1"},
		{"mysql", "mysql://u:p@ADDRESS/db?timeout=1s"},
		{"mysql", "mysql://u:p@ADDRESS/db?timeout=1s&tls=skip-verify"},
		{"mysql", "mariadb://u:p@ADDRESS/db?load_timeout=1"},
		{"mysql", "mysql://u:p@ADDRESS/db?load_timeout=1&timeout=0"},
		{"mysql", "dbcache+mysql://u:p@ADDRESS/db?table=t&timeout=1s"},
		{"redis", "redis://:p@ADDRESS/0?socket_timeout=1&socket_connect_timeout=1"},
		{"redis", "redis://:p@ADDRESS/0?load_timeout=1"},
		{"redis", "rediss://:p@ADDRESS/0?socket_timeout=1&socket_connect_timeout=1&ssl_cert_reqs=none"},
		{"redis", "rediss://:p@ADDRESS/0?load_timeout=1&ssl_cert_reqs=none"},
		{"redis", "redis://:p@ADDRESS/0?load_timeout=1&replica=ADDRESS"},
		{"redis", "redis-sentinel://:p@ADDRESS/main/0?socket_timeout=1&socket_connect_timeout=1"},
		{"redis", "redis-sentinel://:p@ADDRESS,ADDRESS/main/0?load_timeout=1&replicas=1"},
		{"redis", "rediss-sentinel://:p@ADDRESS/main/0?load_timeout=1&ssl_cert_reqs=none"},
		{"redis", "redis-cluster://:p@ADDRESS,ADDRESS?socket_timeout=1&socket_connect_timeout=1"},
		{"redis", "redis-cluster://:p@ADDRESS,ADDRESS?load_timeout=1"},
		{"redis", "rediss-cluster://:p@ADDRESS?load_timeout=1&ssl_cert_reqs=none"},
		{"memcache", "memcached://ADDRESS?timeout=1"},
	} {
		for _, greeting := range greetings[c.kind] {
			wg.Go(func() { checkSilent(t, c.kind, c.url, greeting) })
		}
	}
}

func checkSilent(t *testing.T, kind, url, greeting string) {
	what := fmt.Sprintf("%s, server says %.10q", url, greeting)
	address := silent(t, greeting)
	store, err := Open(strings.ReplaceAll(url, "ADDRESS", address), settings(t))
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	defer store.Close()
	err = soon(t, what+": load", func() error {
		_, err := store.Load(context.Background(), aKey)
		return err
	})
	if greeting != "" && err != nil && !isTimeout(err) {
		return // the driver takes what was said for a refusal
	}
	wantTimeout(t, what+": load", err, address)
	if kind == "memcache" {
		return // which cannot be listed
	}
	err = soon(t, what+": scan", func() error {
		for _, err := range store.(djsession.Scanner).Scan(context.Background(), djsession.Range{}) {
			return err
		}
		return nil
	})
	wantTimeout(t, what+": scan", err, address)
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// There are default limits, and the options of the URL override them.
func TestDefaultLimits(t *testing.T) {
	for _, name := range []string{"PGCONNECT_TIMEOUT", "PGHOST", "PGSERVICE"} {
		t.Setenv(name, "") // for it to be put back
		os.Unsetenv(name)
	}
	for url, want := range map[string]struct{ connect, load time.Duration }{
		"postgres://h/db":                             {10 * time.Second, 10 * time.Second},
		"postgres://h/db?connect_timeout=3":           {3 * time.Second, 10 * time.Second},
		"postgres://h/db?connect_timeout=30":          {30 * time.Second, 30 * time.Second},
		"postgres://h/db?connect_timeout=0":           {0, 10 * time.Second},
		"postgres://h/db?statement_timeout=40000":     {10 * time.Second, 40 * time.Second},
		"postgres://h/db?load_timeout=2.5":            {10 * time.Second, 2500 * time.Millisecond},
		"mysql://h/db":                                {10 * time.Second, 10 * time.Second},
		"mysql://h/db?timeout=3s":                     {3 * time.Second, 10 * time.Second},
		"mysql://h/db?timeout=30s":                    {30 * time.Second, 30 * time.Second},
		"mysql://h/db?readTimeout=55s":                {10 * time.Second, 55 * time.Second},
		"mysql://h/db?readTimeout=55s&load_timeout=1": {10 * time.Second, time.Second},
		"sqlite:///storeurl.go":                       {0, 10 * time.Second},
		"sqlite:///storeurl.go?timeout=20":            {0, 25 * time.Second},
		"sqlite:///storeurl.go?_busy_timeout=30000":   {0, 35 * time.Second},
	} {
		u, err := parse(url)
		if err != nil {
			t.Fatal(err)
		}
		db, load, err := u.row.database.open(u)
		if err != nil {
			t.Fatalf("%s: %v", url, err)
		}
		db.Close()
		if load != want.load {
			t.Errorf("%s: a load may take %s, want %s", url, load, want.load)
		}
		if u, err = parse(url); err != nil {
			t.Fatal(err)
		}
		u.take("load_timeout")
		var c *connector
		switch u.scheme {
		case "postgres":
			c, _, err = u.pqConnector()
		case "mysql":
			c, _, err = u.mysqlConnector()
		default:
			continue
		}
		if err != nil || c.limit != want.connect {
			t.Errorf("%s: connecting may take %s (%v), want %s", url, c.limit, err, want.connect)
		}
	}
	t.Setenv("PGCONNECT_TIMEOUT", "4")
	u, err := parse("postgres://h/db")
	if err != nil {
		t.Fatal(err)
	}
	if c, _, err := u.pqConnector(); err != nil || c.limit != 4*time.Second {
		t.Errorf("with PGCONNECT_TIMEOUT connecting may take %s (%v)", c.limit, err)
	}
	t.Setenv("PGHOST", "a,b")
	if u, err = parse("postgres:///db?connect_timeout=3"); err != nil {
		t.Fatal(err)
	}
	if c, _, err := u.pqConnector(); err != nil || c.limit != 6*time.Second || c.address != "a:5432, b:5432" {
		t.Errorf("two hosts at %s may take %s (%v)", c.address, c.limit, err)
	}
}

// link is a proxy that can stop to forward, like a server that stops to answer.
type link struct {
	address  string
	frozen   atomic.Bool
	accepted atomic.Int32
	mu       sync.Mutex
	clients  []net.Conn
}

// cut ends all connections.
func (p *link) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, client := range p.clients {
		client.Close()
	}
}

func newLink(t *testing.T, server string) *link {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	p := &link{address: l.Addr().String()}
	t.Cleanup(p.cut)
	pass := func(to, from net.Conn) {
		defer to.Close()
		buffer := make([]byte, 64<<10)
		for {
			n, err := from.Read(buffer)
			if err != nil {
				return
			}
			if p.frozen.Load() {
				io.Copy(io.Discard, from)
				return
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
	}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			p.accepted.Add(1)
			p.mu.Lock()
			p.clients = append(p.clients, client)
			p.mu.Unlock()
			if p.frozen.Load() {
				continue
			}
			conn, err := net.Dial("tcp", server)
			if err != nil {
				client.Close()
				continue
			}
			t.Cleanup(func() { conn.Close() })
			go pass(client, conn)
			go pass(conn, client)
		}
	}()
	return p
}

// addressOf returns the host and port in a database's URL.
func addressOf(url string) string {
	_, rest, _ := strings.Cut(url, "@")
	address, _, _ := strings.Cut(rest, "/")
	return address
}

// A load, a page of a scan and a write end if the server stops to answer on an established
// connection. lib/pq by itself asks the server to cancel the statement, and waits on.
func TestServerThatStopsToAnswer(t *testing.T) {
	t.Parallel()
	for _, kind := range djangotest.Databases() {
		if kind.Kind == "sqlite" {
			continue
		}
		t.Run(kind.Kind, func(t *testing.T) {
			t.Parallel()
			db := kind.New(t)
			p := newLink(t, addressOf(db.URL))
			store, err := Open(strings.Replace(db.URL, addressOf(db.URL), p.address, 1)+"?load_timeout=1", settings(t))
			if err != nil {
				t.Fatal(err)
			}
			// Close waits for what still uses a connection.
			t.Cleanup(func() { soon(t, "close", store.Close) })
			if err := store.(*dbstore.Store).CreateTable(t.Context()); err != nil {
				t.Fatal(err)
			}
			var records []*djsession.Record
			for range 3 { // a connection each, below
				r, err := store.Create(t.Context(), "", nil, time.Time{})
				if err != nil {
					t.Fatal(err)
				}
				records = append(records, r)
			}
			for what, f := range map[string]func() error{
				"load": func() error {
					_, err := store.Load(context.Background(), records[0].Key)
					return err
				},
				"scan": func() error {
					for _, err := range store.(djsession.Scanner).Scan(context.Background(), djsession.Range{}) {
						return err
					}
					return nil
				},
				"replace": func() error {
					ctx, cancel := context.WithTimeout(context.Background(), time.Second)
					defer cancel()
					_, err := store.Replace(ctx, records[1], nil, time.Time{})
					return err
				},
			} {
				if what == "scan" && testing.Short() {
					continue // a page waits in the same way as a load
				}
				p.frozen.Store(false)
				if _, err := store.Load(t.Context(), records[0].Key); err != nil {
					t.Fatal(err) // a connection stands
				}
				p.frozen.Store(true)
				if err := soon(t, what, f); !isTimeout(err) {
					t.Errorf("%s: not a timeout: %v", what, err)
				}
			}
		})
	}
}

// The limit of a scan is for each page: a slow reader of one page does not shorten the next.
func TestScanLimitIsPerPage(t *testing.T) {
	t.Parallel()
	for _, kind := range djangotest.Databases() {
		t.Run(kind.Kind, func(t *testing.T) {
			t.Parallel()
			db := kind.New(t)
			if kind.Kind == "sqlite" {
				if err := os.WriteFile(db.Name, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			const limit = 500 * time.Millisecond
			store, err := Open(db.URL+"?load_timeout=0.5", settings(t))
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			if err := store.(*dbstore.Store).CreateTable(t.Context()); err != nil {
				t.Fatal(err)
			}
			const sessions = 40 // more than a page
			for range sessions {
				if _, err := store.Create(t.Context(), "", nil, time.Time{}); err != nil {
					t.Fatal(err)
				}
			}
			n := 0
			for _, err := range store.(djsession.Scanner).Scan(t.Context(), djsession.Range{}) {
				if err != nil {
					t.Fatal(err)
				}
				if n++; n == 1 {
					time.Sleep(2 * limit) // the reader of the list takes its time
				}
			}
			if n != sessions {
				t.Errorf("%d sessions are listed, want %d", n, sessions)
			}
		})
	}
}

// With a MySQL URL for a PostgreSQL's port, each side would wait for the other for ever.
// lib/pq notices the reverse.
func TestWrongKindOfServer(t *testing.T) {
	djangotest.NotShort(t, "PostgreSQL and MariaDB")
	t.Parallel()
	postgres, mariadb := addressOf(djangotest.Postgres(t).URL), addressOf(djangotest.MariaDB(t).URL)
	for url, hint := range map[string]string{
		"mysql://u:p@" + postgres + "/db?timeout=1s":          "A PostgreSQL stays silent",
		"postgres://u:p@" + mariadb + "/db?connect_timeout=1": "is it a PostgreSQL?",
	} {
		store, err := Open(url, settings(t))
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		err = soon(t, "load", func() error {
			_, err := store.Load(context.Background(), aKey)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), hint) {
			t.Errorf("%s: %v, want %q", url, err, hint)
		}
	}
}

// The error of a load says whether the load's own limit ended it or the caller's.
func TestLimitIsNamed(t *testing.T) {
	t.Parallel()
	store, err := Open("postgres://u:p@"+silent(t, "")+"/db?load_timeout=1", settings(t))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	_, err = store.Load(context.Background(), aKey)
	var reached waitlimit.Reached
	if !errors.As(err, &reached) || !strings.Contains(err.Error(), "no answer within 1s") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err = store.Load(ctx, aKey); !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &reached) {
		t.Errorf("with a deadline of the caller's: %v", err)
	}
}
