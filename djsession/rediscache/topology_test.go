package rediscache_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/rediscache"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// Both clients read from replicas and write to the first server.
func TestReadersBesideDjango(t *testing.T) {
	djangotest.NotShort(t, "two masters, each with a replica")
	for _, siteClient := range []siteClient{djangosOwn, djangoRedis} {
		master := djangotest.Redis(t)
		replica := djangotest.RedisWith(t, djangotest.RedisOptions{ReplicaOf: master})
		entry := master.Django(replica)
		if siteClient == djangoRedis {
			entry = master.DjangoRedis(replica)
		}
		s := &site{Django: djangotest.Start(t, djangotest.Newest, djangotest.Settings{"CACHES": djangotest.Caches(entry)})}
		s.Do(t, prelude, nil, nil)
		cache := open(t, master, rediscache.Config{DjangoRedis: siteClient == djangoRedis, Readers: []redis.UniversalClient{client(t, replica)}})
		s.Do(t, `cache.set("k", {"a": 1}, 100)`, nil, nil)
		it, err := cache.Get(t.Context(), ":1:k")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cache.Swap(t.Context(), ":1:k", it, []byte(s.do(t, `result = text(pickle.dumps({"a": 2}))`, nil)), time.Hour); err != nil {
			t.Fatal(err)
		}
		s.Do(t, `
			for _ in range(200): # until the replica has it
				if cache.get("k") == {"a": 2}: break
				time.sleep(0.05)
			assert cache.get("k") == {"a": 2}
		`, nil, nil)
	}
}

// A replica may lag. If it does not have a key yet, the cache asks the writer. A stale value does no
// harm, since the writer compares. A replica may also be gone.
func TestLaggingReader(t *testing.T) {
	master := djangotest.Redis(t)
	writer := open(t, master, rediscache.Config{})
	old := item(t, writer, "old")
	replica := djangotest.RedisWith(t, djangotest.RedisOptions{ReplicaOf: master})
	replica.Do(t, "REPLICAOF", "NO", "ONE") // from here on the replica lags
	reader := redis.NewClient(&redis.Options{Addr: replica.Addr, ReadTimeout: 200 * time.Millisecond, DialTimeout: time.Second, MaxRetries: -1})
	cache := open(t, master, rediscache.Config{Readers: []redis.UniversalClient{reader}})
	get := func(what, key, want string) *cachestore.Item {
		t.Helper()
		it, err := cache.Get(t.Context(), key)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if string(it.Data) != want {
			t.Fatalf("%s: %q, want %q", what, it.Data, want)
		}
		return it
	}

	if _, err := writer.Swap(t.Context(), key, old, []byte("new"), time.Hour); err != nil {
		t.Fatal(err)
	}
	stale := get("a stale value", key, "old")
	var conflict *cachestore.ConflictError
	if _, err := cache.Swap(t.Context(), key, stale, []byte("newer"), time.Hour); !errors.As(err, &conflict) || string(conflict.Current.Data) != "new" {
		t.Fatalf("swap of a stale value: %v", err)
	}
	if _, err := cache.Swap(t.Context(), key, conflict.Current, []byte("newer"), time.Hour); err != nil {
		t.Error(err)
	}
	if _, err := writer.Add(t.Context(), "fresh", []byte("fresh"), time.Hour); err != nil {
		t.Fatal(err)
	}
	get("what the reader has not", "fresh", "fresh")
	if _, err := cache.Get(t.Context(), "nowhere"); !errors.Is(err, djsession.ErrNotFound) {
		t.Errorf("a key that no server has: %v", err)
	}
	replica.Do(t, "RPUSH", "odd", "x")
	if _, err := writer.Add(t.Context(), "odd", []byte("even"), time.Hour); err != nil {
		t.Fatal(err)
	}
	get("what the reader has otherwise", "odd", "even")
	get("a stale value again", key, "old") // since a stale value does not pause the reader

	replica.Pause(t)
	get("while the reader hangs", key, "newer")
	get("while the reader rests", key, "newer")
	replica.Resume(t)
	replica.Stop(t)
	get("while the reader is down", key, "newer")
	cache = open(t, master, rediscache.Config{Readers: []redis.UniversalClient{reader}})
	get("when the reader was never there", key, "newer")
}

