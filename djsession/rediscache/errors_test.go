package rediscache_test

import (
	"bufio"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/rediscache"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// everything calls all methods of a cache, and calls check with the error of each.
func everything(t *testing.T, cache *rediscache.Cache, old *cachestore.Item, checkError func(what string, err error)) {
	t.Helper()
	check := func(what string, err error) {
		t.Helper()
		var op *djsession.OpError
		switch {
		case err == nil:
		case !errors.As(err, &op) || op.Store != "rediscache" || op.Op == "" || what != "scan" && op.Key != cachestore.ShortKey(key):
			t.Errorf("%s: error %q is not a *djsession.OpError of this item", what, err)
		case errors.Is(err, rediscache.ErrPassword) && op.Hint == "":
			t.Errorf("%s: error %q has no hint", what, err)
		}
		checkError(what, err)
	}
	_, err := cache.Get(t.Context(), key)
	check("get", err)
	_, err = cache.Add(t.Context(), key, []byte("new"), time.Hour)
	check("add", err)
	_, err = cache.Swap(t.Context(), key, old, []byte("new"), time.Hour)
	check("swap", err)
	check("delete unchanged", cache.DeleteUnchanged(t.Context(), key, old))
	check("delete", cache.Delete(t.Context(), key))
	_, err = cache.Expires(t.Context(), key)
	check("expires", err)
	err = nil
	for _, err = range cache.Scan(t.Context(), cachestore.Range{Prefix: ":1:"}) {
		break
	}
	check("scan", err)
}

// item stores data and returns the item.
func item(t *testing.T, cache *rediscache.Cache, data string) *cachestore.Item {
	t.Helper()
	it, err := cache.Add(t.Context(), key, []byte(data), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return it
}

const secret = "correct-horse-battery-staple"

// If Redis refuses the password, the error says so and does not show it.
func TestPassword(t *testing.T) {
	r := djangotest.RedisWith(t, djangotest.RedisOptions{Password: secret})
	old := item(t, open(t, r, rediscache.Config{}), "old")
	for name, o := range map[string]*redis.Options{
		"none":  {Addr: r.Addr},
		"wrong": {Addr: r.Addr, Password: secret + "r"},
		"user":  {Addr: r.Addr, Username: "nobody", Password: secret},
	} {
		t.Run(name, func(t *testing.T) {
			cache := open(t, r, rediscache.Config{Writer: redis.NewClient(o)})
			everything(t, cache, old, func(what string, err error) {
				if !errors.Is(err, rediscache.ErrPassword) || strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), key) {
					t.Errorf("%s: %v", what, err)
				}
			})
		})
	}
}

func TestTLS(t *testing.T) {
	r := djangotest.RedisWith(t, djangotest.RedisOptions{TLS: true, Password: secret})
	for _, version := range djangotest.OldestAndNewest(djangotest.Since("3.2")...) {
		entry, djangoRedis := r.Django(), false
		if version == "3.2" {
			entry, djangoRedis = r.DjangoRedis(), true
		}
		s := &site{Django: djangotest.Start(t, version, djangotest.Settings{"CACHES": djangotest.Caches(entry)})}
		s.Do(t, prelude, nil, nil)
		exchange(t, s, open(t, r, rediscache.Config{DjangoRedis: djangoRedis}))
	}
	o, err := redis.ParseURL(r.URL)
	if err != nil {
		t.Fatal(err)
	}
	o.TLSConfig = r.TLS.Clone()
	o.TLSConfig.RootCAs = x509.NewCertPool() // without the authority that signed the certificate
	if _, err := open(t, r, rediscache.Config{Writer: redis.NewClient(o)}).Get(t.Context(), key); err == nil || errors.Is(err, djsession.ErrNotFound) {
		t.Errorf("with another authority: %v", err)
	}
}

