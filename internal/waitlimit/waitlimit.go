// Package waitlimit bounds how long a store waits for its server when the caller's
// context does not.
package waitlimit

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// Default is the limit for connecting, for a load, and for a page of a scan.
	Default = 10 * time.Second
	// Write is the limit for a write to a database. It is longer than the 50 seconds for
	// which InnoDB waits for a row's lock. InnoDB's error says that nothing was written,
	// whereas a write that reaches our limit may still be made.
	Write = time.Minute
)

// Reached is the error of a limit that was reached. It is a context.DeadlineExceeded to
// errors.Is.
type Reached struct {
	// After is the limit.
	After time.Duration
}

func (e Reached) Error() string { return fmt.Sprintf("no answer within %s", e.After) }

// Timeout returns true, as the timeouts of package net do.
func (Reached) Timeout() bool { return true }

// Is makes Reached a context.DeadlineExceeded.
func (Reached) Is(target error) bool { return target == context.DeadlineExceeded }

// Context returns a context that ends with its parent or after a limit. A limit that is not
// positive is none.
func Context(parent context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if limit <= 0 {
		return parent, func() {}
	}
	if deadline, ok := parent.Deadline(); ok && time.Until(deadline) <= limit {
		return parent, func() {} // the parent ends first, as in every save, and a new context would be expensive
	}
	return context.WithTimeoutCause(parent, limit, Reached{limit})
}

// Deadline returns a context with a deadline but no timer: its Done channel closes only with its
// parent's. It is for a client that sets the deadline on its connection, and costs a fraction of
// Context.
func Deadline(parent context.Context, limit time.Duration) context.Context {
	at := time.Now().Add(limit)
	if deadline, ok := parent.Deadline(); limit <= 0 || ok && deadline.Before(at) {
		return parent
	}
	return deadlineContext{parent, at, limit}
}

type deadlineContext struct {
	context.Context
	at    time.Time
	limit time.Duration
}

func (c deadlineContext) Deadline() (time.Time, bool) { return c.at, true }

// Ended returns why a context has ended: a Reached if a limit of Context was reached. It
// returns nil if the context has not ended.
func Ended(ctx context.Context) error {
	if c, ok := ctx.(deadlineContext); ok && c.Err() == nil && !time.Now().Before(c.at) {
		return Reached{c.limit}
	}
	var reached Reached
	if errors.As(context.Cause(ctx), &reached) {
		return reached
	}
	return ctx.Err()
}

// OrDefault returns the configured limit, or Default if it is 0.
func OrDefault(configured time.Duration) time.Duration {
	if configured == 0 {
		return Default
	}
	return configured
}

// ForWrite is Context for a write to a database. The limit is Write, or the limit of a load if
// that is longer. If a load has no limit, a write has none either.
func ForWrite(parent context.Context, load time.Duration) (context.Context, context.CancelFunc) {
	if load > 0 {
		load = max(load, Write)
	}
	return Context(parent, load)
}
