package pickle

import "slices"

func empty(kind Kind) func(*loader) error {
	return func(d *loader) error { return d.push(d.object(kind)) }
}

// marked is for opcodes that make a container of what is above the last mark.
func marked(kind Kind) func(*loader) error {
	return func(d *loader) error {
		items, err := d.popMark()
		if err != nil {
			return err
		}
		if kind == Dict && len(items)%2 != 0 {
			return d.fail("a key without a value")
		}
		if kind == Tuple && len(items) == 0 {
			return d.push(emptyTuple)
		}
		o := d.object(kind)
		o.Items = slices.Clone(items)
		return d.push(o)
	}
}

// tuple makes one of the n objects on top of the stack.
func (d *loader) tuple(n int) error {
	items, err := d.top(n)
	if err != nil {
		return err
	}
	o := d.object(Tuple)
	o.Items = slices.Clone(items)
	d.stack = d.stack[:len(d.stack)-n]
	return d.push(o)
}

// addTop adds the n objects on top of the stack to the one below.
func (d *loader) addTop(n int, how StepKind) error {
	objects, err := d.top(n + 1)
	if err != nil {
		return err
	}
	d.stack = d.stack[:len(d.stack)-n]
	return d.add(objects[0], how, objects[1:])
}

// addMarked adds what is above the last mark to the object below the mark.
func (d *loader) addMarked(how StepKind) error {
	items, err := d.popMark()
	if err != nil {
		return err
	}
	target, err := d.top(1)
	if err != nil {
		return err
	}
	if how == SetItems && len(items)%2 != 0 {
		return d.fail("a key without a value")
	}
	if len(items) == 0 {
		return nil
	}
	return d.add(target[0], how, items)
}

// add does to an object what an opcode says. Its own kind of items joins the others; what else may happen to an object
// becomes a step; what Python would have failed at is an error.
func (d *loader) add(o *Object, how StepKind, items []*Object) error {
	switch {
	case o.Kind == List && how == AppendItems, o.Kind == Dict && how == SetItems, o.Kind == Set && how == AddItems && !o.lent:
		if o.Made == nil {
			o.grown = d.now()
			o.Items = append(o.Items, items...)
			return nil
		}
	case o.Kind >= Global:
	case o.Kind == List && how == SetItems, o.Kind == Set && how == AddItems:
	case o.Kind == ByteArray && (how == AppendItems || how == SetItems):
	default:
		return d.fail("an object that cannot be changed so")
	}
	d.addStep(o, how, items...)
	return nil
}

// addStep is for a o that is not shared with other pickles: those few kinds have no steps.
func (d *loader) addStep(o *Object, how StepKind, items ...*Object) {
	o.grown = d.now()
	if o.Made == nil {
		o.Made = new(Made)
	}
	steps := o.Made.Steps
	if n := len(steps); n > 0 && steps[n-1].Kind == how && how != Build && how != Discard {
		steps[n-1].Items = append(steps[n-1].Items, items...)
		return
	}
	o.Made.Steps = append(steps, Step{Kind: how, Items: slices.Clone(items)})
}
