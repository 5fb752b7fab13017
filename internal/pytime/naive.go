// Package pytime converts between Go's times and Python's datetimes: the naive
// ones that databases hold, and the ISO 8601 texts that sessions hold.
package pytime

import "time"

// FromNaive returns the instant at which clocks in loc show the wall clock of
// naive, whose own zone is ignored. Like zoneinfo with fold=0, it takes the
// first of two instants when clocks were set back, and the offset from before
// the change for a time that was skipped: Wall knows it again.
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
	return wall.Add(-time.Duration(before) * time.Second).In(time.FixedZone(skipped, before))
}

// skipped names the zone in which a wall clock that was skipped still shows itself.
const skipped = "skipped"

// Wall returns the wall clock of t in loc, as if it were UTC; of what FromNaive
// returned it is the one that FromNaive was given.
func Wall(t time.Time, loc *time.Location) time.Time {
	if t.Location().String() == skipped {
		loc = t.Location()
	}
	return Naive(t, loc)
}

// Later returns the later of two instants at which clocks in loc show what they
// show at t: PostgreSQL's choice for a naive time.
func Later(t time.Time, loc *time.Location) time.Time {
	wall := Naive(t, loc)
	_, after := wall.Add(24 * time.Hour).In(loc).Zone()
	later := wall.Add(-time.Duration(after) * time.Second)
	if later.After(t) && Naive(later, loc).Equal(wall) {
		return later
	}
	return t
}

// Naive returns the wall clock that t shows in loc, as if it were UTC.
func Naive(t time.Time, loc *time.Location) time.Time {
	_, offset := t.In(loc).Zone()
	return t.Add(time.Duration(offset) * time.Second).UTC()
}
