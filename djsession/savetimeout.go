package djsession

import (
	"context"
	"sync"
	"time"
)

// saveContext returns a context for a save. It outlives ctx, so that no save is left half done.
// It ends after SaveTimeout, or up to a second later.
func (m *Manager) saveContext(ctx context.Context) context.Context {
	ctx = context.WithoutCancel(ctx)
	if m.SaveTimeout <= 0 {
		return ctx
	}
	return deadlineContext{ctx, m.deadlines.next(m.SaveTimeout)}
}

// deadlines gives the saves of one second a common deadline. A timer for each save would
// cost more than the rest of the save does here.
type deadlines struct {
	mu       sync.Mutex
	current  *deadline
	newAfter time.Time // when the next save gets a new deadline
}

func (d *deadlines) next(timeout time.Duration) *deadline {
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.current == nil || now.After(d.newAfter) {
		d.newAfter = now.Add(time.Second)
		d.current = newDeadline(d.newAfter.Add(timeout))
	}
	return d.current
}

// deadline is the end of several contexts.
type deadline struct {
	at   time.Time
	done chan struct{}
}

func newDeadline(at time.Time) *deadline {
	d := &deadline{at, make(chan struct{})}
	time.AfterFunc(time.Until(at), func() { close(d.done) })
	return d
}

// deadlineContext has the values of a context and the end of a deadline.
type deadlineContext struct {
	context.Context
	end *deadline
}

func (c deadlineContext) Deadline() (time.Time, bool) { return c.end.at, true }
func (c deadlineContext) Done() <-chan struct{}       { return c.end.done }
func (c deadlineContext) Err() error {
	select {
	case <-c.end.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}
