package ops_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/ops"
)

// Several workers find what fits, a part of the store after the other, and a caller who has seen enough ends them.
func TestFind(t *testing.T) {
	store := memory(t)
	keys := slices.Sorted(slices.Values(fill(t, store, 600)))
	keysOf := func(s ops.Search, limit int) (found []string) {
		for r, err := range ops.Find(t.Context(), store, s) {
			if err != nil {
				t.Fatal(err)
			}
			if found = append(found, r.Key); len(found) == limit {
				break
			}
		}
		return found
	}
	if got := keysOf(ops.Search{}, 0); !slices.Equal(got, keys) {
		t.Errorf("all: %d of %d, or in another order", len(got), len(keys))
	}
	fits := func(r *djsession.Record) bool { return strings.ContainsAny(r.Key[5:6], "abc") }
	for _, workers := range []int{1, 2, 7} {
		var want []string
		for part := range workers {
			for r, err := range store.Scan(t.Context(), djsession.Range{Part: part, Parts: workers}) {
				if err == nil && fits(r) {
					want = append(want, r.Key)
				}
			}
		}
		if got := keysOf(ops.Search{Workers: workers, Fits: fits}, 0); !slices.Equal(got, want) {
			t.Errorf("%d workers: %d of %d, or in another order", workers, len(got), len(want))
		}
		if got := keysOf(ops.Search{Workers: workers, Fits: fits}, 10); !slices.Equal(got, want[:10]) {
			t.Errorf("%d workers, the first ones: %v", workers, got)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	seen := 0
	for _, err := range ops.Find(ctx, store, ops.Search{Workers: 2, Fits: fits}) {
		if seen++; seen == 5 {
			cancel()
		}
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("with a context that ended: %d, %v", seen, last)
	}
	if _, err := first(ops.Find(t.Context(), store, ops.Search{ByExpiry: true})); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("by expiry, from a store that cannot: %v", err)
	}
}

// first returns the first result of a search.
func first(search func(func(*djsession.Record, error) bool)) (r *djsession.Record, err error) {
	for r, err = range search {
		break
	}
	return r, err
}
