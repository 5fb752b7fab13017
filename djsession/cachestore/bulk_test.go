package cachestore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/cachestore/cachetest"
	"github.com/djsess/djsess/internal/testing/fixture"
)

// inBulk is a memory that takes many items in one request.
type inBulk struct{ *memory }

func (m inBulk) AddAll(ctx context.Context, writes []cachestore.BulkWrite) (results []cachestore.BulkResult) {
	for _, w := range writes {
		item, err := m.Add(ctx, w.Key, w.Data, w.Timeout)
		results = append(results, cachestore.BulkResult{Item: item, Err: err})
	}
	return results
}

func (m inBulk) SwapAll(ctx context.Context, writes []cachestore.BulkWrite) (results []cachestore.BulkResult) {
	for _, w := range writes {
		item, err := m.Swap(ctx, w.Key, w.Old, w.Data, w.Timeout)
		results = append(results, cachestore.BulkResult{Item: item, Err: err})
	}
	return results
}

func (m inBulk) Has(ctx context.Context, keys []string) ([]bool, error) {
	has := make([]bool, len(keys))
	for i, key := range keys {
		_, err := m.Get(ctx, key)
		if err != nil && !errors.Is(err, djsession.ErrNotFound) {
			return nil, err
		}
		has[i] = err == nil
	}
	return has, nil
}

func (m inBulk) Evicts(context.Context) (string, error) { return "it is small", nil }

func TestContractOfMemoryInBulk(t *testing.T) {
	t.Parallel() // it waits for an item to end
	cachetest.Run(t, func(t *testing.T) cachestore.Cache { return inBulk{newMemory()} })
}

// eachBulk runs a test with a cache that takes many items in one request, and with one that does
// not.
func eachBulk(t *testing.T, test func(t *testing.T, m *memory, cache cachestore.Cache)) {
	t.Run("in bulk", func(t *testing.T) { m := newMemory(); test(t, m, inBulk{m}) })
	t.Run("one by one", func(t *testing.T) { m := newMemory(); test(t, m, m) })
	t.Run("empty conflicts", func(t *testing.T) {
		m := newMemory()
		m.emptyConflicts = true
		test(t, m, m)
	})
}

// keyNumber returns a session key.
func keyNumber(i int) string { return fmt.Sprintf("key%029d", i) }

func cacheKeyNumber(i int) string { return ":1:django.contrib.sessions.cache" + keyNumber(i) }

