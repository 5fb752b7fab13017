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

// newWrites returns n items to add.
func newWrites(n int) (writes []cachestore.BulkWrite) {
	for i := range n {
		writes = append(writes, cachestore.BulkWrite{Key: fmt.Sprint(key, i), Data: fmt.Append(nil, "value ", i), Timeout: time.Hour})
	}
	return writes
}

// replacing turns writes that were added into writes that replace the items.
func replacing(t *testing.T, writes []cachestore.BulkWrite, added []cachestore.BulkResult) []cachestore.BulkWrite {
	t.Helper()
	for i, r := range added {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		writes[i].Old, writes[i].Data = r.Item, append([]byte("new "), writes[i].Data...)
	}
	return writes
}

// The connection breaks in a pipeline. Each item has the result that it would have alone: an Add
// is settled, a Swap whose answer was lost is an ErrOutcomeUnknown, and one whose answer came
// before is done. No command runs twice unless repeating it changes nothing.
func TestLostAnswersInBulk(t *testing.T) {
	r := djangotest.Redis(t)
	f := newFaulty(t, r)
	direct := client(t, r)
	cache := open(t, r, rediscache.Config{Writer: redis.NewClient(&redis.Options{Addr: f.addr, ContextTimeoutEnabled: true})})
	t.Cleanup(func() { cache.Close() })
	old := item(t, cache, "old")
	if _, err := cache.Swap(t.Context(), key, old, []byte("new"), time.Hour); err != nil { // from here on Redis knows the script
		t.Fatal(err)
	}
	const n = 10
	calls := func(command string) string {
		for line := range strings.Lines(direct.Info(t.Context(), "commandstats").Val()) {
			if rest, ok := strings.CutPrefix(line, "cmdstat_"+command+":calls="); ok {
				calls, _, _ := strings.Cut(rest, ",")
				return calls
			}
		}
		return "0"
	}
	reset := func(t *testing.T) []cachestore.BulkWrite {
		direct.FlushAll(t.Context())
		direct.ConfigResetStat(t.Context())
		return newWrites(n)
	}
	for name, breaks := range map[string]func(command string){
		"before they were sent": func(command string) { f.breakAt(command, false) },
		"after they were done":  func(command string) { f.breakAt(command, true) },
		"after three answers":   func(command string) { f.breakIn(command, 3*len("+OK\r\n")) },
	} {
		t.Run("new ones, "+name, func(t *testing.T) {
			writes := reset(t)
			breaks("nx")
			for i, r := range cache.AddAll(t.Context(), writes) {
				if r.Err != nil {
					t.Errorf("item %d: %v", i, r.Err)
				}
				if got := direct.Get(t.Context(), writes[i].Key).Val(); got != string(writes[i].Data) {
					t.Errorf("item %d: %q is stored", i, got)
				}
			}
		})
	}
	t.Run("new ones where others are", func(t *testing.T) {
		writes := reset(t)
		direct.Set(t.Context(), writes[0].Key, "theirs", 0)
		direct.Set(t.Context(), writes[n-1].Key, "theirs", 0)
		f.breakIn("nx", len("$-1\r\n")) // the first answer comes
		results := cache.AddAll(t.Context(), writes)
		if err := results[0].Err; !errors.Is(err, djsession.ErrKeyTaken) {
			t.Errorf("%v, want an ErrKeyTaken", err)
		}
		if err := results[n-1].Err; !errors.Is(err, djsession.ErrOutcomeUnknown) {
			t.Errorf("%v, want an ErrOutcomeUnknown: our command may have deleted it", err)
		}
		for i, r := range results[1 : n-1] {
			if r.Err != nil {
				t.Errorf("item %d: %v", i+1, r.Err)
			}
		}
	})
	for name, test := range map[string]struct {
		breaks   func()
		answered int    // items
		run      string // scripts
	}{
		"before they were sent": {func() { f.breakAt("evalsha", false) }, 0, "0"},
		"after they were done":  {func() { f.breakAt("evalsha", true) }, 0, fmt.Sprint(n)},
		"after three answers":   {func() { f.breakIn("evalsha", 3*len(":1\r\n")) }, 3, fmt.Sprint(n)},
	} {
		t.Run("changes, "+name, func(t *testing.T) {
			writes := reset(t)
			writes = replacing(t, writes, cache.AddAll(t.Context(), writes))
			test.breaks()
			for i, r := range cache.SwapAll(t.Context(), writes) {
				switch {
				case i < test.answered && r.Err != nil:
					t.Errorf("item %d: %v", i, r.Err)
				case i >= test.answered && (!errors.Is(r.Err, djsession.ErrOutcomeUnknown) || errors.Is(r.Err, djsession.ErrConflict)):
					t.Errorf("item %d: %v, want an ErrOutcomeUnknown", i, r.Err)
				}
			}
			for deadline := time.Now().Add(10 * time.Second); calls("evalsha") != test.run && time.Now().Before(deadline); {
				time.Sleep(time.Millisecond) // Redis may run them after the client has heard of the break
			}
			if got := calls("evalsha"); got != test.run {
				t.Errorf("%s scripts were run, want %s", got, test.run)
			}
		})
	}
	t.Run("deletions", func(t *testing.T) { // a timeout of 0 deletes, which may be repeated
		writes := reset(t)
		writes = replacing(t, writes, cache.AddAll(t.Context(), writes))
		for i := range writes {
			writes[i].Timeout = 0
		}
		f.breakIn("evalsha", 3*len(":1\r\n"))
		for i, r := range cache.SwapAll(t.Context(), writes) {
			if r.Err != nil {
				t.Errorf("item %d: %v", i, r.Err)
			}
		}
		if left := direct.DBSize(t.Context()).Val(); left != 0 {
			t.Errorf("%d items are left", left)
		}
	})
}

