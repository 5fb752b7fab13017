package djsession

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/djsess/djsess/internal/pickle"
	"github.com/djsess/djsess/internal/pydict"
	"github.com/djsess/djsess/internal/pyjson"
	"github.com/djsess/djsess/internal/pyvalue"
)

// ErrOpaque is a Python object that Go has no type for: an instance of the site's own
// class, a function, or an object that holds itself. The object stays in the session. The
// error names it: "myapp.models.Cart(…)". When a session is written as JSON, an object that
// json.dumps refuses, such as a datetime, is an ErrOpaque too.
var ErrOpaque = pyjson.ErrOpaque

// pythonValues are the Python objects of Values, beside their JSON.
type pythonValues struct {
	members    []pythonMember // beside Values.members, in the same order
	dict       *pickle.Object // the dict that was loaded; nil if the values began in Go or as JSON
	dictValid  bool           // dict still is the values: nothing has changed
	pickle     string         // the pickle that dict was loaded from, while nothing has changed
	proto      int            // the protocol of that pickle
	writeLimit int            // bounds, in bytes, all values together when they are written out
}

// defaultWriteLimit is the limit of values that were in no pickle.
const defaultWriteLimit = 32 << 20

// pythonMember is a value as Python has it. The value of the zero pythonMember is its JSON.
type pythonMember struct {
	key     *pickle.Object // the key that was loaded; nil for a str of the member's name
	value   *pickle.Object
	marked  string // marked JSON in place of value, without opaque values
	unnamed bool   // the key is no str, so no name finds the value
}

// Packages rediscache and ops need the Python objects: see package pydict.
func init() {
	pydict.Of = func(values any) (*pickle.Object, error) { return values.(*Values).pythonDict() }
	pydict.IsPython = func(values any) bool { return values.(*Values).python != nil }
	pydict.Values = func(dict *pickle.Object) (any, error) { return valuesOf(dict, defaultWriteLimit) }
}

// valuesOf returns the values of a dict, with a limit for pythonValues.
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
	*p = pythonValues{members: make([]pythonMember, 0, len(items)/2), dict: dict, dictValid: true, writeLimit: limit}
	v.python = p
	names := 0 // in bytes: a million keys may share one long str
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
				// No dict that Python has written has equal keys, so the key that is no str is not equal to this one.
				case isStr:
					v.members[at].Name, p.members[at].unnamed = "", true
					if v.index != nil {
						v.index[name] = len(v.members)
					}
				default:
					name, isName = "", false
				}
			}
		}
		v.members = append(v.members, pyjson.Member{Name: name})
		p.members = append(p.members, pythonMember{key: key, value: value, unnamed: !isName})
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

// pythonDict returns the dict that the values were loaded as if nothing has changed, else a
// dict with the same objects for the unchanged values.
func (v *Values) pythonDict() (*pickle.Object, error) {
	p := v.python
	if p != nil && p.dictValid {
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
		if pyvalue.Reaches(items, p.dict) { // an object that held the old dict then holds the new one
			dict = pyvalue.Replace(dict, p.dict)
		}
		return dict, nil
	}
	return &pickle.Object{Kind: pickle.Dict, Items: items}, nil
}

// key returns the key of a value as Python has it.
func (v *Values) key(i int) *pickle.Object {
	if p := v.python; p != nil && p.members[i].key != nil {
		return p.members[i].key
	}
	return &pickle.Object{Kind: pickle.Str, Text: v.members[i].Name}
}

// object returns a value as Python has it.
func (v *Values) object(i int) (*pickle.Object, error) {
	text := v.members[i].Raw
	if p := v.python; p != nil {
		if m := &p.members[i]; m.value != nil {
			return m.value, nil
		} else if m.marked != "" {
			text = m.marked
		}
	}
	return pyvalue.Parse(text, nil)
}

// named reports whether a name finds a value: whether its key equals a str.
func (v *Values) named(i int) bool { return v.python == nil || !v.python.members[i].unnamed }

// decodePython decodes a value as Python has it. A value that was set in Go is decoded as it
// will be once it is stored: as JSON, unless the session is known to be pickled.
func (v *Values) decodePython(i int, dst any) error {
	m, raw := &v.python.members[i], v.members[i].Raw
	switch {
	case raw != "" && (v.python.dict == nil || m.value == nil && m.marked == ""):
		return pyjson.Unmarshal(raw, dst)
	case m.value == nil:
		return pyjson.UnmarshalMarked(m.marked, nil, dst, valuesDict)
	}
	if nested, ok := dst.(*Values); ok { // without marked JSON in between, which keeps no identities
		read, err := valuesOf(m.value, v.python.writeLimit)
		if errors.Is(err, ErrTooLarge) {
			return err
		} else if err != nil {
			return &pyjson.TypeError{Want: valuesType, Got: pyvalue.Describe(m.value)}
		}
		*nested = *read
		return nil
	}
	w := pyvalue.Writer{Limit: v.python.writeLimit}
	text, err := w.Append(nil, m.value)
	if err != nil {
		return tooLarge(err)
	}
	return pyjson.UnmarshalMarked(string(text), w.Opaque, dst, valuesDict)
}

