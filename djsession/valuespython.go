package djsession

import (
	"errors"
	"fmt"
	"slices"

	"github.com/djsess/djsess/internal/pickle"
	"github.com/djsess/djsess/internal/pyjson"
	"github.com/djsess/djsess/internal/pyvalue"
)

// ErrOpaque is a Python object that Go has no type for: an instance of a class
// of the site's own, a function, or what holds itself. It stays in the session, and
// the error says what it is: "myapp.models.Cart(…)". To be written as JSON, what
// json.dumps refuses is one as well, such as a datetime.
var ErrOpaque = pyjson.ErrOpaque

// pythonValues is what Values have beside their JSON.
type pythonValues struct {
	members []pythonMember // beside Values.members, in the same order
	dict    *pickle.Object // what the values were loaded as; nil when they began in Go or as JSON
	whole   bool           // dict is still what they are
	pickle  string         // what dict was loaded from, while it is whole
	proto   int            // the protocol of that
	limit   int            // of what they may be when they are written out, all together
}

// defaultLimit is the limit of what was in no pickle.
const defaultLimit = 32 << 20

// pythonMember is a value as Python has it. The zero one is what its JSON says.
type pythonMember struct {
	key    *pickle.Object // as it was loaded; nil for a str of the member's name
	value  *pickle.Object
	native string // native text in place of value; it refers to nothing
	other  bool   // the key is no str
}

// ValuesOf returns the values of a dict as package internal/pickle has it. It is for
// the caches of djsess, whose formats are not pickle.
func ValuesOf(dict *pickle.Object) (*Values, error) { return valuesOf(dict, defaultLimit) }

func valuesOf(dict *pickle.Object, limit int) (*Values, error) {
	items, ok := pyvalue.DictItems(dict)
	if !ok {
		return nil, fmt.Errorf("%w: %s in place of a dict", ErrMalformed, pyvalue.Describe(dict))
	}
	both := new(struct { // in one allocation
		Values
		pythonValues
	})
	v, p := &both.Values, &both.pythonValues
	v.members = make([]pyjson.Member, 0, len(items)/2)
	*p = pythonValues{members: make([]pythonMember, 0, len(items)/2), dict: dict, whole: true, limit: limit}
	v.python = p
	names := 0 // in bytes: a million keys may refer to one long str
	for i := 0; i+1 < len(items); i += 2 {
		key, value := items[i], items[i+1]
		name, isName := pyvalue.Name(key)
		if names += len(name); names > limit {
			return nil, fmt.Errorf("the names of the values take more than %d bytes: %w", limit, ErrTooLarge)
		}
		if isName {
			if at := v.findIndexed(name); at >= 0 {
				_, isStr := pyvalue.Str(key)
				_, wasStr := pyvalue.Str(p.members[at].key)
				switch {
				case isStr && wasStr:
					p.members[at].value = value
					continue
				// No dict that Python has written has equal keys: what only looked like a str is none.
				case isStr:
					v.members[at].Name, p.members[at].other = "", true
					if v.index != nil {
						v.index[name] = len(v.members)
					}
				default:
					name, isName = "", false
				}
			}
		}
		v.members = append(v.members, pyjson.Member{Name: name})
		p.members = append(p.members, pythonMember{key: key, value: value, other: !isName})
	}
	if len(v.members) < indexFrom {
		v.index = nil
	}
	return v, nil
}

// findIndexed is find while many members are added one by one.
func (v *Values) findIndexed(name string) int {
	const few = 16
	if len(v.members) < few {
		return v.find(name)
	}
	if v.index == nil {
		v.makeIndex(2 * cap(v.members))
	}
	at := v.find(name)
	if at < 0 {
		v.index[name] = len(v.members) // where the caller adds it
	}
	return at
}

