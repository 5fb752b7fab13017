package pickle

func (a *appender) saveEmptyTuple() {
	if a.proto > 0 {
		a.op(opEmptyTuple)
	} else {
		a.buf = append(a.buf, opMark, opTuple)
	}
}

// saveTuple: a tuple cannot be entered into the memo before its items are there. If one of them leads back to the
// tuple, then that has written the tuple meanwhile: the items are dropped again and that tuple is taken.
func (a *appender) saveTuple(o *Object, depth int) error {
	short := a.proto >= 2 && len(o.Items) <= 3
	if !short {
		a.op(opMark)
	}
	if err := a.saveAll(o.Items, depth); err != nil {
		return err
	}
	if n, ok := a.memo.find(o); ok {
		a.dropItems(len(o.Items), short)
		a.get(n)
		return nil
	}
	a.tuple(len(o.Items))
	a.put(o)
	return nil
}

// dropItems drops what is above a mark and the mark; n is the number of items. Short means that there is no mark.
func (a *appender) dropItems(n int, short bool) {
	switch {
	case a.proto > 0 && !short:
		a.op(opPopMark)
		return
	case !short:
		n++
	}
	for range n {
		a.op(opPop)
	}
}

// tuple makes one of n items on the stack, above a mark unless that can be left out.
func (a *appender) tuple(n int) {
	if a.proto >= 2 && n <= 3 {
		a.op([...]byte{opEmptyTuple, opTuple1, opTuple2, opTuple3}[n])
	} else {
		a.op(opTuple)
	}
}
