package pyjson

import (
	"errors"
	"reflect"
	"strconv"
	"time"
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
