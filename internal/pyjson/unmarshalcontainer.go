package pyjson

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

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

// array fills what there is; it passes over what is too much and zeroes what is left.
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

// field finds a field by name: exactly, or else the first that differs only in case.
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

// fieldAt walks to a field and makes the embedded structs on the way that are behind nil pointers.
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

// unquoted takes the next value into a field with the tag option "string": a string with JSON in it.
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
