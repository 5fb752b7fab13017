package djsession

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// trust is whether a manager knows that its store is the site's: it has seen a
// session there that it did not make. See Manager.AcceptEmptyStore.
type trust struct {
	known atomic.Bool

	mu   sync.Mutex
	ours map[string]struct{} // keys of sessions that the manager made, until it knows

	asking sync.Mutex
	asked  time.Time // when the store was last looked through
}

// maxOurs bounds ours. Who made that many sessions, and never saw another, learns
// nothing more from those that visitors bring.
const maxOurs = 10_000

// made notes a session of the manager's own.
func (t *trust) made(key string) {
	if t.known.Load() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ours == nil {
		t.ours = map[string]struct{}{}
	}
	if len(t.ours) < maxOurs {
		t.ours[key] = struct{}{}
	}
}

// saw notes a session that the store has.
func (t *trust) saw(key string) {
	if t.known.Load() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ours := t.ours[key]; ours || len(t.ours) == maxOurs {
		return
	}
	t.known.Store(true)
	t.ours = nil
}

// isOurs tells whether a session is known to be the manager's own.
func (t *trust) isOurs(key string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ours := t.ours[key]
	return ours
}

// askEvery is how often a store is looked through that has shown no session yet.
const askEvery = 10 * time.Second

// knowsStore tells whether the store is the site's. If it has not shown yet, the
// store is looked through for a session that opens.
func (m *Manager) knowsStore(ctx context.Context) bool {
	t := &m.trust
	if m.AcceptEmptyStore || t.known.Load() {
		return true
	}
	t.asking.Lock()
	defer t.asking.Unlock()
	if !t.known.Load() && (t.asked.IsZero() || time.Since(t.asked) >= askEvery) {
		t.asked = time.Now()
		if opened, _ := opensSome(ctx, m.store, t.isOurs); opened {
			t.known.Store(true)
		}
	}
	return t.known.Load()
}
