package severally_test

import (
	"sync/atomic"
	"testing"

	"github.com/djsess/djsess/internal/severally"
)

func TestDo(t *testing.T) {
	for _, n := range []int{0, 1, 3, 100} {
		done := make([]atomic.Int64, n)
		var now atomic.Int64
		severally.Do(n, func(i int) {
			if at := now.Add(1); at > 4 {
				t.Errorf("%d at the same time", at)
			}
			done[i].Add(1)
			now.Add(-1)
		})
		for i := range done {
			if times := done[i].Load(); times != 1 {
				t.Errorf("item %d of %d was done %d times", i, n, times)
			}
		}
	}
}
