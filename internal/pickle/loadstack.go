package pickle

// floor is how low the stack can get: what is below the last mark is out of reach.
func (d *loader) floor() int {
	if len(d.marks) == 0 {
		return 0
	}
	return d.marks[len(d.marks)-1]
}

func (d *loader) push(o *Object) error {
	d.refs--
	d.stack = append(d.stack, o)
	return nil
}

// top returns the n objects on top of the stack, the lowest first, and leaves them there.
func (d *loader) top(n int) ([]*Object, error) {
	if len(d.stack)-d.floor() < n {
		return nil, d.fail("nothing on the stack")
	}
	return d.stack[len(d.stack)-n:], nil
}

func (d *loader) pop() (*Object, error) {
	top, err := d.top(1)
	if err != nil {
		return nil, err
	}
	d.stack = d.stack[:len(d.stack)-1]
	return top[0], nil
}

func (d *loader) mark() error {
	d.refs--
	d.marks = append(d.marks, len(d.stack))
	return nil
}

// popMark takes what is above the last mark, and the mark. The result is good until the next push.
func (d *loader) popMark() ([]*Object, error) {
	if len(d.marks) == 0 {
		return nil, d.fail("no mark")
	}
	start := d.floor()
	items := d.stack[start:]
	d.stack = d.stack[:start]
	d.marks = d.marks[:len(d.marks)-1]
	return items, nil
}

func (d *loader) dropMark() error {
	_, err := d.popMark()
	return err
}

func (d *loader) dup() error {
	top, err := d.top(1)
	if err != nil {
		return err
	}
	return d.push(top[0])
}

// drop is POP, which takes a mark if that is on top: protocol 0 has no POP_MARK.
func (d *loader) drop() error {
	if len(d.marks) > 0 && d.floor() == len(d.stack) {
		return d.dropMark()
	}
	dropped, err := d.pop()
	if err != nil {
		return err
	}
	return d.discard(dropped)
}

// discard keeps a call for its effect on the object below it, which it was given first: that is how a __reduce_ex__
// with a state setter is pickled. All else that Python drops is what it found to be there already.
func (d *loader) discard(dropped *Object) error {
	if dropped.Kind != Reduce || len(d.stack) == d.floor() {
		return nil
	}
	target := d.stack[len(d.stack)-1]
	args := dropped.Made.Args.Items
	if len(args) == 0 || args[0] != target || target.Kind < Global {
		return nil
	}
	d.addStep(target, Discard, dropped)
	return nil
}
