package cachestore_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/cachestore/cachetest"
	"github.com/djsess/djsess/internal/scanning"
)

// memory is a cache in memory. A test can see what it holds, and make it fail.
type memory struct {
	mu    sync.Mutex
	items map[string]*cachestore.Item
	ttl   map[string]time.Duration // as they were given
	ends  map[string]time.Time
	now   func() time.Time
	n     int
	// fail, if set, is called before each operation.
	fail func(op, key string) error
	// after, if set, is called after each operation that succeeded.
	after func(op, key string)
	asked []string // operations
	// returnsExpires: items have their Expires.
	returnsExpires bool
	// emptyConflicts: conflicts do not carry the stored item.
	emptyConflicts bool
}

func newMemory() *memory {
	return &memory{items: map[string]*cachestore.Item{}, ttl: map[string]time.Duration{}, ends: map[string]time.Time{}, now: time.Now}
}

func TestContractOfMemory(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) cachestore.Cache{
		"plain": func(t *testing.T) cachestore.Cache { return newMemory() },
		"empty conflicts": func(t *testing.T) cachestore.Cache {
			m := newMemory()
			m.emptyConflicts = true
			return m
		},
		"expiry on request": func(t *testing.T) cachestore.Cache { return asking{newMemory()} },
		"scan": func(t *testing.T) cachestore.Cache {
			m := newMemory()
			m.returnsExpires = true
			return listed{memory: m}
		},
		"scan of hashes": func(t *testing.T) cachestore.Cache { return listed{memory: newMemory(), hashed: true} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it waits for an item to end
			cachetest.Run(t, open)
		})
	}
}

// do runs f under the lock, between fail and after.
func (m *memory) do(ctx context.Context, op, key string, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	m.asked = append(m.asked, op)
	fail, after := m.fail, m.after
	m.mu.Unlock()
	if fail != nil {
		if err := fail(op, key); err != nil {
			return fmt.Errorf("memory: %s %s: %w", op, cachestore.ShortKey(key), err)
		}
	}
	m.mu.Lock()
	err := f()
	m.mu.Unlock()
	if after != nil && err == nil {
		after(op, key)
	}
	if err != nil {
		return fmt.Errorf("memory: %s %s: %w", op, cachestore.ShortKey(key), err)
	}
	return nil
}

// live returns the item of a key unless it has ended. The caller holds the lock.
func (m *memory) live(key string) *cachestore.Item {
	if !m.ends[key].After(m.now()) {
		return nil
	}
	return m.items[key]
}

// put stores an item. The caller holds the lock.
func (m *memory) put(key string, data []byte, timeout time.Duration) *cachestore.Item {
	m.n++
	item := &cachestore.Item{Data: slices.Clone(data), Version: m.n}
	ends := m.now().Add(timeout)
	if m.returnsExpires {
		item.Expires = ends
	}
	m.items[key], m.ttl[key], m.ends[key] = item, timeout, ends
	return item
}

func (m *memory) Get(ctx context.Context, key string) (item *cachestore.Item, err error) {
	return item, m.do(ctx, "get", key, func() error {
		if item = m.live(key); item == nil {
			return djsession.ErrNotFound
		}
		return nil
	})
}

func (m *memory) Add(ctx context.Context, key string, data []byte, timeout time.Duration) (item *cachestore.Item, err error) {
	return item, m.do(ctx, "add", key, func() error {
		if m.live(key) != nil {
			return djsession.ErrKeyTaken
		}
		item = m.put(key, data, timeout)
		return nil
	})
}

func (m *memory) Swap(ctx context.Context, key string, old *cachestore.Item, data []byte, timeout time.Duration) (item *cachestore.Item, err error) {
	return item, m.do(ctx, "swap", key, func() error {
		if err := m.compare(key, old); err != nil {
			return err
		}
		if timeout == cachestore.KeepTimeout {
			timeout = m.ends[key].Sub(m.now())
		}
		item = m.put(key, data, timeout)
		return nil
	})
}

