// Package eventlimit limits log lines and events about things that any visitor can cause.
package eventlimit

import (
	"sync"
	"time"
)

// Every is the shortest time between two events of one kind.
const Every = 10 * time.Second

// Limit allows one event of each kind in Every. The zero Limit is ready to use. It is safe
// for use by several goroutines. The caller has few kinds: they are kept forever.
type Limit[K comparable] struct {
	mu    sync.Mutex
	kinds map[K]*counter
}

type counter struct {
	reported time.Time
	since    int // events since then
}

// Count counts an event. It returns how many events are to be reported now: this one and
// those that were held back before it. Zero means that this one is held back.
func (l *Limit[K]) Count(kind K, now time.Time) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.kinds[kind]
	if c == nil {
		if l.kinds == nil {
			l.kinds = map[K]*counter{}
		}
		c = new(counter)
		l.kinds[kind] = c
	}
	c.since++
	// A clock that was set back must not hold back all further events.
	if since := now.Sub(c.reported); since >= 0 && since < Every {
		return 0
	}
	n := c.since
	c.reported, c.since = now, 0
	return n
}
