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

// testFailedUpdate tests that nothing is written if the function that djsession.Update calls
// fails, or if there is no session.
func testFailedUpdate(f *fixture) {
	r := f.create("", `{"n":1}`)
	failure := errors.New("no")
	change := func(v *djsession.Values) error { return errors.Join(v.Set("n", 2), failure) }
	if _, err := djsession.Update(f.Context(), f.store, r.Key, change); !errors.Is(err, failure) {
		f.Errorf("djsession.Update with a function that fails: %v", err)
	}
	f.holds(r.Key, `{"n":1}`)
	f.replace(r, `{"n":3}`) // nothing was written: it is not a conflict
	const missing = "akeythatnobodyhasevercreated"
	_, err := djsession.Update(f.Context(), f.store, missing, func(v *djsession.Values) error { return v.Set("n", 2) })
	if !errors.Is(err, djsession.ErrNotFound) || errors.Is(err, djsession.ErrSessionDeleted) {
		f.Errorf("djsession.Update of a session that does not exist: %v", err)
	}
	f.fails("Load after djsession.Update", missing, second(f.store.Load(f.Context(), missing)), djsession.ErrNotFound)
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
