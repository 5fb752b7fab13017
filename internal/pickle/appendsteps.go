package pickle

// saveSteps does to the object on top of the stack, which is in the memo, what was done to o.
func (a *appender) saveSteps(o *Object, depth int) error {
	if o.Made == nil {
		return nil
	}
	for _, step := range o.Made.Steps {
		if err := a.saveStep(step, depth); err != nil {
			return err
		}
	}
	return nil
}

func (a *appender) saveStep(step Step, depth int) error {
	switch step.Kind {
	case AppendItems:
		return a.batches(step.Items, listItems, false, depth)
	case SetItems:
		if len(step.Items)%2 != 0 {
			return &ValueError{"a key that has no value"}
		}
		return a.batches(step.Items, dictItems, false, depth)
	case AddItems:
		return a.batch(step.Items, opAddItems, depth)
	}
	if len(step.Items) != 1 {
		return &ValueError{"a step that is not with one object"}
	}
	if err := a.save(step.Items[0], depth); err != nil {
		return err
	}
	if step.Kind == Build {
		a.op(opBuild)
	} else {
		a.op(opPop)
	}
	return nil
}
