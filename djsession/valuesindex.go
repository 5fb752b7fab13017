package djsession

import "slices"

// indexFrom is how many members are worth a map when more are set.
const indexFrom = 64

// mostRemoved is how many members may be removed before the index is made anew: a
// name is looked for in as many places.
const mostRemoved = 1024

// makeIndex maps the names to where they stand.
func (v *Values) makeIndex(size int) {
	v.index, v.removed = make(map[string]int, size), 0
	for i := range v.members {
		if v.named(i) {
			v.index[v.members[i].Name] = i
		}
	}
}

// find returns where a name stands, or -1. It only reads: several goroutines may
// ask the same Values.
func (v *Values) find(name string) int {
	last, first := len(v.members)-1, 0
	if v.index != nil {
		at, ok := v.index[name]
		if !ok {
			return -1
		}
		// What was removed before it has moved it by as much.
		last, first = min(at, last), max(at-v.removed, 0)
	}
	for i := first; i <= last; i++ {
		if v.members[i].Name == name && v.named(i) {
			return i
		}
	}
	return -1
}

// Delete removes values and tells how many of the names there were.
func (v *Values) Delete(names ...string) int {
	if v.index == nil && len(names) > 1 && len(v.members) >= indexFrom {
		v.makeIndex(2 * len(v.members))
	}
	var gone []int
	for _, name := range names {
		if i := v.find(name); i >= 0 {
			gone = append(gone, i)
		}
	}
	if len(gone) == 0 {
		return 0
	}
	slices.Sort(gone)
	gone = slices.Compact(gone)
	if v.index != nil {
		for _, i := range gone {
			delete(v.index, v.members[i].Name)
		}
		if v.removed += len(gone); v.removed > mostRemoved {
			v.index = nil
		}
	}
	v.members = without(v.members, gone)
	if v.python != nil {
		v.python.members = without(v.python.members, gone)
	}
	v.changed()
	return len(gone)
}

// without removes elements by their indexes, which are in order.
func without[E any](s []E, gone []int) []E {
	kept := gone[0]
	for n, i := range gone {
		end := len(s)
		if n+1 < len(gone) {
			end = gone[n+1]
		}
		kept += copy(s[kept:], s[i+1:end])
	}
	clear(s[kept:])
	return s[:kept]
}
