package pyjson

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// A decoder reads a text that has been checked. It does not check it again.
type decoder struct {
	text      string
	i         int
	withMarks bool  // the text is marked JSON
	opaque    []any // the opaque values that marks may refer to
	dict      *DictType
	err       error // the first error of decoding into an interface
}

// next skips white space and returns the byte that follows.
func (d *decoder) next() byte {
	d.i = skipSpace(d.text, d.i)
	return d.text[d.i]
}

// raw takes the text of the next value.
func (d *decoder) raw() string {
	d.next()
	start := d.i
	if d.withMarks {
		d.i = markedEnd(d.text, start)
	} else {
		s := scanner{text: d.text, depth: noLimit}
		d.i = s.value(start)
	}
	return d.text[start:d.i]
}

// str takes the next string.
func (d *decoder) str() string {
	d.next()
	start := d.i + 1
	end, plain := markedStringEnd(d.text, start)
	d.i = end
	if plain {
		return d.text[start : end-1]
	}
	return decodeString(d.text[start : end-1])
}

// number takes the text of the next number.
func (d *decoder) number() string {
	start := d.i
	switch d.text[d.i] {
	case 'N':
		d.i += len("NaN")
	case 'I':
		d.i += len("Infinity")
	default:
		d.i, _ = numberEnd(d.text, d.i)
	}
	return d.text[start:d.i]
}

// each calls f for every element of the next array, or every member of the next object. f must read
// the value.
func (d *decoder) each(f func(name string) error) error {
	object := d.next() == '{'
	d.i++
	if c := d.next(); c == ']' || c == '}' {
		d.i++
		return nil
	}
	for {
		name := ""
		if object {
			if d.next() == escape {
				name = d.key()
			} else {
				name = d.str()
			}
			d.next()
			d.i++ // the colon
		}
		if err := f(name); err != nil {
			return err
		}
		c := d.next()
		d.i++
		if c != ',' {
			return nil
		}
	}
}

// any takes the next value as nil, bool, int64, *big.Int, float64, string, []any, and an Object or a map[string]any.
func (d *decoder) any(ordered bool) any {
	switch d.next() {
	case '"':
		return d.str()
	case 'n':
		d.i += len("null")
		return nil
	case 't':
		d.i += len("true")
		return true
	case 'f':
		d.i += len("false")
		return false
	case escape:
		return d.markedAny()
	case '[':
		list := []any{}
		d.each(func(string) error {
			list = append(list, d.any(ordered))
			return d.err
		})
		return list
	case '{':
		if ordered {
			return d.object()
		}
		m := map[string]any{}
		d.each(func(name string) error {
			m[name] = d.any(false)
			return d.err
		})
		return m
	}
	return ParseNumber(d.number())
}

func (d *decoder) slice(v reflect.Value) error {
	s := reflect.MakeSlice(v.Type(), 0, 0)
	zero := reflect.Zero(v.Type().Elem())
	err := d.each(func(string) error {
		n := s.Len()
		s = reflect.Append(s, zero)
		return withinIndex(n, d.value(s.Index(n)))
	})
	v.Set(s)
	return err
}

// array fills an array. It skips surplus elements of the JSON, and zeroes the elements that the JSON does not have.
func (d *decoder) array(v reflect.Value) error {
	v.SetZero()
	n := 0
	return d.each(func(string) error {
		if n >= v.Len() {
			d.raw()
			return nil
		}
		n++
		return withinIndex(n-1, d.value(v.Index(n-1)))
	})
}

func withinIndex(i int, err error) error {
	if err == nil {
		return nil
	}
	return within("["+strconv.Itoa(i)+"]", err)
}

func (d *decoder) mapping(v reflect.Value) error {
	t := v.Type()
	if v.IsNil() {
		v.Set(reflect.MakeMap(t))
	}
	return d.each(func(name string) error {
		key := reflect.New(t.Key()).Elem()
		if err := setKey(key, name); err != nil {
			return within("[*]", err)
		}
		value := reflect.New(t.Elem()).Elem()
		if err := d.value(value); err != nil {
			return within("[*]", err)
		}
		v.SetMapIndex(key, value)
		return nil
	})
}

// setKey reads the key of a map from a name, as encoding/json does.
func setKey(key reflect.Value, name string) error {
	k := key.Kind()
	if u, ok := key.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(name))
	}
	if k == reflect.String {
		key.SetString(name)
		return nil
	}
	digits := strings.TrimPrefix(name, "-")
	if (isInt(k) || isUint(k)) && digits != "" && digitsEnd(digits, 0) == len(digits) {
		return setNumber(key, name)
	}
	return &TypeError{Want: key.Type(), Got: "name of a member"}
}

func (d *decoder) structure(v reflect.Value, info *typeInfo) error {
	return d.each(func(name string) error {
		f := info.field(name)
		if f == nil {
			d.raw()
			return nil
		}
		fv, err := fieldAt(v, f.index)
		if err != nil {
			return err
		}
		if f.asString {
			err = d.unquoted(fv)
		} else {
			err = d.value(fv)
		}
		if err != nil {
			return within("."+f.name, err)
		}
		return nil
	})
}

// field finds the field with this name, or else the first field whose name differs only in case.
func (info *typeInfo) field(name string) *field {
	if i, ok := info.byName[name]; ok {
		return &info.fields[i]
	}
	for i := range info.fields {
		if strings.EqualFold(info.fields[i].name, name) {
			return &info.fields[i]
		}
	}
	return nil
}

// fieldAt returns a field. If a nil pointer to an embedded struct is on the way, fieldAt allocates the struct.
func fieldAt(v reflect.Value, index []int) (reflect.Value, error) {
	for i, x := range index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				if !v.CanSet() {
					return v, fmt.Errorf("cannot set the embedded pointer to %v, which is not exported", v.Type().Elem())
				}
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(x)
	}
	return v, nil
}

// unquoted takes the next value, a string with JSON in it, into a field with the tag option "string".
func (d *decoder) unquoted(v reflect.Value) error {
	c := d.next()
	if c == 'n' || infoOf(v.Type()).read != byKind && infoOf(v.Type()).read != asNumber {
		return d.value(v)
	}
	if c != '"' {
		return d.misfit(v)
	}
	inner, err := Normalize(d.str(), Limits{})
	if err != nil {
		return &TypeError{Want: v.Type(), Got: "string without JSON in it"}
	}
	in := decoder{text: inner}
	return in.value(v)
}
