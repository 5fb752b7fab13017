package pyjson

import (
	"errors"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/djsess/djsess/internal/pytime"
)

// Native text is JSON that tells apart what JSON cannot: the byte 1 and the letter of a [Mark] stand before the JSON form
// of a value that is of another Python type than the JSON says. Stored JSON cannot forge one, since [Scan] refuses that
// byte. Native text is made by [Encode] and package pyvalue only, is never stored, and is not checked when it is read.
type Mark byte

const (
	Datetime  Mark = 'd' // with an offset: its isoformat()
	Naive     Mark = 'l' // a datetime without an offset
	Date      Mark = 'D' // isoformat()
	TimeOfDay Mark = 't' // isoformat()
	Timedelta Mark = 'i' // str()
	Decimal   Mark = 'n' // str()
	UUID      Mark = 'u' // str()
	Bytes     Mark = 'b' // base64
	ByteArray Mark = 'B' // base64
	Tuple     Mark = 'T' // an array
	Set       Mark = 'S' // an array
	FrozenSet Mark = 'F' // an array
	Deque     Mark = 'q' // an array
	Ordered   Mark = 'o' // an OrderedDict: an object
	Opaque    Mark = 'x' // what Go has nothing for: its index among the opaque values, and its description as a string
	Key       Mark = 'k' // before a name: the native text of a key that is no str, which may have a mark itself
)

// escape is the byte before the letter of a mark.
const escape = '\x01'

// AppendMark appends a mark; what it stands for follows.
func AppendMark(dst []byte, m Mark) []byte { return append(dst, escape, byte(m)) }

// MarkAt returns the mark at i and the index behind it, or 0 when there is none.
func MarkAt(text string, i int) (m Mark, end int) {
	if i+1 < len(text) && text[i] == escape {
		return Mark(text[i+1]), i + 2
	}
	return 0, i
}

// OpaqueAt returns the index that follows the mark of an opaque value, and where its description begins.
func OpaqueAt(text string, i int) (index, end int) {
	end = digitsEnd(text, i)
	index, _ = strconv.Atoi(text[i:end])
	return index, end
}

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

// ErrOpaque is a Python object that cannot become what it was asked to: Go has no type for it, or JSON no form, or it
// would not end.
var ErrOpaque = errors.New("a Python object that stays as it is")

// An OpaqueError is an [ErrOpaque] that says which object, and why.
type OpaqueError struct{ Object, Reason string }

func (e *OpaqueError) Error() string { return e.Object + ": " + e.Reason }

// Is makes an OpaqueError an [ErrOpaque].
func (e *OpaqueError) Is(target error) bool { return target == ErrOpaque }

// Natural is a Go type that stands for a Python type which JSON does not have.
type Natural struct {
	Mark Mark
	Type reflect.Type
	// Append and Parse, if set, are for a type that is native text itself. Opaque values are appended to and
	// found in opaque. differs tells whether the text is another than its JSON.
	Append func(dst []byte, v any, opaque *[]any) (out []byte, differs bool, err error)
	Parse  func(text string, opaque []any) (any, error)
}

var (
	naturalByType = map[reflect.Type]*Natural{
		reflect.TypeFor[time.Time]():     {Mark: Datetime},
		reflect.TypeFor[time.Duration](): {Mark: Timedelta},
	}
	naturalByMark = map[Mark]reflect.Type{
		Datetime: reflect.TypeFor[time.Time](),
		Bytes:    reflect.TypeFor[[]byte](),
		Deque:    reflect.TypeFor[[]any](),
	}
)

// Register makes types known, before any value is read or written: an interface gets them in place of what JSON has.
func Register(types ...Natural) bool {
	for i := range types {
		naturalByType[types[i].Type] = &types[i]
		naturalByMark[types[i].Mark] = types[i].Type
	}
	return true
}

// UnmarshalNative is [Unmarshal] for native text. Where the destination has a type, a mark does not matter: what stands
// behind it is decoded. An interface gets the natural type. What is opaque is an [ErrOpaque], unless nothing asks for it.
func UnmarshalNative(text string, opaque []any, dst any) error {
	v := reflect.ValueOf(dst)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return errors.New("Unmarshal needs a pointer that is not nil")
	}
	d := decoder{text: text, native: true, opaque: opaque}
	return d.value(v.Elem())
}

