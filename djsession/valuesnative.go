package djsession

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/djsess/djsess/internal/pyjson"
	"github.com/djsess/djsess/internal/pyvalue"
)

var valuesType = reflect.TypeFor[Values]()

// Values inside of other Go values keep what is opaque in them.
var _ = pyjson.Register(
	pyjson.Natural{Mark: pyjson.Ordered, Type: valuesType, Append: appendNative, Parse: parseNative},
	pyjson.Natural{Mark: pyjson.Ordered, Type: reflect.TypeFor[*Values](), Append: appendNative},
)

func appendNative(dst []byte, value any, opaque *[]any) (out []byte, differs bool, err error) {
	v, ok := value.(*Values)
	if !ok {
		copied := value.(Values)
		v = &copied
	}
	switch {
	case v == nil:
		return append(dst, "null"...), false, nil
	case v.python == nil:
		out, err = v.AppendPythonJSON(dst)
		return out, false, err
	}
	dict, err := v.Python()
	if err != nil {
		return dst, true, err
	}
	w := pyvalue.Writer{Limit: v.python.limit, Opaque: *opaque}
	out, err = w.Append(dst, dict)
	*opaque = w.Opaque
	return out, true, tooLarge(err)
}

func parseNative(text string, opaque []any) (any, error) {
	o, err := pyvalue.Parse(text, opaque)
	if err != nil {
		return nil, err
	}
	v, err := valuesOf(o, max(leastLimit, 2*len(text)))
	if err != nil {
		return nil, &pyjson.TypeError{Want: valuesType, Got: pyvalue.Describe(o)}
	}
	return v, nil
}

// pickledValues returns Values that hold more than JSON does.
func pickledValues(value any) (*Values, bool) {
	switch v := value.(type) {
	case *Values:
		return v, v != nil && v.python != nil
	case Values:
		return &v, v.python != nil
	}
	return nil, false
}

// encodeNested keeps the very objects of a dict, and so what they share with others,
// whether JSON could hold them or not.
func encodeNested(name string, v *Values) (encoded, error) {
	var e encoded
	var err error
	if e.python.value, err = v.Python(); err != nil {
		return e, fmt.Errorf("session value %q: %w", name, err)
	}
	text, err := v.AppendPythonJSON(nil)
	if err != nil && !errors.Is(err, ErrOpaque) && !errors.Is(err, ErrTooLarge) {
		return e, fmt.Errorf("session value %q: %w", name, err)
	}
	if err == nil {
		e.raw = string(text)
	}
	return e, nil
}

// nativeMember is a Go value that Python has more for than JSON.
func nativeMember(e pyjson.Encoded) (pythonMember, error) {
	o, err := pyvalue.Parse(e.Native, e.Opaque)
	if err != nil || len(e.Opaque) > 0 {
		return pythonMember{value: o}, err
	}
	return pythonMember{native: e.Native}, nil
}
