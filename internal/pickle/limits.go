package pickle

import "errors"

// Limits bounds what a pickle may ask for. The zero value has the defaults.
type Limits struct {
	// Objects is how many objects may be made, those dropped again included. 0 means [DefaultObjects]. There
	// may be four references for each of them, but no more than four for each byte of the pickle.
	Objects int
	// Depth is how many objects may be within each other. 0 means [DefaultDepth].
	Depth int
}

// DefaultObjects is how many objects a pickle may make when [Limits] does not say.
const DefaultObjects = 1 << 20

// DefaultDepth is how deeply objects may nest when [Limits] does not say: Python's pickler gives up at
// its recursion limit, which is 1000.
const DefaultDepth = 1000

func (l Limits) objects() int {
	if l.Objects == 0 {
		return DefaultObjects
	}
	return l.Objects
}

func (l Limits) depth() int {
	if l.Depth == 0 {
		return DefaultDepth
	}
	return l.Depth
}

// maxIntDigits is Python's sys.get_int_max_str_digits: it reads no decimal integer that has more, and writes none.
const maxIntDigits = 4300

// ErrTooLarge is wrapped by the error for a pickle that makes more objects than its [Limits] allow, or more text than one
// of its length has any reason to; and for a graph that would make a pickle out of all proportion.
var ErrTooLarge = errors.New("too large")

// ErrDepth is wrapped by the error for objects that nest deeper than allowed.
var ErrDepth = errors.New("nested too deeply")

// A depthCheck follows a graph after it was loaded.
type depthCheck struct{ steps int } // how often object was called

// object reports whether objects nest at most depth deep. An object counts only where it is reached first, and is looked
// into once, so the steps are as many as the references, which the loader bounds. It marks only objects that hold others:
// the rest may be shared with other pickles.
func (c *depthCheck) object(o *Object, depth int) bool {
	c.steps++
	if len(o.Items) == 0 && o.Made == nil || o.walked {
		return true
	}
	if depth <= 0 {
		return false
	}
	o.walked = true
	if !c.all(o.Items, depth-1) {
		return false
	}
	if o.Made == nil {
		return true
	}
	for _, part := range [...]*Object{o.Made.Callable, o.Made.Args, o.Made.Kwargs} {
		if part != nil && !c.object(part, depth-1) {
			return false
		}
	}
	for _, step := range o.Made.Steps {
		if !c.all(step.Items, depth-1) {
			return false
		}
	}
	return true
}

func (c *depthCheck) all(objects []*Object, depth int) bool {
	for _, o := range objects {
		if !c.object(o, depth) {
			return false
		}
	}
	return true
}