// If Redis refuses scripts, transactions have the same effect.
func TestWithoutScripts(t *testing.T) {
	for name, config := range map[string][]string{
		"ACL":     {"user app on >" + secret + " ~* &* +@all -@scripting"},
		"renamed": {`rename-command EVALSHA ""`, `rename-command EVAL ""`, "user app on >" + secret + " ~* &* +@all"},
	} {
		t.Run(name, func(t *testing.T) {
			r := djangotest.RedisWith(t, djangotest.RedisOptions{Config: config})
			commands := &countHook{}
			c := redis.NewClient(&redis.Options{Addr: r.Addr, Username: "app", Password: secret})
			c.AddHook(commands)
			cache := open(t, r, rediscache.Config{Writer: c})
			for range 3 {
				old := item(t, cache, "old")
				newer, err := cache.Swap(t.Context(), key, old, []byte("new"), time.Hour)
				if err != nil {
					t.Fatal(err)
				}
				var conflict *cachestore.ConflictError
				if _, err := cache.Swap(t.Context(), key, old, []byte("other"), time.Hour); !errors.As(err, &conflict) || string(conflict.Current.Data) != "new" {
					t.Errorf("swap of an old item: %v", err)
				}
				about(t, cache, key, time.Hour)
				if err := cache.DeleteUnchanged(t.Context(), key, old); !errors.Is(err, djsession.ErrConflict) {
					t.Errorf("delete of an old item: %v", err)
				}
				if err := cache.DeleteUnchanged(t.Context(), key, newer); err != nil {
					t.Error(err)
				}
				if _, err := cache.Swap(t.Context(), key, newer, []byte("other"), time.Hour); !errors.Is(err, djsession.ErrNotFound) {
					t.Errorf("swap of a deleted item: %v", err)
				}
			}
			if n := commands.n["evalsha"]; n != 1 {
				t.Errorf("a script was sent %d times, want once", n)
			}
		})
	}
}

// countHook counts commands.
type countHook struct{ n map[string]int }

