// Package severally does the same to many items, a few at a time. It is for servers that take
// one item in a request.
package severally

import (
	"sync"
	"sync/atomic"
)

// atOnce is how many items are worked on at the same time. Each may use a connection, of which
// the stores have about 10.
const atOnce = 4

// Do calls do for the items 0 to n-1, and returns when all are done. After an error of do it calls
// skip for the items that have not begun.
func Do(n int, do func(item int) error, skip func(item int, err error)) {
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var all sync.WaitGroup
	for range min(n, atOnce) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := failed.Load(); err != nil {
					skip(i, *err)
				} else if err := do(i); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	all.Wait()
}
