package cachetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
)

// bulk returns the cache as a BulkCache, or nil.
func (c *cache) bulk() cachestore.BulkCache { b, _ := c.Cache.(cachestore.BulkCache); return b }

// addAll adds items that must be new.
func (c *cache) addAll(t *testing.T, writes []cachestore.BulkWrite) []*cachestore.Item {
	t.Helper()
	results := c.bulk().AddAll(t.Context(), writes)
	if len(results) != len(writes) {
		t.Fatalf("AddAll returned %d results, want %d", len(results), len(writes))
	}
	items := make([]*cachestore.Item, len(writes))
	for i, r := range results {
		if items[i] = r.Item; r.Err != nil || r.Item == nil {
			t.Fatalf("AddAll of item %d: %v, %v", i, r.Item, r.Err)
		}
	}
	return items
}

// Every item of AddAll has the result that Add would return.
func testAddAll(t *testing.T, c *cache) {
	if c.bulk() == nil {
		return
	}
	if results := c.bulk().AddAll(t.Context(), nil); len(results) != 0 {
		t.Errorf("AddAll of nothing returned %v", results)
	}
	c.add(t, key, "there")
	const invalid = "a\r\nflush_all\r\n"
	_, invalidErr := c.Add(t.Context(), invalid, []byte("value"), time.Hour)
	if invalidErr == nil { // the cache takes it
		if err := c.Delete(t.Context(), invalid); err != nil {
			t.Fatal(err)
		}
	}
	data := []byte("one")
	results := c.bulk().AddAll(t.Context(), []cachestore.BulkWrite{
		{Key: key + "1", Data: data, Timeout: time.Hour},
		{Key: key, Data: []byte("two"), Timeout: time.Hour},
		{Key: key + "2", Data: []byte("over"), Timeout: 0},
		{Key: key + "3", Data: []byte("over"), Timeout: -time.Hour},
		{Key: invalid, Data: []byte("value"), Timeout: time.Hour},
		{Key: key, Data: []byte("three"), Timeout: -time.Hour},
		{Key: key + "4", Data: []byte("four"), Timeout: 3 * time.Hour},
		{Key: key + "4", Data: []byte("five"), Timeout: time.Hour},
	})
	copy(data, "ONE") // the cache must not keep the caller's slice
	for i, want := range []error{nil, djsession.ErrKeyTaken, nil, nil, invalidErr, djsession.ErrKeyTaken} {
		switch r := results[i]; {
		case want == nil && (r.Err != nil || r.Item == nil):
			t.Errorf("item %d: %v, %v", i, r.Item, r.Err)
		case want != nil && r.Item != nil:
			t.Errorf("item %d: an item beside the error %v", i, r.Err)
		case i == 4 && want != nil:
			wantError(t, "AddAll of an invalid key", r.Err, djsession.ErrInvalidKey)
		case want != nil:
			wantError(t, "AddAll of a key that is there", r.Err, want)
		}
	}
	c.wantStored(t, key, "there")
	c.wantStored(t, key+"1", "one")
	c.wantGone(t, key+"2")
	c.wantGone(t, key+"3")
	// One of two items with the same key is stored.
	first, second := results[6], results[7]
	if first.Err != nil {
		first, second = second, first
	}
	wantError(t, "the other item of a key", second.Err, djsession.ErrKeyTaken)
	if first.Err != nil {
		t.Fatal(first.Err)
	}
	c.wantStored(t, key+"4", string(first.Item.Data))
	if got := c.get(t, key+"4"); !got.Expires.IsZero() {
		wantExpiry(t, "added", got.Expires, 3*time.Hour)
	}
	c.swap(t, key+"1", results[0].Item, "swapped")
	c.wantStored(t, key+"1", "swapped")
}

