package cachestore

import (
	"context"
	"errors"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/severally"
)

// CreateAll stores each record's Values and Expires under its key, as Create does. If a key is
// empty, the store chooses one.
func (s *Store) CreateAll(ctx context.Context, records []*djsession.Record) ([]djsession.BulkResult, error) {
	b := s.newBulk("create", len(records))
	for i, r := range records {
		key := r.Key
		if key == "" {
			key = djsession.NewKey()
		}
		b.add(i, key, nil, r.Values, r.Expires)
	}
	return b.send(ctx, s.bulkCache().AddAll)
}

// ReplaceAll replaces each session if the cache still holds the item that it was read from, as
// Replace does.
func (s *Store) ReplaceAll(ctx context.Context, replacements []djsession.Replacement) ([]djsession.BulkResult, error) {
	b := s.newBulk("replace", len(replacements))
	for i, r := range replacements {
		before, _ := r.Old.Version.(*Item) // without one, the cache returns a conflict
		expires, err := s.keptExpiry(r.Old, r.Expires)
		if err != nil {
			b.results[i].Err = opError(b.op, r.Old.Key, err)
			continue
		}
		b.add(i, r.Old.Key, before, r.Values, expires)
	}
	return b.send(ctx, s.bulkCache().SwapAll)
}

// Live reports for each key whether the cache has something under it that has not ended.
func (s *Store) Live(ctx context.Context, keys []string) ([]bool, error) {
	live := make([]bool, len(keys))
	var positions []int
	var cacheKeys []string
	for i, key := range keys {
		if djsession.ValidateKey(key) == nil {
			positions = append(positions, i)
			cacheKeys = append(cacheKeys, s.keys.cacheKey(key))
		}
	}
	found, err := s.bulkCache().Has(ctx, cacheKeys)
	if err != nil {
		return nil, opError("look for", "", err)
	}
	for i, is := range found {
		live[positions[i]] = is
	}
	return live, nil
}

// bulk is many sessions to store.
type bulk struct {
	store   *Store
	op      string
	results []djsession.BulkResult
	pending []pending
	writes  []BulkWrite // of pending
}

// pending is a session that can be stored, and where its result belongs.
type pending struct {
	payload
	key    string
	result *djsession.BulkResult
}

func (s *Store) newBulk(op string, n int) *bulk {
	return &bulk{store: s, op: op, results: make([]djsession.BulkResult, n)}
}

// add adds the session number i, unless it cannot be stored.
func (b *bulk) add(i int, key string, old *Item, v *djsession.Values, expires time.Time) {
	result := &b.results[i]
	p, err := b.store.payloadFor(key, v, expires)
	if err != nil {
		result.Err = opError(b.op, key, err)
		return
	}
	b.pending = append(b.pending, pending{p, key, result})
	b.writes = append(b.writes, BulkWrite{Key: b.store.keys.cacheKey(key), Old: old, Data: p.data, Timeout: p.timeout})
}

// send stores the sessions. If the cache did not answer, or refused, it also returns an error.
func (b *bulk) send(ctx context.Context, send func(context.Context, []BulkWrite) []BulkResult) (_ []djsession.BulkResult, failed error) {
	if b.store.readOnly {
		return nil, opError(b.op, "", djsession.ErrReadOnly)
	}
	for i, written := range send(ctx, b.writes) {
		p := b.pending[i]
		if written.Err == nil {
			p.result.Record = p.record(p.key, written.Item)
			continue
		}
		err := b.store.conflict(ctx, p.key, written.Err)
		p.result.Err = opError(b.op, p.key, err)
		if failed == nil && unlessOfItem(err) != nil {
			failed = opError(b.op, "", err)
		}
	}
	return b.results, failed
}

// unlessOfItem returns nil for the cache's answer about one item, and any other error. After such
// an error the cache may fail for every item.
func unlessOfItem(err error) error {
	for _, answer := range []error{
		djsession.ErrNotFound, djsession.ErrKeyTaken, djsession.ErrConflict, djsession.ErrInvalidKey,
		djsession.ErrTooLarge, djsession.ErrMalformed,
	} {
		if errors.Is(err, answer) {
			return nil
		}
	}
	return err
}

// bulkCache returns the cache as a BulkCache.
func (s *sessions) bulkCache() BulkCache {
	if c, ok := s.cache.(BulkCache); ok {
		return c
	}
	return oneByOne{s.cache}
}

// oneByOne is a BulkCache over a Cache that takes one item in a request. It works on a few items
// at the same time.
type oneByOne struct{ cache Cache }

func (c oneByOne) AddAll(ctx context.Context, writes []BulkWrite) []BulkResult {
	return c.all(writes, func(w BulkWrite) (*Item, error) { return c.cache.Add(ctx, w.Key, w.Data, w.Timeout) })
}

func (c oneByOne) SwapAll(ctx context.Context, writes []BulkWrite) []BulkResult {
	return c.all(writes, func(w BulkWrite) (*Item, error) {
		return c.cache.Swap(ctx, w.Key, w.Old, w.Data, w.Timeout)
	})
}

func (c oneByOne) all(writes []BulkWrite, write func(BulkWrite) (*Item, error)) []BulkResult {
	results := make([]BulkResult, len(writes))
	start := time.Now()
	// The writes of one key are made in their order, by one goroutine.
	groups := make([][]int, 0, len(writes))
	groupOf := make(map[string]int, len(writes))
	for i, w := range writes {
		g, ok := groupOf[w.Key]
		if !ok {
			g = len(groups)
			groupOf[w.Key], groups = g, append(groups, nil)
		}
		groups[g] = append(groups[g], i)
	}
	severally.Do(len(groups), func(g int) (failure error) {
		for _, i := range groups[g] {
			r := &results[i]
			if r.Err = failure; failure == nil {
				w := writes[i]
				if w.Timeout > 0 { // it counts from the call, and the writes before this one took a while
					w.Timeout = max(w.Timeout-time.Since(start), 1)
				}
				r.Item, r.Err = write(w)
				failure = unlessOfItem(r.Err)
			}
		}
		return failure
	}, func(g int, err error) {
		for _, i := range groups[g] {
			results[i].Err = err
		}
	})
	return results
}

func (c oneByOne) Has(ctx context.Context, keys []string) ([]bool, error) {
	has, errs := make([]bool, len(keys)), make([]error, len(keys))
	severally.Do(len(keys), func(i int) error {
		_, err := c.cache.Get(ctx, keys[i])
		has[i] = err == nil || errors.As(err, new(*djsession.PayloadError))
		errs[i] = unlessOfItem(err)
		return errs[i]
	}, func(int, error) {})
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return has, nil
}
