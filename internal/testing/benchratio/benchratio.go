// Package benchratio measures one operation as a multiple of another, in one run. On a shared
// machine the ratio of two times measured side by side is stable, and the times are not.
package benchratio

import (
	"slices"
	"testing"
	"time"
)

// Run calls base and ours in turns. Each round measures a batch of both. Run reports the median of
// ours divided by base, as "x-" and the base's name.
func Run(b *testing.B, name string, base, ours func()) {
	batch := 1
	for timed(base, batch) < 200*time.Microsecond {
		batch *= 2
	}
	timed(ours, batch)
	var ratios, baseTimes, ourTimes []float64
	for start := time.Now(); time.Since(start) < 2*time.Second || len(ratios) < 20; {
		x, y := timed(base, batch), timed(ours, batch)
		ratios = append(ratios, float64(y)/float64(x))
		baseTimes = append(baseTimes, float64(x)/float64(batch))
		ourTimes = append(ourTimes, float64(y)/float64(batch))
	}
	for b.Loop() {
		ours()
	}
	b.ReportMetric(0, "ns/op") // not beside the medians
	b.ReportMetric(median(baseTimes), name+"-ns/op")
	b.ReportMetric(median(ourTimes), "ours-ns/op")
	b.ReportMetric(median(ratios), "x-"+name)
}

func timed(f func(), n int) time.Duration {
	start := time.Now()
	for range n {
		f()
	}
	return time.Since(start)
}

func median(xs []float64) float64 {
	slices.Sort(xs)
	return xs[len(xs)/2]
}
