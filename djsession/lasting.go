package djsession

import (
	"context"
	"sync"
	"time"
)

// deadlines make contexts for what must not be left half done: they have the values
// of a request's context, do not end with it, and end after a time of their own.
//
// A timer for each save would cost more than all else that a save does here, so
// those of one second share one.
type deadlines struct {
	mu     sync.Mutex
	shared *deadline
	fresh  time.Time // until when it is given out
}

// saving returns a context that does not end with ctx, but after SaveTimeout or up to a
// second later.
func (m *Manager) saving(ctx context.Context) context.Context {
	ctx = context.WithoutCancel(ctx)
	if m.SaveTimeout <= 0 {
		return ctx
	}
	return lastingContext{ctx, m.deadlines.after(m.SaveTimeout)}
}

func (d *deadlines) after(timeout time.Duration) *deadline {
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shared == nil || now.After(d.fresh) {
		d.fresh = now.Add(time.Second)
		d.shared = newDeadline(d.fresh.Add(timeout))
	}
	return d.shared
}

// deadline is the end of some contexts.
type deadline struct {
	at   time.Time
	done chan struct{}
}

func newDeadline(at time.Time) *deadline {
	d := &deadline{at, make(chan struct{})}
	time.AfterFunc(time.Until(at), func() { close(d.done) })
	return d
}

// lastingContext has its values from one context, and its end from a deadline.
type lastingContext struct {
	context.Context
	end *deadline
}

func (c lastingContext) Deadline() (time.Time, bool) { return c.end.at, true }
func (c lastingContext) Done() <-chan struct{}       { return c.end.done }
func (c lastingContext) Err() error {
	select {
	case <-c.end.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}
