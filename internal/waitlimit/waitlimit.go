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
	// Write is the limit for a write to a database. It is longer than the 50 seconds
	// for which InnoDB waits for a row's lock: InnoDB's error then says that nothing
	// was written, while a write that we give up may still be made.
	Write = time.Minute
)

// Reached is the error when a limit was reached. To errors.Is it is a
// context.DeadlineExceeded.
type Reached struct {
	// After is the limit.
	After time.Duration
}

func (e Reached) Error() string { return fmt.Sprintf("no answer within %s", e.After) }

// Timeout returns true, as the timeouts of package net do.
func (Reached) Timeout() bool { return true }

// Is makes Reached a context.DeadlineExceeded.
func (Reached) Is(target error) bool { return target == context.DeadlineExceeded }

// Context returns a context that ends with its parent or after a limit. There is no limit
// if it is not positive.
func Context(parent context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if limit <= 0 {
		return context.WithCancel(parent)
	}
	return context.WithTimeoutCause(parent, limit, Reached{limit})
}

// Ended returns why a context has ended: a Reached if a limit of Context was reached. It
// returns nil if the context has not ended.
func Ended(ctx context.Context) error {
	var reached Reached
	if errors.As(context.Cause(ctx), &reached) {
		return reached
	}
	return ctx.Err()
}

// Or returns the configured limit, or Default if it is 0.
func Or(configured time.Duration) time.Duration {
	if configured == 0 {
		return Default
	}
	return configured
}

// ForWrite is Context for a write to a database. Its limit is Write, or that of a load if
// that is longer or is none.
func ForWrite(parent context.Context, load time.Duration) (context.Context, context.CancelFunc) {
	if load > 0 {
		load = max(load, Write)
	}
	return Context(parent, load)
}