// CreateAll stores each session, or returns its error, as Create would.
func TestCreateAll(t *testing.T) {
	eachBulk(t, func(t *testing.T, m *memory, cache cachestore.Cache) {
		settings := held(t)
		settings.MaxPayloadSize = 100
		m.now = settings.Now
		store, ctx := newStore(t, cache, cachestore.Config{Settings: settings}), t.Context()
		m.set(cacheKeyNumber(1), `{"theirs":1}`)
		large := fixture.Values(t, `{"a":"`+strings.Repeat("x", 100)+`"}`)
		results, err := store.CreateAll(ctx, []*djsession.Record{
			{Key: keyNumber(0), Values: fixture.Values(t, `{"a":0}`), Expires: epoch.Add(time.Hour)},
			{Key: keyNumber(1), Values: fixture.Values(t, `{"a":1}`), Expires: epoch.Add(time.Hour)},
			{Key: "short", Values: fixture.Values(t, `{"a":2}`)},
			{Key: keyNumber(3), Values: large},
			{Key: keyNumber(4), Values: fixture.Values(t, `{"a":4}`), Expires: epoch.Add(-time.Hour)},
			{Key: keyNumber(5)},
			{Values: fixture.Values(t, `{"a":6}`)},
		})
		if err != nil || len(results) != 7 {
			t.Fatalf("%d results, %v", len(results), err)
		}
		for i, want := range []error{nil, djsession.ErrKeyTaken, djsession.ErrInvalidKey, djsession.ErrTooLarge, nil, nil, nil} {
			r := results[i]
			if !errors.Is(r.Err, want) || (r.Record == nil) != (want != nil) {
				t.Errorf("session %d: %v, %v, want %v", i, r.Record, r.Err, want)
			}
			var op *djsession.OpError
			if want != nil && (!errors.As(r.Err, &op) || op.Op != "create" || op.Key == "") {
				t.Errorf("session %d: %v", i, r.Err)
			}
		}
		for i, want := range map[int]string{0: `{"a":0}`, 1: `{"theirs":1}`, 3: "", 5: `{}`} {
			if got := m.holds(cacheKeyNumber(i)); got != want {
				t.Errorf("session %d: %q is stored, want %q", i, got, want)
			}
		}
		// Until an item is written, some of its time has passed.
		if left := m.ttl[cacheKeyNumber(0)]; left > time.Hour || left < time.Hour-time.Minute {
			t.Errorf("session 0 is stored for %v", left)
		}
		if left := m.ttl[cacheKeyNumber(5)]; left > 14*24*time.Hour || left < 14*24*time.Hour-time.Minute {
			t.Errorf("session 5 is stored for %v, want SESSION_COOKIE_AGE", left)
		}
		if left := m.ttl[cacheKeyNumber(4)]; left > 0 {
			t.Errorf("session 4, which has expired, is stored for %v", left)
		}
		if got := m.holds(":1:django.contrib.sessions.cache" + results[6].Record.Key); got != `{"a":6}` {
			t.Errorf("under the chosen key %q is stored", got)
		}
		if r := results[0].Record; r.Key != keyNumber(0) || fixture.JSON(t, r.Values) != `{"a":0}` || !r.Expires.Equal(epoch.Add(time.Hour)) {
			t.Errorf("session 0 is %v", r)
		}
		if err := second(store.Replace(ctx, results[0].Record, fixture.Values(t, `{"a":1}`), time.Time{})); err != nil {
			t.Errorf("Replace of a record of CreateAll: %v", err)
		}
	})
}