func (h *countHook) DialHook(next redis.DialHook) redis.DialHook { return next }
func (h *countHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if h.n == nil {
			h.n = map[string]int{}
		}
		h.n[cmd.Name()]++
		return next(ctx, cmd)
	}
}
func (h *countHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// A load and a save are one command each, once Redis knows the script.
func TestRoundTrips(t *testing.T) {
	r := djangotest.Redis(t)
	c := client(t, r)
	commands := &countHook{}
	c.AddHook(commands)
	cache := open(t, r, rediscache.Config{Writer: c})
	old := item(t, cache, "old")
	for range 3 {
		var err error
		if old, err = cache.Swap(t.Context(), key, old, []byte("new"), time.Hour); err != nil {
			t.Fatal(err)
		}
		if _, err := cache.Get(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	delete(commands.n, "hello") // the connection sends it
	delete(commands.n, "client")
	if got := fmt.Sprint(commands.n); got != "map[eval:1 evalsha:3 getrange:3 set:1]" {
		t.Error(got)
	}
}

func TestPermission(t *testing.T) {
	r := djangotest.RedisWith(t, djangotest.RedisOptions{Config: []string{"user app on >" + secret + " ~other* &* +@all"}})
	old := item(t, open(t, r, rediscache.Config{}), "old")
	cache := open(t, r, rediscache.Config{Writer: redis.NewClient(&redis.Options{Addr: r.Addr, Username: "app", Password: secret})})
	everything(t, cache, old, func(what string, err error) {
		if !errors.Is(err, rediscache.ErrPermission) || strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", what, err)
		}
	})
}

// The package needs only the commands that its comment lists.
func TestFewCommands(t *testing.T) {
	for name, commands := range map[string]string{
		"scripts":      "+evalsha +eval +get",
		"transactions": "+watch +multi +exec +unwatch",
	} {
		t.Run(name, func(t *testing.T) {
			r := djangotest.RedisWith(t, djangotest.RedisOptions{Config: []string{
				"user app on >" + secret + " ~* +getrange +exists +set +del +pttl +type +scan " + commands,
			}})
			cache := open(t, r, rediscache.Config{Writer: redis.NewClient(&redis.Options{Addr: r.Addr, Username: "app", Password: secret})})
			old := item(t, cache, "old")
			if _, err := cache.Swap(t.Context(), key, old, []byte("old"), time.Hour); err != nil {
				t.Error(err)
			}
			everything(t, cache, old, func(what string, err error) {
				switch {
				case what == "add" && errors.Is(err, djsession.ErrKeyTaken):
				case what == "delete unchanged" && errors.Is(err, djsession.ErrConflict):
				case what == "expires" && errors.Is(err, djsession.ErrNotFound): // it has been deleted
				case err != nil:
					t.Errorf("%s: %v", what, err)
				}
			})
			r.Do(t, "RPUSH", key, "x")
			if _, err := cache.Get(t.Context(), key); err == nil || !strings.Contains(err.Error(), "a list of Redis") {
				t.Error(err)
			}
		})
	}
}

// A replica refuses writes.
func TestReadOnly(t *testing.T) {
	master := djangotest.Redis(t)
	old := item(t, open(t, master, rediscache.Config{}), "old")
	replica := djangotest.RedisWith(t, djangotest.RedisOptions{ReplicaOf: master})
	cache := open(t, replica, rediscache.Config{})
	everything(t, cache, old, func(what string, err error) {
		switch what {
		case "get", "expires", "scan":
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		default:
			if !errors.Is(err, djsession.ErrReadOnly) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

// A full Redis refuses new values and keeps the values that it has.
func TestOutOfMemory(t *testing.T) {
	r := djangotest.RedisWith(t, djangotest.RedisOptions{MaxMemory: "4mb"})
	cache := open(t, r, rediscache.Config{})
	old := item(t, cache, "old")
	var err error
	for i := 0; err == nil && i < 1000; i++ {
		_, err = cache.Add(t.Context(), fmt.Sprint("k", i), []byte(strings.Repeat("x", 1<<16)), time.Hour)
	}
	if !errors.Is(err, rediscache.ErrOutOfMemory) {
		t.Fatal(err)
	}
	if _, err := cache.Swap(t.Context(), key, old, make([]byte, 1<<16), time.Hour); !errors.Is(err, rediscache.ErrOutOfMemory) {
		t.Errorf("swap: %v", err)
	}
	if got, err := cache.Get(t.Context(), key); err != nil || string(got.Data) != "old" {
		t.Errorf("get: %v", err)
	}
}

// answering returns a client of a server that answers every command with the same error.
func answering(t *testing.T, answer string) *redis.Client {
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
				for in := bufio.NewReader(conn); ; {
					var n, size int
					if _, err := fmt.Fscanf(in, "*%d\r\n", &n); err != nil {
						return
					}
					for range n {
						fmt.Fscanf(in, "$%d\r\n", &size)
						io.CopyN(io.Discard, in, int64(size)+2)
					}
					io.WriteString(conn, "-"+answer+"\r\n")
				}
			}()
		}
	}()
	c := redis.NewClient(&redis.Options{Addr: l.Addr().String(), Protocol: 2, DisableIdentity: true, MaxRetries: -1})
	t.Cleanup(func() { c.Close() })
	return c
}

func TestAnswers(t *testing.T) {
	r := djangotest.Redis(t)
	old := item(t, open(t, r, rediscache.Config{}), "old")
	for _, tt := range []struct {
		answer string
		want   error
	}{
		{"LOADING Redis is loading the dataset in memory", djsession.ErrBusy},
		{"BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.", djsession.ErrBusy},
		{"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", djsession.ErrBusy},
		{"CLUSTERDOWN The cluster is down", djsession.ErrBusy},
		{"TRYAGAIN Multiple keys request during rehashing of slot", djsession.ErrBusy},
		{"READONLY You can't write against a read only replica.", djsession.ErrReadOnly},
		{"MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.", djsession.ErrReadOnly},
		{"NOREPLICAS Not enough good replicas to write.", djsession.ErrReadOnly},
		{"OOM command not allowed when used memory > 'maxmemory'.", rediscache.ErrOutOfMemory},
		{"ERR Error running script (call to f_0123): @user_script:8: @user_script: 8: -OOM command not allowed when used memory > 'maxmemory'.", rediscache.ErrOutOfMemory},
		{"ERR Error running script (call to f_0123): @user_script:8: @user_script: 8: -READONLY You can't write against a read only replica.", djsession.ErrReadOnly},
		{"NOAUTH Authentication required.", rediscache.ErrPassword},
		{"NOPERM this user has no permissions to run the 'get' command", rediscache.ErrPermission},
		{"MOVED 1234 127.0.0.1:7001", rediscache.ErrCluster},
	} {
		t.Run(tt.answer, func(t *testing.T) {
			t.Parallel()
			cache := open(t, nil, rediscache.Config{Writer: answering(t, tt.answer)})
			everything(t, cache, old, func(what string, err error) {
				if !errors.Is(err, tt.want) {
					t.Errorf("%s: %v", what, err)
				}
			})
		})
	}
	t.Run("a command that is not known", func(t *testing.T) {
		cache := open(t, nil, rediscache.Config{Writer: answering(t, "ERR unknown command 'X', with args beginning with: '"+key+"' 'value' ")})
		everything(t, cache, old, func(what string, err error) {
			if err == nil || strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "value") {
				t.Errorf("%s: %v", what, err)
			}
		})
	})
}

// If Redis is down or hangs, a call returns an error within the caller's deadline.
func TestDown(t *testing.T) {
	r := djangotest.Redis(t)
	c := redis.NewClient(&redis.Options{Addr: r.Addr, ContextTimeoutEnabled: true, DialTimeout: time.Second, MaxRetries: 1})
	cache := open(t, r, rediscache.Config{Writer: c})
	old := item(t, cache, "old")
	r.Pause(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := cache.Get(ctx, key); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("get while it hangs: %v", err)
	}
	r.Resume(t)
	r.Stop(t)
	everything(t, cache, old, func(what string, err error) {
		if err == nil || errors.Is(err, djsession.ErrNotFound) || errors.Is(err, djsession.ErrConflict) {
			t.Errorf("%s: %v", what, err)
		}
	})
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := cache.Swap(ended, key, old, nil, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("swap after Redis has ended: %v", err)
	}
	r.Start(t)
	if _, err := cache.Get(t.Context(), key); !errors.Is(err, djsession.ErrNotFound) {
		t.Errorf("get from a new server: %v", err)
	}
}

// The error for a value that is not a session says what the value is. The value stays.
func TestOtherValues(t *testing.T) {
	r := djangotest.Redis(t)
	d := djangotest.Start(t, djangotest.Newest, nil)
	s := &site{Django: d}
	s.Do(t, prelude+"import bz2, gzip, lzma, zlib, lz4.frame, pyzstd", nil, nil)
	big := `pickle.dumps({"a": "b" * 500})`
	for _, tt := range []struct {
		compressor rediscache.Compressor
		python     string
		want       string // of the error; "" if the serializer reports it
	}{
		{"", `b"42"`, "an integer"},
		{"zlib", `b"-7"`, "an integer"},
		{"", `b""`, "an empty value"},
		{"zlib", `zlib.compress(` + big + `)[:-9]`, "a zlib stream that does not decompress"},
		{"zlib", `gzip.compress(` + big + `)`, "a gzip stream in place of a zlib stream"},
		{"gzip", `zlib.compress(` + big + `)`, "a zlib stream in place of a gzip stream"},
		{"lzma", `lz4.frame.compress(` + big + `)`, "an lz4 frame in place of an xz stream"},
		{"lzma", `lzma.compress(` + big + `)[:-1]`, "an xz stream that does not decompress"},
		{"lz4", `pyzstd.compress(` + big + `)`, "a zstd frame in place of an lz4 frame"},
		{"lz4", `lz4.frame.compress(` + big + `)[:-8]`, "an lz4 frame that does not decompress"},
		{"zstd", `lzma.compress(` + big + `)`, "an xz stream in place of a zstd frame"},
		{"zstd", `pyzstd.compress(` + big + `)[:-3]`, "a zstd frame that does not decompress"},
		{"zstd", `bz2.compress(` + big + `)`, "a bzip2 stream in place of a zstd frame"},
		{"", `pickle.dumps((django_redis.client.herd.Marker(), {}, 5), 5)`, "HerdClient"},
		{"zlib", `zlib.compress(pickle.dumps((django_redis.client.herd.Marker(), {}, 5), 0))`, "HerdClient"},
		{"", `pickle.dumps({"a": "django_redis.client.herd"})`, ""},
		{"", `pickle.dumps([1])`, ""},
		{"", `b"text"`, ""},
		{"zlib", `zlib.compress(zlib.compress(` + big + `))`, ""},
		{"zlib", big, ""}, // stored before the site had a compressor
		{"", `zlib.compress(` + big + `)`, ""},
	} {
		t.Run(string(tt.compressor)+" "+tt.python, func(t *testing.T) {
			stored := s.do(t, `
				import django_redis.client.herd
				result = text(eval(args))`, tt.python)
			if err := client(t, r).Set(t.Context(), key, stored, 0).Err(); err != nil {
				t.Fatal(err)
			}
			cache := open(t, r, rediscache.Config{Compressor: tt.compressor})
			_, err := cache.Get(t.Context(), key)
			var payload *djsession.PayloadError
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (!errors.As(err, &payload) || !errors.Is(err, djsession.ErrMalformed) || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("%v, want %s", err, tt.want)
			case strings.Contains(tt.want, "Herd") && !errors.Is(err, rediscache.ErrHerdClient):
				t.Error(err)
			}
		})
	}
}

func TestOtherTypes(t *testing.T) {
	r := djangotest.Redis(t)
	cache := open(t, r, rediscache.Config{})
	old := item(t, cache, "old")
	for want, command := range map[string][]string{
		"a list": {"RPUSH", key, "x"}, "a set": {"SADD", key, "x"}, "a hash": {"HSET", key, "a", "b"},
		"a zset": {"ZADD", key, "1", "a"}, "a stream": {"XADD", key, "*", "a", "b"},
	} {
		r.Do(t, "DEL", key)
		r.Do(t, command...)
		_, getErr := cache.Get(t.Context(), key)
		_, swapErr := cache.Swap(t.Context(), key, old, []byte("new"), time.Hour)
		for what, err := range map[string]error{"get": getErr, "swap": swapErr, "delete": cache.DeleteUnchanged(t.Context(), key, old)} {
			var payload *djsession.PayloadError
			if !errors.As(err, &payload) || !strings.Contains(err.Error(), want+" of Redis") {
				t.Errorf("%s: %v, want %s", what, err, want)
			}
		}
		if err := cache.Delete(t.Context(), key); err != nil {
			t.Errorf("delete %s: %v", want, err)
		}
	}
}

func TestTooLarge(t *testing.T) {
	r := djangotest.Redis(t)
	cache := open(t, r, rediscache.Config{MaxSize: 1000})
	old := item(t, cache, strings.Repeat("x", 1000))
	if _, err := cache.Swap(t.Context(), key, old, make([]byte, 1001), time.Hour); !errors.Is(err, djsession.ErrTooLarge) {
		t.Errorf("swap: %v", err)
	}
	if got, err := cache.Get(t.Context(), key); err != nil || len(got.Data) != 1000 {
		t.Errorf("get: %v", err)
	}
	for _, size := range []int{1001, 10_000_000} {
		r.Do(t, "SET", key, strings.Repeat("x", size))
		var payload *djsession.PayloadError
		if _, err := cache.Get(t.Context(), key); !errors.Is(err, djsession.ErrTooLarge) || !errors.As(err, &payload) {
			t.Errorf("get %d bytes: %v", size, err)
		}
		if _, err := cache.Swap(t.Context(), key, old, []byte("new"), time.Hour); !errors.Is(err, djsession.ErrTooLarge) {
			t.Errorf("swap %d bytes: %v", size, err)
		}
		for _, err := range cache.Scan(t.Context(), cachestore.Range{}) {
			if !errors.Is(err, djsession.ErrTooLarge) {
				t.Errorf("scan %d bytes: %v", size, err)
			}
		}
	}
}
