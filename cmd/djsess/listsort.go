package main

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/sessionuser"
)

// mostSorted bounds --limit with a --sort for which the sessions are kept in memory.
const mostSorted = 1000

// sortFlag is the value of --sort: a column, and whether the largest comes first.
type sortFlag struct {
	column string // "": the order of the store
	down   bool
}

func (s *sortFlag) String() string { return "" } // the help names the default
func (s *sortFlag) Type() string   { return "a column, with - before it for the reverse: " + sortNames() }

func (s *sortFlag) Set(text string) error {
	s.column, s.down = strings.CutPrefix(strings.TrimSpace(text), "-")
	if comparisons[s.column] == nil {
		return errors.New("cannot sort by it")
	}
	return nil
}

// comparisons compare two sessions by a column.
var comparisons = map[string]func(a, b *djsession.Record) int{
	"key":     func(a, b *djsession.Record) int { return strings.Compare(shownKey(a), shownKey(b)) },
	"user":    compareUsers,
	"expires": func(a, b *djsession.Record) int { return a.Expires.Compare(b.Expires) },
	"values":  func(a, b *djsession.Record) int { return cmp.Compare(a.Values.Len(), b.Values.Len()) },
	"size":    func(a, b *djsession.Record) int { return cmp.Compare(a.Values.Size(), b.Values.Size()) },
	"saved":   func(a, b *djsession.Record) int { return a.Origin.SignedAt.Compare(b.Origin.SignedAt) },
}

// lacks reports, for the columns that a session may lack, whether it does. Such sessions come last, in the reverse order too.
var lacks = map[string]func(*djsession.Record) bool{
	"user":    func(r *djsession.Record) bool { _, ok := sessionuser.ID(r.Values); return !ok },
	"expires": func(r *djsession.Record) bool { return r.Expires.IsZero() },
	"saved":   func(r *djsession.Record) bool { return r.Origin.SignedAt.IsZero() },
}

// sortNames returns the columns in the order of --columns.
func sortNames() string {
	var names []string
	for _, c := range listColumns {
		if comparisons[c.name] != nil {
			names = append(names, c.name)
		}
	}
	return strings.Join(names, ", ")
}

// compareUsers puts numbers before other IDs.
func compareUsers(a, b *djsession.Record) int {
	rank := func(r *djsession.Record) (rank int, number uint64, text string) {
		id, _ := sessionuser.ID(r.Values)
		if number, err := strconv.ParseUint(strings.TrimSpace(id), 10, 64); err == nil {
			return 0, number, ""
		}
		return 1, 0, id
	}
	rankA, numberA, textA := rank(a)
	rankB, numberB, textB := rank(b)
	return cmp.Or(cmp.Compare(rankA, rankB), cmp.Compare(numberA, numberB), cmp.Compare(textA, textB))
}

// compare compares two sessions in the order of the list.
func (s *sortFlag) compare(a, b *djsession.Record) int {
	if lack := lacks[s.column]; lack != nil && lack(a) != lack(b) {
		if lack(a) {
			return 1
		}
		return -1
	}
	c := comparisons[s.column](a, b)
	if s.down {
		c = -c
	}
	return cmp.Or(c, strings.Compare(shownKey(a), shownKey(b)))
}

// isStores reports whether the store returns its sessions in this order.
func (s *sortFlag) isStores(store djsession.Store) bool {
	switch s.column {
	case "":
		return true
	case "key":
		_, ok := store.(djsession.SQLStore)
		return ok && !s.down
	case "expires":
		_, ok := store.(djsession.ExpiryScanner)
		return ok
	}
	return false
}

// firstSessions keeps those sessions that come first in an order. It is safe for use by several goroutines.
type firstSessions struct {
	by    *sortFlag
	limit int
	mu    sync.Mutex
	kept  []*djsession.Record // up to twice limit, so that they are seldom sorted
	last  *djsession.Record   // one that is later than this is not among the first; nil: not known
}

// add keeps a session if it may be one of the first.
func (f *firstSessions) add(r *djsession.Record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last != nil && f.by.compare(r, f.last) > 0 {
		return
	}
	if f.kept = append(f.kept, r); len(f.kept) == 2*f.limit {
		f.cut()
	}
}

func (f *firstSessions) cut() {
	slices.SortFunc(f.kept, f.by.compare)
	if len(f.kept) >= f.limit {
		clear(f.kept[f.limit:]) // they must not stay in memory
		f.kept = f.kept[:f.limit]
		f.last = f.kept[f.limit-1]
	}
}

// sorted returns the sessions in their order.
func (f *firstSessions) sorted() []*djsession.Record {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cut()
	return f.kept
}
