package cachetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
)

func testExpires(t *testing.T, c *cache) {
	expirer, ok := c.Cache.(cachestore.Expirer)
	if !ok {
		return
	}
	_, err := expirer.Expires(t.Context(), key)
	wantError(t, "Expires", err, djsession.ErrNotFound)
	item := c.add(t, key, "one")
	expires, err := expirer.Expires(t.Context(), key)
	if err != nil || expires.IsZero() {
		t.Errorf("Expires: %v, %v", expires, err)
	}
	wantExpiry(t, "added", expires, time.Hour)
	if _, err := c.Swap(t.Context(), key, item, []byte("two"), 3*time.Hour); err != nil {
		t.Fatal(err)
	}
	expires, err = expirer.Expires(t.Context(), key)
	if err != nil || expires.IsZero() {
		t.Errorf("Expires: %v, %v", expires, err)
	}
	wantExpiry(t, "swapped", expires, 3*time.Hour)
	swapped, err := c.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Swap(t.Context(), key, swapped, []byte("three"), cachestore.KeepTimeout); err != nil {
		t.Fatal(err)
	}
	c.wantStored(t, key, "three")
	kept, err := expirer.Expires(t.Context(), key)
	if err != nil || kept.Sub(expires).Abs() > time.Second {
		t.Errorf("with KeepTimeout it ends at %v, %v, want %v", kept, err, expires)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = expirer.Expires(ctx, key)
	wantError(t, "Expires", err, context.Canceled)
}

func testSharded(t *testing.T, c *cache) {
	sharded, ok := c.Cache.(cachestore.Sharded)
	if !ok {
		return
	}
	servers := map[string]bool{}
	for i := range 200 {
		servers[sharded.Shard(fmt.Sprint(key, i))] = true
	}
	if n := sharded.Shards(); n != len(servers) || servers[""] != (n == 1) {
		t.Errorf("there are %d servers, and keys belong to %d: %v", n, len(servers), servers)
	}
	c.add(t, key, "one")
	for _, key := range []string{key, "missing"} {
		if server, err := sharded.Misplaced(t.Context(), key); server != "" || err != nil {
			t.Errorf("Misplaced: %q, %v", server, err)
		}
	}
}

// found is the result of a scan, by key, or by name if the cache has only hashes of keys.
type found struct {
	items  map[string]*cachestore.Entry
	hashed bool
	bad    int // entries with a PayloadError
}

func (c *cache) scan(t *testing.T, prefix string) (f found) {
	t.Helper()
	f.items = map[string]*cachestore.Entry{}
	for e, err := range c.scanner().Scan(t.Context(), cachestore.Range{Prefix: prefix}) {
		if e == nil {
			t.Fatalf("Scan: %v", err)
		}
		if err != nil {
			wantNoKey(t, err)
			if !errors.As(err, new(*djsession.PayloadError)) || e.Item != nil && e.Item.Data != nil {
				t.Errorf("Scan yields %v with the error %v", e, err)
			}
			f.bad++
			continue
		}
		name := e.Key
		if name == "" {
			name, f.hashed = e.Name, true
		}
		if name == "" || e.Item == nil || f.items[name] != nil {
			t.Errorf("Scan yields %+v, which has no name, has no item or came before", e)
		}
		f.items[name] = e
	}
	return f
}

func testScan(t *testing.T, c *cache) {
	if c.scanner() == nil {
		return
	}
	if f := c.scan(t, prefix); len(f.items)+f.bad > 0 {
		t.Errorf("an empty cache has %v", f.items)
	}
	const entries = 600 // several pages
	for i := range entries {
		c.add(t, fmt.Sprint(prefix, "session", i), fmt.Sprint("value of session", i))
	}
	f := c.scan(t, prefix)
	if len(f.items) != entries || f.bad != 0 {
		t.Errorf("Scan yields %d entries, and %d damaged ones, want %d", len(f.items), f.bad, entries)
	}
	data := map[string]bool{}
	for name, e := range f.items {
		data[string(e.Item.Data)] = true
		wantExpiry(t, "scanned", e.Item.Expires, time.Hour)
		if want := "value of " + strings.TrimPrefix(e.Key, prefix); e.Key != "" && string(e.Item.Data) != want {
			t.Errorf("the entry of %q has the %q", name, e.Item.Data)
		}
	}
	if len(data) != entries {
		t.Errorf("Scan yields %d different values, want %d", len(data), entries)
	}
	// The items of a scan can be swapped.
	for name, e := range f.items {
		if e.Key != "" {
			c.swap(t, name, e.Item, "new")
		}
		break
	}
	if damager, ok := c.Cache.(Damager); ok {
		c.add(t, key, "one")
		damager.Damage(t, key)
		if f := c.scan(t, prefix); len(f.items) != entries || f.bad != 1 {
			t.Errorf("Scan yields %d entries, and %d damaged ones, want %d and 1", len(f.items), f.bad, entries)
		}
	}
}

// A prefix is literal text: it has no wildcards.
func testScanOtherPrefix(t *testing.T, c *cache) {
	if c.scanner() == nil {
		return
	}
	const odd = `a_%*?[b]\!:1:`
	mine := map[string]bool{odd + "one": true, odd + "two": true}
	for key := range mine {
		c.add(t, key, "mine")
	}
	others := []string{`a_%*?[b]\!`, `axxxxb\!:1:one`, `a_%*?b\!:1:one`, "b"}
	for _, key := range others {
		c.add(t, key, "another's")
	}
	f := c.scan(t, odd)
	if f.hashed {
		if len(f.items) != len(mine)+len(others) {
			t.Errorf("a scan of hashes yields %d entries, want all %d", len(f.items), len(mine)+len(others))
		}
		return
	}
	for key := range f.items {
		if !mine[key] {
			t.Errorf("Scan yields the key %q", key)
		}
	}
	if len(f.items) != len(mine) {
		t.Errorf("Scan yields %d entries, want %d", len(f.items), len(mine))
	}
	if f := c.scan(t, ""); len(f.items) != len(mine)+len(others) {
		t.Errorf("a scan without a prefix yields %d entries, want %d", len(f.items), len(mine)+len(others))
	}
}

// A scan stops when the caller does, and when the context has ended.
func testScanStops(t *testing.T, c *cache) {
	if c.scanner() == nil {
		return
	}
	for i := range 10 {
		c.add(t, fmt.Sprint(prefix, "session", i), "one")
	}
	n := 0
	for range c.scanner().Scan(t.Context(), cachestore.Range{Prefix: prefix}) {
		n++
		break
	}
	if n != 1 {
		t.Errorf("Scan yields %d entries before the caller stops, want 1", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ended := false
	for e, err := range c.scanner().Scan(ctx, cachestore.Range{Prefix: prefix}) {
		if ended {
			t.Error("Scan goes on after an error without an entry")
		}
		if e == nil {
			wantError(t, "Scan", err, context.Canceled)
			ended = true
		}
	}
	if !ended {
		t.Error("Scan ends without an error when its context has ended")
	}
}