// Redis forgets scripts, when it restarts or is told to. SwapAll then sends the script.
func TestForgottenScriptInBulk(t *testing.T) {
	r := djangotest.Redis(t)
	cache, direct := open(t, r, rediscache.Config{}), client(t, r)
	writes := newWrites(700)
	writes = replacing(t, writes, cache.AddAll(t.Context(), writes))
	direct.ScriptFlush(t.Context())
	direct.Set(t.Context(), writes[7].Key, "theirs", 0)
	for i, r := range cache.SwapAll(t.Context(), writes) {
		if (i == 7) != errors.Is(r.Err, djsession.ErrConflict) || i != 7 && r.Err != nil {
			t.Errorf("item %d: %v", i, r.Err)
		}
	}
	for _, i := range []int{0, 499, 500, 699} {
		if got := direct.Get(t.Context(), writes[i].Key).Val(); got != fmt.Sprint("new value ", i) {
			t.Errorf("item %d: %q is stored", i, got)
		}
	}
}

// A Redis that does not answer, or refuses, gets no further pipeline.
func TestBulkWithoutRedis(t *testing.T) {
	r := djangotest.RedisWith(t, djangotest.RedisOptions{MaxMemory: "2mb"})
	writer := redis.NewClient(&redis.Options{Addr: r.Addr, DialerRetries: 1, MaxRetries: -1})
	cache, direct := open(t, r, rediscache.Config{Writer: writer}), client(t, r)
	writes := newWrites(20_000)
	for i := range writes {
		writes[i].Data = append(writes[i].Data, make([]byte, 400)...)
	}
	results := cache.AddAll(t.Context(), writes)
	if err := results[len(results)-1].Err; !errors.Is(err, rediscache.ErrOutOfMemory) {
		t.Errorf("a full Redis: %v", err)
	}
	stored, refused := 0, 0
	for _, r := range results {
		if r.Err == nil {
			stored++
		} else if errors.Is(r.Err, rediscache.ErrOutOfMemory) {
			refused++
		}
	}
	if n := int(direct.DBSize(t.Context()).Val()); n != stored || refused != len(writes)-stored {
		t.Errorf("%d are stored, Redis has %d, and %d are refused", stored, n, refused)
	}
	r.Stop(t)
	for _, r := range append(cache.AddAll(t.Context(), writes), cache.SwapAll(t.Context(), writes)...) {
		if r.Err == nil || strings.Contains(r.Err.Error(), key) {
			t.Fatalf("a Redis that is down: %v", r.Err)
		}
	}
	if _, err := cache.Has(t.Context(), []string{key}); err == nil || strings.Contains(err.Error(), key) {
		t.Errorf("a Redis that is down: %v", err)
	}
}

