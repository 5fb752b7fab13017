package cachestore

import (
	"fmt"
	"testing"
	"time"
)

// What is stale goes at once, and everything again once all who know the old row have
// had their time.
func TestWhenSuspectsAreDue(t *testing.T) {
	s := newSuspects(func(string, suspicion) bool { return true })
	defer s.close()
	for why, wait := range map[suspicion]time.Duration{unsettled: settleTime, unsure: settleTime, stale: 0} {
		before := time.Now()
		k := newSuspect(why)
		if k.due.Before(before.Add(wait)) || k.due.After(time.Now().Add(wait)) {
			t.Errorf("%d is due after %v", why, k.due.Sub(before))
		}
		s.mu.Lock()
		s.keys["a"] = k
		s.mu.Unlock()
		s.round(func(suspect) bool { return true })
		want := unsettled
		if why == unsettled {
			want = 0
		}
		if got := s.keys["a"].suspicion; got != want {
			t.Errorf("%d, removed, is %d", why, got)
		}
	}
}

// When there is more to remember than is allowed, nothing that is cached is relied on.
func TestTooManySuspects(t *testing.T) {
	s := newSuspects(func(string, suspicion) bool { return false })
	defer s.close()
	for i := range maxSuspects {
		if !s.add(fmt.Sprint(i), stale) {
			t.Fatalf("no room for number %d", i)
		}
	}
	if s.of("another") != 0 {
		t.Error("a key is suspected for nothing")
	}
	if !s.add("another", unsettled) || s.of("another") != 0 {
		t.Error("what has been removed need not be remembered")
	}
	if !s.add("1", unsure) || s.of("1") != stale {
		t.Error("what is stale is not any more")
	}
	if s.add("another", stale) || s.of("another") != stale || s.of("a third") != stale {
		t.Error("a stale key is lost and forgotten")
	}
	if left := s.close(); left != maxSuspects {
		t.Errorf("%d are left", left)
	}
	if s.close() != 0 {
		t.Error("closed twice")
	}
}

// One server of several that is down does not keep the others' entries where they are.
func TestSuspectsOnServerThatIsDown(t *testing.T) {
	removed := map[string]bool{}
	s := newSuspects(func(key string, _ suspicion) bool {
		if key[0] == 'b' {
			return false
		}
		removed[key] = true
		return true
	})
	for i := range 100 {
		s.mu.Lock()
		s.keys[fmt.Sprint("bad", i)], s.keys[fmt.Sprint("good", i)] = newSuspect(stale), newSuspect(stale)
		s.mu.Unlock()
	}
	s.round(func(suspect) bool { return true })
	if len(removed) != 100 {
		t.Errorf("%d of 100 are removed", len(removed))
	}
	for i, key := range s.due(func(suspect) bool { return true }) {
		if (key[0] == 'b') != (i >= 100) {
			t.Errorf("%s, number %d, has not its turn", key, i)
		}
	}
	if left := s.close(); left != 100 {
		t.Errorf("%d are left", left)
	}
}
