package cachestore

import (
	"sync"
	"time"
)

// suspicion is why what is cached under a key may be older than the row; zero is that it
// is not.
type suspicion int

const (
	// unsettled: it was removed a moment ago, and somebody who knew the row from
	// before may have cached it again.
	unsettled suspicion = iota + 1
	// unsure: nobody knows whether the row was written.
	unsure
	// stale: it is older, and could not be removed.
	stale
)

const (
	// settleTime is how long somebody may take from a row to the cache.
	settleTime = 2 * time.Second
	// removeEvery is how often those that are due are removed.
	removeEvery = 500 * time.Millisecond
	// maxSuspects bounds how much is remembered: some 20 MB.
	maxSuspects = 1 << 17
)

// suspects are keys of which something may be cached that is older than the row. They
// are removed from the cache, by and by.
type suspects struct {
	remove func(key string, s suspicion) bool

	mu   sync.Mutex
	keys map[string]suspect
	// lost is set once there were too many: then nothing in the cache is to be relied on.
	lost    bool
	running bool
	closing chan struct{}
	stopped sync.WaitGroup
}

type suspect struct {
	suspicion
	due time.Time
	// failed: it could not be removed. One of several servers may be down, and so the
	// others' come first.
	failed bool
}

func newSuspect(why suspicion) suspect {
	due := time.Now()
	if why != stale {
		due = due.Add(settleTime)
	}
	return suspect{suspicion: why, due: due}
}

func newSuspects(remove func(key string, s suspicion) bool) *suspects {
	return &suspects{remove: remove, keys: map[string]suspect{}, closing: make(chan struct{})}
}

// of is what is known of a key.
func (s *suspects) of(key string) suspicion {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost {
		return stale
	}
	found := s.keys[key].suspicion
	if found == unsure {
		return unsettled // to who reads, it is the same
	}
	return found
}

// add remembers a key. It returns false when there are too many to be.
func (s *suspects) add(key string, why suspicion) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, known := s.keys[key]
	if !known && len(s.keys) >= maxSuspects {
		s.lost = s.lost || why != unsettled
		return why == unsettled
	}
	if why == unsure && before.suspicion == stale {
		why = stale
	}
	s.keys[key] = newSuspect(why)
	if !s.running && !s.isClosing() {
		s.running = true
		s.stopped.Go(s.run)
	}
	return true
}

func (s *suspects) isClosing() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}

// run removes suspects as long as there are any.
func (s *suspects) run() {
	ticker := time.NewTicker(removeEvery)
	defer ticker.Stop()
	for {
		select {
		case <-s.closing:
			return
		case now := <-ticker.C:
			s.round(func(k suspect) bool { return !k.due.After(now) })
		}
		s.mu.Lock()
		if len(s.keys) == 0 {
			s.running = false
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
	}
}

// failingTime is how long a round may take over what cannot be removed.
const failingTime = 5 * time.Second

// round removes those that are due. What was stale stays suspected for as long as after
// any other write.
func (s *suspects) round(isDue func(suspect) bool) {
	databaseIsDown := false
	var failing time.Duration
	for _, key := range s.due(isDue) {
		s.mu.Lock()
		k, ok := s.keys[key]
		s.mu.Unlock()
		if !ok || databaseIsDown && k.suspicion == unsure {
			continue
		}
		start := time.Now()
		switch {
		case s.remove(key, k.suspicion):
			s.removed(key, k)
			continue
		case k.suspicion == unsure:
			databaseIsDown = true
		default:
			s.postpone(key, k)
		}
		if failing += time.Since(start); failing > failingTime {
			return // the others in the next round
		}
	}
}

// due are the keys that are to be removed, those that have failed before last.
func (s *suspects) due(isDue func(suspect) bool) (keys []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var failed []string
	for key, k := range s.keys {
		switch {
		case !isDue(k):
		case k.failed:
			failed = append(failed, key)
		default:
			keys = append(keys, key)
		}
	}
	return append(keys, failed...)
}

// postpone has a key that could not be removed wait for its turn again.
func (s *suspects) postpone(key string, k suspect) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys[key] == k { // and not suspected anew
		k.failed = true
		s.keys[key] = k
	}
}

func (s *suspects) removed(key string, k suspect) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.keys[key] != k: // suspected anew
	case k.suspicion == unsettled:
		delete(s.keys, key)
	default:
		s.keys[key] = newSuspect(unsettled)
	}
}

// close removes what can be removed, and returns how many are left that are stale or
// may be.
func (s *suspects) close() (left int) {
	s.mu.Lock()
	if s.isClosing() {
		s.mu.Unlock()
		return 0
	}
	close(s.closing)
	s.mu.Unlock()
	s.stopped.Wait()
	s.round(func(suspect) bool { return true })
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.keys {
		if k.suspicion != unsettled {
			left++
		}
	}
	return left
}
