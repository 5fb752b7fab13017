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
// Python's dict is. Values are kept as the JSON or the Python objects they came
// as and decoded when they are asked for, so that what nobody touched goes back
// as it was: 1.0 stays a float, an integer of 300 digits stays what it is, and
// an instance of the site's own classes stays one.
//
// The zero Values is empty and ready to use. Python's strings may hold lone
// surrogates, which UTF-8 cannot spell; in Go strings they are their three
// bytes ED A0 80 to ED BF BF, and go back as they came.
//
// A dict that was pickled may have keys that are no strings. They are counted,
// shown and kept, and no name finds them. A member of a str Enum, such as Django's
// TextChoices, and any other object of a class that is made of one string alone is
// found by that, as in Python, and stays the key.
//
// A Values is not safe for use by several goroutines while one of them changes
// it.
type Values struct {
	members []pyjson.Member
	text    string         // the JSON that members were read from, until something changes
	plain   bool           // what was read came from a payload that was not compressed
	index   map[string]int // of members by name, while many are being set
	removed int            // how many members were removed since index was made
	python  *pythonValues  // beside members: what JSON does not hold, if there is any
}

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
			if v.named(i) && !yield(v.members[i].Name) {
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
// into a time.Time a datetime or what datetime.isoformat wrote, where a time
// without an offset counts as UTC.
//
// A session that was pickled holds more. Into an any go time.Time for a
// datetime with an offset and NaiveTime for one without, Date, TimeOfDay,
// time.Duration or else Timedelta, Decimal, UUID, []byte, ByteArray, Tuple, PySet,
// FrozenSet, *Values for an OrderedDict, []any for a deque, and a string for a
// SafeString. Into other types go their texts, elements and bytes; a Decimal goes
// into a float64, too, and a key that is no str into a map as its text. Any other
// object is an ErrOpaque, alone or inside of something, unless it is a member
// that a struct has no field for.
func (v *Values) Get(name string, dst any) error {
	i := v.find(name)
	if i < 0 {
		return fmt.Errorf("session value %q: %w", name, ErrNoValue)
	}
	if err := v.decode(i, dst); err != nil {
		return fmt.Errorf("session value %q: %w", name, err)
	}
	return nil
}

func (v *Values) decode(i int, dst any) error {
	if v.python != nil {
		return v.decodePython(i, dst)
	}
	return pyjson.Unmarshal(v.members[i].Raw, dst)
}

// GetString returns a value that is a string, and "" when there is none or it is
// something else.
func (v *Values) GetString(name string) string {
	i := v.find(name)
	if i < 0 {
		return ""
	}
	raw := v.members[i].Raw
	if raw == "" {
		return v.pythonString(i)
	}
	var s string
	if raw[0] == '"' {
		s, _ = pyjson.Text(raw)
	}
	return s
}

// Raw returns a value as the JSON it is stored as, or, of a session that was
// pickled, as AppendShown shows it. It may hold what only Python's JSON has: NaN,
// Infinity, and bytes from 0x80 up that stand for the characters U+0080 to
// U+00FF; so it is not for SetJSON, which takes UTF-8.
func (v *Values) Raw(name string) (json string, ok bool) {
	i := v.find(name)
	if i < 0 {
		return "", false
	}
	if raw := v.members[i].Raw; raw != "" {
		return raw, true
	}
	return v.shown(i), true
}

// Clear removes all values.
func (v *Values) Clear() { *v = Values{python: v.python.cleared()} }

// Clone returns a copy that changes apart from v.
func (v *Values) Clone() *Values {
	return &Values{members: slices.Clone(v.members), text: v.text, plain: v.plain, python: v.python.clone()}
}

// unchanged tells whether nothing has been changed since the values were read.
func (v *Values) unchanged() bool { return v.text != "" || v.python != nil && v.python.pickle != "" }

// changed forgets what is no longer what was read.
func (v *Values) changed() {
	v.text = ""
	if v.python != nil {
		v.python.pickle, v.python.whole = "", false
	}
}
