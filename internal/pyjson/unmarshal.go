package pyjson

import (
	"encoding"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"time"

	"github.com/djsess/djsess/internal/pytime"
)

// Unmarshal decodes a value into the value that dst points to. dst must be a non-nil pointer.
//
// It follows encoding/json, unless Python requires something else. A null empties pointers, interfaces, maps and slices, and
// changes nothing else. Maps keep the entries that the text does not name. Struct fields are found by their tags, exactly or
// else in any case. Unknown members are ignored. The differences are:
//
//   - An interface gets nil, bool, int64 (*[big.Int] if the integer does not fit), float64, string, []any or map[string]any.
//   - A float takes any number, also NaN and infinities. An int takes no float, not even 1.0.
//   - A [time.Time] takes the text of isoformat(), as UTC if it has no offset. A [big.Int] takes integers.
//   - A [json.Unmarshaler], and so a [json.RawMessage], gets JSON as [AppendStandard] writes it. There NaN and infinities are
//     errors.
//   - A type with a method UnmarshalPythonJSON(text string) error gets the text as it is.
//   - An [Object] gets a dict in its order.
//
// A value that does not fit is a [*TypeError], and dst may then be partly filled. A text that is not valid, or nests deeper
// than [DefaultDepth], is an error before any value is decoded. Strings may share memory with text.
func Unmarshal(text string, dst any) error {
	v := reflect.ValueOf(dst)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return errors.New("Unmarshal needs a pointer that is not nil")
	}
	if err := Check(text, Limits{}); err != nil {
		return err
	}
	d := decoder{text: text}
	return d.value(v.Elem())
}

// A TypeError is the error for a value that does not fit its Go destination. It never quotes the value.
type TypeError struct {
	// Path leads from the decoded value to the value that does not fit: ".cart[3].price". It holds only names of struct
	// fields. A member of a map is "[*]", since its name is data. An empty Path means the decoded value itself.
	Path string
	Want reflect.Type
	// Got is the kind of the value in the text: "null", "bool", "int", "float", "string", "array" or "object". A reason why it
	// does not fit may follow: "int out of range".
	Got string
}

func (e *TypeError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("%s does not fit %v", e.Got, e.Want)
	}
	return fmt.Sprintf("%s: %s does not fit %v", e.Path, e.Got, e.Want)
}

// within adds the part of the parent in which an error happened.
func within(step string, err error) error {
	if te, ok := err.(*TypeError); ok {
		te.Path = step + te.Path
	}
	return err
}

// value takes the next value into v, which can be set.
func (d *decoder) value(v reflect.Value) error {
	c := d.next()
	info := infoOf(v.Type())
	if c == escape {
		return d.marked(v, info)
	}
	if info.read != byKind {
		return d.form(v, info.read, c)
	}
	if c == 'n' {
		d.i += len("null")
		switch v.Kind() {
		case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Slice:
			v.SetZero()
		}
		return nil
	}
	switch k := v.Kind(); {
	case k == reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		return d.value(v.Elem())
	case k == reflect.Interface && v.NumMethod() == 0:
		x := d.any(false)
		if d.err != nil {
			return d.err
		}
		v.Set(reflect.ValueOf(x))
		return nil
	case k == reflect.Bool && (c == 't' || c == 'f'):
		v.SetBool(d.any(false).(bool))
		return nil
	case k == reflect.String && c == '"':
		v.SetString(d.str())
		return nil
	case (isInt(k) || isUint(k) || isFloat(k)) && isNumber(c):
		return setNumber(v, d.number())
	case k == reflect.Slice && c == '[':
		return d.slice(v)
	case k == reflect.Slice && c == '"' && info.isBytes:
		return setBytes(v, d.str())
	case k == reflect.Array && c == '[':
		return d.array(v)
	case k == reflect.Map && c == '{':
		return d.mapping(v)
	case k == reflect.Struct && c == '{':
		return d.structure(v, info)
	}
	return d.misfit(v)
}

// misfit is the error for the next value, whose kind v cannot take.
func (d *decoder) misfit(v reflect.Value) error {
	return &TypeError{Want: v.Type(), Got: kindOf(d.raw())}
}

// kindOf returns the name of a value's kind, for errors.
func kindOf(raw string) string {
	switch raw[0] {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 'n':
		return "null"
	case 't', 'f':
		return "bool"
	}
	if isInteger(raw) {
		return "int"
	}
	return "float"
}

// form takes the next value by the methods of v, or as one of the types that have a form of their own.
func (d *decoder) form(v reflect.Value, f form, c byte) error {
	p := v.Addr().Interface()
	switch f {
	case asPython:
		if d.isDict(v.Type()) {
			return d.dictType(v)
		}
		raw, err := d.json()
		if err != nil {
			return err
		}
		return p.(pythonUnmarshaler).UnmarshalPythonJSON(raw)
	case asJSON:
		raw, err := d.json()
		if err != nil {
			return err
		}
		for t := range Tokens(raw) {
			if t.Kind == Number && !isStandard(t.Text) {
				return &TypeError{Want: v.Type(), Got: "float that only Python has"}
			}
		}
		return p.(json.Unmarshaler).UnmarshalJSON(AppendStandard(nil, raw))
	}
	if c == 'n' {
		d.i += len("null")
		if f == asObject {
			v.SetZero()
		}
		return nil
	}
	switch {
	case f == asText && c == '"':
		return p.(encoding.TextUnmarshaler).UnmarshalText([]byte(d.str()))
	case f == asTime && c == '"':
		t, _, err := pytime.ParseISO(d.str())
		if err != nil {
			return &TypeError{Want: v.Type(), Got: "string that is not from isoformat()"}
		}
		*p.(*time.Time) = t
		return nil
	case f == asNumber && isNumber(c):
		v.SetString(d.number())
		return nil
	case f == asObject && c == '{':
		*p.(*Object) = d.object()
		return nil
	case f == asBigInt && isNumber(c):
		if text := d.number(); isInteger(text) {
			p.(*big.Int).SetString(text, 10)
			return nil
		}
		return &TypeError{Want: v.Type(), Got: "float"}
	}
	return d.misfit(v)
}

// isNumber reports whether a value that begins with c is a number.
func isNumber(c byte) bool { return c-'0' <= 9 || c == '-' || c == 'N' || c == 'I' }

func setNumber(v reflect.Value, text string) error {
	integer, fits := isInteger(text), false
	switch k := v.Kind(); {
	case isFloat(k):
		f := parseFloat(text, 64)
		// Python holds such a large integer exactly, so it is not infinite.
		fits = !v.OverflowFloat(f) && !(integer && math.IsInf(f, 0))
		if fits {
			v.SetFloat(parseFloat(text, v.Type().Bits()))
		}
	case !integer:
		return &TypeError{Want: v.Type(), Got: "float"}
	case isInt(k):
		n, err := strconv.ParseInt(text, 10, 64)
		if fits = err == nil && !v.OverflowInt(n); fits {
			v.SetInt(n)
		}
	default:
		if text == "-0" {
			text = "0"
		}
		n, err := strconv.ParseUint(text, 10, 64)
		if fits = err == nil && !v.OverflowUint(n); fits {
			v.SetUint(n)
		}
	}
	if !fits {
		return &TypeError{Want: v.Type(), Got: kindOf(text) + " out of range"}
	}
	return nil
}

func setBytes(v reflect.Value, text string) error {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return &TypeError{Want: v.Type(), Got: "string that is not base64"}
	}
	v.SetBytes(b)
	return nil
}
