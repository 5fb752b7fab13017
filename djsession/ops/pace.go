package ops

import "time"

const (
	defaultBatch = 50 // with 200, requests beside it waited more than twice as long
	// A batch should take about this long, since the site may have to wait for its locks.
	batchTime = 100 * time.Millisecond
	// longestPause is the longest pause that slowness causes.
	longestPause = 5 * time.Second
	firstBatch   = 50
	leastBatch   = 10
)

// pace decides how many sessions a batch has, and how long to wait after it.
type pace struct {
	most    int     // sessions in a batch
	rate    float64 // sessions a second; 0: no limit
	current int     // sessions in the next batch
	best    time.Duration
}

func newPace(o ClearOptions) *pace {
	p := &pace{most: o.Batch, rate: o.MaxRate}
	if p.most <= 0 {
		p.most = defaultBatch
	}
	if p.rate > 0 {
		p.most = max(min(p.most, int(p.rate)), 1) // a batch is no more than a second's
	}
	p.current = min(p.most, firstBatch)
	return p
}

// limit returns how many sessions the next batch may have.
func (p *pace) limit() int { return p.current }

// after returns how long to wait after a batch of n sessions. oneByOne says that they were removed
// in a statement each, which takes longer whatever the store's load is.
func (p *pace) after(n int, took time.Duration, oneByOne bool) time.Duration {
	full := n >= p.current && !oneByOne
	switch {
	case took > 2*batchTime:
		p.current = max(p.current/2, min(leastBatch, p.most))
	case full && took < batchTime/2:
		p.current = min(p.current*2, p.most)
	}
	pause := took
	if n > 0 && !oneByOne {
		each := max(took/time.Duration(n), 1)
		if p.best == 0 || each < p.best {
			p.best = each
		}
		// A store that has become slow is busy with the site's requests.
		if slower := each / p.best; full && slower > 2 {
			pause = took * slower
		}
	}
	pause = min(pause, max(longestPause, took))
	if p.rate > 0 {
		if atRate := time.Duration(float64(n) / p.rate * float64(time.Second)); atRate > took+pause {
			pause = atRate - took
		}
	}
	return pause
}
