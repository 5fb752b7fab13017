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
		if dst, err = AppendString(dst, e.name); err != nil {
			return dst, err
		}
		if dst, err = w.value(append(dst, ':'), e.value); err != nil {
			return dst, err
		}
	}
	w.depth--
	return append(dst, '}'), nil
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
