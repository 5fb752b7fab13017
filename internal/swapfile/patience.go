package swapfile

import (
	"context"
	"fmt"
	"os"
	"time"
)

// patience is for a file that cannot be opened because of a lease. A writer that uses
// this package has one for microseconds, and the kernel ends any after 45 seconds
// (fs.lease-break-time), unless somebody takes it again at once.
type patience struct {
	end   time.Time
	pause time.Duration
}

const (
	withOurs      = time.Minute
	withStrangers = 50 * time.Millisecond // there may be thousands
	longestPause  = time.Millisecond
)

// wait waits a little and returns nil, or else why there is no more waiting.
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
