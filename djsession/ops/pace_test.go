package ops

import (
	"testing"
	"time"
)

// The pause follows the latency, a batch shrinks while the store is slow, and the rate is kept.
func TestPace(t *testing.T) {
	p := newPace(ClearOptions{})
	const quick, slow = 10 * time.Millisecond, 900 * time.Millisecond
	if pause := p.after(p.limit(), quick, false); pause != quick {
		t.Errorf("the pause after %v is %v", quick, pause)
	}
	for range 10 {
		p.after(p.limit(), quick, false)
	}
	if p.limit() != defaultBatch {
		t.Errorf("batches of a quick store have %d", p.limit())
	}
	if pause := p.after(p.limit(), slow, false); pause <= slow || pause > longestPause {
		t.Errorf("the pause after %v is %v", slow, pause)
	}
	if pause := p.after(p.limit(), slow, true); pause != slow {
		t.Errorf("the pause after rows that were removed one by one is %v", pause)
	}
	for range 20 {
		p.after(p.limit(), slow, false)
	}
	if p.limit() != leastBatch {
		t.Errorf("batches of a slow store have %d", p.limit())
	}
	if pause := p.after(0, 0, false); pause != 0 {
		t.Errorf("the pause after nothing is %v", pause)
	}

	limited := newPace(ClearOptions{MaxRate: 50})
	var elapsed time.Duration
	removed := 0
	for elapsed < 20*time.Second {
		n := limited.limit()
		removed += n
		elapsed += quick + limited.after(n, quick, false)
	}
	if rate := float64(removed) / elapsed.Seconds(); rate > 50.01 || rate < 45 {
		t.Errorf("%.1f sessions a second, want 50", rate)
	}
	if few := newPace(ClearOptions{Batch: 3}); few.limit() != 3 {
		t.Errorf("a batch of at most 3 has %d", few.limit())
	}
}