// Every item of SwapAll has the result that Swap would return.
func testSwapAll(t *testing.T, c *cache) {
	if c.bulk() == nil {
		return
	}
	if results := c.bulk().SwapAll(t.Context(), nil); len(results) != 0 {
		t.Errorf("SwapAll of nothing returned %v", results)
	}
	var writes []cachestore.BulkWrite
	for i := range 6 {
		writes = append(writes, cachestore.BulkWrite{Key: fmt.Sprint(key, i), Data: []byte("old"), Timeout: time.Hour})
	}
	items := c.addAll(t, writes)
	c.swap(t, writes[1].Key, items[1], "changed")
	if err := c.Delete(t.Context(), writes[2].Key); err != nil {
		t.Fatal(err)
	}
	for i := range writes {
		writes[i].Old, writes[i].Data = items[i], []byte("new")
	}
	writes[3].Old = nil
	writes[4].Old = &cachestore.Item{Data: []byte("old"), Version: "another cache's"}
	writes[5].Timeout = 0
	results := c.bulk().SwapAll(t.Context(), writes)
	for i, want := range []error{nil, djsession.ErrConflict, djsession.ErrNotFound, djsession.ErrConflict, djsession.ErrConflict, nil} {
		r := results[i]
		if (r.Item == nil) != (want != nil) {
			t.Errorf("item %d: %v, %v", i, r.Item, r.Err)
		}
		if want != nil {
			wantError(t, fmt.Sprint("SwapAll of item ", i), r.Err, want)
		} else if r.Err != nil {
			t.Errorf("item %d: %v", i, r.Err)
		}
		var conflict *cachestore.ConflictError
		if errors.As(r.Err, &conflict) && conflict.Current != nil {
			c.swap(t, writes[i].Key, conflict.Current, "from the conflict with "+string(conflict.Current.Data))
		}
	}
	c.wantStored(t, writes[0].Key, "new")
	c.wantGone(t, writes[2].Key)
	c.wantGone(t, writes[5].Key)
	c.swap(t, writes[0].Key, results[0].Item, "newer")
	c.wantStored(t, writes[0].Key, "newer")
	for i, old := range map[int]string{1: "changed", 3: "old", 4: "old"} {
		item := c.get(t, writes[i].Key)
		if got := string(item.Data); got != old && got != "from the conflict with "+old {
			t.Errorf("item %d: %.50q is stored, want %q", i, got, old)
		}
	}
}

func testHas(t *testing.T, c *cache) {
	if c.bulk() == nil {
		return
	}
	var keys []string
	for i := range 700 { // several pages
		keys = append(keys, fmt.Sprint(key, i))
	}
	for i := 0; i < len(keys); i += 50 {
		c.add(t, keys[i], "one")
	}
	if _, err := c.Add(t.Context(), keys[1], []byte("over"), -time.Hour); err != nil {
		t.Fatal(err)
	}
	has, err := c.bulk().Has(t.Context(), keys)
	if err != nil || len(has) != len(keys) {
		t.Fatalf("Has returned %d results, %v", len(has), err)
	}
	for i, is := range has {
		if is != (i%50 == 0) {
			t.Errorf("Has says %v of key %d", is, i)
		}
	}
	if has, err := c.bulk().Has(t.Context(), nil); err != nil || len(has) != 0 {
		t.Errorf("Has of nothing returned %v, %v", has, err)
	}
}

// Many items, and large ones, are stored in several requests.
func testBulkPages(t *testing.T, c *cache) {
	if c.bulk() == nil {
		return
	}
	var writes []cachestore.BulkWrite
	for i := range 700 {
		data := fmt.Sprint("value of ", i)
		if i%100 == 99 {
			data += strings.Repeat("some words, ", 50_000)
		}
		writes = append(writes, cachestore.BulkWrite{Key: fmt.Sprint(key, i), Data: []byte(data), Timeout: time.Hour})
	}
	items := c.addAll(t, writes)
	for i := range writes {
		if i%70 == 0 {
			c.wantStored(t, writes[i].Key, string(writes[i].Data))
		}
		writes[i].Old, writes[i].Data = items[i], append([]byte("new "), writes[i].Data...)
	}
	for i, r := range c.bulk().SwapAll(t.Context(), writes) {
		if r.Err != nil {
			t.Fatalf("SwapAll of item %d: %v", i, r.Err)
		}
		if i%70 == 69 {
			c.wantStored(t, writes[i].Key, string(writes[i].Data))
		}
	}
}