// tooLarge makes a pyvalue.ErrTooLarge an ErrTooLarge.
func tooLarge(err error) error {
	if errors.Is(err, pyvalue.ErrTooLarge) {
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	return err
}

// pythonString is GetString for a value without JSON.
func (v *Values) pythonString(i int) string {
	if o := v.python.members[i].value; o != nil {
		s, _ := pyvalue.Str(o)
		return s
	}
	return ""
}

// setPython sets a value as Python has it, after its JSON was set.
func (v *Values) setPython(i int, m pythonMember) {
	if v.python == nil {
		if m == (pythonMember{}) {
			return
		}
		v.python = &pythonValues{writeLimit: defaultWriteLimit}
	}
	p := v.python
	for len(p.members) < len(v.members) {
		p.members = append(p.members, pythonMember{})
	}
	m.key, m.unnamed = p.members[i].key, p.members[i].unnamed
	p.members[i] = m
}

// fingerprint tells a stored value from any other. A shown value would not: it leaves out what
// is in an object of a class of the site's own.
type fingerprint struct{ json, pickled string }

// fingerprint returns that of a value. It is empty if there is no such value.
func (v *Values) fingerprint(name string) (f fingerprint) {
	i := v.find(name)
	if i < 0 {
		return f
	}
	f.json = v.members[i].Raw
	if v.python == nil {
		return f
	}
	o, err := v.object(i)
	if err != nil {
		return f
	}
	if pickled, err := pickle.Append(nil, o, pickle.HighestProtocol); err == nil {
		f.pickled = string(pickled)
	}
	return f
}

func (f fingerprint) equal(other fingerprint) bool {
	if f.pickled != "" && other.pickled != "" {
		return f.pickled == other.pickled
	}
	return f.json != "" && f.json == other.json
}

func (p *pythonValues) clone() *pythonValues {
	if p == nil {
		return nil
	}
	copied := *p
	copied.members = slices.Clone(p.members)
	return &copied
}

// cleared returns what stays when all values are removed: a pickled session stays pickled.
func (p *pythonValues) cleared() *pythonValues {
	if p == nil || p.dict == nil {
		return nil
	}
	return &pythonValues{dict: &pickle.Object{Kind: pickle.Dict}, proto: p.proto, writeLimit: p.writeLimit}
}

var valuesType = reflect.TypeFor[Values]()

// valuesDict lets Values inside of other Go values keep their opaque objects.
var valuesDict = &pyjson.DictType{
	Type:    valuesType,
	Pointer: reflect.TypeFor[*Values](),
	Append:  appendMarked,
	Parse:   parseMarked,
}

func appendMarked(dst []byte, value any, opaque *[]any) (out []byte, differs bool, err error) {
	v, ok := value.(*Values)
	if !ok {
		copied := value.(Values)
		v = &copied
	}
	switch {
	case v == nil:
		return append(dst, "null"...), false, nil
	case v.python == nil:
		out, err = v.AppendPythonJSON(dst)
		return out, false, err
	}
	dict, err := v.pythonDict()
	if err != nil {
		return dst, true, err
	}
	w := pyvalue.Writer{Limit: v.python.writeLimit, Opaque: *opaque}
	out, err = w.Append(dst, dict)
	*opaque = w.Opaque
	return out, true, tooLarge(err)
}

func parseMarked(text string, opaque []any) (any, error) {
	o, err := pyvalue.Parse(text, opaque)
	if err != nil {
		return nil, err
	}
	v, err := valuesOf(o, max(minWritten, 2*len(text)))
	if err != nil {
		return nil, &pyjson.TypeError{Want: valuesType, Got: pyvalue.Describe(o)}
	}
	return v, nil
}

// pickledValues returns a value that is Values with Python objects.
func pickledValues(value any) (*Values, bool) {
	switch v := value.(type) {
	case *Values:
		return v, v != nil && v.python != nil
	case Values:
		return &v, v.python != nil
	}
	return nil, false
}

// encodeNested keeps the objects of nested Values, whether JSON could hold them or not: other
// values may share them.
func encodeNested(name string, v *Values) (encoded, error) {
	var e encoded
	var err error
	if e.python.value, err = v.pythonDict(); err != nil {
		return e, fmt.Errorf("session value %q: %w", name, err)
	}
	text, err := v.AppendPythonJSON(nil)
	if err != nil && !errors.Is(err, ErrOpaque) && !errors.Is(err, ErrTooLarge) {
		return e, fmt.Errorf("session value %q: %w", name, err)
	}
	if err == nil {
		e.raw = string(text)
	}
	return e, nil
}

// markedMember returns the Python value of marked JSON.
func markedMember(e pyjson.Encoded) (pythonMember, error) {
	o, err := pyvalue.Parse(e.Marked, e.Opaque)
	if err != nil || len(e.Opaque) > 0 {
		return pythonMember{value: o}, err
	}
	return pythonMember{marked: e.Marked}, nil
}
