package pyjson

import (
	"errors"
	"reflect"
	"time"

	"github.com/djsess/djsess/internal/pytime"
)

// Encoded is a Go value as Python would have written it.
type Encoded struct {
	// JSON is what [Append] writes; empty when JSON has no form for the value, but native text has.
	JSON string
	// Native is the native text where it differs from the JSON, with the opaque values it refers to.
	Native string
	Opaque []any
}

// Encode writes a value as JSON, and as native text where that is another.
func Encode(v any) (Encoded, error) {
	w := writer{maxDepth: MaxWriteDepth}
	json, err := w.any(nil, v)
	if err != nil && !errors.Is(err, ErrOpaque) {
		return Encoded{}, err
	}
	if err == nil && !w.differs {
		return Encoded{JSON: string(json)}, nil
	}
	e := Encoded{}
	if err == nil {
		e.JSON = string(json)
	}
	w = writer{maxDepth: MaxWriteDepth, native: true, opaque: &e.Opaque}
	native, err := w.any(nil, v)
	e.Native = string(native)
	return e, err
}

// mark marks what is written next, in native text.
func (w *writer) mark(dst []byte, m Mark) []byte {
	w.differs = true
	if w.native {
		return AppendMark(dst, m)
	}
	return dst
}

// natural writes a value of a type that stands for a Python type of its own.
func (w *writer) natural(dst []byte, v reflect.Value, info *typeInfo) ([]byte, error) {
	n := info.natural
	if n.Append != nil {
		if !w.native {
			_, differs, err := n.Append(nil, v.Interface(), new([]any))
			if w.differs = w.differs || differs; err != nil {
				return dst, err
			}
			return w.form(dst, v, info.write)
		}
		out, _, err := n.Append(dst, v.Interface(), w.opaque)
		return out, err
	}
	if v.Kind() == reflect.Slice && v.IsNil() {
		return append(dst, "null"...), nil
	}
	dst = w.mark(dst, n.Mark)
	if d, ok := v.Interface().(time.Duration); ok && w.native {
		return append(pytime.TimedeltaOf(d).Append(append(dst, '"')), '"'), nil
	}
	return w.plain(dst, v, info)
}
