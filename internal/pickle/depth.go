package pickle

// checkDepth tells whether no more than depth objects are within each other, where each object counts at the first place
// that leads to it. Only objects with something in them are marked: the others may be shared with other pickles.
func checkDepth(o *Object, depth int) bool {
	if len(o.Items) == 0 && o.Made == nil || o.walked {
		return true
	}
	if depth <= 0 {
		return false
	}
	o.walked = true
	if !checkAll(o.Items, depth-1) {
		return false
	}
	if o.Made == nil {
		return true
	}
	for _, part := range [...]*Object{o.Made.Callable, o.Made.Args, o.Made.Kwargs} {
		if part != nil && !checkDepth(part, depth-1) {
			return false
		}
	}
	for _, step := range o.Made.Steps {
		if !checkAll(step.Items, depth-1) {
			return false
		}
	}
	return true
}

func checkAll(objects []*Object, depth int) bool {
	for _, o := range objects {
		if !checkDepth(o, depth) {
			return false
		}
	}
	return true
}
