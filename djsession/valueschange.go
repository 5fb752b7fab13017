package djsession

import (
	"fmt"
	"slices"

	"github.com/djsess/djsess/internal/pyjson"
)

// Set sets a value: in its old place if there is a value of this name, else at the end.
// The value is written as Python would have written it: a float64 always as a float
// (1.0), any integer as an integer, strings in ASCII with \u escapes, a time.Time as
// isoformat() does, structs by their json tags, nil as null. A value that has no such form
// (a channel, broken UTF-8, a year after 9999) is an error and changes nothing.
//
// A session that Django pickles gets Python's types: a time.Time becomes a datetime with
// its offset, a time.Duration a timedelta, a []byte bytes, a map with integers for keys a
// dict with ints. The types of package pytype become what their names say. In JSON they
// are texts and lists, and a time.Duration is its nanoseconds. In a new session Get returns
// the JSON form until the session has been stored and loaded.
func (v *Values) Set(name string, value any) error {
	if nested, ok := pickledValues(value); ok && v.python != nil && v.python.dict != nil {
		object, err := nested.pythonDict()
		if err != nil {
			return fmt.Errorf("session value %q: %w", name, err)
		}
		return v.set(name, encoded{python: pythonMember{value: object}})
	}
	e, err := encodeValue(name, value)
	if err != nil {
		return err
	}
	return v.set(name, e)
}

// encoded is a value as it is stored.
type encoded struct {
	raw    string // empty if JSON has no form for it, or none is needed
	python pythonMember
}

func encodeValue(name string, value any) (encoded, error) {
	if nested, ok := pickledValues(value); ok {
		return encodeNested(name, nested)
	}
	e, err := pyjson.Encode(value, valuesDict)
	if err != nil {
		return encoded{}, fmt.Errorf("session value %q: %w", name, err)
	}
	if e.Marked == "" {
		return encoded{raw: e.JSON}, nil
	}
	member, err := markedMember(e)
	if err != nil {
		return encoded{}, fmt.Errorf("session value %q: %w", name, err)
	}
	return encoded{e.JSON, member}, nil
}

// SetJSON sets a value that is given as JSON in UTF-8, or as Python writes it. The value is
// stored as Python would store it after reading it. As with Set, a value that nests deeper
// than 500 levels is an error: not every Python could read it.
func (v *Values) SetJSON(name, json string) error {
	raw, err := pyjson.Normalize(json, pyjson.Limits{})
	if err != nil {
		return fmt.Errorf("session value %q: %w", name, err)
	}
	return v.set(name, encoded{raw: raw})
}

func (v *Values) set(name string, e encoded) error {
	// A value that writes its own JSON is checked only here.
	if e.raw != "" {
		if err := pyjson.Check(e.raw, pyjson.Limits{Depth: pyjson.MaxWriteDepth - 1}); err != nil {
			return fmt.Errorf("session value %q: %w", name, err)
		}
	}
	if v.index == nil && len(v.members) >= indexFrom {
		v.makeIndex(2 * len(v.members))
	}
	if i := v.find(name); i >= 0 {
		v.markChanged()
		v.members[i].Raw = e.raw
		v.setPython(i, e.python)
		return nil
	}
	rawName, err := pyjson.AppendString(nil, name)
	if err != nil {
		return fmt.Errorf("session value %q: %w", name, err)
	}
	v.markChanged()
	if v.index != nil {
		v.index[name] = len(v.members)
	}
	v.members = append(v.members, pyjson.Member{Name: name, RawName: string(rawName), Raw: e.raw})
	v.setPython(len(v.members)-1, e.python)
	return nil
}

// indexFrom is the number of members from which a map of their names pays off.
const indexFrom = 64

// mostRemoved is how many members may be removed before the index is built anew: find
// looks for a name in as many places.
const mostRemoved = 1024

// makeIndex maps the names to their positions.
func (v *Values) makeIndex(size int) {
	v.index, v.removed = make(map[string]int, size), 0
	for i := range v.members {
		if v.named(i) {
			v.index[v.members[i].Name] = i
		}
	}
}

// find returns the position of a name, or -1. It only reads, so several goroutines may call
// it on the same Values.
func (v *Values) find(name string) int {
	last, first := len(v.members)-1, 0
	if v.index != nil {
		at, ok := v.index[name]
		if !ok {
			return -1
		}
		// Each member that was removed before it has moved it by one.
		last, first = min(at, last), max(at-v.removed, 0)
	}
	for i := first; i <= last; i++ {
		if v.members[i].Name == name && v.named(i) {
			return i
		}
	}
	return -1
}

// Delete removes values by their names. It returns how many of the names it found.
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
	v.markChanged()
	return len(gone)
}

// SetDefault sets a value unless there is one of this name: Python's setdefault.
func (v *Values) SetDefault(name string, value any) error {
	if v.Has(name) {
		return nil
	}
	return v.Set(name, value)
}

// Pop decodes a value into what dst points to, and removes it. Without such a value the
// error is ErrNoValue. A value that does not fit dst is an error and stays.
func (v *Values) Pop(name string, dst any) error {
	if err := v.Get(name, dst); err != nil {
		return err
	}
	v.Delete(name)
	return nil
}

// without removes elements by their indexes, which are sorted.
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
