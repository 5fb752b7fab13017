package pytime

import (
	"fmt"
	"path"
	"sync"
	"time"
)

// locations are those asked for so far: the standard library reads the file anew
// every time.
var locations sync.Map

// Location is time.LoadLocation for a name that Django takes for a TIME_ZONE: not
// "" and not "Local".
func Location(name string) (*time.Location, error) {
	if loc, ok := locations.Load(name); ok {
		return loc.(*time.Location), nil
	}
	// As in Python's zoneinfo, a path must be in its shortest form: each zone has endless other spellings, and all would be cached.
	if name == "" || name == "Local" || path.Clean(name) != name {
		return nil, fmt.Errorf("%q: no such time zone", name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%q: no such time zone (a program for machines without zone files imports time/tzdata)", name)
	}
	locations.Store(name, loc)
	return loc, nil
}
