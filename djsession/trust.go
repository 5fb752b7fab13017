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

	asking chan struct{} // holds one while the store is looked through
	asked  time.Time     // when it last was
}

// maxOurs bounds ours. Who made that many sessions, and never saw another, learns
// nothing more from those that visitors bring.
const maxOurs = 10_000

// full tells whether there are sessions of the manager's own that it has not noted.
func (t *trust) full() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.ours) == maxOurs
}

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
// store is looked through for a session that opens, be it a dead one.
func (m *Manager) knowsStore(ctx context.Context) bool {
	t := &m.trust
	if m.AcceptEmptyStore || t.known.Load() {
		return true
	}
	select {
	case t.asking <- struct{}{}:
	case <-ctx.Done():
		return t.known.Load()
	}
	defer func() { <-t.asking }()
	if t.known.Load() || !t.asked.IsZero() && time.Since(t.asked) < askEvery || t.full() {
		return t.known.Load()
	}
	// Not for this visitor alone, who may leave.
	ctx, cancel := m.lasting(ctx)
	defer cancel()
	opened, _ := opensSome(ctx, m.store, Range{Expired: true}, t.isOurs)
	t.asked = time.Now()
	if opened {
		t.known.Store(true)
	}
	return opened
}