func TestCluster(t *testing.T) {
	djangotest.NotShort(t, "a cluster")
	c := djangotest.RedisCluster(t)
	cluster := redis.NewClusterClient(&redis.ClusterOptions{Addrs: c.Addrs()})
	cache := open(t, nil, rediscache.Config{Writer: cluster, DjangoRedis: true})
	t.Cleanup(func() { cache.Close() })
	d := djangotest.Start(t, djangotest.Newest, nil)
	d.Do(t, `
		from redis.cluster import RedisCluster, ClusterNode
		rc = RedisCluster(startup_nodes=[ClusterNode(*a.split(":")) for a in args])
		for i in range(200): rc.set(":1:py%d" % i, "python %d" % i, ex=1000)
		rc.set(":2:else", "x")
	`, c.Addrs(), nil)
	for i := range 200 {
		k := fmt.Sprint(":1:py", i)
		it, err := cache.Get(t.Context(), k)
		if err != nil || string(it.Data) != fmt.Sprint("python ", i) {
			t.Fatalf("%s: %v", k, err)
		}
		newer, err := cache.Swap(t.Context(), k, it, fmt.Append(nil, "go ", i), 500*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		var conflict *cachestore.ConflictError
		if _, err := cache.Swap(t.Context(), k, it, []byte("x"), time.Hour); !errors.As(err, &conflict) || string(conflict.Current.Data) != fmt.Sprint("go ", i) {
			t.Fatalf("%s: %v", k, err)
		}
		if i%10 == 0 {
			if err := cache.DeleteUnchanged(t.Context(), k, newer); err != nil {
				t.Error(err)
			}
			if _, err := cache.Add(t.Context(), k, newer.Data, time.Hour); err != nil {
				t.Error(err)
			}
		}
	}
	var wrong []string
	d.Do(t, `result = [i for i in range(200) if rc.get(":1:py%d" % i) != b"go %d" % i]`, nil, &wrong)
	if len(wrong) > 0 {
		t.Errorf("Django reads other values than Go wrote: %v", wrong)
	}
	found := map[string]bool{}
	for entry, err := range cache.Scan(t.Context(), cachestore.Range{Prefix: ":1:"}) {
		if err != nil {
			t.Fatal(err)
		}
		found[entry.Key] = true
	}
	if len(found) != 200 {
		t.Errorf("%d keys found, want 200", len(found))
	}
	for i := range 200 {
		if err := cache.Delete(t.Context(), fmt.Sprint(":1:py", i)); err != nil {
			t.Fatal(err)
		}
	}
	if name := cache.String(); !strings.HasPrefix(name, "redis (cluster 127.0.0.1:") {
		t.Error(name)
	}

	// A client that is not for Clusters gets an error for a key on another node.
	single := open(t, c.Nodes[0], rediscache.Config{})
	met := false
	for i := range 50 {
		_, err := single.Get(t.Context(), fmt.Sprint("k", i))
		met = met || errors.Is(err, rediscache.ErrCluster)
		if !errors.Is(err, rediscache.ErrCluster) && !errors.Is(err, djsession.ErrNotFound) {
			t.Fatal(err)
		}
	}
	if !met {
		t.Error("no key was on another node")
	}
	if _, err := rediscache.New(rediscache.Config{Writer: redis.NewClusterClient(&redis.ClusterOptions{Addrs: c.Addrs(), ReadOnly: true})}); err == nil {
		t.Error("a writer that reads from replicas was accepted")
	}
}

// A Ring spreads keys over servers that do not know each other.
func TestRing(t *testing.T) {
	a, b := djangotest.Redis(t), djangotest.Redis(t)
	cache := open(t, nil, rediscache.Config{Writer: redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"a": a.Addr, "b": b.Addr}})})
	t.Cleanup(func() { cache.Close() })
	for i := range 100 {
		k := fmt.Sprint("k", i)
		it, err := cache.Add(t.Context(), k, []byte("old"), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cache.Swap(t.Context(), k, it, []byte("new"), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for entry, err := range cache.Scan(t.Context(), cachestore.Range{Prefix: "k"}) {
		if err != nil || string(entry.Item.Data) != "new" {
			t.Fatal(err)
		}
		n++
	}
	if n != 100 || a.Do(t, "DBSIZE") == "0" || b.Do(t, "DBSIZE") == "0" {
		t.Errorf("%d keys found, on the servers are %s and %s", n, a.Do(t, "DBSIZE"), b.Do(t, "DBSIZE"))
	}
}

// When the master changes, the cache finds the new master, and all values that the new master has
// are kept.
func TestSentinel(t *testing.T) {
	djangotest.NotShort(t, "a master, its replica and a sentinel")
	for _, version := range withClients() {
		t.Run(version, func(t *testing.T) {
			sentinel := djangotest.RedisSentinel(t, secret)
			s := &site{Django: djangotest.Start(t, version, djangotest.Settings{"CACHES": djangotest.Caches(sentinel.DjangoRedis())})}
			s.Do(t, prelude, nil, nil)
			cache := open(t, nil, rediscache.Config{DjangoRedis: true, Writer: redis.NewFailoverClient(&redis.FailoverOptions{
				MasterName: sentinel.Name, SentinelAddrs: []string{sentinel.Addr}, Password: secret, DialTimeout: time.Second,
			})})
			t.Cleanup(func() { cache.Close() })
			s.Do(t, `cache.set("k", {"n": 0}, 1000)`, nil, nil)
			n := 0
			again := func() {
				t.Helper()
				it := await(t, func() (*cachestore.Item, error) { return cache.Get(t.Context(), ":1:k") })
				if got := s.repr(t, `pickle.loads(data(args))`, it.Data); got != fmt.Sprintf("{'n': %d}", n) {
					t.Fatalf("Go read %s, want %d", got, n)
				}
				n++
				pickled := []byte(s.do(t, `result = text(pickle.dumps({"n": args}))`, n))
				await(t, func() (*cachestore.Item, error) { return cache.Swap(t.Context(), ":1:k", it, pickled, time.Hour) })
				if it.Version == nil {
					t.Fatal("no version")
				}
			}
			again()
			sentinel.Servers[0].Do(t, "WAIT", "1", "5000") // a value that the replica does not have yet would be lost with the master
			sentinel.Failover(t)
			again()
			if version != djangotest.Newest {
				return
			}
			// The master ends without a shutdown.
			master := sentinel.Master(t)
			master.Do(t, "WAIT", "1", "5000")
			master.Stop(t)
			sentinel.AwaitMaster(t, master)
			again()
		})
	}
}

// await retries until f succeeds: for a while there is no master, or only the old one.
func await[T any](t *testing.T, try func() (T, error)) T {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		result, err := try()
		if err == nil {
			return result
		}
		if errors.Is(err, djsession.ErrNotFound) || errors.Is(err, djsession.ErrConflict) || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
