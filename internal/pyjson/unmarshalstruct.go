package pyjson

import (
	"fmt"
	"reflect"
	"strings"
)

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
