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
)

// memory is a cache of which a test knows everything, and which fails when it is told to.
type memory struct {
	mu    sync.Mutex
	items map[string]*cachestore.Item
	ttl   map[string]time.Duration // as they were given
	n     int
	// fail, if set, is asked before each operation.
	fail func(op, key string) error
	// after, if set, is told of each operation that was done.
	after func(op, key string)
	asked []string // operations
	// tells has items that know when they end.
	tells bool
	// forgetful has conflicts that do not say what is stored.
	forgetful bool
}

func newMemory() *memory {
	return &memory{items: map[string]*cachestore.Item{}, ttl: map[string]time.Duration{}}
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

// put stores an item. The lock is held.
func (m *memory) put(key string, data []byte, timeout time.Duration) *cachestore.Item {
	m.n++
	item := &cachestore.Item{Data: slices.Clone(data), Version: m.n}
	if m.tells {
		item.Expires = time.Now().Add(timeout)
	}
	m.items[key], m.ttl[key] = item, timeout
	return item
}

func (m *memory) Get(ctx context.Context, key string) (item *cachestore.Item, err error) {
	return item, m.do(ctx, "get", key, func() error {
		if item = m.items[key]; item == nil {
			return djsession.ErrNotFound
		}
		return nil
	})
}

func (m *memory) Add(ctx context.Context, key string, data []byte, timeout time.Duration) (item *cachestore.Item, err error) {
	return item, m.do(ctx, "add", key, func() error {
		if m.items[key] != nil {
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
		item = m.put(key, data, timeout)
		return nil
	})
}

func (m *memory) compare(key string, old *cachestore.Item) error {
	current := m.items[key]
	switch {
	case current == nil:
		return djsession.ErrNotFound
	case old != nil && reflect.DeepEqual(current.Version, old.Version):
		return nil
	case m.forgetful:
		return &cachestore.ConflictError{}
	}
	return &cachestore.ConflictError{Current: current}
}

func (m *memory) Delete(ctx context.Context, key string) error {
	return m.do(ctx, "delete", key, func() error {
		if m.items[key] == nil {
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

// set is what Django does.
func (m *memory) set(key, data string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(key, []byte(data), time.Hour)
}

// holds is what is stored under a key, "" for nothing.
func (m *memory) holds(key string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.items[key] == nil {
		return ""
	}
	return string(m.items[key].Data)
}

// failing has operations fail from now on; nil ends that.
func (m *memory) failing(fail func(op, key string) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = fail
}

// operations are those that were asked for since the last call.
func (m *memory) operations() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	defer func() { m.asked = nil }()
	return strings.Join(m.asked, " ")
}

// listed is a memory that can be enumerated; hashed, one that keeps no keys.
type listed struct {
	*memory
	hashed bool
	bad    map[string]error // by key: what is no value at all
}

func (l listed) Scan(ctx context.Context, prefix string) iter.Seq2[*cachestore.Entry, error] {
	return func(yield func(*cachestore.Entry, error) bool) {
		for _, key := range slices.Sorted(maps.Keys(l.items)) {
			e := &cachestore.Entry{Key: key, Name: key, Item: l.items[key]}
			if l.hashed {
				e.Key, e.Name = "", "hash of "+key
			}
			if (l.hashed || strings.HasPrefix(key, prefix)) && !yield(e, l.bad[key]) {
				return
			}
		}
		if err := l.bad[""]; err != nil {
			yield(nil, err)
		}
	}
}

// asking is a memory whose items do not tell when they end, and which can be asked.
type asking struct{ *memory }

func (a asking) Expires(ctx context.Context, key string) (time.Time, error) {
	ttl, ok := a.ttl[key]
	switch {
	case !ok:
		return time.Time{}, djsession.ErrNotFound
	case ttl == 0:
		return time.Time{}, nil
	}
	return epoch.Add(ttl), nil
}

// epoch is when a clock stands that is held.
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

// held are settings whose clock stands still.
func held(t testing.TB) *djsession.Settings {
	s := mustSettings(t)
	s.Now = func() time.Time { return epoch }
	return s
}

// newStore is an engine cache whose sessions are JSON, which a test can read.
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

func values(t testing.TB, json string) *djsession.Values {
	t.Helper()
	v := new(djsession.Values)
	if err := v.UnmarshalPythonJSON(json); err != nil {
		t.Fatal(err)
	}
	return v
}

func text(t testing.TB, v *djsession.Values) string {
	t.Helper()
	b, err := v.AppendPythonJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func second(_ *djsession.Record, err error) error { return err }
