package pyjson

import (
	"reflect"
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

// pointer bounds what it follows: a pointer can lead to itself without any container in between.
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

func (w *writer) object(dst []byte, o Object) ([]byte, error) {
	if o == nil {
		return append(dst, "null"...), nil
	}
	if err := w.enter(reflect.TypeOf(o)); err != nil {
		return dst, err
	}
	dst = append(dst, '{')
	var seen objectIndex
	for i, m := range o {
		if seen.find(o[:i], m.Name) >= 0 {
			return dst, &UnsupportedError{Type: reflect.TypeOf(o), Reason: "a name occurs twice"}
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = AppendString(dst, m.Name); err != nil {
			return dst, err
		}
		if dst, err = w.any(append(dst, ':'), m.Value); err != nil {
			return dst, err
		}
	}
	w.depth--
	return append(dst, '}'), nil
}
