package cachestore

import (
	"sync"
	"time"
)

// removal is a pending removal of a stale entry from the cache. While it is pending, the
// database is asked first.
type removal struct {
	// due is the time of the last removal: by then, every reader of the old row has cached
	// it.
	due time.Time
	// retry: the entry has not been removed since the write. Every round tries again.
	retry bool
	// written: the row was written, so the entry is not served any more. If written is false,
	// the outcome of the write is unknown: while the database is down, the entry is served
	// and kept.
	written bool
}

const (
	// settleTime is how long a reader of a row may take to cache it.
	settleTime = 2 * time.Second
	// removeEvery is the time between two rounds.
	removeEvery = 500 * time.Millisecond
	// failingTime is how long a round may spend on removals that fail.
	failingTime = 5 * time.Second
	// maxRemovals bounds the memory that pending removals take, to some 20 MB.
	maxRemovals = 1 << 17
)

// removals are the pending removals by session key. While there are any, a timer starts one
// round after another.
type removals struct {
	// remove removes an entry and reports whether that succeeded.
	remove func(key string) bool
	// databaseAnswers reports whether the database answers.
	databaseAnswers func() bool
	// onFull is called once, when full is set.
	onFull func()

	inRound sync.Mutex // one round at a time

	mu      sync.Mutex
	pending map[string]removal
	// full: there was no room for a removal. From then on no entry of the cache is served.
	full    bool
	ticking bool // the timer is set, or has started a round
	closed  bool
}

func newRemovals(remove func(key string) bool, databaseAnswers func() bool, onFull func()) *removals {
	return &removals{remove: remove, databaseAnswers: databaseAnswers, onFull: onFull, pending: map[string]removal{}}
}

// of returns the pending removal of a key's entry.
func (q *removals) of(key string) (r removal, pending bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.full {
		return removal{written: true}, true
	}
	r, pending = q.pending[key]
	return r, pending
}

// put adds a removal, or postpones the pending one. If there is no room for a removal that must
// be retried, it sets full.
func (q *removals) put(key string, r removal) {
	r.due = time.Now().Add(settleTime)
	if !r.written {
		r.due = r.due.Add(settleTime) // the write itself may come late
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	before, known := q.pending[key]
	if !known && len(q.pending) >= maxRemovals {
		if r.retry && !q.full {
			q.full = true
			q.onFull()
		}
		return
	}
	if before.retry && !r.written { // that write's removal is still pending
		r.retry, r.written = true, before.written
	}
	q.pending[key] = r
	if !q.ticking {
		q.ticking = true
		time.AfterFunc(removeEvery, q.tick)
	}
}

func (q *removals) tick() {
	q.round(time.Now())
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ticking = len(q.pending) > 0; q.ticking {
		time.AfterFunc(removeEvery, q.tick)
	}
}

// round does the removals that are due by now, and the retries.
func (q *removals) round(now time.Time) {
	q.inRound.Lock()
	defer q.inRound.Unlock()
	databaseAnswers := sync.OnceValue(q.databaseAnswers)
	var failing time.Duration
	for _, k := range q.toDo(now) {
		if !k.written && !databaseAnswers() {
			continue
		}
		start := time.Now()
		removed := q.remove(k.key)
		q.done(k, now, removed)
		if removed {
			continue
		}
		if failing += time.Since(start); failing > failingTime {
			return // the next round continues
		}
	}
}

type keyedRemoval struct {
	key string
	removal
}

// toDo returns the removals for a round. Retries come last: if one of several cache servers is
// down, its entries must not delay those of the other servers.
func (q *removals) toDo(now time.Time) (first []keyedRemoval) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var last []keyedRemoval
	for key, r := range q.pending {
		switch {
		case r.retry:
			last = append(last, keyedRemoval{key, r})
		case !r.due.After(now):
			first = append(first, keyedRemoval{key, r})
		}
	}
	return append(first, last...)
}

// done records whether a removal succeeded, unless another write came meanwhile.
func (q *removals) done(k keyedRemoval, now time.Time, removed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.pending[k.key] != k.removal:
	case removed && !k.due.After(now):
		delete(q.pending, k.key)
	default:
		k.retry = !removed
		q.pending[k.key] = k.removal
	}
}

// close does all pending removals, due or not. It drops those that fail and returns how many
// they are.
func (q *removals) close() (left int) {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.round(time.Now().Add(2 * settleTime)) // when all are due
	q.mu.Lock()
	defer q.mu.Unlock()
	defer clear(q.pending)
	return len(q.pending)
}
