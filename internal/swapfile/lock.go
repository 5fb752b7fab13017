package swapfile

import (
	"hash/maphash"
	"sync"
)

// locks keep this process's writers of one file from meeting in the exchange,
// which would be right and cost a round each.
var (
	locks    [64]sync.Mutex
	lockSeed = maphash.MakeSeed()
)

// lock waits for the other writers of a file. A file may share its lock with
// others.
func (d Folder) lock(name string) (unlock func()) {
	l := &locks[maphash.String(lockSeed, d.path(name))%uint64(len(locks))]
	l.Lock()
	return l.Unlock
}
