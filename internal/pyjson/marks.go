package pyjson

import (
	"errors"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/djsess/djsess/djsession/pytype"
	"github.com/djsess/djsess/internal/pytime"
)

// A Mark names the Python type of a value whose JSON does not show it. Marked JSON has the byte 1 and the letter of
// a Mark before the JSON form of such a value. Stored JSON cannot forge a mark, since [Scan] refuses that byte. Only
// [Encode] and package pyvalue make marked JSON. It is never stored, and it is not checked when it is read.
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
	Opaque    Mark = 'x' // a value that Go has no type for: its index among the opaque values, and its description as a string
	Key       Mark = 'k' // before a name: the marked JSON of a key that is not a str, which may have a mark itself
)

// escape is the byte before the letter of a mark.
const escape = '\x01'

// AppendMark appends a mark. The caller appends the value.
func AppendMark(dst []byte, m Mark) []byte { return append(dst, escape, byte(m)) }

// MarkAt returns the mark at i and the index after it, or 0 if there is no mark.
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
	// JSON is what [Append] writes. It is empty if JSON has no form for the value but marked JSON has.
	JSON string
	// Marked is the marked JSON if it differs from JSON, and Opaque are the opaque values that it refers to.
	Marked string
	Opaque []any
}

// Encode writes a value as JSON, and as marked JSON where that differs. dict may be nil.
func Encode(v any, dict *DictType) (Encoded, error) {
	w := writer{maxDepth: MaxWriteDepth, dict: dict}
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
	w = writer{maxDepth: MaxWriteDepth, dict: dict, withMarks: true, opaque: &e.Opaque}
	marked, err := w.any(nil, v)
	e.Marked = string(marked)
	return e, err
}

// DictType is a Go type T that holds a dict in its order and, unlike Object, also values that JSON has no form for. T and *T are
// written by Append and read by Parse.
type DictType struct {
	Type    reflect.Type // T
	Pointer reflect.Type // *T
	// Append appends the marked JSON of a T or a *T, and the opaque values that it refers to. differs reports whether
	// the JSON of the value is another text.
	Append func(dst []byte, v any, opaque *[]any) (out []byte, differs bool, err error)
	// Parse returns a *T.
	Parse func(text string, opaque []any) (any, error)
}

// markOfType are the Go types that stand for a Python type which JSON does not have.
var markOfType = map[reflect.Type]Mark{
	reflect.TypeFor[time.Time]():        Datetime,
	reflect.TypeFor[time.Duration]():    Timedelta,
	reflect.TypeFor[pytype.NaiveTime](): Naive,
	reflect.TypeFor[pytype.Date]():      Date,
	reflect.TypeFor[pytype.TimeOfDay](): TimeOfDay,
	reflect.TypeFor[pytype.Timedelta](): Timedelta,
	reflect.TypeFor[pytype.Decimal]():   Decimal,
	reflect.TypeFor[pytype.UUID]():      UUID,
	reflect.TypeFor[pytype.ByteArray](): ByteArray,
	reflect.TypeFor[pytype.Tuple]():     Tuple,
	reflect.TypeFor[pytype.Set]():       Set,
	reflect.TypeFor[pytype.FrozenSet](): FrozenSet,
}

// typeOfMark are the types that an interface gets for a value with a mark. A Timedelta that fits into a time.Duration becomes
// one.
var typeOfMark = map[Mark]reflect.Type{
	Datetime:  reflect.TypeFor[time.Time](),
	Naive:     reflect.TypeFor[pytype.NaiveTime](),
	Date:      reflect.TypeFor[pytype.Date](),
	TimeOfDay: reflect.TypeFor[pytype.TimeOfDay](),
	Timedelta: reflect.TypeFor[pytype.Timedelta](),
	Decimal:   reflect.TypeFor[pytype.Decimal](),
	UUID:      reflect.TypeFor[pytype.UUID](),
	Bytes:     reflect.TypeFor[[]byte](),
	ByteArray: reflect.TypeFor[pytype.ByteArray](),
	Tuple:     reflect.TypeFor[pytype.Tuple](),
	Set:       reflect.TypeFor[pytype.Set](),
	FrozenSet: reflect.TypeFor[pytype.FrozenSet](),
	Deque:     reflect.TypeFor[[]any](),
}

// mark writes the mark of the next value, if the writer writes marked JSON.
func (w *writer) mark(dst []byte, m Mark) []byte {
	w.differs = true
	if w.withMarks {
		return AppendMark(dst, m)
	}
	return dst
}

// pythonType writes a value of a type in markOfType.
func (w *writer) pythonType(dst []byte, v reflect.Value, info *typeInfo) ([]byte, error) {
	if v.Kind() == reflect.Slice && v.IsNil() {
		return append(dst, "null"...), nil
	}
	dst = w.mark(dst, info.mark)
	if d, ok := v.Interface().(time.Duration); ok && w.withMarks {
		return append(pytime.TimedeltaOf(d).Append(append(dst, '"')), '"'), nil
	}
	return w.plain(dst, v, info)
}

// isDict reports whether t is the writer's DictType or a pointer to it.
func (w *writer) isDict(t reflect.Type) bool {
	return w.dict != nil && (t == w.dict.Type || t == w.dict.Pointer)
}

