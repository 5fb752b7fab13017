package pickle

// A depthCheck follows a graph once it is loaded.
type depthCheck struct{ steps int } // how often an object was come to

// object tells whether no more than depth objects are within each other, where each object counts at the first place
// that leads to it. Only objects with something in them are marked: the others may be shared with other pickles. Each is
// looked into once: that takes as many steps as there are references, which the loader bounds.
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
