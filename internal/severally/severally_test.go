package severally_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/djsess/djsess/internal/severally"
)

func TestDo(t *testing.T) {
	for _, n := range []int{0, 1, 3, 100} {
		done := make([]atomic.Int64, n)
		var now atomic.Int64
		severally.Do(n, func(i int) error {
			if at := now.Add(1); at > 4 {
				t.Errorf("%d at the same time", at)
			}
			done[i].Add(1)
			now.Add(-1)
			return nil
		}, func(i int, err error) { t.Errorf("item %d is skipped: %v", i, err) })
		for i := range done {
			if times := done[i].Load(); times != 1 {
				t.Errorf("item %d of %d was done %d times", i, n, times)
			}
		}
	}
}

// After an error, the items that have not begun are skipped with that error.
func TestDoFails(t *testing.T) {
	failure := errors.New("no answer")
	const n = 100
	var begun, skipped atomic.Int64
	severally.Do(n, func(int) error { begun.Add(1); return failure }, func(_ int, err error) {
		skipped.Add(1)
		if err != failure {
			t.Error(err)
		}
	})
	if begun.Load() > 4 || begun.Load()+skipped.Load() != n {
		t.Errorf("%d items were begun and %d skipped, of %d", begun.Load(), skipped.Load(), n)
	}
}
