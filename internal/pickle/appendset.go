package pickle

// saveSet: below protocol 4 a set is what builtins.set makes of a list.
func (a *appender) saveSet(o *Object, depth int) error {
	if a.proto < 4 {
		err := a.builtCall(o, "builtins\nset", func() (int, error) {
			return 1, a.save(NewList(o.Items...), depth)
		})
		if err != nil {
			return err
		}
		return a.saveSteps(o, depth)
	}
	a.op(opEmptySet)
	a.put(o)
	items := o.Items
	for more := len(items) > 0; more; {
		batch := items[:min(len(items), batchSize)]
		items = items[len(batch):]
		more = len(batch) == batchSize
		if err := a.batch(batch, opAddItems, depth); err != nil {
			return err
		}
	}
	return a.saveSteps(o, depth)
}

func (a *appender) saveFrozenSet(o *Object, depth int) error {
	if a.proto < 4 {
		return a.builtCall(o, "builtins\nfrozenset", func() (int, error) {
			return 1, a.save(NewList(o.Items...), depth)
		})
	}
	a.op(opMark)
	if err := a.saveAll(o.Items, depth); err != nil {
		return err
	}
	if n, ok := a.memo.find(o); ok {
		a.op(opPopMark)
		a.get(n)
		return nil
	}
	a.op(opFrozenSet)
	a.put(o)
	return nil
}
