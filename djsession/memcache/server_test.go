package memcache_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/memcache"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// If a new value is over the limit of ours or of the server, the old value stays.
func TestTooLarge(t *testing.T) {
	const mega = 1 << 20
	small := []string{"-I", "512k"}
	for _, test := range []struct {
		name   string
		args   []string
		config memcache.Config
		size   int
		words  string
	}{
		{"default", nil, memcache.Config{}, mega + 1, "value of 1048577 bytes, and the server takes 1048576"},
		{"2 MB", nil, memcache.Config{}, 2 * mega, "value of 2097152 bytes"},
		{"no room for the key", nil, memcache.Config{}, mega, "SERVER_ERROR object too large for cache"},
		{"server takes less", small, memcache.Config{}, 600000, "SERVER_ERROR object too large for cache"},
		{"server takes less by far", small, memcache.Config{}, mega - 100, "SERVER_ERROR object too large for cache"},
		{"server takes more", []string{"-I", "2m"}, memcache.Config{}, mega + 1, "takes 1048576"},
		{"both take more", []string{"-I", "2m"}, memcache.Config{MaxItemSize: 4 * mega}, 3 * mega, "SERVER_ERROR object too large for cache"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.config.Servers = djangotest.Memcached(t, 1, test.args...).Addrs()
			c := newCache(t, test.config)
			ctx := t.Context()
			item := add(t, c, sessionKey, "one")
			large := make([]byte, test.size)
			_, swapErr := c.Swap(ctx, sessionKey, item, large, time.Hour)
			wantError(t, swapErr, djsession.ErrTooLarge, "swap 9f3c1a…", test.words)
			_, swapErr = c.Swap(ctx, sessionKey, get(t, c, sessionKey), large, time.Hour)
			wantError(t, swapErr, djsession.ErrTooLarge, test.words)
			wantStored(t, c, sessionKey, "one")
			_, addErr := c.Add(ctx, "other", large, time.Hour)
			wantError(t, addErr, djsession.ErrTooLarge, test.words)
			wantStored(t, c, "other", "")
			// And the connection is of use.
			if _, err := c.Swap(ctx, sessionKey, item, []byte("two"), time.Hour); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestLargest(t *testing.T) {
	c := newCache(t, memcache.Config{Servers: djangotest.Memcached(t, 1, "-I", "2m").Addrs(), MaxItemSize: 2 << 20})
	large := strings.Repeat("x", 2<<20-1000)
	item := add(t, c, sessionKey, large)
	wantStored(t, c, sessionKey, large)
	if _, err := c.Swap(t.Context(), sessionKey, item, []byte(large[1:]), time.Hour); err != nil {
		t.Error(err)
	}
}

// A value over MaxSize is not read, whatever length the server announces.
func TestTooLargeToRead(t *testing.T) {
	servers := djangotest.Memcached(t, 1).Addrs()
	writer := newCache(t, memcache.Config{Servers: servers})
	sizes := []int{1000, 1001, 900000}
	for _, size := range sizes {
		add(t, writer, fmt.Sprint(size), strings.Repeat("x", size))
	}
	for _, size := range sizes {
		key := fmt.Sprint(size)
		c := newCache(t, memcache.Config{Servers: servers, MaxSize: 1000})
		wantStored(t, c, "1000", strings.Repeat("x", 1000)) // on the same connection
		_, err := c.Get(t.Context(), key)
		if size == 1000 {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		wantError(t, err, djsession.ErrTooLarge, fmt.Sprintf("value of %d bytes, and 1000 are read", size))
		var payload *djsession.PayloadError
		if !errors.As(err, &payload) {
			t.Errorf("%v is no PayloadError", err)
		}
		wantStored(t, c, "1000", strings.Repeat("x", 1000))
	}

	c := newCache(t, memcache.Config{Servers: []string{answering(t, "VALUE k 1 4294967295 1\r\n")}})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := c.Get(t.Context(), "k")
	runtime.ReadMemStats(&after)
	wantError(t, err, djsession.ErrTooLarge, "4294967295")
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("allocated %d bytes for it", got)
	}
}

// answering starts a server that gives one answer to every line, and returns its address.
func answering(t testing.TB, answer string) string {
	return scripted(t, func(string) string { return answer })
}

// scripted starts a server that answers line by line, and returns its address. An answer comes
// byte by byte.
func scripted(t testing.TB, answerTo func(line string) string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					answer := answerTo(lines.Text())
					for i := range len(answer) {
						if _, err := conn.Write([]byte{answer[i]}); err != nil {
							return
						}
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// A server's answer is shown only if it cannot contain a session.
func TestOddAnswers(t *testing.T) {
	const other = ":1:django.contrib.sessions.cache9f3c1a" + secret
	for _, test := range []struct{ name, answer, word string }{
		{"error", "SERVER_ERROR out of memory storing object\r\n", `answered "SERVER_ERROR out of memory storing object"`},
		{"wants a password", "CLIENT_ERROR unauthenticated\r\n", `answered "CLIENT_ERROR unauthenticated"`},
		{"names the key", "CLIENT_ERROR bad key " + sessionKey + "\r\n", `answered "CLIENT_ERROR bad key 9f3c1a…"`},
		{"unknown command", "ERROR\r\n", `answered "ERROR"`},
		{"Redis", "-ERR unknown command 'gets', with args beginning with: '" + sessionKey + "'\r\n", "does not answer as a Memcached does"},
		{"other key", "VALUE " + other + "x 1 1 1\r\nx\r\nEND\r\n", "does not answer as a Memcached does"},
		{"no number", "VALUE " + sessionKey + " 1 " + secret + " 1\r\nx\r\nEND\r\n", "does not answer as a Memcached does"},
		{"length too small", "VALUE " + sessionKey + " 1 1 1\r\n" + secret + "\r\nEND\r\n", "does not answer as a Memcached does"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newCache(t, memcache.Config{Servers: []string{answering(t, test.answer)}})
			_, err := c.Get(t.Context(), sessionKey)
			wantText(t, err, "memcache: get 9f3c1a…: 127.0.0.1:", test.word)
			var refusal *memcache.ServerError
			if !errors.As(err, &refusal) || refusal.Server == "" {
				t.Errorf("got %v, want a ServerError", err)
			}
			if errors.Is(err, djsession.ErrNotFound) {
				t.Error("the session is taken for gone")
			}
			_, err = c.Add(t.Context(), sessionKey, nil, time.Hour)
			wantText(t, err, "memcache: add 9f3c1a…: 127.0.0.1:")
			wantText(t, c.Delete(t.Context(), sessionKey), "memcache: delete 9f3c1a…: 127.0.0.1:")
		})
	}
}

// Not a Memcached at all.
func TestRedis(t *testing.T) {
	c := newCache(t, memcache.Config{Servers: []string{djangotest.Redis(t).Addr}})
	_, err := c.Get(t.Context(), sessionKey)
	wantText(t, err, "does not answer as a Memcached does")
}

// If a server is down, the error is not an ErrNotFound.
func TestServerIsDown(t *testing.T) {
	servers := djangotest.Memcached(t, 1)
	c := newCache(t, memcache.Config{Servers: servers.Addrs()})
	item := add(t, c, sessionKey, "one")
	servers[0].Stop(t)
	for range 2 { // with a connection of before, and without
		_, getErr := c.Get(t.Context(), sessionKey)
		_, addErr := c.Add(t.Context(), sessionKey, nil, time.Hour)
		_, swapErr := c.Swap(t.Context(), sessionKey, item, nil, time.Hour)
		for _, err := range []error{getErr, addErr, swapErr, c.Delete(t.Context(), sessionKey), c.DeleteUnchanged(t.Context(), sessionKey, item)} {
			wantText(t, err, "memcache: ", " 9f3c1a…: ", servers[0].Addr)
			if errors.Is(err, djsession.ErrNotFound) || errors.Is(err, djsession.ErrKeyTaken) || errors.Is(err, djsession.ErrConflict) {
				t.Errorf("an answer without a server: %v", err)
			}
		}
	}
}

// Connections from before a restart do not disturb any operation.
func TestServerRestarts(t *testing.T) {
	servers := djangotest.Memcached(t, 1)
	c := newCache(t, memcache.Config{Servers: servers.Addrs()})
	ctx := t.Context()
	for name, operation := range map[string]func(old *cachestore.Item) error{
		"get": func(*cachestore.Item) error {
			_, err := c.Get(ctx, sessionKey)
			return err
		},
		"add": func(*cachestore.Item) error {
			_, err := c.Add(ctx, sessionKey, []byte("two"), time.Hour)
			if err == nil {
				wantStored(t, c, sessionKey, "two")
				err = djsession.ErrNotFound // as the others say
			}
			return err
		},
		"swap": func(old *cachestore.Item) error {
			_, err := c.Swap(ctx, sessionKey, old, []byte("two"), time.Hour)
			return err
		},
		"delete":           func(*cachestore.Item) error { return c.Delete(ctx, sessionKey) },
		"delete unchanged": func(old *cachestore.Item) error { return c.DeleteUnchanged(ctx, sessionKey, old) },
	} {
		t.Run(name, func(t *testing.T) {
			c.Delete(ctx, sessionKey)
			add(t, c, sessionKey, "one")
			old := get(t, c, sessionKey)
			servers[0].Restart(t)
			if err := operation(old); !errors.Is(err, djsession.ErrNotFound) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Timeout limits the wait for a server that does not answer. If the context has ended meanwhile,
// the error says so.
func TestServerHangs(t *testing.T) {
	servers := djangotest.Memcached(t, 1)
	c := newCache(t, memcache.Config{Servers: servers.Addrs(), Timeout: 300 * time.Millisecond})
	servers[0].Pause(t)
	_, err := c.Get(t.Context(), sessionKey)
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("got %v, want a timeout", err)
	}
	wantText(t, err, "get 9f3c1a…", servers[0].Addr)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err = c.Get(ctx, sessionKey)
	wantError(t, err, context.DeadlineExceeded)
	servers[0].Resume(t)
	wantStored(t, newCache(t, memcache.Config{Servers: servers.Addrs()}), sessionKey, "")
}

func TestConnectTakesTooLong(t *testing.T) {
	c := newCache(t, memcache.Config{Servers: []string{"cache.internal"}, Timeout: time.Millisecond, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	_, err := c.Get(t.Context(), sessionKey)
	wantError(t, err, os.ErrDeadlineExceeded, "get 9f3c1a…: connect to cache.internal:11211: ")
}

// Answers to a cas that a test cannot get from a real server at will.
func TestSwapAnswers(t *testing.T) {
	for _, test := range []struct {
		cas  string
		want error
	}{
		{"EXISTS", djsession.ErrBusy}, // though nothing has changed
		{"NOT_FOUND", djsession.ErrNotFound},
		{"NOT_STORED", djsession.ErrNotFound}, // gomemcache's word for it
	} {
		t.Run(test.cas, func(t *testing.T) {
			c := newCache(t, memcache.Config{Servers: []string{scripted(t, func(line string) string {
				switch command, _, _ := strings.Cut(line, " "); command {
				case "gets":
					return "VALUE " + sessionKey + " 1 3 7\r\none\r\nEND\r\n"
				case "cas":
					return test.cas + "\r\n"
				}
				return ""
			})}})
			_, err := c.Swap(t.Context(), sessionKey, get(t, c, sessionKey), []byte("two"), time.Hour)
			wantError(t, err, test.want, "swap 9f3c1a…")
		})
	}
}

// On a server without cas no item is changed.
func TestServerWithoutCAS(t *testing.T) {
	c := open(t, "-C")
	item := add(t, c, sessionKey, "one")
	wantStored(t, c, sessionKey, "one")
	for _, old := range []*cachestore.Item{item, get(t, c, sessionKey)} {
		_, err := c.Swap(t.Context(), sessionKey, old, []byte("two"), time.Hour)
		wantText(t, err, "swap 9f3c1a…", "without cas (-C)")
		wantText(t, c.DeleteUnchanged(t.Context(), sessionKey, old), "without cas (-C)")
	}
	wantStored(t, c, sessionKey, "one")
	if err := c.Delete(t.Context(), sessionKey); err != nil {
		t.Error(err)
	}
}

// A server that evicts nothing (-M) refuses new values when it is full.
func TestServerIsFull(t *testing.T) {
	c := open(t, "-M", "-m", "2")
	item := add(t, c, sessionKey, "one")
	large := make([]byte, 300000)
	var err error
	for i := 0; i < 50 && err == nil; i++ {
		_, err = c.Add(t.Context(), fmt.Sprint("filler", i), large, time.Hour)
	}
	var refusal *memcache.ServerError
	if !errors.As(err, &refusal) || !strings.HasPrefix(refusal.Answer, "SERVER_ERROR out of memory") {
		t.Fatalf("got %v, want that it is full", err)
	}
	_, err = c.Swap(t.Context(), sessionKey, item, large, time.Hour)
	if !errors.As(err, &refusal) {
		t.Errorf("got %v, want that it is full", err)
	}
	wantStored(t, c, sessionKey, "one")
}

// cutConn breaks once: before a request is sent, or before its answer has come.
type cutConn struct {
	net.Conn
	before, after *atomic.Bool
}

func (c cutConn) Write(p []byte) (int, error) {
	if c.before.CompareAndSwap(true, false) {
		return 0, io.EOF
	}
	return c.Conn.Write(p)
}

func (c cutConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == nil && c.after.CompareAndSwap(true, false) {
		return 0, io.EOF
	}
	return n, err
}

// A request is done once, whether or not the server did it before the connection broke.
func TestConnectionBreaks(t *testing.T) {
	addr := djangotest.Memcached(t, 1)[0].Addr
	var before, after atomic.Bool
	c := newCache(t, memcache.Config{Servers: []string{addr}, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		return cutConn{conn, &before, &after}, err
	}})
	other := newCache(t, memcache.Config{Servers: []string{addr}})
	ctx := t.Context()
	for _, cut := range []*atomic.Bool{&before, &after} {
		t.Run(map[*atomic.Bool]string{&before: "before", &after: "after"}[cut], func(t *testing.T) {
			defer c.Delete(ctx, sessionKey)
			step := func(name string, f func() error) {
				t.Helper()
				cut.Store(true)
				if err := f(); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if cut.Load() {
					t.Errorf("%s: nothing was cut", name)
				}
			}
			var item *cachestore.Item
			step("add", func() (err error) { item, err = c.Add(ctx, sessionKey, []byte("one"), time.Hour); return err })
			step("get", func() (err error) { _, err = c.Get(ctx, sessionKey); return err })
			step("swap", func() (err error) { _, err = c.Swap(ctx, sessionKey, item, []byte("two"), time.Hour); return err })
			item = get(t, c, sessionKey)
			step("swap by cas", func() error {
				_, err := c.Swap(ctx, sessionKey, item, []byte("three"), time.Hour)
				if cut == &after && errors.Is(err, djsession.ErrOutcomeUnknown) && !errors.Is(err, djsession.ErrConflict) {
					return nil // an equal value would not show who stored it
				}
				return err
			})
			wantStored(t, c, sessionKey, "three")
			item = get(t, c, sessionKey)
			step("delete unchanged", func() error { return c.DeleteUnchanged(ctx, sessionKey, item) })
			wantStored(t, c, sessionKey, "")
			add(t, c, sessionKey, "four")
			step("delete", func() error { return c.Delete(ctx, sessionKey) })
			wantStored(t, c, sessionKey, "")

			// A key that is somebody else's is taken; after a cut it may have been ours.
			add(t, other, sessionKey, "theirs")
			cut.Store(true)
			_, err := c.Add(ctx, sessionKey, []byte("ours"), time.Hour)
			wantError(t, err, map[*atomic.Bool]error{&before: djsession.ErrKeyTaken, &after: djsession.ErrOutcomeUnknown}[cut])
			wantStored(t, other, sessionKey, "theirs")
		})
	}
}