// dictType writes a value of the writer's DictType.
func (w *writer) dictType(dst []byte, v reflect.Value) ([]byte, error) {
	if w.withMarks {
		out, _, err := w.dict.Append(dst, v.Interface(), w.opaque)
		return out, err
	}
	_, differs, err := w.dict.Append(nil, v.Interface(), new([]any))
	if w.differs = w.differs || differs; err != nil {
		return dst, err
	}
	return w.plain(dst, v, infoOf(v.Type()))
}

// ErrOpaque is the error for a Python object that cannot be converted: Go has no type for it, JSON has no form for it, or it
// holds itself.
var ErrOpaque = errors.New("a Python object that cannot be converted")

// An OpaqueError is an [ErrOpaque] that says which object, and why.
type OpaqueError struct{ Object, Reason string }

func (e *OpaqueError) Error() string { return e.Object + ": " + e.Reason }

// Is makes an OpaqueError an [ErrOpaque].
func (e *OpaqueError) Is(target error) bool { return target == ErrOpaque }

// UnmarshalMarked is [Unmarshal] for marked JSON. If the destination has a type, the mark is ignored and the value after it is
// decoded. An interface gets the type of the mark. For an OrderedDict that is a pointer to dict's type, and dict may be nil. An
// opaque value is an [ErrOpaque], unless no destination needs it.
func UnmarshalMarked(text string, opaque []any, dst any, dict *DictType) error {
	v := reflect.ValueOf(dst)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return errors.New("Unmarshal needs a pointer that is not nil")
	}
	d := decoder{text: text, withMarks: true, opaque: opaque, dict: dict}
	return d.value(v.Elem())
}

// marked takes the next value, which has a mark, into v.
func (d *decoder) marked(v reflect.Value, info *typeInfo) error {
	m, end := MarkAt(d.text, d.i)
	k := v.Kind()
	switch {
	case d.isDict(v.Type()):
		return d.dictType(v)
	case k == reflect.Pointer && info.read == byKind:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		return d.value(v.Elem())
	case k == reflect.Interface && v.NumMethod() == 0:
		x := d.markedAny()
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

// isDict reports whether t is the decoder's DictType.
func (d *decoder) isDict(t reflect.Type) bool { return d.dict != nil && t == d.dict.Type }

// dictType takes the next value into v, which is of the decoder's DictType.
func (d *decoder) dictType(v reflect.Value) error {
	x, err := d.dict.Parse(d.raw(), d.opaque)
	if err == nil {
		v.Set(reflect.ValueOf(x).Elem())
	}
	return err
}

// markedAny takes the next value, which has a mark, as the type of that mark.
func (d *decoder) markedAny() any {
	m, end := MarkAt(d.text, d.i)
	if m == Timedelta {
		from := d.i
		d.i = end
		if duration, ok := parseDuration(d.str()); ok {
			return duration
		}
		d.i = from
	}
	t := typeOfMark[m]
	if m == Ordered && d.dict != nil {
		t = d.dict.Pointer
	}
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

// fail keeps the first error of decoding into an interface.
func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// opaqueError takes the next value, which is opaque, and returns the error for it.
func (d *decoder) opaqueError() error {
	description, _ := Text(StripMarks(d.raw()))
	return &OpaqueError{description, "Go has no type for this Python object"}
}

func parseDuration(text string) (time.Duration, bool) {
	delta, err := pytime.ParseTimedelta(text)
	if err != nil {
		return 0, false
	}
	return delta.Duration()
}

// key takes the next name, which has a mark, as the text that json.dumps would write for such a key.
func (d *decoder) key() string {
	raw := d.raw()
	name, err := Text(StripMarks(raw[2:]))
	if err != nil {
		return StripMarks(raw[2:])
	}
	return name
}

// markedEnd returns the index after the marked value that begins at i.
func markedEnd(text string, i int) int {
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

// markedStringEnd is stringEnd for a string of marked JSON, which may have the byte escape between two surrogates.
func markedStringEnd(text string, i int) (end int, plain bool) {
	end, plain = stringEnd(text, i)
	for end < 0 && ^end < len(text) && text[^end] == escape {
		end, _ = stringEnd(text, ^end+1)
		plain = false
	}
	return end, plain
}

// StripMarks returns marked JSON without its marks. Keys become strings, and opaque values their descriptions.
func StripMarks(text string) string {
	dst := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		m, end := MarkAt(text, i)
		switch m {
		case 0:
			_, end = token(text, i)
			if end < 0 {
				return string(dst)
			}
			dst = AppendUnmarked(dst, text[i:end])
		case Opaque:
			_, end = OpaqueAt(text, end)
		case Key:
			d := decoder{text: text, i: i, withMarks: true}
			dst, _ = AppendString(dst, d.key())
			end = d.i
		}
		i = end
	}
	return string(dst)
}

// AppendUnmarked appends a token of marked JSON as JSON has it.
func AppendUnmarked(dst []byte, token string) []byte {
	return append(dst, strings.ReplaceAll(token, string(escape), "")...)
}

// json takes the next value as JSON. An opaque value has no JSON.
func (d *decoder) json() (string, error) {
	raw := d.raw()
	if !d.withMarks || strings.IndexByte(raw, escape) < 0 {
		return raw, nil
	}
	for i := 0; i < len(raw); {
		m, end := MarkAt(raw, i)
		if m == Opaque {
			in := decoder{text: raw, i: i, withMarks: true}
			return "", in.opaqueError()
		}
		if m == 0 {
			if _, end = token(raw, i); end < 0 {
				break
			}
		}
		i = end
	}
	return StripMarks(raw), nil
}
