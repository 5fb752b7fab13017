package swapfile

import (
	"context"
	"fmt"
	"os"
	"time"
)

// patience waits for the end of a lease that keeps a file from being opened. A writer of
// this package holds a lease for microseconds. The kernel ends any lease after 45 seconds
// (fs.lease-break-time), but its owner can take it again at once.
type patience struct {
	end   time.Time
	pause time.Duration
}

const (
	withOurs      = time.Minute
	withStrangers = 50 * time.Millisecond // a stranger may have put thousands of such files there
	longestPause  = time.Millisecond
)

// wait waits a little and returns nil, or returns an error when it has waited long enough.
func (p *patience) wait(ctx context.Context, d Folder, path string, leased error) error {
	if p.end.IsZero() {
		p.end, p.pause = time.Now().Add(withOurs), 20*time.Microsecond
		if info, err := os.Lstat(path); err == nil && d.isStrangers(info) {
			p.end = time.Now().Add(withStrangers)
		}
	}
	if time.Now().After(p.end) {
		return leased
	}
	timer := time.NewTimer(p.pause)
	defer timer.Stop()
	p.pause = min(2*p.pause, longestPause)
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ctx.Err(), pathless(leased))
	}
}
