package pyjson

import (
	"cmp"
	"encoding"
	"reflect"
	"slices"
	"strconv"
)

// enter counts one more open container.
func (w *writer) enter(t reflect.Type) error {
	if w.depth >= w.maxDepth {
		return &UnsupportedError{Type: t, Reason: "nested more than " + strconv.Itoa(w.maxDepth) + " deep"}
	}
	w.depth++
	return nil
}

// pointer writes the value of a pointer. It bounds the pointers that it follows, since a pointer
// can lead to itself without a container in between.
func (w *writer) pointer(dst []byte, v reflect.Value) ([]byte, error) {
	if w.pointers > 4*MaxWriteDepth {
		return dst, &UnsupportedError{Type: v.Type(), Reason: "pointers that lead nowhere"}
	}
	w.pointers++
	dst, err := w.value(dst, v.Elem())
	w.pointers--
	return dst, err
}

func (w *writer) list(dst []byte, list []any) ([]byte, error) {
	if list == nil {
		return append(dst, "null"...), nil
	}
	if err := w.enter(reflect.TypeOf(list)); err != nil {
		return dst, err
	}
	dst = append(dst, '[')
	for i, v := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = w.any(dst, v); err != nil {
			return dst, err
		}
	}
	w.depth--
	return append(dst, ']'), nil
}

func (w *writer) sequence(dst []byte, v reflect.Value) ([]byte, error) {
	if err := w.enter(v.Type()); err != nil {
		return dst, err
	}
	dst = append(dst, '[')
	for i := range v.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = w.value(dst, v.Index(i)); err != nil {
			return dst, err
		}
	}
	w.depth--
	return append(dst, ']'), nil
}

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

// key writes the key of a map. In marked JSON an integer and a Python type keep their type.
func (w *writer) key(dst []byte, t reflect.Type, name string) ([]byte, error) {
	if t.Kind() == reflect.String && t.PkgPath() == "" {
		return w.str(dst, name)
	}
	mark := infoOf(t).mark
	integer := (isInt(t.Kind()) || isUint(t.Kind())) && !t.Implements(reflect.TypeFor[encoding.TextMarshaler]())
	switch {
	case mark != 0 && mark != Timedelta:
		dst = w.mark(w.mark(dst, Key), mark)
	case integer && mark == 0:
		if dst = w.mark(dst, Key); w.withMarks {
			return append(dst, name...), nil
		}
	}
	return w.str(dst, name)
}

// mapName returns the key of a map as a string, as encoding/json does.
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

func (w *writer) structure(dst []byte, v reflect.Value, info *typeInfo) ([]byte, error) {
	if err := w.enter(v.Type()); err != nil {
		return dst, err
	}
	dst = append(dst, '{')
	empty := len(dst)
	for i := range info.fields {
		f := &info.fields[i]
		fv, err := v.FieldByIndexErr(f.index)
		if err != nil { // the field is inside an embedded pointer that is nil
			continue
		}
		if f.omitEmpty && isEmpty(fv) || f.omitZero && isZero(fv) {
			continue
		}
		if len(dst) > empty {
			dst = append(dst, ',')
		}
		dst = append(dst, f.quoted...)
		if f.asString {
			dst, err = w.quoted(dst, fv)
		} else {
			dst, err = w.value(dst, fv)
		}
		if err != nil {
			return dst, err
		}
	}
	w.depth--
	return append(dst, '}'), nil
}

// quoted writes a field with the tag option "string": its JSON inside a string.
func (w *writer) quoted(dst []byte, v reflect.Value) ([]byte, error) {
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return append(dst, "null"...), nil
	}
	if info := infoOf(v.Type()); info.write != byKind && info.write != asNumber {
		return w.value(dst, v)
	}
	withMarks := w.withMarks
	w.withMarks = false
	text, err := w.value(nil, v)
	w.withMarks = withMarks
	if err != nil {
		return dst, err
	}
	return w.str(dst, string(text))
}

// isEmpty reports whether the tag option omitempty leaves a value out.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

// isZero reports whether the tag option omitzero leaves a value out. A method IsZero decides first.
func isZero(v reflect.Value) bool {
	type zeroer interface{ IsZero() bool }
	if k := v.Kind(); (k == reflect.Pointer || k == reflect.Interface) && v.IsNil() {
		return true
	}
	if z, ok := v.Interface().(zeroer); ok {
		return z.IsZero()
	}
	if v.CanAddr() {
		if z, ok := v.Addr().Interface().(zeroer); ok {
			return z.IsZero()
		}
	}
	return v.IsZero()
}