// If the context has ended, nothing is done.
func testBulkContextHasEnded(t *testing.T, c *cache) {
	if c.bulk() == nil {
		return
	}
	item := c.add(t, key, "one")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	writes := []cachestore.BulkWrite{
		{Key: key, Old: item, Data: []byte("two"), Timeout: time.Hour},
		{Key: key + "2", Old: item, Data: []byte("two"), Timeout: time.Hour},
	}
	swapped := c.bulk().SwapAll(ctx, writes)
	for i := range writes {
		writes[i].Old = nil
	}
	for _, r := range append(swapped, c.bulk().AddAll(ctx, writes)...) {
		wantError(t, "a write", r.Err, context.Canceled)
	}
	_, err := c.bulk().Has(ctx, []string{key})
	wantError(t, "Has", err, context.Canceled)
	c.wantStored(t, key, "one")
	c.wantGone(t, key+"2")
}

// Of several concurrent SwapAlls of the same items, one replaces each item.
func testConcurrentSwapAlls(t *testing.T, c *cache) {
	if c.bulk() == nil {
		return
	}
	var writes []cachestore.BulkWrite
	for i := range 50 {
		writes = append(writes, cachestore.BulkWrite{Key: fmt.Sprint(key, i), Data: []byte("old"), Timeout: time.Hour})
	}
	items := c.addAll(t, writes)
	results := make([][]cachestore.BulkResult, writers)
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			var mine []cachestore.BulkWrite
			for i := range writes {
				next := writes[i]
				next.Old, next.Data = items[i], fmt.Append(nil, "of ", w)
				mine = append(mine, next)
			}
			results[w] = c.bulk().SwapAll(t.Context(), mine)
		})
	}
	all.Wait()
	for i := range writes {
		winners := 0
		for w := range writers {
			if r := results[w][i]; r.Err == nil {
				winners++
				c.wantStored(t, writes[i].Key, fmt.Sprint("of ", w))
			} else {
				wantError(t, "SwapAll", r.Err, djsession.ErrConflict)
			}
		}
		if winners != 1 {
			t.Errorf("%d SwapAlls have replaced item %d, want 1", winners, i)
		}
	}
}

// testBulkDamaged tests the item of key, which was damaged. AddAll and SwapAll do not overwrite it,
// and store the items beside it.
func (c *cache) testBulkDamaged(t *testing.T, item *cachestore.Item) {
	t.Helper()
	if c.bulk() == nil {
		return
	}
	other := key + "beside"
	results := c.bulk().AddAll(t.Context(), []cachestore.BulkWrite{
		{Key: key, Data: []byte("two"), Timeout: time.Hour}, {Key: other, Data: []byte("two"), Timeout: time.Hour},
	})
	wantError(t, "AddAll", results[0].Err, djsession.ErrKeyTaken)
	if results[1].Err != nil {
		t.Fatal(results[1].Err)
	}
	for name, old := range map[string]*cachestore.Item{"": item, " of nothing": nil} {
		results := c.bulk().SwapAll(t.Context(), []cachestore.BulkWrite{
			{Key: key, Old: old, Data: []byte("three"), Timeout: time.Hour},
			{Key: other, Old: c.get(t, other), Data: []byte("three"), Timeout: time.Hour},
		})
		if !errors.As(results[0].Err, new(*djsession.PayloadError)) || results[1].Err != nil {
			t.Errorf("SwapAll%s: %v and beside it %v, want a *djsession.PayloadError alone", name, results[0].Err, results[1].Err)
		}
		wantNoKey(t, results[0].Err)
	}
	c.wantStored(t, other, "three")
	if has, err := c.bulk().Has(t.Context(), []string{key}); err != nil || !has[0] {
		t.Errorf("Has says %v of a damaged item, %v", has, err)
	}
}

// A cache that evicts says why, in one line.
func testEvicts(t *testing.T, c *cache) {
	evicter, ok := c.Cache.(cachestore.Evicter)
	if !ok {
		return
	}
	reason, err := evicter.Evicts(t.Context())
	if err != nil || strings.ContainsAny(reason, "\r\n") || strings.TrimSpace(reason) != reason {
		t.Errorf("Evicts returned %q, %v", reason, err)
	}
}
