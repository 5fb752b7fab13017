package pyvalue

import "github.com/djsess/djsess/internal/pickle"

// Reaches tells whether any of the objects holds another one, anywhere.
func Reaches(objects []*pickle.Object, target *pickle.Object) bool {
	seen := map[*pickle.Object]bool{}
	var visit func(o *pickle.Object) bool
	visit = func(o *pickle.Object) bool {
		switch {
		case o == nil || o.Made == nil && len(o.Items) == 0:
			return o == target && o != nil
		case o == target:
			return true
		case seen[o]:
			return false
		}
		seen[o] = true
		found := false
		parts(o, func(part *pickle.Object) { found = found || visit(part) })
		return found
	}
	for _, o := range objects {
		if visit(o) {
			return true
		}
	}
	return false
}

// parts calls one for all that an object holds.
func parts(o *pickle.Object, one func(*pickle.Object)) {
	for _, item := range o.Items {
		one(item)
	}
	m := o.Made
	if m == nil {
		return
	}
	one(m.Callable)
	one(m.Args)
	one(m.Kwargs)
	for _, step := range m.Steps {
		for _, item := range step.Items {
			one(item)
		}
	}
}

// Replace returns a copy of all that root holds in which root stands wherever old did.
func Replace(root, old *pickle.Object) *pickle.Object {
	copies := map[*pickle.Object]*pickle.Object{}
	var copied func(o *pickle.Object) *pickle.Object
	all := func(items []*pickle.Object) []*pickle.Object {
		list := make([]*pickle.Object, len(items))
		for i, item := range items {
			list[i] = copied(item)
		}
		return list
	}
	copied = func(o *pickle.Object) *pickle.Object {
		if o == nil || o.Made == nil && len(o.Items) == 0 && o != old {
			return o
		}
		if o == old {
			o = root
		}
		if done := copies[o]; done != nil {
			return done
		}
		c := *o
		copies[o] = &c
		c.Items = all(o.Items)
		if o.Made != nil {
			m := &pickle.Made{Callable: copied(o.Made.Callable), Args: copied(o.Made.Args), Kwargs: copied(o.Made.Kwargs)}
			for _, step := range o.Made.Steps {
				m.Steps = append(m.Steps, pickle.Step{Kind: step.Kind, Items: all(step.Items)})
			}
			c.Made = m
		}
		return &c
	}
	return copied(root)
}
