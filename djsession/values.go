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

// Values are the values of a session: an ordered map from names to values, as Python's
// dict is. A value is kept as the JSON or the Python object that was read, and Get decodes
// it. So an unchanged value is written back as it was: 1.0 stays a float, an integer of 300
// digits stays whole, and an instance of the site's own class stays that instance.
//
// The zero Values is empty and ready to use. Python's strings may hold lone surrogates,
// which UTF-8 cannot spell. In Go strings they are the three bytes ED A0 80 to ED BF BF,
// and are written back as they were: in a pickle also two that make a pair, which JSON reads
// as one character, as in Python.
//
// A dict that was pickled may have keys that are not strings. They are kept and shown, and
// Len counts them, but they cannot be looked up by name. Two kinds of keys are found by
// their text, as in Python, and stay what they are: a member of a str Enum, such as
// Django's TextChoices, and an object of a class that is made of one string.
//
// Several goroutines may read a Values at once. No other goroutine may use it while one
// changes it.
type Values struct {
	members []pyjson.Member
	text    string         // the JSON that members were read from, until something changes
	plain   bool           // the payload that was read was not compressed
	index   map[string]int // of members by name, while many are being set
	removed int            // how many members were removed since index was built
	python  *pythonValues  // Python objects beside members; nil if JSON holds everything
}

// parseValues checks a JSON object, as json.loads would, and indexes it.
func parseValues(text string) (*Values, error) {
	members, err := pyjson.Scan(text, nil, pyjson.Limits{})
	if err != nil {
		return nil, err
	}
	return &Values{members: members, text: text}, nil
}

// Len returns how many values there are.
func (v *Values) Len() int { return len(v.members) }

// Has reports whether there is a value of this name.
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

// Get decodes a value into the variable that dst points to. If there is no such value, the
// error is an ErrNoValue. A value that does not fit is an error, and dst may then be partly
// filled in, as in encoding/json.
//
// The types are those of encoding/json, and json tags count. An any gets nil, bool, int64
// (*big.Int if it is larger), float64, string, []any or map[string]any. A *Values gets a
// nested dict, in its order and without loss. A time.Time gets a datetime, or the text of
// datetime.isoformat; a time without an offset counts as UTC.
//
// A session that was pickled has more types. An any gets a time.Time for a datetime with an
// offset, a time.Duration for a timedelta that fits, a []byte for bytes, a *Values for an
// OrderedDict, a []any for a deque, a string for a SafeString, and else the type of package
// pytype. Other types get the text, the elements or the bytes of the value. A float64 also
// takes a Decimal, and a map gets a key that is no str as its text. Any other object is an
// ErrOpaque, also inside of a collection, unless a struct has no field for it.
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

// GetOr returns a value of a *Session or a *Values, or fallback if there is no such value:
// Django's session.get(name, fallback). A value that is not a T is an error.
//
// Python's None is the zero value of T: a nil map, for example. A Go map loses the order of a
// dict. A struct loses the members that it has no field for. A T of Values keeps both.
func GetOr[T any](from interface {
	Get(name string, dst any) error
}, name string, fallback T) (T, error) {
	var value T
	err := from.Get(name, &value)
	if errors.Is(err, ErrNoValue) {
		return fallback, nil
	}
	return value, err
}

// GetString returns a value that is a string. It returns "" if there is no such value or it
// is not a string.
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

// Raw returns the JSON that a value is stored as. If the session was pickled, it returns the
// value as AppendShown does. The text may hold NaN and Infinity, which only Python's JSON has.
// Its bytes from 0x80 up stand for the characters U+0080 to U+00FF, so it is not for SetJSON,
// which takes UTF-8.
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

// Size returns about how many bytes the values take, as JSON or as a pickle.
func (v *Values) Size() int {
	switch {
	case v.text != "":
		return len(v.text)
	case v.python != nil && v.python.pickle != "":
		return len(v.python.pickle)
	}
	const others = 8 // quotes, a comma and the like
	size := 0
	for i := range v.members {
		size += len(v.members[i].Name) + len(v.members[i].Raw) + others
	}
	return size
}

// Clear removes all values.
func (v *Values) Clear() { *v = Values{python: v.python.cleared()} }

// Clone returns a copy. Later changes to one do not change the other.
func (v *Values) Clone() *Values {
	return &Values{members: slices.Clone(v.members), text: v.text, plain: v.plain, python: v.python.clone()}
}

// unchanged reports whether nothing has changed since the values were read.
func (v *Values) unchanged() bool { return v.text != "" || v.python != nil && v.python.pickle != "" }

// markChanged forgets what was read, since the values now differ from it.
func (v *Values) markChanged() {
	v.text = ""
	if v.python != nil {
		v.python.pickle, v.python.dictValid = "", false
	}
}
