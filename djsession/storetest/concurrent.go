package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/djsess/djsess/djsession"
)

// testWriters tests that no update is lost when several goroutines change one session.
func testWriters(f *fixture) {
	const writers, each = 6, 15
	key := f.create("", `{"n":0,"keep":NaN}`).Key
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for range each {
				_, err := djsession.Update(f.Context(), f.store, key, func(v *djsession.Values) error {
					var n int
					if err := v.Get("n", &n); err != nil {
						return err
					}
					return v.Set("n", n+1)
				})
				if err != nil {
					f.Errorf("djsession.Update: %v", err)
					return
				}
			}
		})
	}
	all.Wait()
	f.holds(key, `{"n":90,"keep":NaN}`)
}

// testCreators tests that only one of several goroutines gets a key.
func testCreators(f *fixture) {
	const key = "akeythatseveralwanttohave"
	for range 5 {
		var all sync.WaitGroup
		var created atomic.Int64
		for range 6 {
			all.Go(func() {
				_, err := f.store.Create(f.Context(), key, nil, time.Time{})
				switch {
				case err == nil:
					created.Add(1)
				case !errors.Is(err, djsession.ErrKeyTaken):
					f.Errorf("Create: %v", err)
				}
			})
		}
		all.Wait()
		if n := created.Load(); n != 1 {
			f.Errorf("%d goroutines created the session of one key", n)
		}
		if err := f.store.Delete(f.Context(), key); err != nil {
			f.Errorf("Delete: %v", err)
		}
	}
}
