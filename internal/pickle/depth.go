package pickle

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
