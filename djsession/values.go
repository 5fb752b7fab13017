package djsession

import (
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/djsess/djsess/internal/pyjson"
)

// ErrNoValue is Python's KeyError: the session has no value of this name.
var ErrNoValue = errors.New("no such value")

// Values is what a session holds: an ordered map from names to values, as
// Python's dict is. Values are kept as the JSON they came in and decoded when
// they are asked for, so that what nobody touched goes back byte for byte:
// 1.0 stays a float, and an integer of 300 digits stays what it is.
//
// The zero Values is empty and ready to use. Python's strings may hold lone
// surrogates, which UTF-8 cannot spell; in Go strings they are their three
// bytes ED A0 80 to ED BF BF, and go back as they came.
//
// A Values is not safe for use by several goroutines while one of them changes
// it.
type Values struct {
	members []pyjson.Member
	text    string         // the JSON that members were read from, until something changes
	plain   bool           // text came from a payload that was not compressed
	index   map[string]int // of members by name, while many are being set
}

// indexFrom is how many members are worth a map when more are set.
const indexFrom = 64

// parseValues indexes a JSON object, which it checks as json.loads would.
func parseValues(text string) (*Values, error) {
	members, err := pyjson.Scan(text, nil, pyjson.Limits{})
	if err != nil {
		return nil, err
	}
	return &Values{members: members, text: text}, nil
}

// Len returns how many values there are.
func (v *Values) Len() int { return len(v.members) }

// Has tells whether there is a value of this name.
func (v *Values) Has(name string) bool { return v.find(name) >= 0 }

// Names yields the names in the order Python's dict has them.
func (v *Values) Names() iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range v.members {
			if !yield(v.members[i].Name) {
				return
			}
		}
	}
}

// Get decodes a value into what dst points to. Without such a value it returns
// ErrNoValue; a value that does not fit is an error and leaves dst as it was
// or, for composite types, partly filled in, as encoding/json does.
//
// The types are those of encoding/json, and its json tags count. Into an any go
// nil, bool, int64 (*big.Int when larger), float64, string, []any and
// map[string]any; into a *Values a nested dict, in its order and without loss;
// into a time.Time what datetime.isoformat wrote, where a time without an
// offset counts as UTC.
func (v *Values) Get(name string, dst any) error {
	i := v.find(name)
	if i < 0 {
		return fmt.Errorf("session value %q: %w", name, ErrNoValue)
	}
	if err := pyjson.Unmarshal(v.members[i].Raw, dst); err != nil {
		return fmt.Errorf("session value %q: %w", name, err)
	}
	return nil
}

// GetString returns a value that is a string, and "" when there is none or it is
// something else.
func (v *Values) GetString(name string) string {
	var s string
	if i := v.find(name); i >= 0 && v.members[i].Raw[0] == '"' {
		s, _ = pyjson.Text(v.members[i].Raw)
	}
	return s
}

// Raw returns a value as the JSON it is stored as. It may hold what only
// Python's JSON has: NaN, Infinity, and bytes from 0x80 up that stand for the
// characters U+0080 to U+00FF; so it is not for SetJSON, which takes UTF-8.
func (v *Values) Raw(name string) (json string, ok bool) {
	i := v.find(name)
	if i < 0 {
		return "", false
	}
	return v.members[i].Raw, true
}

// Set sets a value, in its old place when there is one of this name and else at
// the end. It is written as Python would have written it: a float64 always as
// a float (1.0), any integer as an integer, strings in ASCII with \u escapes,
// a time.Time as isoformat() does, structs by their json tags, nil as null.
// What has no such form (a channel, broken UTF-8, a year after 9999) is an
// error and changes nothing.
func (v *Values) Set(name string, value any) error {
	raw, err := encodeValue(name, value)
	if err != nil {
		return err
	}
	return v.set(name, raw)
}

func encodeValue(name string, value any) (raw string, err error) {
	text, err := pyjson.Append(nil, value)
	if err != nil {
		return "", fmt.Errorf("session value %q: %w", name, err)
	}
	return string(text), nil
}

// SetJSON sets a value that is given as JSON in UTF-8, or as Python writes it.
// It is stored as Python would store it after reading it. As with Set, what is
// nested deeper than 500 levels is an error: not every Python could read it.
func (v *Values) SetJSON(name, json string) error {
	raw, err := pyjson.Normalize(json, pyjson.Limits{})
	if err != nil {
		return fmt.Errorf("session value %q: %w", name, err)
	}
	return v.set(name, raw)
}

func (v *Values) set(name, raw string) error {
	// Here, since what implements its own JSON may hold more of the same.
	if err := pyjson.Check(raw, pyjson.Limits{Depth: pyjson.MaxWriteDepth - 1}); err != nil {
		return fmt.Errorf("session value %q: %w", name, err)
	}
	if v.index == nil && len(v.members) >= indexFrom {
		v.index = make(map[string]int, 2*len(v.members))
		for i := range v.members {
			v.index[v.members[i].Name] = i
		}
	}
	if i := v.find(name); i >= 0 {
		v.members[i].Raw = raw
		v.text = ""
		return nil
	}
	rawName, err := pyjson.AppendString(nil, name)
	if err != nil {
		return fmt.Errorf("session value %q: %w", name, err)
	}
	v.text = ""
	if v.index != nil {
		v.index[name] = len(v.members)
	}
	v.members = append(v.members, pyjson.Member{Name: name, RawName: string(rawName), Raw: raw})
	return nil
}

// Delete removes values and tells how many of the names there were.
func (v *Values) Delete(names ...string) int {
	before := len(v.members)
	gone := make(map[string]bool, len(names))
	for _, name := range names {
		gone[name] = true
	}
	v.members = slices.DeleteFunc(v.members, func(m pyjson.Member) bool { return gone[m.Name] })
	if len(v.members) < before {
		v.text, v.index = "", nil
	}
	return before - len(v.members)
}

// Clear removes all values.
func (v *Values) Clear() { *v = Values{} }

// Clone returns a copy that changes apart from v.
func (v *Values) Clone() *Values {
	return &Values{members: slices.Clone(v.members), text: v.text, plain: v.plain}
}

// find returns where a name stands, or -1. It only reads: several goroutines may
// ask the same Values.
func (v *Values) find(name string) int {
	if v.index != nil {
		if i, ok := v.index[name]; ok {
			return i
		}
		return -1
	}
	for i := range v.members {
		if v.members[i].Name == name {
			return i
		}
	}
	return -1
}
