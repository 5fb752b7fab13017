package pyjson

import (
	"encoding"
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
