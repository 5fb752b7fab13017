package swapfile

import (
	"context"
	"fmt"
	"hash/maphash"
	"os"
	"time"
)

// locks serialize this process's writers of one file. Without them the exchange would still be
// correct, but writers would have to retry more often. A channel is full while its lock is held.
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
	var w leaseWait
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
		if err = w.pause(ctx, d, d.path(name), leased); err != nil {
			break
		}
	}
	if o != nil {
		o.close()
	}
	return o, nil, err
}

// leaseWait waits for the end of a lease that keeps a file from being opened. A writer of
// this package holds a lease for microseconds. The kernel ends any lease after 45 seconds
// (fs.lease-break-time), but its owner can take it again at once.
type leaseWait struct {
	end  time.Time
	next time.Duration // of the next pause
}

const (
	maxWait          = time.Minute
	maxWaitStrangers = 50 * time.Millisecond // a stranger may have put thousands of such files there
	longestPause     = time.Millisecond
)

// pause waits a little and returns nil. When the maximum has passed, it returns an error.
func (w *leaseWait) pause(ctx context.Context, d Folder, path string, leased error) error {
	if w.end.IsZero() {
		w.end, w.next = time.Now().Add(maxWait), 20*time.Microsecond
		if info, err := os.Lstat(path); err == nil && d.isStrangers(info) {
			w.end = time.Now().Add(maxWaitStrangers)
		}
	}
	if time.Now().After(w.end) {
		return leased
	}
	timer := time.NewTimer(w.next)
	defer timer.Stop()
	w.next = min(2*w.next, longestPause)
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ctx.Err(), pathless(leased))
	}
}
