package ops

import (
	"cmp"
	"container/heap"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// heaviest finds the names with the largest weights among any number of names, in bounded memory. It is the algorithm
// "space saving" of Metwally, Agrawal and El Abbadi (2005): if it has no place for a new name, that name takes the place of the
// lightest one and inherits its weight. So no weight is too small, and over says by how much one may be too large.
type heaviest struct {
	most   int // names
	byName map[string]*heavy
	order  lightestFirst
	full   bool // a name has lost its place: the weights are approximate
}

// heavy is a name with its weight.
type heavy struct {
	name     string
	weight   int64
	over     int64 // how much of weight may be that of other names
	sessions int64 // that have added to it since it has its place
	largest  int64 // of the weights that they added
	index    int   // in the heap
}

func newHeaviest(most int) *heaviest {
	return &heaviest{most: most, byName: map[string]*heavy{}}
}

// add adds to the weight of a name.
func (h *heaviest) add(name string, weight int64) {
	name = shortened(name)
	e := h.byName[name]
	switch {
	case e != nil:
	case len(h.order) < h.most:
		e = &heavy{name: strings.Clone(name)} // the session that it is a part of must not stay in memory
		h.byName[e.name] = e
		heap.Push(&h.order, e)
	default:
		h.full = true
		e = h.order[0]
		delete(h.byName, e.name)
		e.name, e.over, e.sessions, e.largest = strings.Clone(name), e.weight, 0, 0
		h.byName[e.name] = e
	}
	e.weight += weight
	e.sessions++
	e.largest = max(e.largest, weight)
	heap.Fix(&h.order, e.index)
}

// top returns the n heaviest names, the heaviest first.
func (h *heaviest) top(n int) []*heavy {
	all := slices.Clone(h.order)
	slices.SortFunc(all, func(a, b *heavy) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.name, b.name))
	})
	return all[:min(n, len(all))]
}

// longestName is how many characters of a name are kept: any visitor may be able to choose names.
const longestName = 64

// shortened returns a name of bounded length. Two longer names that begin alike and are as long are then one.
func shortened(name string) string {
	if len(name) <= longestName {
		return name
	}
	n := 0
	for i := range name {
		if n == longestName {
			return fmt.Sprintf("%s… (%d characters)", name[:i], utf8.RuneCountInString(name))
		}
		n++
	}
	return name
}

// lightestFirst is a heap.
type lightestFirst []*heavy

func (l lightestFirst) Len() int           { return len(l) }
func (l lightestFirst) Less(i, j int) bool { return l[i].weight < l[j].weight }
func (l lightestFirst) Swap(i, j int) {
	l[i], l[j] = l[j], l[i]
	l[i].index, l[j].index = i, j
}

func (l *lightestFirst) Push(x any) {
	e := x.(*heavy)
	e.index = len(*l)
	*l = append(*l, e)
}

func (l *lightestFirst) Pop() any {
	last := len(*l) - 1
	e := (*l)[last]
	*l = (*l)[:last]
	return e
}
