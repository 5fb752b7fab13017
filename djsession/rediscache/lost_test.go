package rediscache_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/rediscache"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// faulty is a proxy to Redis. It breaks a connection when a command arrives, before Redis has the
// command or after Redis has executed it.
type faulty struct {
	addr string

	mu      sync.Mutex
	command string // the command at which the connection breaks, once
	deliver bool   // Redis gets the command before the connection breaks
	answers int    // how many bytes of the answers come before the connection breaks
}

func (f *faulty) breakAt(command string, deliver bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.command, f.deliver, f.answers = command, deliver, 0
}

// breakIn lets Redis execute a pipeline, and breaks the connection after the first bytes of its
// answers.
func (f *faulty) breakIn(command string, answers int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.command, f.deliver, f.answers = command, true, answers
}

// cutter forwards answers to a client. Once cut was called, it closes the connection after so many
// bytes.
type cutter struct {
	net.Conn
	mu   sync.Mutex
	cut  bool
	left int
}

func (c *cutter) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.cut || len(p) < c.left {
		c.left -= len(p)
		return c.Conn.Write(p)
	}
	c.Conn.Write(p[:c.left])
	return 0, c.Conn.Close()
}

func (c *cutter) cutAfter(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut, c.left = true, n
}

func newFaulty(t *testing.T, r *djangotest.RedisServer) *faulty {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	f := &faulty{addr: l.Addr().String()}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", r.Addr)
			if err != nil {
				conn.Close()
				continue
			}
			client := &cutter{Conn: conn}
			go func() { io.Copy(client, server); conn.Close() }()
			go f.forward(client, server)
		}
	}()
	return f
}

func (f *faulty) forward(conn *cutter, server net.Conn) {
	defer server.Close()
	buffer := make([]byte, 1<<16)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return
		}
		f.mu.Lock()
		hit := f.command != "" && bytes.Contains(buffer[:n], []byte(f.command))
		deliver, answers := f.deliver, f.answers
		if hit {
			f.command = ""
		}
		f.mu.Unlock()
		if hit && answers > 0 {
			conn.cutAfter(answers)
			hit = false
		}
		if hit {
			conn.Close() // the client gets no answer of Redis
			if deliver {
				server.Write(buffer[:n])
				io.CopyN(io.Discard, server, 1) // Redis has answered, so it has executed the command
			}
			return
		}
		server.Write(buffer[:n])
	}
}

// An idempotent command is sent again when its connection breaks. A save is not, and its error is
// an ErrOutcomeUnknown.
func TestLostAnswer(t *testing.T) {
	r := djangotest.Redis(t)
	f := newFaulty(t, r)
	cache := open(t, r, rediscache.Config{Writer: redis.NewClient(&redis.Options{Addr: f.addr, ContextTimeoutEnabled: true})})
	direct := open(t, r, rediscache.Config{})
	old := item(t, cache, "1")
	old, err := cache.Swap(t.Context(), key, old, []byte("2"), time.Hour) // from here on Redis knows the script
	if err != nil {
		t.Fatal(err)
	}
	stored := func(want string) {
		t.Helper()
		got, err := client(t, r).Get(t.Context(), key).Result()
		for deadline := time.Now().Add(10 * time.Second); got != want && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			got, err = client(t, r).Get(t.Context(), key).Result() // Redis may run it after the client has heard of the break
		}
		if err != nil || got != want {
			t.Errorf("stored is %q, %v, want %q", got, err, want)
		}
	}

	t.Run("before it was done", func(t *testing.T) {
		f.breakAt("evalsha", false)
		_, err := cache.Swap(t.Context(), key, old, []byte("three"), time.Hour)
		if !errors.Is(err, djsession.ErrOutcomeUnknown) || errors.Is(err, djsession.ErrConflict) || errors.Is(err, djsession.ErrNotFound) {
			t.Errorf("%v, want an ErrOutcomeUnknown", err)
		}
		stored("2")
	})
	t.Run("after it was done", func(t *testing.T) {
		f.breakAt("evalsha", true)
		_, err := cache.Swap(t.Context(), key, old, []byte("four"), time.Hour)
		if !errors.Is(err, djsession.ErrOutcomeUnknown) {
			t.Errorf("%v, want an ErrOutcomeUnknown: an equal value does not show which client stored it", err)
		}
		stored("four")
	})
	t.Run("a deletion", func(t *testing.T) {
		now, err := direct.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		f.breakAt("evalsha", true)
		if err := cache.DeleteUnchanged(t.Context(), key, now); err != nil {
			t.Error(err)
		}
		if _, err := direct.Get(t.Context(), key); !errors.Is(err, djsession.ErrNotFound) {
			t.Errorf("deleted, but still there: %v", err)
		}
	})
	t.Run("a new one", func(t *testing.T) {
		for _, deliver := range []bool{false, true} {
			client(t, r).Del(t.Context(), key)
			f.breakAt("nx", deliver)
			if _, err := cache.Add(t.Context(), key, []byte("ours"), time.Hour); err != nil {
				t.Errorf("delivered %v: %v", deliver, err)
			}
			stored("ours")
		}
		client(t, r).Set(t.Context(), key, "theirs", 0)
		f.breakAt("nx", true)
		if _, err := cache.Add(t.Context(), key, []byte("ours"), time.Hour); !errors.Is(err, djsession.ErrOutcomeUnknown) {
			t.Errorf("%v, want an ErrOutcomeUnknown: our command may have deleted it", err)
		}
		stored("theirs")
	})
	t.Run("a load", func(t *testing.T) {
		client(t, r).Del(t.Context(), key)
		item(t, direct, "five")
		f.breakAt("getrange", true)
		if it, err := cache.Get(t.Context(), key); err != nil || string(it.Data) != "five" {
			t.Error(err)
		}
	})
	t.Run("the deletion of a key", func(t *testing.T) {
		for _, deliver := range []bool{false, true} {
			client(t, r).Set(t.Context(), key, "six", 0)
			f.breakAt("del", deliver)
			if err := cache.Delete(t.Context(), key); err != nil {
				t.Errorf("delivered %v: %v", deliver, err)
			}
			if n := client(t, r).Exists(t.Context(), key).Val(); n != 0 {
				t.Errorf("delivered %v: the key is still there", deliver)
			}
		}
		if err := cache.Delete(t.Context(), key); !errors.Is(err, djsession.ErrNotFound) {
			t.Errorf("%v, want an ErrNotFound", err)
		}
	})
}
