package pyjson

import "reflect"

func (w *writer) structure(dst []byte, v reflect.Value, info *typeInfo) ([]byte, error) {
	if err := w.enter(v.Type()); err != nil {
		return dst, err
	}
	dst = append(dst, '{')
	empty := len(dst)
	for i := range info.fields {
		f := &info.fields[i]
		fv, err := v.FieldByIndexErr(f.index)
		if err != nil { // inside an embedded pointer that is nil
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
	native := w.native
	w.native = false
	text, err := w.value(nil, v)
	w.native = native
	if err != nil {
		return dst, err
	}
	return AppendString(dst, string(text))
}

// isEmpty is what the tag option omitempty asks.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

// isZero is what the tag option omitzero asks: a method IsZero first.
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
