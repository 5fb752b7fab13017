package pyjson

import (
	"cmp"
	"encoding"
	"reflect"
	"slices"
	"strconv"
)

func (w *writer) mapping(dst []byte, v reflect.Value) ([]byte, error) {
	if v.IsNil() {
		return append(dst, "null"...), nil
	}
	if err := w.enter(v.Type()); err != nil {
		return dst, err
	}
	type entry struct {
		name  string
		value reflect.Value
	}
	entries := make([]entry, 0, v.Len())
	for it := v.MapRange(); it.Next(); {
		name, err := mapName(it.Key())
		if err != nil {
			return dst, err
		}
		entries = append(entries, entry{name, it.Value()})
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.name, b.name) })
	dst = append(dst, '{')
	for i, e := range entries {
		if i > 0 {
			if e.name == entries[i-1].name {
				return dst, &UnsupportedError{Type: v.Type(), Reason: "a name occurs twice"}
			}
			dst = append(dst, ',')
		}
		var err error
		if dst, err = w.key(dst, v.Type().Key(), e.name); err != nil {
			return dst, err
		}
		if dst, err = w.value(append(dst, ':'), e.value); err != nil {
			return dst, err
		}
	}
	w.depth--
	return append(dst, '}'), nil
}

// key writes the key of a map. In native text an integer stays one, and a natural type is one.
func (w *writer) key(dst []byte, t reflect.Type, name string) ([]byte, error) {
	if t.Kind() == reflect.String && t.PkgPath() == "" {
		return AppendString(dst, name)
	}
	natural := infoOf(t).natural
	integer := (isInt(t.Kind()) || isUint(t.Kind())) && !t.Implements(reflect.TypeFor[encoding.TextMarshaler]())
	switch {
	case natural != nil && natural.Append == nil && natural.Mark != Timedelta:
		dst = w.mark(w.mark(dst, Key), natural.Mark)
	case integer && natural == nil:
		if dst = w.mark(dst, Key); w.native {
			return append(dst, name...), nil
		}
	}
	return AppendString(dst, name)
}

// mapName spells the key of a map, as encoding/json does.
func mapName(key reflect.Value) (string, error) {
	if key.Kind() == reflect.String {
		return key.String(), nil
	}
	if m, ok := key.Interface().(encoding.TextMarshaler); ok {
		if key.Kind() == reflect.Pointer && key.IsNil() {
			return "", nil
		}
		text, err := m.MarshalText()
		return string(text), err
	}
	switch k := key.Kind(); {
	case isInt(k):
		return strconv.FormatInt(key.Int(), 10), nil
	case isUint(k):
		return strconv.FormatUint(key.Uint(), 10), nil
	}
	return "", &UnsupportedError{Type: key.Type(), Reason: "not a type for the keys of a map"}
}
