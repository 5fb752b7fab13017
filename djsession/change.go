package djsession

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// Change is one change to a session. It is given the values as they are stored
// and may be run several times, on newer ones, when somebody else writes the
// session at the same time; so it should depend on nothing but them. An error
// ends the update, and nothing is written.
type Change func(v *Values) error

// Set sets a value; see Values.Set. The value is written down at once: what
// happens to it later does not count.
func Set(name string, value any) Change {
	e, err := encodeValue(name, value)
	if err != nil {
		return func(*Values) error { return err }
	}
	return setEncoded(name, e)
}

func setEncoded(name string, e encoded) Change {
	return func(v *Values) error { return v.set(name, e) }
}

// SetJSON sets a value given as JSON; see Values.SetJSON.
func SetJSON(name, json string) Change {
	return func(v *Values) error { return v.SetJSON(name, json) }
}

// SetDefault sets a value unless there is one of this name.
func SetDefault(name string, value any) Change {
	set := Set(name, value)
	return func(v *Values) error {
		if v.Has(name) {
			return nil
		}
		return set(v)
	}
}

// Delete removes values; names that are not there are no error.
func Delete(names ...string) Change {
	names = slices.Clone(names)
	return func(v *Values) error {
		v.Delete(names...)
		return nil
	}
}

// Clear removes all values; the session and its key stay.
func Clear() Change {
	return func(v *Values) error {
		v.Clear()
		return nil
	}
}

// Modify sets a value to what f makes of the old one, which is T's zero value, or
// an empty map, when there is none. It is for a value that both sides change, such
// as a cart: when somebody else wrote the session meanwhile, f is called again with
// what they wrote.
//
// A Go map loses the order of a dict, and a struct the members it has no field for:
// a T of Values keeps both.
func Modify[T any](name string, f func(old T) (T, error)) Change {
	return func(v *Values) error {
		var old T
		if err := v.Get(name, &old); err != nil && !errors.Is(err, ErrNoValue) {
			return err
		}
		if m := reflect.ValueOf(&old).Elem(); m.Kind() == reflect.Map && m.IsNil() {
			m.Set(reflect.MakeMap(m.Type()))
		}
		changed, err := f(old)
		if err != nil {
			return fmt.Errorf("session value %q: %w", name, err)
		}
		return v.Set(name, changed)
	}
}