// marked takes the next value, which has a mark, into v.
func (d *decoder) marked(v reflect.Value, info *typeInfo) error {
	m, end := MarkAt(d.text, d.i)
	k := v.Kind()
	switch {
	case info.natural != nil && info.natural.Parse != nil:
		return d.form(v, info.read, escape)
	case k == reflect.Pointer && info.read == byKind:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		return d.value(v.Elem())
	case k == reflect.Interface && v.NumMethod() == 0:
		x := d.natural()
		if d.err != nil {
			return d.err
		}
		v.Set(reflect.ValueOf(x))
		return nil
	case m == Opaque:
		return d.opaqueError()
	case m == Timedelta && v.Type() == reflect.TypeFor[time.Duration]():
		d.i = end
		duration, ok := parseDuration(d.str())
		if !ok {
			return &TypeError{Want: v.Type(), Got: "timedelta out of range"}
		}
		v.SetInt(int64(duration))
		return nil
	case m == Decimal && isFloat(k):
		d.i = end
		f, err := strconv.ParseFloat(d.str(), 64)
		if err != nil && !math.IsInf(f, 0) || v.OverflowFloat(f) {
			return &TypeError{Want: v.Type(), Got: "Decimal out of range"}
		}
		v.SetFloat(f)
		return nil
	}
	d.i = end
	return d.value(v)
}

// natural takes the next value, which has a mark, as the natural type.
func (d *decoder) natural() any {
	m, end := MarkAt(d.text, d.i)
	if m == Timedelta {
		from := d.i
		d.i = end
		if duration, ok := parseDuration(d.str()); ok {
			return duration
		}
		d.i = from
	}
	t := naturalByMark[m]
	if m == Opaque || t == nil {
		d.fail(d.opaqueError())
		return nil
	}
	v := reflect.New(t).Elem()
	if err := d.value(v); err != nil {
		d.fail(err)
	}
	return v.Interface()
}

// fail keeps the first error of what decodes into interfaces.
func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// opaqueError takes the next value, which is opaque.
func (d *decoder) opaqueError() error {
	description, _ := Text(StripNative(d.raw()))
	return &OpaqueError{description, "Go has no type for this Python object"}
}

func parseDuration(text string) (time.Duration, bool) {
	delta, err := pytime.ParseTimedelta(text)
	if err != nil {
		return 0, false
	}
	return delta.Duration()
}

// key takes the next name, which has a mark, as the text that json.dumps makes of such a key, or would if it could.
func (d *decoder) key() string {
	raw := d.raw()
	name, err := Text(StripNative(raw[2:]))
	if err != nil {
		return StripNative(raw[2:])
	}
	return name
}

// nativeEnd returns the index behind the native value that begins at i.
func nativeEnd(text string, i int) int {
	depth := 0
	for i < len(text) {
		m, end := MarkAt(text, i)
		if m == Opaque {
			_, end = OpaqueAt(text, end)
		}
		if m != 0 {
			i = end
			continue
		}
		kind, end := token(text, i)
		if end < 0 {
			return len(text)
		}
		i = end
		switch kind {
		case 0:
			continue
		case BeginObject, BeginArray:
			depth++
		case EndObject, EndArray:
			depth--
		}
		if depth == 0 {
			return i
		}
	}
	return i
}

// StripNative returns the JSON behind the marks. Keys become strings, and what is opaque its description.
func StripNative(text string) string {
	dst := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		m, end := MarkAt(text, i)
		switch m {
		case 0:
			_, end = token(text, i)
			if end < 0 {
				return string(dst)
			}
			dst = append(dst, text[i:end]...)
		case Opaque:
			_, end = OpaqueAt(text, end)
		case Key:
			d := decoder{text: text, i: i, native: true}
			dst, _ = AppendString(dst, d.key())
			end = d.i
		}
		i = end
	}
	return string(dst)
}

// json takes the next value as JSON; what is opaque has none.
func (d *decoder) json() (string, error) {
	raw := d.raw()
	if !d.native || strings.IndexByte(raw, escape) < 0 {
		return raw, nil
	}
	for i := 0; i < len(raw); {
		m, end := MarkAt(raw, i)
		if m == Opaque {
			in := decoder{text: raw, i: i, native: true}
			return "", in.opaqueError()
		}
		if m == 0 {
			if _, end = token(raw, i); end < 0 {
				break
			}
		}
		i = end
	}
	return StripNative(raw), nil
}
