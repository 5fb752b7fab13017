package djangotest

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestRedis(t *testing.T) {
	plain := Redis(t)
	for _, c := range []struct {
		name   string
		server *RedisServer
	}{
		{"plain", plain},
		{"password", RedisWith(t, RedisOptions{Password: "s3cret: /?@"})},
		{"TLS", RedisWith(t, RedisOptions{Password: "s3cret", TLS: true})},
		{"config", RedisWith(t, RedisOptions{Config: []string{"maxmemory-policy allkeys-lru"}})},
	} {
		t.Run(c.name, func(t *testing.T) {
			if size := c.server.Do(t, "DBSIZE"); size != "0" {
				t.Errorf("a new server holds %s keys", size)
			}
			c.server.Do(t, "SET", "key", c.name)
			if got := c.server.Do(t, "GET", "key"); got != c.name {
				t.Errorf("GET: %q", got)
			}
			if conn, err := net.Dial("unix", c.server.Socket); err != nil {
				t.Error(err)
			} else {
				conn.Close()
			}
		})
	}
}

func TestRedisReplica(t *testing.T) {
	for _, o := range []RedisOptions{{}, {Password: "s3cret"}, {Password: "s3cret", TLS: true}} {
		master := RedisWith(t, o)
		master.Do(t, "SET", "key", "value")
		o.ReplicaOf = master
		replica := RedisWith(t, o)
		if got := replica.Do(t, "GET", "key"); got != "value" {
			t.Errorf("%+v: GET from the replica: %q", o, got)
		}
		if _, err := replica.try("SET", "key", "other"); err == nil || !strings.HasPrefix(err.Error(), "READONLY") {
			t.Errorf("%+v: SET to the replica: %v", o, err)
		}
	}
}

func TestRedisMaxMemory(t *testing.T) {
	r := RedisWith(t, RedisOptions{MaxMemory: "4mb"})
	r.Do(t, "SET", "key", "value")
	if _, err := r.try("SET", "key", strings.Repeat("x", 8<<20)); err == nil || !strings.HasPrefix(err.Error(), "OOM") {
		t.Errorf("SET of more than it may hold: %v", err)
	}
	if got := r.Do(t, "GET", "key"); got != "value" {
		t.Errorf("GET afterwards: %q", got)
	}
}

func TestRedisTLS(t *testing.T) {
	r := RedisWith(t, RedisOptions{TLS: true})
	if _, err := (&tls.Dialer{}).DialContext(context.Background(), "tcp", r.Addr); err == nil {
		t.Error("a client that does not know the authority believes the certificate")
	}
	if _, err := dialRESP(r.Addr, "x", nil); err == nil {
		t.Error("it speaks plain text")
	}
}

// What a test does to a server, a client sees.
func TestServer(t *testing.T) {
	r := Redis(t)
	r.Do(t, "SET", "key", "value")
	r.Pause(t)
	conn, err := net.Dial("tcp", r.Addr)
	if err != nil {
		t.Fatalf("a paused server refuses connections: %v", err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		t.Fatal(err)
	}
	conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if n, err := conn.Read(make([]byte, 1)); n != 0 || !os.IsTimeout(err) {
		t.Errorf("a paused server answers: %d bytes, %v", n, err)
	}
	conn.SetReadDeadline(time.Time{})
	r.Resume(t)
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Errorf("a resumed server does not answer: %v", err)
	}
	if got := r.Do(t, "GET", "key"); got != "value" {
		t.Errorf("a resumed server has %q", got)
	}

	r.Stop(t)
	if rest, err := io.ReadAll(conn); err == nil && string(rest) != "PONG\r\n" {
		t.Errorf("a stopped server sends %q", rest)
	}
	if conn, err := net.Dial("tcp", r.Addr); err == nil {
		conn.Close()
		t.Error("a stopped server accepts connections")
	}
	r.Start(t)
	if size := r.Do(t, "DBSIZE"); size != "0" {
		t.Errorf("a started server holds %s keys", size)
	}
	r.Pause(t) // A paused server ends, too.
}

func TestRedisCluster(t *testing.T) {
	NotShort(t, "a cluster")
	c := RedisCluster(t)
	moved := 0
	for _, key := range []string{"a", "b", "c", "d", "e", "f"} {
		stored := 0
		for _, node := range c.Nodes {
			switch _, err := node.try("SET", key, "value"); {
			case err == nil:
				stored++
			case strings.HasPrefix(err.Error(), "MOVED "):
				moved++
			default:
				t.Error(err)
			}
		}
		if stored != 1 {
			t.Errorf("%d nodes took key %s", stored, key)
		}
	}
	if moved != 12 {
		t.Errorf("%d redirections", moved)
	}
}

func TestRedisSentinel(t *testing.T) {
	NotShort(t, "a failover")
	s := RedisSentinel(t, "s3cret")
	first, second := s.Servers[0], s.Servers[1]
	if s.Master(t) != first {
		t.Fatal("the second is the master at first")
	}
	first.Do(t, "SET", "key", "value")
	s.Failover(t)
	if s.Master(t) != second {
		t.Fatal("the first is the master after a failover")
	}
	if _, err := first.try("SET", "key", "other"); err == nil || !strings.HasPrefix(err.Error(), "READONLY") {
		t.Errorf("SET to what was the master: %v", err)
	}
	if got := second.Do(t, "GET", "key"); got != "value" {
		t.Errorf("GET after the failover: %q", got)
	}
	second.Stop(t)
	if s.AwaitMaster(t, second) != first {
		t.Error("the second is the master after it was stopped")
	}
	first.Do(t, "SET", "key", "other")
}

func TestMemcached(t *testing.T) {
	servers := append(Memcached(t, 3), MemcachedSocket(t, "-I", "2m")...)
	for i, addr := range servers.Addrs() {
		network := "tcp"
		if path, ok := strings.CutPrefix(addr, "unix:"); ok {
			network, addr = "unix", path
			if !filepath.IsAbs(path) {
				t.Errorf("socket %s", path)
			}
		}
		conn, err := net.Dial(network, addr)
		if err != nil {
			t.Fatalf("server %d: %v", i, err)
		}
		conn.Close()
	}
	servers[3].Restart(t)
	servers[0].Restart(t)
}
