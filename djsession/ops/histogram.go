package ops

import "time"

// Bucket counts the sessions whose number is below Below, and not below that of the bucket before it.
type Bucket struct {
	// Below is in bytes or in seconds. It is 0 in the last bucket, which has no such bound.
	Below int64
	Count int64
}

// histogram are buckets in their order.
type histogram []Bucket

// sizeBounds are in bytes.
var sizeBounds = []int64{64, 128, 256, 512, 1 << 10, 2 << 10, 4 << 10, 8 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20}

// timeBounds are in seconds.
var timeBounds = func() (seconds []int64) {
	const hour, day = int64(time.Hour / time.Second), 24 * int64(time.Hour/time.Second)
	return []int64{hour, 6 * hour, day, 3 * day, 7 * day, 14 * day, 30 * day, 90 * day, 365 * day}
}()

func newHistogram(bounds []int64) histogram {
	h := make(histogram, len(bounds)+1)
	for i, bound := range bounds {
		h[i].Below = bound
	}
	return h
}

// add counts a number.
func (h histogram) add(n int64) {
	last := len(h) - 1
	for i := range last {
		if n < h[i].Below {
			h[i].Count++
			return
		}
	}
	h[last].Count++
}

// addTime counts a time to come or gone by.
func (h histogram) addTime(d time.Duration) { h.add(int64(d / time.Second)) }
