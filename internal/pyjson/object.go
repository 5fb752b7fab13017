package pyjson

import "reflect"

// An Object is a dict that keeps its order. If a dict is decoded into an Object, the dicts inside
// it become Objects, too.
type Object []ObjectMember

// An ObjectMember is a name in an [Object] and its value.
type ObjectMember struct {
	Name  string
	Value any
}

// An objectIndex finds a member by name. It has a map if there are many members, and otherwise
// compares all names.
type objectIndex map[string]int

func (x *objectIndex) find(o Object, name string) int {
	if len(o) <= fewMembers {
		for i := range o {
			if o[i].Name == name {
				return i
			}
		}
		return -1
	}
	if *x == nil {
		*x = make(objectIndex, 4*fewMembers)
	}
	for i := len(*x); i < len(o); i++ {
		(*x)[o[i].Name] = i
	}
	if at, ok := (*x)[name]; ok {
		return at
	}
	return -1
}

func (d *decoder) object() Object {
	o := Object{}
	var seen objectIndex
	d.each(func(name string) error {
		v := d.any(true)
		if at := seen.find(o, name); at >= 0 {
			o[at].Value = v
		} else {
			o = append(o, ObjectMember{name, v})
		}
		return d.err
	})
	return o
}

func (w *writer) object(dst []byte, o Object) ([]byte, error) {
	if o == nil {
		return append(dst, "null"...), nil
	}
	if err := w.enter(reflect.TypeOf(o)); err != nil {
		return dst, err
	}
	dst = append(dst, '{')
	var seen objectIndex
	for i, m := range o {
		if seen.find(o[:i], m.Name) >= 0 {
			return dst, &UnsupportedError{Type: reflect.TypeOf(o), Reason: "a name occurs twice"}
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = AppendString(dst, m.Name); err != nil {
			return dst, err
		}
		if dst, err = w.any(append(dst, ':'), m.Value); err != nil {
			return dst, err
		}
	}
	w.depth--
	return append(dst, '}'), nil
}
