// Package pytime converts between Go's times and Python's datetimes: the naive datetimes that databases hold, and the ISO
// 8601 texts that sessions hold.
package pytime

import (
	"fmt"
	"path"
	"sync"
	"time"
)

// FromNaive returns the instant at which clocks in loc show the wall clock of naive. The location of naive does not
// matter. Like zoneinfo with fold=0, FromNaive returns the first of two instants when clocks were set back. For a wall clock
// that was skipped it uses the offset from before the change, and Wall returns the same wall clock again.
func FromNaive(naive time.Time, loc *time.Location) time.Time {
	y, m, d := naive.Date()
	h, min, s := naive.Clock()
	wall := time.Date(y, m, d, h, min, s, naive.Nanosecond(), time.UTC)
	// The offsets a day before and a day later. No zone changes twice in between.
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

// skipped is the name of a zone that FromNaive returns for a wall clock that was skipped. Clocks in that zone show it.
const skipped = "skipped"

// Wall returns the wall clock that t shows in loc, as if it were UTC. Wall is the inverse of FromNaive.
func Wall(t time.Time, loc *time.Location) time.Time {
	if t.Location().String() == skipped {
		loc = t.Location()
	}
	return Naive(t, loc)
}

// Later returns the later of the two instants at which clocks in loc show the wall clock of t, or t if there is only one.
// PostgreSQL takes the later instant for a naive time.
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

// locations caches time zones, since the standard library reads the file every time.
var locations sync.Map

// Location is time.LoadLocation for the names that Django accepts as TIME_ZONE: "" and "Local" are errors.
func Location(name string) (*time.Location, error) {
	if loc, ok := locations.Load(name); ok {
		return loc.(*time.Location), nil
	}
	// As in Python's zoneinfo, a path must be in its shortest form. Otherwise a zone would have any number of spellings,
	// which would fill the cache.
	if name == "" || name == "Local" || path.Clean(name) != name {
		return nil, fmt.Errorf("%q: no such time zone", name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%q: no such time zone (on a machine without zone files the program must import time/tzdata)", name)
	}
	locations.Store(name, loc)
	return loc, nil
}
