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
