package swapfile

import (
	"context"
	"fmt"
	"hash/maphash"
	"os"
	"time"
)

// locks keep this process's writers of one file apart. Without them the exchange would still
// be correct, but writers would have to start again more often. A channel is full while its
// lock is held.
var (
	locks    [64]chan struct{}
	lockSeed = maphash.MakeSeed()
)

func init() {
	for i := range locks {
		locks[i] = make(chan struct{}, 1)
	}
}

// lock waits for this process's other writers of a file. Files may share a lock.
func (d Folder) lock(ctx context.Context, name string) (unlock func(), err error) {
	l := locks[maphash.String(lockSeed, d.path(name))%uint64(len(locks))]
	select {
	case l <- struct{}{}:
		return func() { <-l }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// lockOpen locks a file and opens it. It does not hold the lock while it waits for the end of
// another program's lease, because files may share the lock. With an error nothing is
// locked, and the file, which may be nil, is closed.
func (d Folder) lockOpen(ctx context.Context, name string) (o *opened, unlock func(), err error) {
	var p patience
	var leased error
	for {
		if unlock, err = d.lock(ctx, name); err != nil {
			if leased != nil { // the time was spent waiting for the lease
				err = fmt.Errorf("%w: %w", err, pathless(leased))
			}
			return nil, nil, err
		}
		o, err = d.openNow(d.path(name))
		if err == nil {
			return o, unlock, nil
		}
		unlock()
		if !isLeased(err) {
			break
		}
		leased = err
		if err = p.wait(ctx, d, d.path(name), leased); err != nil {
			break
		}
	}
	if o != nil {
		o.close()
	}
	return o, nil, err
}

// patience waits for the end of a lease that keeps a file from being opened. A writer of
// this package holds a lease for microseconds. The kernel ends any lease after 45 seconds
// (fs.lease-break-time), but its owner can take it again at once.
type patience struct {
	end   time.Time
	pause time.Duration
}

const (
	withOurs      = time.Minute
	withStrangers = 50 * time.Millisecond // another user may have put thousands of such files there
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
