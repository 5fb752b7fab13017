package djsession

import (
	"sync"
	"sync/atomic"
)

// trust is whether a manager knows that its store is the site's: it has seen a
// session there that it did not make. See Manager.AcceptEmptyStore.
type trust struct {
	known atomic.Bool

	mu   sync.Mutex
	ours map[string]struct{} // keys of sessions that the manager made, until it knows
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

func (m *Manager) knowsStore() bool {
	return m.AcceptEmptyStore || m.trust.known.Load()
}
