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
