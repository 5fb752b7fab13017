// Package cachetest tests that a cache keeps the promises of cachestore.Cache. A package
// that implements a cache runs it in one of its own tests:
//
//	func TestContract(t *testing.T) {
//		cachetest.Run(t, func(t *testing.T) cachestore.Cache { return openEmptyCache(t) })
//	}
//
// Tests of a single cache, such as those of its own errors, stay in its package.
package cachetest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
)

// Run tests a cache. It calls open for each of its tests, one after the other; open returns
// an empty cache and closes it when its t ends.
//
// Run also tests the optional interfaces (cachestore.Scanner, BulkCache, Expirer, Sharded and
// Evicter) that a cache implements. It tests more if open returns a [Damager] or a [ReadOnlyOpener].
func Run(t *testing.T, open func(t *testing.T) cachestore.Cache) {
	for name, test := range map[string]func(t *testing.T, c *cache){
		"Add":                     testAdd,
		"Swap":                    testSwap,
		"SwapNeedsVersion":        testSwapNeedsVersion,
		"DeleteUnchanged":         testDeleteUnchanged,
		"Missing":                 testMissing,
		"TimeoutIsOver":           testTimeoutIsOver,
		"TimeoutRunsOut":          testTimeoutRunsOut,
		"Values":                  testValues,
		"Keys":                    testKeys,
		"ContextHasEnded":         testContextHasEnded,
		"ConcurrentSwaps":         testConcurrentSwaps,
		"ConcurrentAdds":          testConcurrentAdds,
		"ConcurrentDeletes":       testConcurrentDeletes,
		"SwapAndDeleteUnchanged":  testSwapAgainstDelete,
		"Expires":                 testExpires,
		"Sharded":                 testSharded,
		"Scan":                    testScan,
		"ScanOtherPrefix":         testScanOtherPrefix,
		"ScanStopsAndIsCancelled": testScanStops,
		"AddAll":                  testAddAll,
		"SwapAll":                 testSwapAll,
		"Has":                     testHas,
		"BulkPages":               testBulkPages,
		"BulkContextHasEnded":     testBulkContextHasEnded,
		"ConcurrentSwapAlls":      testConcurrentSwapAlls,
		"Evicts":                  testEvicts,
		"Damaged":                 testDamaged,
		"ReadOnly":                testReadOnly,
	} {
		t.Run(name, func(t *testing.T) {
			test(t, &cache{Cache: open(t)})
		})
	}
}

// Damager is a cache that a test can damage.
type Damager interface {
	// Damage stores a value under a key that Django cannot have written. If the key has an
	// item, Damage only replaces its value.
	Damage(t *testing.T, key string)
}

// ReadOnlyOpener is a cache that can be opened a second time as read-only.
type ReadOnlyOpener interface {
	// ReadOnly returns the same cache, opened as read-only.
	ReadOnly(t *testing.T) cachestore.Cache
}

const (
	// prefix is the beginning of the cache keys of sessions.
	prefix = ":1:django.contrib.sessions.cache"
	// key is the cache key of a session. No error may hold its end.
	key = prefix + "9f3c1a" + keyEnd
	// keyEnd is the part of a session key that no error may hold.
	keyEnd = "2b3c4d5e6f7081920a3b4c5d6e"
)

// cache is the cache under test.
type cache struct {
	cachestore.Cache
}

// scanner returns the cache as a Scanner, or nil.
func (c *cache) scanner() cachestore.Scanner { s, _ := c.Cache.(cachestore.Scanner); return s }

// add stores an item for an hour.
func (c *cache) add(t *testing.T, key, data string) *cachestore.Item {
	t.Helper()
	item, err := c.Add(t.Context(), key, []byte(data), time.Hour)
	if err != nil {
		t.Fatalf("Add: %v", err)
	}
	return item
}

func (c *cache) get(t *testing.T, key string) *cachestore.Item {
	t.Helper()
	item, err := c.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	return item
}

// swap replaces an item that must be unchanged.
func (c *cache) swap(t *testing.T, key string, old *cachestore.Item, data string) *cachestore.Item {
	t.Helper()
	item, err := c.Swap(t.Context(), key, old, []byte(data), time.Hour)
	if err != nil {
		t.Fatalf("Swap: %v", err)
	}
	return item
}

// wantStored checks the value under a key.
func (c *cache) wantStored(t *testing.T, key, want string) {
	t.Helper()
	item, err := c.Get(t.Context(), key)
	switch {
	case err != nil:
		t.Errorf("Get: %v, want %.50q", err, want)
	case string(item.Data) != want:
		t.Errorf("%.50q is stored, want %.50q", item.Data, want)
	}
}

// wantGone checks that a key holds nothing.
func (c *cache) wantGone(t *testing.T, key string) {
	t.Helper()
	item, err := c.Get(t.Context(), key)
	if err == nil {
		t.Errorf("%.50q is stored, want nothing", item.Data)
		return
	}
	wantError(t, "Get", err, djsession.ErrNotFound)
}

// wantError checks an error's kind, and that it does not show the whole key.
func wantError(t *testing.T, op string, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("%s: got error %v, want %v", op, err, kind)
	}
	wantNoKey(t, err)
}

// wantNoKey checks that neither an error nor what it wraps shows the whole key, and that an
// OpError names the cache and the operation.
func wantNoKey(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if strings.Contains(err.Error(), keyEnd) {
		t.Errorf("the error %q holds the session key", err)
	}
	var op *djsession.OpError
	if errors.As(err, &op) && (op.Store == "" || op.Op == "") {
		t.Errorf("the OpError %q has Store %q and Op %q", err, op.Store, op.Op)
	}
	switch wrapped := err.(type) {
	case interface{ Unwrap() error }:
		wantNoKey(t, wrapped.Unwrap())
	case interface{ Unwrap() []error }:
		for _, err := range wrapped.Unwrap() {
			wantNoKey(t, err)
		}
	}
}

// wantConflict checks that an error is a conflict with a value. It returns the item of the
// conflict, or the stored item if the conflict has none.
func (c *cache) wantConflict(t *testing.T, op string, err error, current string) *cachestore.Item {
	t.Helper()
	wantError(t, op, err, djsession.ErrConflict)
	var conflict *cachestore.ConflictError
	if !errors.As(err, &conflict) {
		t.Fatalf("%s: got error %v, want a *cachestore.ConflictError", op, err)
	}
	if conflict.Current == nil {
		return c.get(t, key)
	}
	if string(conflict.Current.Data) != current {
		t.Errorf("%s: the conflict is with %.50q, want %.50q", op, conflict.Current.Data, current)
	}
	return conflict.Current
}

// writes calls all methods that change an item, and returns their errors by name.
func (c *cache) writes(ctx context.Context, key string, old *cachestore.Item) map[string]error {
	_, add := c.Add(ctx, key, []byte("written"), time.Hour)
	_, swap := c.Swap(ctx, key, old, []byte("written"), time.Hour)
	return map[string]error{
		"Add": add, "Swap": swap,
		"DeleteUnchanged": c.DeleteUnchanged(ctx, key, old),
		"Delete":          c.Delete(ctx, key),
	}
}