// ReplaceAll replaces each session, or returns its error, as Replace would.
func TestReplaceAll(t *testing.T) {
	eachBulk(t, func(t *testing.T, m *memory, cache cachestore.Cache) {
		store, ctx := newStore(t, cache, cachestore.Config{}), t.Context()
		var replacements []djsession.Replacement
		for i := range 4 {
			r, err := store.Create(ctx, keyNumber(i), fixture.Values(t, `{"a":"old"}`), time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			replacements = append(replacements, djsession.Replacement{Old: r, Values: fixture.Values(t, `{"a":"new"}`), Expires: time.Now().Add(3 * time.Hour)})
		}
		m.set(cacheKeyNumber(1), `{"theirs":1}`)
		if err := store.Delete(ctx, keyNumber(2)); err != nil {
			t.Fatal(err)
		}
		replacements[3].Old.Version = nil
		results, err := store.ReplaceAll(ctx, replacements)
		if err != nil || len(results) != len(replacements) {
			t.Fatalf("%d results, %v", len(results), err)
		}
		for i, want := range []error{nil, djsession.ErrConflict, djsession.ErrNotFound, djsession.ErrConflict} {
			if r := results[i]; !errors.Is(r.Err, want) || (r.Record == nil) != (want != nil) {
				t.Errorf("session %d: %v, %v, want %v", i, r.Record, r.Err, want)
			}
		}
		for i, want := range map[int]string{1: `{"theirs":1}`, 3: `{"a":"old"}`} {
			var conflict *djsession.ConflictError
			if !errors.As(results[i].Err, &conflict) || fixture.JSON(t, conflict.Current.Values) != want {
				t.Errorf("session %d: %v, want a conflict with %s", i, results[i].Err, want)
			}
		}
		for i, want := range []string{`{"a":"new"}`, `{"theirs":1}`, "", `{"a":"old"}`} {
			if got := m.holds(cacheKeyNumber(i)); got != want {
				t.Errorf("session %d: %q is stored, want %q", i, got, want)
			}
		}
		if left := m.ttl[cacheKeyNumber(0)]; left < 3*time.Hour-time.Minute || left > 3*time.Hour {
			t.Errorf("session 0 is stored for %v", left)
		}
		if err := second(store.Replace(ctx, results[0].Record, fixture.Values(t, `{}`), time.Time{})); err != nil {
			t.Errorf("Replace of a record of ReplaceAll: %v", err)
		}
	})
}

func TestLive(t *testing.T) {
	eachBulk(t, func(t *testing.T, m *memory, cache cachestore.Cache) {
		store := newStore(t, cache, cachestore.Config{})
		m.set(cacheKeyNumber(1), `{}`)
		m.set(cacheKeyNumber(2), `no session`)
		live, err := store.Live(t.Context(), []string{keyNumber(0), keyNumber(1), "short", keyNumber(2)})
		if err != nil || len(live) != 4 || live[0] || !live[1] || live[2] || !live[3] {
			t.Errorf("%v, %v", live, err)
		}
	})
}

// If the cache does not answer, each method returns an error beside the results, which shows no
// key. A cache that takes one item in a request is not asked for all others.
func TestBulkWithoutAnswer(t *testing.T) {
	eachBulk(t, func(t *testing.T, m *memory, cache cachestore.Cache) {
		store, ctx := newStore(t, cache, cachestore.Config{}), t.Context()
		var records []*djsession.Record
		var replacements []djsession.Replacement
		var keys []string
		for i := range 100 {
			r := &djsession.Record{Key: keyNumber(i)}
			records, keys = append(records, r), append(keys, r.Key)
			replacements = append(replacements, djsession.Replacement{Old: r})
		}
		m.failing(down)
		m.operations()
		created, createErr := store.CreateAll(ctx, records)
		replaced, replaceErr := store.ReplaceAll(ctx, replacements)
		_, liveErr := store.Live(ctx, keys)
		asked := len(strings.Fields(m.operations()))
		for op, err := range map[string]error{"CreateAll": createErr, "ReplaceAll": replaceErr, "Live": liveErr} {
			if !errors.Is(err, errDown) || strings.Contains(err.Error(), keyNumber(0)[10:]) {
				t.Errorf("%s: %v", op, err)
			}
		}
		for _, r := range append(created, replaced...) {
			if r.Record != nil || !errors.Is(r.Err, errDown) {
				t.Errorf("a result is %v, %v", r.Record, r.Err)
			}
		}
		if _, bulk := cache.(cachestore.BulkCache); !bulk && asked > 30 {
			t.Errorf("a cache that does not answer was asked %d times", asked)
		}
		m.failing(func(_, key string) error {
			if key == cacheKeyNumber(50) {
				return djsession.ErrOutcomeUnknown
			}
			return nil
		})
		if _, err := store.CreateAll(ctx, records); !errors.Is(err, djsession.ErrOutcomeUnknown) {
			t.Errorf("an unknown outcome is %v", err)
		}
	})
}

func TestBulkReadOnly(t *testing.T) {
	store, ctx := newStore(t, newMemory(), cachestore.Config{ReadOnly: true}), t.Context()
	r := &djsession.Record{Key: keyNumber(0)}
	_, createErr := store.CreateAll(ctx, []*djsession.Record{r})
	_, replaceErr := store.ReplaceAll(ctx, []djsession.Replacement{{Old: r}})
	for op, err := range map[string]error{"CreateAll": createErr, "ReplaceAll": replaceErr} {
		if !errors.Is(err, djsession.ErrReadOnly) {
			t.Errorf("%s: %v", op, err)
		}
	}
}

func TestEvicts(t *testing.T) {
	for want, cache := range map[string]cachestore.Cache{"": newMemory(), "it is small": inBulk{newMemory()}} {
		if reason, err := newStore(t, cache, cachestore.Config{}).Evicts(t.Context()); reason != want || err != nil {
			t.Errorf("%q, %v, want %q", reason, err, want)
		}
	}
}
