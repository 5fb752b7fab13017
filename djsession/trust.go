package djsession

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// trust is whether a manager knows that its store is the site's: it has seen a
// session there that opens. See Manager.AcceptEmptyStore.
type trust struct {
	known atomic.Bool

	asking chan struct{} // holds one while the store is looked through
	asked  time.Time     // when it last was
}

// askEvery is how often a store is looked through that has shown no session yet.
const askEvery = 10 * time.Second

// knowsStore is an ErrUnknownStore when the store may be another site's. If it has
// not shown yet, it is looked through for a session that opens, be it a dead one. A
// store that cannot be looked through is believed as long as nothing speaks
// against it, as the unknown key of a visitor does.
func (m *Manager) knowsStore(ctx context.Context, unknown string) error {
	t := &m.trust
	if m.AcceptEmptyStore || t.known.Load() {
		return nil
	}
	if _, ok := m.store.(Scanner); !ok {
		if unknown == "" {
			return nil
		}
		return ErrUnknownStore
	}
	select {
	case t.asking <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-t.asking }()
	if t.known.Load() {
		return nil
	}
	if !t.asked.IsZero() && time.Since(t.asked) < askEvery {
		return ErrUnknownStore
	}
	// Not for this visitor alone, who may leave.
	ctx = m.lasting(ctx)
	opened, err := opensSome(ctx, m.store, Range{Expired: true})
	switch {
	case opened:
		t.known.Store(true)
		return nil
	case err != nil:
		return fmt.Errorf("is it the site's store? %w", err)
	}
	t.asked = time.Now()
	return ErrUnknownStore
}
