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
	// Default is how long connecting may take, a load, and a page of a scan.
	Default = 10 * time.Second
	// Write is how long a write to a database may take. It is longer than the 50
	// seconds for which InnoDB waits for a row's lock: the server's own refusal says
	// that nothing was written, and a write that we give up may still be made.
	Write = time.Minute
)

// Reached is the error of a limit that was reached. It is a
// context.DeadlineExceeded to errors.Is.
type Reached struct {
	// After is the limit.
	After time.Duration
}

func (e Reached) Error() string { return fmt.Sprintf("no answer within %s", e.After) }

// Timeout makes Reached a timeout to those who ask as package net does.
func (Reached) Timeout() bool { return true }

// Is makes Reached a context.DeadlineExceeded.
func (Reached) Is(target error) bool { return target == context.DeadlineExceeded }

// Context returns a context that ends with its parent or after a limit, which there
// is none of when it is not positive.
func Context(parent context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if limit <= 0 {
		return context.WithCancel(parent)
	}
	return context.WithTimeoutCause(parent, limit, Reached{limit})
}

// Ended tells why a context has ended: a Reached if it was a limit of ours. It is nil
// while the context has not ended.
func Ended(ctx context.Context) error {
	var reached Reached
	if errors.As(context.Cause(ctx), &reached) {
		return reached
	}
	return ctx.Err()
}

// Or is the limit that a configuration gives, or Default where it gives none.
func Or(configured time.Duration) time.Duration {
	if configured == 0 {
		return Default
	}
	return configured
}

// ForWrite is Context for a write to a database whose loads have this limit.
func ForWrite(parent context.Context, load time.Duration) (context.Context, context.CancelFunc) {
	if load > 0 {
		load = max(load, Write)
	}
	return Context(parent, load)
}
