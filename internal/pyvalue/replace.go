package pyvalue

import "github.com/djsess/djsess/internal/pickle"

// Along a path that the loader did not follow, objects can nest more deeply than its limit. So the functions in this file do
// not recurse. They keep a list of the objects that they still have to visit.

// Reaches reports whether any of the objects holds a given object at any depth.
func Reaches(objects []*pickle.Object, target *pickle.Object) bool {
	found := false
	eachOnce(objects, func(o *pickle.Object) bool {
		found = found || o == target
		return !found
	})
	return found
}

// eachOnce calls visit for the objects and for everything that they hold, until visit returns false. For an object that holds
// others it calls visit only once.
func eachOnce(objects []*pickle.Object, visit func(*pickle.Object) bool) {
	seen := map[*pickle.Object]bool{}
	todo := append([]*pickle.Object(nil), objects...)
	for len(todo) > 0 {
		o := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if o == nil {
			continue
		}
		leaf := isLeaf(o) // most objects are leaves: to look them up in seen would take most of the time
		if !leaf && seen[o] {
			continue
		}
		if !visit(o) {
			return
		}
		if leaf {
			continue
		}
		seen[o] = true
		parts(o, func(part *pickle.Object) {
			if part != nil && (isLeaf(part) || !seen[part]) {
				todo = append(todo, part)
			}
		})
	}
}

func isLeaf(o *pickle.Object) bool { return o.Call == nil && len(o.Items) == 0 }

// parts calls f for each object that o holds.
func parts(o *pickle.Object, f func(*pickle.Object)) {
	for _, item := range o.Items {
		f(item)
	}
	m := o.Call
	if m == nil {
		return
	}
	f(m.Callable)
	f(m.Args)
	f(m.Kwargs)
	for _, step := range m.Steps {
		for _, item := range step.Items {
			f(item)
		}
	}
}

// Replace returns a copy of everything that root holds, with root in every place where old was.
func Replace(root, old *pickle.Object) *pickle.Object {
	copies := map[*pickle.Object]*pickle.Object{root: {}}
	eachOnce([]*pickle.Object{root}, func(o *pickle.Object) bool {
		if !isLeaf(o) && o != old && copies[o] == nil {
			copies[o] = new(pickle.Object)
		}
		return true
	})
	copies[old] = copies[root]
	copied := func(o *pickle.Object) *pickle.Object {
		if c := copies[o]; c != nil {
			return c
		}
		return o
	}
	all := func(items []*pickle.Object) []*pickle.Object {
		list := make([]*pickle.Object, len(items))
		for i, item := range items {
			list[i] = copied(item)
		}
		return list
	}
	for o, c := range copies {
		if o == old {
			continue
		}
		*c = *o
		c.Items = all(o.Items)
		if m := o.Call; m != nil {
			c.Call = &pickle.Call{Callable: copied(m.Callable), Args: copied(m.Args), Kwargs: copied(m.Kwargs)}
			for _, step := range m.Steps {
				c.Call.Steps = append(c.Call.Steps, pickle.Step{Kind: step.Kind, Items: all(step.Items)})
			}
		}
	}
	return copies[root]
}