// A Cluster gets a pipeline for each node, and each node its own script.
func TestBulkOnCluster(t *testing.T) {
	djangotest.NotShort(t, "a cluster")
	c := djangotest.RedisCluster(t)
	cache := open(t, nil, rediscache.Config{Writer: redis.NewClusterClient(&redis.ClusterOptions{Addrs: c.Addrs()})})
	t.Cleanup(func() { cache.Close() })
	const n = 1200
	writes := newWrites(n)
	if _, err := cache.Add(t.Context(), writes[5].Key, []byte("theirs"), time.Hour); err != nil {
		t.Fatal(err)
	}
	added := cache.AddAll(t.Context(), writes)
	if !errors.Is(added[5].Err, djsession.ErrKeyTaken) {
		t.Errorf("%v, want an ErrKeyTaken", added[5].Err)
	}
	added[5] = added[6] // so that it is a conflict below
	writes = replacing(t, writes, added)
	for i, r := range cache.SwapAll(t.Context(), writes) {
		if (i == 5) != errors.Is(r.Err, djsession.ErrConflict) || i != 5 && r.Err != nil {
			t.Errorf("item %d: %v", i, r.Err)
		}
	}
	var keys []string
	for i := range n {
		keys = append(keys, fmt.Sprint(key, 2*i))
		if i%100 == 0 {
			if it, err := cache.Get(t.Context(), writes[i].Key); err != nil || string(it.Data) != fmt.Sprint("new value ", i) {
				t.Errorf("item %d: %v", i, err)
			}
		}
	}
	has, err := cache.Has(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	for i, is := range has {
		if is != (2*i < n) {
			t.Errorf("Has says %v of key %d", is, 2*i)
		}
	}
	if reason, err := cache.Evicts(t.Context()); reason != "" || err != nil {
		t.Errorf("a cluster without maxmemory evicts: %q, %v", reason, err)
	}
	c.Nodes[1].Do(t, "CONFIG", "SET", "maxmemory", "1gb", "maxmemory-policy", "allkeys-lru")
	if reason, err := cache.Evicts(t.Context()); reason != "maxmemory-policy is allkeys-lru" || err != nil {
		t.Errorf("a cluster of which one node evicts: %q, %v", reason, err)
	}
}

// A Redis evicts if it has a limit of memory and a policy that drops keys.
func TestEvicts(t *testing.T) {
	const password = "s3cret"
	r := djangotest.RedisWith(t, djangotest.RedisOptions{Config: []string{
		"user info on >" + password + " ~* &* +@all -config",
		"user neither on >" + password + " ~* &* +@all -config -info",
	}})
	as := func(user string) *rediscache.Cache {
		writer := redis.NewClient(&redis.Options{Addr: r.Addr, Username: user, Password: password, DialerRetries: 1, MaxRetries: -1})
		t.Cleanup(func() { writer.Close() })
		return open(t, r, rediscache.Config{Writer: writer})
	}
	caches := map[string]*rediscache.Cache{"CONFIG GET": open(t, r, rediscache.Config{}), "INFO": as("info")}
	for _, test := range []struct{ limit, policy, want string }{
		{"0", "noeviction", ""},
		{"0", "allkeys-lru", ""},
		{"1gb", "noeviction", ""},
		{"1gb", "allkeys-lru", "maxmemory-policy is allkeys-lru"},
		{"1gb", "volatile-ttl", "maxmemory-policy is volatile-ttl"},
	} {
		r.Do(t, "CONFIG", "SET", "maxmemory", test.limit)
		r.Do(t, "CONFIG", "SET", "maxmemory-policy", test.policy)
		for by, cache := range caches {
			if reason, err := cache.Evicts(t.Context()); reason != test.want || err != nil {
				t.Errorf("by %s, maxmemory %s, %s: %q, %v", by, test.limit, test.policy, reason, err)
			}
		}
	}
	_, err := as("neither").Evicts(t.Context())
	if !errors.Is(err, rediscache.ErrPermission) || !strings.Contains(err.Error(), "does not return maxmemory and maxmemory-policy") ||
		!strings.Contains(err.Error(), "let the user run config|get or info") {
		t.Errorf("without a permission: %v", err)
	}
	r.Stop(t)
	if _, err := caches["INFO"].Evicts(t.Context()); err == nil || strings.Contains(err.Error(), "does not return") {
		t.Errorf("without an answer: %v", err)
	}
}
