package cachetest

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
)

func testAdd(t *testing.T, c *cache) {
	if c.String() == "" {
		t.Error("String is empty")
	}
	data := []byte("one")
	added, err := c.Add(t.Context(), key, data, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	copy(data, "ONE") // the cache must not keep the caller's slice
	if string(added.Data) != "one" || added.Version == nil {
		t.Errorf("Add returned %q and version %v", added.Data, added.Version)
	}
	c.wantStored(t, key, "one")
	got := c.get(t, key)
	if !reflect.DeepEqual(got.Version, c.get(t, key).Version) {
		t.Error("two versions of an unchanged item are not equal")
	}
	for name, item := range map[string]*cachestore.Item{"added": added, "read": got} {
		wantExpiry(t, name, item.Expires, time.Hour)
	}
	for _, timeout := range []time.Duration{time.Hour, 0} {
		_, err := c.Add(t.Context(), key, []byte("two"), timeout)
		wantError(t, "Add of a key that is there", err, djsession.ErrKeyTaken)
	}
	c.wantStored(t, key, "one")
}

// wantExpiry checks when an item ends, if the cache says so.
func wantExpiry(t *testing.T, name string, expires time.Time, timeout time.Duration) {
	t.Helper()
	left := time.Until(expires)
	if !expires.IsZero() && (left > timeout+time.Second || left < timeout/2) {
		t.Errorf("%s: the item ends in %v, want %v", name, left, timeout)
	}
}

// Every item that the cache has returned can be swapped while the key holds it.
func testSwap(t *testing.T, c *cache) {
	added := c.add(t, key, "one")
	swapped := c.swap(t, key, added, "two")
	if string(swapped.Data) != "two" {
		t.Errorf("Swap returned %q", swapped.Data)
	}
	c.wantStored(t, key, "two")
	c.swap(t, key, swapped, "three")
	read := c.get(t, key)
	c.swap(t, key, read, "three") // which changes nothing
	again := c.swap(t, key, c.get(t, key), "four")
	wantExpiry(t, "swapped", again.Expires, time.Hour)
	for name, old := range map[string]*cachestore.Item{"added": added, "swapped": swapped, "read": read} {
		_, err := c.Swap(t.Context(), key, old, []byte("five"), time.Hour)
		c.wantConflict(t, "Swap of an old item, "+name, err, "four")
	}
	c.wantStored(t, key, "four")
	_, err := c.Swap(t.Context(), key, added, []byte("five"), time.Hour)
	c.swap(t, key, c.wantConflict(t, "Swap", err, "four"), "six")
	c.wantStored(t, key, "six")
}

// A caller that does not know the stored item changes nothing.
func testSwapNeedsVersion(t *testing.T, c *cache) {
	c.add(t, key, "one")
	for name, old := range map[string]*cachestore.Item{
		"nothing": nil, "no version": {Data: []byte("one")}, "foreign version": {Data: []byte("one"), Version: "one"},
	} {
		_, err := c.Swap(t.Context(), key, old, []byte("two"), time.Hour)
		c.wantConflict(t, "Swap of "+name, err, "one")
		c.wantConflict(t, "DeleteUnchanged of "+name, c.DeleteUnchanged(t.Context(), key, old), "one")
	}
	c.wantStored(t, key, "one")
}

func testDeleteUnchanged(t *testing.T, c *cache) {
	added := c.add(t, key, "one")
	c.swap(t, key, added, "two")
	current := c.wantConflict(t, "DeleteUnchanged", c.DeleteUnchanged(t.Context(), key, added), "two")
	c.wantStored(t, key, "two")
	if err := c.DeleteUnchanged(t.Context(), key, current); err != nil {
		t.Errorf("DeleteUnchanged of the conflict's item: %v", err)
	}
	c.wantGone(t, key)
	if err := c.DeleteUnchanged(t.Context(), key, c.add(t, key, "three")); err != nil {
		t.Errorf("DeleteUnchanged of an added item: %v", err)
	}
	c.wantGone(t, key)
	c.add(t, key, "four")
	swapped := c.swap(t, key, c.get(t, key), "five")
	if err := c.DeleteUnchanged(t.Context(), key, swapped); err != nil {
		t.Errorf("DeleteUnchanged of a swapped item: %v", err)
	}
	c.wantGone(t, key)
}

// A key that is gone is ErrNotFound, and is not made again.
func testMissing(t *testing.T, c *cache) {
	c.wantGone(t, key)
	_, err := c.Get(t.Context(), key)
	var op *djsession.OpError
	if errors.As(err, &op) && op.Key != cachestore.ShortKey(key) {
		t.Errorf("the OpError %q has the Key %q, want %q", err, op.Key, cachestore.ShortKey(key))
	}
	added := c.add(t, key, "one")
	read := c.get(t, key)
	if err := c.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	for name, old := range map[string]*cachestore.Item{"added": added, "read": read, "nothing": nil} {
		_, err := c.Swap(t.Context(), key, old, []byte("two"), time.Hour)
		wantError(t, "Swap, "+name, err, djsession.ErrNotFound)
		wantError(t, "DeleteUnchanged, "+name, c.DeleteUnchanged(t.Context(), key, old), djsession.ErrNotFound)
	}
	wantError(t, "Delete", c.Delete(t.Context(), key), djsession.ErrNotFound)
	c.wantGone(t, key)
	c.add(t, key, "new")
	c.wantStored(t, key, "new")
}

// An item whose timeout is not positive has ended when it is stored, as in Django.
func testTimeoutIsOver(t *testing.T, c *cache) {
	for _, timeout := range []time.Duration{0, -1, -time.Second, -time.Hour, -1 << 63} {
		ended, err := c.Add(t.Context(), key, []byte("over"), timeout)
		if err != nil {
			t.Fatalf("Add for %v: %v", timeout, err)
		}
		c.wantGone(t, key)
		_, err = c.Swap(t.Context(), key, ended, []byte("back"), time.Hour)
		wantError(t, "Swap of an item that has ended", err, djsession.ErrNotFound)
		wantError(t, "DeleteUnchanged of an item that has ended", c.DeleteUnchanged(t.Context(), key, ended), djsession.ErrNotFound)
		if timeout > -time.Hour {
			// A cache that keeps what has ended may count whole seconds, as Django's in
			// a database does: within a second its Add finds the key taken.
			if err := c.Delete(t.Context(), key); err != nil && !errors.Is(err, djsession.ErrNotFound) {
				t.Fatal(err)
			}
		}
		added := c.add(t, key, "one") // in place of what has ended
		if _, err := c.Swap(t.Context(), key, added, []byte("over"), timeout); err != nil {
			t.Fatalf("Swap for %v: %v", timeout, err)
		}
		c.wantGone(t, key)
		if err := c.Delete(t.Context(), key); err != nil && !errors.Is(err, djsession.ErrNotFound) {
			t.Fatal(err)
		}
	}
}

// An item ends after its timeout, and not before.
func testTimeoutRunsOut(t *testing.T, c *cache) {
	added := c.add(t, key, "one")
	const timeout = 2 * time.Second
	before := time.Now()
	if _, err := c.Swap(t.Context(), key, added, []byte("two"), timeout); err != nil {
		t.Fatal(err)
	}
	for {
		_, err := c.Get(t.Context(), key)
		if err != nil {
			wantError(t, "Get", err, djsession.ErrNotFound)
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	// Caches count whole seconds, and may count from the second that has begun.
	if lived := time.Since(before); lived < timeout-time.Second-100*time.Millisecond {
		t.Errorf("it ended after %v, want %v", lived, timeout)
	}
}

// The cache returns the bytes that were stored.
func testValues(t *testing.T, c *cache) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for name, data := range map[string]string{
		"one byte": "x", "every byte": string(every), "line ends": "a\r\nEND\r\n", "long": strings.Repeat("some words, ", 20_000),
	} {
		item := c.add(t, key, data)
		c.wantStored(t, key, data)
		item = c.swap(t, key, item, data+"!")
		c.wantStored(t, key, data+"!")
		if err := c.DeleteUnchanged(t.Context(), key, item); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A key that the cache cannot hold is an ErrInvalidKey. Any other key has its own item.
func testKeys(t *testing.T, c *cache) {
	keys := []string{
		"k", prefix + "abcdefgh", prefix + "abcdefghi", "site:2:" + key, strings.Repeat("k", 250), strings.Repeat("k", 5000),
		"zażółć:1:gęślą", "a b", "a\nb", "a\x00b", "a\x7fb", "a\r\nflush_all\r\n", "../k", "/k", "%s", "a'b\"c\\d", "no text \xff", "",
	}
	valid := map[string]bool{}
	for _, key := range keys {
		_, err := c.Add(t.Context(), key, []byte("value of "+key), time.Hour)
		switch {
		case err == nil:
			valid[key] = true
			continue
		case !errors.Is(err, djsession.ErrInvalidKey):
			t.Errorf("Add of key %.50q: %v", key, err)
			continue
		}
		_, getErr := c.Get(t.Context(), key)
		_, swapErr := c.Swap(t.Context(), key, nil, nil, time.Hour)
		for op, err := range map[string]error{
			"Get": getErr, "Swap": swapErr, "Delete": c.Delete(t.Context(), key), "DeleteUnchanged": c.DeleteUnchanged(t.Context(), key, nil),
		} {
			if !errors.Is(err, djsession.ErrInvalidKey) {
				t.Errorf("%s of key %.50q: %v", op, key, err)
			}
		}
	}
	for i, key := range keys {
		if !valid[key] {
			if i < 4 {
				t.Errorf("the cache does not take the key %q", key)
			}
			continue
		}
		c.wantStored(t, key, "value of "+key)
		if err := c.Delete(t.Context(), key); err != nil {
			t.Errorf("Delete of key %.50q: %v", key, err)
		}
		c.wantGone(t, key)
	}
}

// If the context has ended, every method returns its error and does nothing.
func testContextHasEnded(t *testing.T, c *cache) {
	item := c.add(t, key, "one")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	errs := c.writes(ctx, key, item)
	_, errs["Get"] = c.Get(ctx, key)
	for op, err := range errs {
		wantError(t, op, err, context.Canceled)
	}
	c.wantStored(t, key, "one")
}

// A damaged value is a PayloadError. It is not overwritten, and can be deleted.
func testDamaged(t *testing.T, c *cache) {
	damager, ok := c.Cache.(Damager)
	if !ok {
		return
	}
	item := c.add(t, key, "one")
	damager.Damage(t, key)
	_, getErr := c.Get(t.Context(), key)
	_, swapErr := c.Swap(t.Context(), key, item, []byte("two"), time.Hour)
	_, unknownErr := c.Swap(t.Context(), key, nil, []byte("two"), time.Hour)
	for op, err := range map[string]error{
		"Get": getErr, "Swap": swapErr, "Swap of nothing": unknownErr, "DeleteUnchanged": c.DeleteUnchanged(t.Context(), key, item),
	} {
		wantNoKey(t, err)
		var payload *djsession.PayloadError
		if !errors.As(err, &payload) || payload.Form != djsession.Unsigned || !errors.Is(err, djsession.ErrMalformed) && !errors.Is(err, djsession.ErrTooLarge) {
			t.Errorf("%s: got error %v, want a *djsession.PayloadError", op, err)
		}
	}
	_, err := c.Add(t.Context(), key, []byte("two"), time.Hour)
	wantError(t, "Add", err, djsession.ErrKeyTaken)
	c.testBulkDamaged(t, item)
	if err := c.Delete(t.Context(), key); err != nil {
		t.Errorf("Delete: %v", err)
	}
	c.wantGone(t, key)
}

// A read-only cache returns ErrReadOnly for every write, and changes nothing.
func testReadOnly(t *testing.T, c *cache) {
	opener, ok := c.Cache.(ReadOnlyOpener)
	if !ok {
		return
	}
	item := c.add(t, key, "one")
	readOnly := &cache{Cache: opener.ReadOnly(t)}
	readOnly.wantStored(t, key, "one")
	for op, err := range readOnly.writes(t.Context(), key, item) {
		wantError(t, op, err, djsession.ErrReadOnly)
	}
	_, err := readOnly.Add(t.Context(), "other", []byte("new"), time.Hour)
	wantError(t, "Add", err, djsession.ErrReadOnly)
	if bulk := readOnly.bulk(); bulk != nil {
		write := cachestore.BulkWrite{Key: key, Old: item, Data: []byte("new"), Timeout: time.Hour}
		wantError(t, "SwapAll", bulk.SwapAll(t.Context(), []cachestore.BulkWrite{write})[0].Err, djsession.ErrReadOnly)
		write = cachestore.BulkWrite{Key: "other", Data: []byte("new"), Timeout: time.Hour}
		wantError(t, "AddAll", bulk.AddAll(t.Context(), []cachestore.BulkWrite{write})[0].Err, djsession.ErrReadOnly)
	}
	c.wantStored(t, key, "one")
	c.wantGone(t, "other")
}
