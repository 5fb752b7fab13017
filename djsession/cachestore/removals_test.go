package cachestore

import (
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
)

func yes() bool { return true }

// An entry is removed once more when every reader of the old row has had its time to
// cache it. If the write could not remove it, it is removed before that, too.
func TestWhenRemovalsAreDone(t *testing.T) {
	for name, test := range map[string]struct {
		removal
		due   time.Duration
		early bool
	}{
		"removed at the write":     {removal{written: true}, settleTime, false},
		"not removed at the write": {removal{written: true, retry: true}, settleTime, true},
		"outcome unknown":          {removal{retry: true}, 2 * settleTime, true},
		"perhaps cached":           {removal{}, 2 * settleTime, false},
	} {
		n := 0
		q := newRemovals(func(string) bool { n++; return true }, yes, t.FailNow)
		q.ticking = true // no rounds but the test's
		before := time.Now()
		q.put("a", test.removal)
		r, pending := q.of("a")
		if !pending || r.due.Before(before.Add(test.due)) || r.due.After(time.Now().Add(test.due)) {
			t.Errorf("%s: pending %v, due after %v", name, pending, r.due.Sub(before))
		}
		q.round(r.due.Add(-1))
		q.round(r.due.Add(-1))
		if early := n == 1; early != test.early || n > 1 {
			t.Errorf("%s: removed %d times before it is due", name, n)
		}
		if _, pending := q.of("a"); !pending {
			t.Errorf("%s: not pending before it is due", name)
		}
		n = 0
		q.round(r.due)
		if _, pending := q.of("a"); n != 1 || pending {
			t.Errorf("%s: removed %d times when it is due, pending %v", name, n, pending)
		}
	}
}

// While the database is down, an entry is kept unless it is known to be older than the
// row. A later write with an unknown outcome does not change that.
func TestRemovalsWhileDatabaseIsDown(t *testing.T) {
	answers, asked, removed := false, 0, map[string]bool{}
	q := newRemovals(func(key string) bool { removed[key] = true; return true },
		func() bool { asked++; return answers }, t.FailNow)
	q.ticking = true
	q.put("written", removal{written: true, retry: true})
	q.put("written", removal{retry: true})
	q.put("unknown", removal{retry: true})
	q.put("unknown too", removal{written: true}) // and removed
	q.put("unknown too", removal{retry: true})
	for key, want := range map[string]bool{"written": true, "unknown": false, "unknown too": false} {
		if r, pending := q.of(key); !pending || r.written != want {
			t.Errorf("%s: pending %v, %+v", key, pending, r)
		}
	}
	q.round(time.Now())
	if len(removed) != 1 || !removed["written"] || asked != 1 {
		t.Errorf("removed %v, the database was asked %d times", removed, asked)
	}
	answers = true
	q.round(time.Now())
	if len(removed) != 3 {
		t.Errorf("removed %v", removed)
	}
}

// A removal that is put again during a round stays pending.
func TestRemovalPutAgain(t *testing.T) {
	var q *removals
	q = newRemovals(func(key string) bool { q.put(key, removal{written: true}); return true }, yes, t.FailNow)
	q.ticking = true
	q.put("a", removal{written: true, retry: true})
	q.round(time.Now().Add(settleTime))
	if r, pending := q.of("a"); !pending || r.retry {
		t.Errorf("pending %v, %+v", pending, r)
	}
}

// When there are too many removals to remember, no entry of the cache is served.
func TestTooManyRemovals(t *testing.T) {
	told := 0
	q := newRemovals(func(string) bool { return false }, yes, func() { told++ })
	q.ticking = true
	for i := range maxRemovals {
		q.put(fmt.Sprint(i), removal{written: true, retry: true})
	}
	q.put("another", removal{written: true}) // which was removed once
	q.put("1", removal{retry: true})         // for which there is room
	if _, pending := q.of("another"); pending || told != 0 {
		t.Error("pending for nothing")
	}
	q.put("another", removal{retry: true})
	q.put("a third", removal{retry: true})
	for _, key := range []string{"another", "anything"} {
		if r, pending := q.of(key); !pending || !r.written {
			t.Errorf("the entry of %s is relied on", key)
		}
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
	if left := q.close(); left != maxRemovals {
		t.Errorf("%d are left", left)
	}
	if q.close() != 0 {
		t.Error("closed twice")
	}
}

// One server that is down does not delay the removals on other servers.
func TestRemovalsOnServerThatIsDown(t *testing.T) {
	removed := map[string]bool{}
	q := newRemovals(func(key string) bool {
		if key[0] == 'b' {
			return false
		}
		removed[key] = true
		return true
	}, yes, t.FailNow)
	q.ticking = true
	for i := range 100 {
		q.put(fmt.Sprint("bad", i), removal{written: true, retry: true})
		q.put(fmt.Sprint("good", i), removal{written: true, retry: true})
	}
	q.round(time.Now())
	if len(removed) != 100 {
		t.Errorf("%d of 100 are removed", len(removed))
	}
	todo := q.toDo(time.Now().Add(settleTime))
	for i, k := range todo {
		if (k.key[0] == 'b') != (i >= 100) {
			t.Errorf("%s, number %d, has not its turn", k.key, i)
		}
	}
	if len(todo) != 200 {
		t.Errorf("%d are to be done", len(todo))
	}
	if left := q.close(); left != 100 {
		t.Errorf("%d are left", left)
	}
}

// While nothing is pending, and after Close, no timer runs.
func TestRemovalsAreDoneByThemselves(t *testing.T) {
	t.Parallel()
	removed := make(chan string, 10)
	q := newRemovals(func(key string) bool { removed <- key; return true }, yes, t.FailNow)
	q.put("a", removal{written: true})
	if key := <-removed; key != "a" {
		t.Errorf("removed %s", key)
	}
	for ticking := true; ticking; time.Sleep(time.Millisecond) {
		q.mu.Lock()
		ticking = q.ticking
		q.mu.Unlock()
	}
	q.put("b", removal{written: true, retry: true})
	if key := <-removed; key != "b" {
		t.Errorf("removed %s", key)
	}
	if left := q.close(); left != 0 {
		t.Errorf("%d are left", left)
	}
	q.put("c", removal{written: true, retry: true})
	for ticking := true; ticking; time.Sleep(time.Millisecond) {
		q.mu.Lock()
		ticking = q.ticking
		q.mu.Unlock()
	}
	if _, pending := q.of("c"); pending {
		t.Error("pending after close")
	}
}

// After a write the entry is served only if the row was not changed.
func TestWhatIsPendingAfterWrite(t *testing.T) {
	for name, test := range map[string]struct {
		err     error
		pending bool
	}{
		"outcome unknown":   {fmt.Errorf("write: %w", djsession.ErrOutcomeUnknown), true},
		"unknown, and busy": {fmt.Errorf("%w: %w", djsession.ErrOutcomeUnknown, djsession.ErrBusy), true},
		"connection lost":   {io.ErrUnexpectedEOF, true},
		"refused":           {djsession.ErrBusy, false},
	} {
		c := &CachedDB{log: &cacheLog{logger: slog.New(slog.DiscardHandler)}}
		c.removals = newRemovals(nil, nil, nil)
		c.removals.ticking = true
		c.written(t.Context(), "a", test.err)
		if r, pending := c.removals.of("a"); pending != test.pending || r.written || r.retry != pending {
			t.Errorf("%s: pending %v, %+v", name, pending, r)
		}
	}
}
