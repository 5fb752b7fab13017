package cachetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
)

const (
	writers = 6
	writes  = 10 // of each writer
)

// Concurrent Swaps do not overwrite each other: every writer's change is stored.
func testConcurrentSwaps(t *testing.T, c *cache) {
	start := c.add(t, key, ".")
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			item := start
			for n := 0; n < writes; {
				next, err := c.Swap(t.Context(), key, item, append([]byte("."), item.Data...), time.Hour)
				var conflict *cachestore.ConflictError
				switch {
				case err == nil:
					item, n = next, n+1
				case errors.As(err, &conflict) && conflict.Current != nil:
					item = conflict.Current
				case errors.Is(err, djsession.ErrConflict):
					if item, err = c.Get(t.Context(), key); err != nil {
						t.Error(err)
						return
					}
				default:
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	c.wantStored(t, key, strings.Repeat(".", 1+writers*writes))
}

// One of several concurrent Adds stores its value, and the others return ErrKeyTaken.
func testConcurrentAdds(t *testing.T, c *cache) {
	for round := range writes {
		key := fmt.Sprint(key, round)
		var winner atomic.Value
		var all sync.WaitGroup
		for i := range writers {
			all.Go(func() {
				data := fmt.Sprint("of ", i)
				_, err := c.Add(t.Context(), key, []byte(data), time.Hour)
				switch {
				case err == nil && winner.Swap(data) != nil:
					t.Error("two Adds have stored their value")
				case err != nil && !errors.Is(err, djsession.ErrKeyTaken):
					t.Error(err)
				}
			})
		}
		all.Wait()
		if data, ok := winner.Load().(string); ok {
			c.wantStored(t, key, data)
		} else {
			t.Error("no Add has stored its value")
		}
	}
}

// One of several concurrent Deletes removes the item, and the others return ErrNotFound.
func testConcurrentDeletes(t *testing.T, c *cache) {
	for round := range writes {
		item := c.add(t, key, "one")
		var deleted atomic.Int64
		var all sync.WaitGroup
		for i := range writers {
			all.Go(func() {
				var err error
				if (round+i)%2 == 0 {
					err = c.Delete(t.Context(), key)
				} else {
					err = c.DeleteUnchanged(t.Context(), key, item)
				}
				switch {
				case err == nil:
					deleted.Add(1)
				case !errors.Is(err, djsession.ErrNotFound):
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := deleted.Load(); n != 1 {
			t.Errorf("%d of %d deletions have removed the item, want 1", n, writers)
		}
		c.wantGone(t, key)
	}
}

// A Swap and a DeleteUnchanged of the same item do not both succeed.
func testSwapAgainstDelete(t *testing.T, c *cache) {
	for range writes {
		item := c.add(t, key, "one")
		var swapErr, deleteErr error
		var all sync.WaitGroup
		all.Go(func() { _, swapErr = c.Swap(t.Context(), key, item, []byte("two"), time.Hour) })
		all.Go(func() { deleteErr = c.DeleteUnchanged(t.Context(), key, item) })
		all.Wait()
		switch {
		case swapErr == nil:
			wantError(t, "DeleteUnchanged", deleteErr, djsession.ErrConflict)
			c.wantStored(t, key, "two")
			if err := c.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		case deleteErr == nil:
			wantError(t, "Swap", swapErr, djsession.ErrNotFound)
			c.wantGone(t, key)
		default:
			t.Fatalf("neither succeeds: %v, %v", swapErr, deleteErr)
		}
	}
}
