package pyjson

import (
	"encoding"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"time"

	"github.com/djsess/djsess/internal/pytime"
)

// Append appends v as json.dumps(v, separators=(",", ":")) would write it, in pure ASCII.
//
//   - A float always has a point or an exponent, such as 1.0.
//   - A [time.Time] is its isoformat(), truncated to microseconds. A [time.Duration] is its int64.
//   - A []byte is base64. Nil pointers, slices and maps are null.
//   - A map has its names in sorted order, and an [Object] in its own order. A struct follows its json tags.
//   - The output of a [json.Marshaler] is normalized as by [Normalize]. The output of an [encoding.TextMarshaler] is a string.
//   - A type with a method AppendPythonJSON(dst []byte) ([]byte, error) appends itself. The result is not checked.
//
// The error is an [*UnsupportedError] for a value that Python could not read back: chan, func, complex, a string that is
// neither UTF-8 nor WTF-8, a year outside 1 to 9999, an integer of more than 4300 digits, a name that occurs twice, or
// nesting beyond [MaxWriteDepth]. dst is then returned with its length unchanged.
func Append(dst []byte, v any) ([]byte, error) {
	w := writer{maxDepth: MaxWriteDepth}
	out, err := w.any(dst, v)
	if err != nil {
		return dst, err
	}
	return out, nil
}

// MaxWriteDepth is how deeply a value for [Append] may nest. Pythons before 3.12 stop reading at about 1000 frames, and a web
// framework uses some of them before it reads the session.
const MaxWriteDepth = 500

// An UnsupportedError is the error for a Go value that has no form which Python could read back. It never quotes the value.
type UnsupportedError struct {
	Type   reflect.Type
	Reason string
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("cannot write %v: %s", e.Type, e.Reason)
}

// A writer appends values, and counts how deeply they nest.
type writer struct {
	depth, maxDepth int
	pointers        int    // how many pointers were followed so far
	differs         bool   // the marked JSON differs from the JSON
	withMarks       bool   // the writer writes marked JSON
	opaque          *[]any // the opaque values that marked JSON refers to
	dict            *DictType
}

// str writes a string.
func (w *writer) str(dst []byte, s string) ([]byte, error) {
	if w.withMarks {
		return AppendMarkedString(dst, s)
	}
	w.differs = w.differs || holdsHalves(s)
	return AppendString(dst, s)
}

// any writes a value. It needs no reflection for the types that are usual in sessions.
func (w *writer) any(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case string:
		return w.str(dst, v)
	case bool:
		return strconv.AppendBool(dst, v), nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case float64:
		return AppendFloat(dst, v, 64), nil
	case time.Time:
		return appendTime(w.mark(dst, Datetime), v)
	case *big.Int:
		return appendBigInt(dst, v)
	case Object:
		return w.object(dst, v)
	case []any:
		return w.list(dst, v)
	}
	return w.value(dst, reflect.ValueOf(v))
}

func (w *writer) value(dst []byte, v reflect.Value) ([]byte, error) {
	if !v.IsValid() {
		return append(dst, "null"...), nil
	}
	if w.isDict(v.Type()) {
		return w.dictType(dst, v)
	}
	info := infoOf(v.Type())
	if info.mark != 0 {
		return w.pythonType(dst, v, info)
	}
	return w.plain(dst, v, info)
}

// plain writes a value by the kind of its type.
func (w *writer) plain(dst []byte, v reflect.Value, info *typeInfo) ([]byte, error) {
	if info.write != byKind {
		return w.form(dst, v, info.write)
	}
	if info.writeAddr != byKind && v.CanAddr() {
		return w.form(dst, v.Addr(), info.writeAddr)
	}
	switch k := v.Kind(); {
	case k == reflect.Bool:
		return strconv.AppendBool(dst, v.Bool()), nil
	case isInt(k):
		return strconv.AppendInt(dst, v.Int(), 10), nil
	case isUint(k):
		return strconv.AppendUint(dst, v.Uint(), 10), nil
	case isFloat(k):
		return AppendFloat(dst, v.Float(), v.Type().Bits()), nil
	case k == reflect.String:
		return w.str(dst, v.String())
	case k == reflect.Struct:
		return w.structure(dst, v, info)
	case k == reflect.Map:
		return w.mapping(dst, v)
	case k == reflect.Array:
		return w.sequence(dst, v)
	case k == reflect.Slice && info.isBytes && !v.IsNil():
		if info.mark == 0 {
			dst = w.mark(dst, Bytes)
		}
		dst = base64.StdEncoding.AppendEncode(append(dst, '"'), v.Bytes())
		return append(dst, '"'), nil
	case k == reflect.Slice && !v.IsNil():
		return w.sequence(dst, v)
	case k == reflect.Pointer && !v.IsNil():
		return w.pointer(dst, v)
	case k == reflect.Interface && !v.IsNil():
		return w.value(dst, v.Elem())
	case k == reflect.Slice, k == reflect.Pointer, k == reflect.Interface:
		return append(dst, "null"...), nil
	}
	return dst, &UnsupportedError{Type: v.Type(), Reason: "Python has nothing like it"}
}

// form writes a value by its own methods, or one of the types that have a form of their own.
func (w *writer) form(dst []byte, v reflect.Value, f form) ([]byte, error) {
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return append(dst, "null"...), nil
	}
	switch f {
	case asPython:
		return v.Interface().(pythonAppender).AppendPythonJSON(dst)
	case asJSON:
		text, err := v.Interface().(json.Marshaler).MarshalJSON()
		if err != nil {
			return dst, err
		}
		return w.foreign(dst, string(text))
	case asText:
		text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
		if err != nil {
			return dst, err
		}
		return w.str(dst, string(text))
	}
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch f {
	case asTime:
		if infoOf(v.Type()).mark == 0 {
			dst = w.mark(dst, Datetime)
		}
		return appendTime(dst, v.Interface().(time.Time))
	case asBigInt:
		n := v.Interface().(big.Int)
		return appendBigInt(dst, &n)
	case asNumber:
		return appendNumber(dst, v.String())
	default:
		return w.object(dst, v.Interface().(Object))
	}
}

// foreign writes UTF-8 JSON from another encoder.
func (w *writer) foreign(dst []byte, text string) ([]byte, error) {
	v, err := parseUTF8(text, w.maxDepth-w.depth)
	if err != nil {
		return dst, err
	}
	return w.any(dst, v)
}

// appendTime appends a time as a string in the form of datetime.isoformat().
func appendTime(dst []byte, t time.Time) ([]byte, error) {
	out, err := pytime.AppendISO(append(dst, '"'), t)
	if err != nil {
		return dst, &UnsupportedError{Type: reflect.TypeOf(t), Reason: err.Error()}
	}
	return append(out, '"'), nil
}
