package pickle

// batchSize is how many items Python adds at once, so that the unpickler's stack stays low.
const batchSize = 1000

func (a *appender) saveList(o *Object, depth int) error {
	a.emptyContainer(opEmptyList, opList)
	a.put(o)
	if err := a.batches(o.Items, listItems, true, depth); err != nil {
		return err
	}
	return a.saveSteps(o, depth)
}

func (a *appender) saveDict(o *Object, depth int) error {
	if len(o.Items)%2 != 0 {
		return &ValueError{"a dict with a key that has no value"}
	}
	a.emptyContainer(opEmptyDict, opDict)
	a.put(o)
	if err := a.batches(o.Items, dictItems, true, depth); err != nil {
		return err
	}
	return a.saveSteps(o, depth)
}

// emptyContainer: protocol 0 has only the opcode that makes one of what is above a mark.
func (a *appender) emptyContainer(op, marked byte) {
	if a.proto > 0 {
		a.op(op)
	} else {
		a.buf = append(a.buf, opMark, marked)
	}
}

// An addition is what belongs together in a container, and how one or many are added.
type addition struct {
	size      int
	one, many byte
}

var (
	listItems = addition{1, opAppend, opAppends}
	dictItems = addition{2, opSetItem, opSetItems}
)

// batches adds items to the container on top of the stack. Python knows how many its own lists and dicts have, but what it
// gets from an iterator only as it comes: that decides how it writes the last batch.
func (a *appender) batches(items []*Object, how addition, own bool, depth int) error {
	if a.proto == 0 || len(items) == how.size {
		return a.oneByOne(items, how, depth)
	}
	batch := items
	for len(items) > 0 {
		batch = items[:min(len(items), batchSize*how.size)]
		items = items[len(batch):]
		if len(batch) == how.size && !own {
			return a.oneByOne(batch, how, depth)
		}
		if err := a.batch(batch, how.many, depth); err != nil {
			return err
		}
	}
	if own && how.size == 2 && len(batch) == 2*batchSize {
		// Of its own dicts Python sees the end only in an empty batch.
		return a.batch(nil, how.many, depth)
	}
	return nil
}

func (a *appender) oneByOne(items []*Object, how addition, depth int) error {
	for ; len(items) > 0; items = items[how.size:] {
		if err := a.saveAll(items[:how.size], depth); err != nil {
			return err
		}
		a.op(how.one)
	}
	return nil
}

func (a *appender) batch(items []*Object, many byte, depth int) error {
	a.op(opMark)
	if err := a.saveAll(items, depth); err != nil {
		return err
	}
	a.op(many)
	return nil
}

func (a *appender) saveAll(items []*Object, depth int) error {
	for _, item := range items {
		if err := a.save(item, depth); err != nil {
			return err
		}
	}
	return nil
}

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
