package cachestore

import (
	"sync/atomic"
	"time"
)

// outage is a time in which a cache that has failed is left alone.
type outage struct {
	until atomic.Int64 // in nanoseconds since 1970; 0: there is none
}

const (
	// outagePause is how long. After it one request tries the cache again.
	outagePause = time.Second
	// longWait is what no cache takes that is any good, though a visitor might have
	// waited longer.
	longWait = 500 * time.Millisecond
)

// spares tells whether the cache is to be left alone. Of those who ask when the pause is
// over, one is told to try.
func (o *outage) spares() bool {
	until := o.until.Load()
	if until == 0 {
		return false
	}
	now := time.Now().UnixNano()
	return now < until || !o.until.CompareAndSwap(until, now+int64(outagePause))
}

func (o *outage) begin() { o.until.Store(time.Now().UnixNano() + int64(outagePause)) }

func (o *outage) end() {
	if o.until.Load() != 0 {
		o.until.Store(0)
	}
}
