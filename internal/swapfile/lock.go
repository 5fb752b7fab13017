package swapfile

import (
	"context"
	"fmt"
	"hash/maphash"
)

// locks keep this process's writers of one file apart. Without them the exchange would still
// be right, but each writer might have to begin again. A channel is full while its lock is
// held.
var (
	locks    [64]chan struct{}
	lockSeed = maphash.MakeSeed()
)

func init() {
	for i := range locks {
		locks[i] = make(chan struct{}, 1)
	}
}

// lock waits for the other writers of a file. A file may share its lock with
// others.
func (d Folder) lock(ctx context.Context, name string) (unlock func(), err error) {
	l := locks[maphash.String(lockSeed, d.path(name))%uint64(len(locks))]
	select {
	case l <- struct{}{}:
		return func() { <-l }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// lockOpen locks a file and opens it. It does not hold the lock while it waits for the end
// of somebody's lease, because other files may share the lock. If it returns an error,
// nothing is locked, and opened, which is closed, is what open would have returned.
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