// Python returns the values as a dict of package internal/pickle: the one they were
// loaded as while nothing has changed, else one with the same objects for what nobody
// has touched.
func (v *Values) Python() (*pickle.Object, error) {
	p := v.python
	if p != nil && p.whole {
		return p.dict, nil
	}
	items := make([]*pickle.Object, 0, 2*len(v.members))
	for i := range v.members {
		value, err := v.object(i)
		if err != nil {
			return nil, fmt.Errorf("session value %q: %w", v.members[i].Name, err)
		}
		items = append(items, v.key(i), value)
	}
	if p != nil && p.dict != nil {
		dict := pyvalue.WithItems(p.dict, items)
		if pyvalue.Reaches(items, p.dict) { // what holds the dict then holds what it is now
			dict = pyvalue.Replace(dict, p.dict)
		}
		return dict, nil
	}
	return &pickle.Object{Kind: pickle.Dict, Items: items}, nil
}

// key is the key of a value.
func (v *Values) key(i int) *pickle.Object {
	if p := v.python; p != nil && p.members[i].key != nil {
		return p.members[i].key
	}
	return &pickle.Object{Kind: pickle.Str, Text: v.members[i].Name}
}

// object is a value as Python has it.
func (v *Values) object(i int) (*pickle.Object, error) {
	text := v.members[i].Raw
	if p := v.python; p != nil {
		if m := &p.members[i]; m.value != nil {
			return m.value, nil
		} else if m.native != "" {
			text = m.native
		}
	}
	return pyvalue.Parse(text, nil)
}

// named tells whether a name finds a value: whether its key is equal to a str.
func (v *Values) named(i int) bool { return v.python == nil || !v.python.members[i].other }

// decodePython decodes a value as Python has it; but what was set in Go is what it
// will be when it has been stored as JSON, unless the session is known to be pickled.
func (v *Values) decodePython(i int, dst any) error {
	m, raw := &v.python.members[i], v.members[i].Raw
	switch {
	case raw != "" && (v.python.dict == nil || m.value == nil && m.native == ""):
		return pyjson.Unmarshal(raw, dst)
	case m.value == nil:
		return pyjson.UnmarshalNative(m.native, nil, dst)
	}
	if nested, ok := dst.(*Values); ok { // without a text in between, which has no identities
		read, err := valuesOf(m.value, v.python.limit)
		if errors.Is(err, ErrTooLarge) {
			return err
		} else if err != nil {
			return &pyjson.TypeError{Want: valuesType, Got: pyvalue.Describe(m.value)}
		}
		*nested = *read
		return nil
	}
	w := pyvalue.Writer{Limit: v.python.limit}
	text, err := w.Append(nil, m.value)
	if err != nil {
		return tooLarge(err)
	}
	return pyjson.UnmarshalNative(string(text), w.Opaque, dst)
}

// tooLarge makes an ErrTooLarge of what says the same in another package.
func tooLarge(err error) error {
	if errors.Is(err, pyvalue.ErrTooLarge) {
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	return err
}

// pythonString is GetString of a value that has no JSON.
func (v *Values) pythonString(i int) string {
	if o := v.python.members[i].value; o != nil {
		s, _ := pyvalue.Str(o)
		return s
	}
	return ""
}

// setPython notes what a value is in Python, once its JSON is set.
func (v *Values) setPython(i int, m pythonMember) {
	if v.python == nil {
		if m == (pythonMember{}) {
			return
		}
		v.python = &pythonValues{limit: defaultLimit}
	}
	p := v.python
	for len(p.members) < len(v.members) {
		p.members = append(p.members, pythonMember{})
	}
	m.key, m.other = p.members[i].key, p.members[i].other
	p.members[i] = m
}

func (p *pythonValues) clone() *pythonValues {
	if p == nil {
		return nil
	}
	copied := *p
	copied.members = slices.Clone(p.members)
	return &copied
}

// cleared is for values that were all removed: a pickled session stays one.
func (p *pythonValues) cleared() *pythonValues {
	if p == nil || p.dict == nil {
		return nil
	}
	return &pythonValues{dict: &pickle.Object{Kind: pickle.Dict}, proto: p.proto, limit: p.limit}
}
