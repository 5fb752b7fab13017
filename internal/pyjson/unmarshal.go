package pyjson

import (
	"errors"
	"reflect"
)

// Unmarshal decodes one value into what dst, a non-nil pointer, points to.
//
// It follows encoding/json where Python gives no reason not to: null empties pointers, interfaces, maps and slices and
// leaves the rest alone; maps keep the entries that the text does not name; struct fields are found by their tag, exactly or
// else in any case, and unknown members are passed over. It differs in these:
//
//   - an interface gets nil, bool, int64 (*[big.Int] for what does not fit), float64, string, []any or map[string]any;
//   - a float takes any number, NaN and infinities too; an int takes no float, not even 1.0;
//   - a [time.Time] takes isoformat() text, UTC when it names no offset; a [big.Int] takes integers;
//   - a [json.Unmarshaler], and so a [json.RawMessage], gets JSON as [AppendStandard] makes it, but NaN and infinities are
//     an error there;
//   - a type with a method UnmarshalPythonJSON(text string) error gets the text as it is;
//   - an [Object] gets a dict in its order.
//
// A value that does not fit is a [*TypeError], and dst may then be half filled. A text that is not valid, or nests deeper
// than [DefaultDepth], is an error before anything is decoded. Strings may share memory with text.
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

// misfit is the error for the next value, which is of no kind that v can take.
func (d *decoder) misfit(v reflect.Value) error {
	return &TypeError{Want: v.Type(), Got: kindOf(d.raw())}
}

// kindOf names what Python would call the kind of a value, for errors.
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
