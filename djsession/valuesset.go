package djsession

import (
	"fmt"

	"github.com/djsess/djsess/internal/pyjson"
)

// Set sets a value, in its old place when there is one of this name and else at
// the end. It is written as Python would have written it: a float64 always as
// a float (1.0), any integer as an integer, strings in ASCII with \u escapes,
// a time.Time as isoformat() does, structs by their json tags, nil as null.
// What has no such form (a channel, broken UTF-8, a year after 9999) is an
// error and changes nothing.
//
// Where the session is pickled, plain Python types are: a time.Time is a
// datetime with its offset, a time.Duration a timedelta, a []byte bytes, a map
// with integers for keys a dict with ints, and NaiveTime, Date, TimeOfDay,
// Timedelta, Decimal, UUID, ByteArray, Tuple, PySet and FrozenSet are what their
// names say. To JSON they are texts, lists and, for a time.Duration, nanoseconds; and
// that is what Get returns until a new session has been stored and loaded.
func (v *Values) Set(name string, value any) error {
	if nested, ok := pickledValues(value); ok && v.python != nil && v.python.dict != nil {
		object, err := nested.Python()
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
	raw    string // empty when JSON has no form for it, or none that is needed
	python pythonMember
}

func encodeValue(name string, value any) (encoded, error) {
	if nested, ok := pickledValues(value); ok {
		return encodeNested(name, nested)
	}
	e, err := pyjson.Encode(value)
	if err != nil {
		return encoded{}, fmt.Errorf("session value %q: %w", name, err)
	}
	if e.Native == "" {
		return encoded{raw: e.JSON}, nil
	}
	member, err := nativeMember(e)
	if err != nil {
		return encoded{}, fmt.Errorf("session value %q: %w", name, err)
	}
	return encoded{e.JSON, member}, nil
}

// SetJSON sets a value that is given as JSON in UTF-8, or as Python writes it.
// It is stored as Python would store it after reading it. As with Set, what is
// nested deeper than 500 levels is an error: not every Python could read it.
func (v *Values) SetJSON(name, json string) error {
	raw, err := pyjson.Normalize(json, pyjson.Limits{})
	if err != nil {
		return fmt.Errorf("session value %q: %w", name, err)
	}
	return v.set(name, encoded{raw: raw})
}

func (v *Values) set(name string, e encoded) error {
	// Here, since what implements its own JSON may hold more of the same.
	if e.raw != "" {
		if err := pyjson.Check(e.raw, pyjson.Limits{Depth: pyjson.MaxWriteDepth - 1}); err != nil {
			return fmt.Errorf("session value %q: %w", name, err)
		}
	}
	if v.index == nil && len(v.members) >= indexFrom {
		v.makeIndex(2 * len(v.members))
	}
	if i := v.find(name); i >= 0 {
		v.changed()
		v.members[i].Raw = e.raw
		v.setPython(i, e.python)
		return nil
	}
	rawName, err := pyjson.AppendString(nil, name)
	if err != nil {
		return fmt.Errorf("session value %q: %w", name, err)
	}
	v.changed()
	if v.index != nil {
		v.index[name] = len(v.members)
	}
	v.members = append(v.members, pyjson.Member{Name: name, RawName: string(rawName), Raw: e.raw})
	v.setPython(len(v.members)-1, e.python)
	return nil
}
