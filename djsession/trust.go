package djsession

import (
	"context"
	"errors"
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
	answer error         // what came of it

	told atomic.Int64 // when a refusal was last told of, in nanoseconds since 1970
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
	select {
	case t.asking <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-t.asking }()
	m.lookThrough(ctx)
	switch {
	case t.known.Load():
		return nil
	case errors.Is(t.answer, errors.ErrUnsupported):
		if unknown == "" {
			return nil
		}
		return ErrUnknownStore
	}
	return t.answer
}

// wondersAtStore is knowsStore for who does not need to know now: the store is looked
// through meanwhile.
func (m *Manager) wondersAtStore(ctx context.Context) error {
	t := &m.trust
	if m.AcceptEmptyStore || t.known.Load() {
		return nil
	}
	if _, ok := m.store.(Scanner); ok {
		select {
		case t.asking <- struct{}{}:
			go func() {
				defer func() { <-t.asking }()
				m.lookThrough(ctx)
			}()
		default: // somebody does
		}
	}
	return ErrUnknownStore
}

// lookThrough looks for a session that opens, now and then.
func (m *Manager) lookThrough(ctx context.Context) {
	t := &m.trust
	if t.known.Load() || !t.asked.IsZero() && time.Since(t.asked) < askEvery {
		return
	}
	ctx = m.lasting(ctx) // not for this visitor alone, who may leave
	opened, err := opensSome(ctx, m.store, Range{})
	if !opened && err == nil {
		opened, _ = opensSome(ctx, m.store, Range{Expired: true}) // what is dead and does not open says nothing
	}
	t.asked, t.answer = time.Now(), ErrUnknownStore
	switch {
	case opened:
		t.known.Store(true)
	case err != nil:
		t.answer = fmt.Errorf("is it the site's store? %w", err)
	}
}

// tells tells whether another refusal is worth a word: any visitor can bring one.
func (t *trust) tells() bool {
	now := time.Now().UnixNano()
	last := t.told.Load()
	return now-last >= int64(askEvery) && t.told.CompareAndSwap(last, now)
}
