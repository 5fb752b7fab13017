// Package pytime converts between Go's times and Python's datetimes: the naive
// ones that databases hold, and the ISO 8601 texts that sessions hold.
package pytime

import "time"

// FromNaive returns the instant at which clocks in loc show the wall clock of
// naive, whose own zone is ignored. Like zoneinfo with fold=0, it takes the
// first of two instants when clocks were set back, and the offset from before
// the change for a time that was skipped.
func FromNaive(naive time.Time, loc *time.Location) time.Time {
	y, m, d := naive.Date()
	h, min, s := naive.Clock()
	wall := time.Date(y, m, d, h, min, s, naive.Nanosecond(), time.UTC)
	// The offset in force a day before, and that a day later: no zone changes
	// twice in between.
	_, before := wall.Add(-24 * time.Hour).In(loc).Zone()
	_, after := wall.Add(24 * time.Hour).In(loc).Zone()
	for _, offset := range []int{before, after} {
		t := wall.Add(-time.Duration(offset) * time.Second).In(loc)
		if _, got := t.Zone(); got == offset {
			return t
		}
	}
	return wall.Add(-time.Duration(before) * time.Second).In(loc)
}

// Naive returns the wall clock that t shows in loc, as if it were UTC.
func Naive(t time.Time, loc *time.Location) time.Time {
	_, offset := t.In(loc).Zone()
	return t.Add(time.Duration(offset) * time.Second).UTC()
}