func (m *memory) compare(key string, old *cachestore.Item) error {
	current := m.live(key)
	switch {
	case current == nil:
		return djsession.ErrNotFound
	case old != nil && reflect.DeepEqual(current.Version, old.Version):
		return nil
	case m.emptyConflicts:
		return &cachestore.ConflictError{}
	}
	return &cachestore.ConflictError{Current: current}
}

func (m *memory) Delete(ctx context.Context, key string) error {
	return m.do(ctx, "delete", key, func() error {
		if m.live(key) == nil {
			return djsession.ErrNotFound
		}
		delete(m.items, key)
		return nil
	})
}

func (m *memory) DeleteUnchanged(ctx context.Context, key string, old *cachestore.Item) error {
	return m.do(ctx, "delete", key, func() error {
		if err := m.compare(key, old); err != nil {
			return err
		}
		delete(m.items, key)
		return nil
	})
}

func (m *memory) Close() error   { return nil }
func (m *memory) String() string { return "memory (here)" }

// set stores a value whatever is there, as Django does.
func (m *memory) set(key, data string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(key, []byte(data), time.Hour)
}

// holds returns the value under a key, or "".
func (m *memory) holds(key string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.items[key] == nil {
		return ""
	}
	return string(m.items[key].Data)
}

// failing sets fail.
func (m *memory) failing(fail func(op, key string) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = fail
}

// operations returns the operations since the last call.
func (m *memory) operations() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	defer func() { m.asked = nil }()
	return strings.Join(m.asked, " ")
}

// listed is a memory that can be enumerated.
type listed struct {
	*memory
	hashed bool             // it has only hashes of its keys
	bad    map[string]error // by key: the error of a damaged value
}

func (l listed) Scan(ctx context.Context, r cachestore.Range) iter.Seq2[*cachestore.Entry, error] {
	return func(yield func(*cachestore.Entry, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(nil, err)
			return
		}
		for _, key := range slices.Sorted(maps.Keys(l.items)) {
			e := &cachestore.Entry{Key: key, Name: key, Item: l.items[key]}
			if l.hashed {
				e.Key, e.Name = "", "hash of "+key
			}
			if (l.hashed || strings.HasPrefix(key, r.Prefix)) && scanning.IsInPart(key, r.Part, r.Parts) && !yield(e, l.bad[key]) {
				return
			}
		}
		if err := l.bad[""]; err != nil {
			yield(nil, err)
		}
	}
}

// asking is a memory that has to be asked when an item ends.
type asking struct{ *memory }

func (a asking) Expires(ctx context.Context, key string) (time.Time, error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, err
	}
	if a.items[key] == nil {
		return time.Time{}, djsession.ErrNotFound
	}
	return a.ends[key], nil
}

// epoch is the time of a clock that stands still.
var epoch = time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)

const key = "9f3c1a2b3c4d5e6f7081920a3b4c5d6e"

const cacheKey = ":1:django.contrib.sessions.cache" + key

func mustSettings(t testing.TB) *djsession.Settings {
	t.Helper()
	s, err := djsession.NewSettings("5.2", "a secret")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// held returns settings whose clock stands still at epoch.
func held(t testing.TB) *djsession.Settings {
	s := mustSettings(t)
	s.Now = func() time.Time { return epoch }
	return s
}

// newStore returns an engine cache whose sessions are JSON, so that a test can read them.
func newStore(t testing.TB, cache cachestore.Cache, c cachestore.Config) *cachestore.Store {
	t.Helper()
	if c.Settings == nil {
		c.Settings = mustSettings(t)
	}
	if c.Serializer == nil {
		c.Serializer = djsession.JSONSerializer{}
	}
	store, err := cachestore.New(cache, c)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func second(_ *djsession.Record, err error) error { return err }
