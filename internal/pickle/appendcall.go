package pickle

import "strings"

// builtCall writes o as what a callable makes of arguments, which args pushes; it returns how many. Without args there are
// none.
func (a *appender) builtCall(o *Object, callable string, args func() (int, error)) error {
	if err := a.global(callable, maxWriteDepth); err != nil {
		return err
	}
	if args == nil {
		a.saveEmptyTuple()
		a.op(opReduce)
	} else if err := a.call(args); err != nil {
		return err
	}
	a.putOrGet(o)
	return nil
}

// call makes a tuple of what args pushes, and calls what is on the stack with it.
func (a *appender) call(args func() (int, error)) error {
	if a.proto < 2 {
		a.op(opMark)
	}
	n, err := args()
	if err != nil {
		return err
	}
	a.tuple(n)
	a.put(nil)
	a.op(opReduce)
	return nil
}

// putOrGet enters o, which has just been made, into the memo. If what it was made of leads back to o, then that has
// made it already: this one is dropped and that one taken. It tells which.
func (a *appender) putOrGet(o *Object) (put bool) {
	if n, ok := a.memo.find(o); ok {
		a.op(opPop)
		a.get(n)
		return false
	}
	a.put(o)
	return true
}

func (a *appender) saveCall(o *Object, depth int) error {
	m := o.Made
	if m == nil || m.Callable == nil || m.Args == nil || m.Args.Kind != Tuple || o.Kind == NewObjEx && m.Kwargs == nil {
		return &ValueError{"a call without all that belongs to it"}
	}
	a.enter(o)
	err := a.callOps(o.Kind, m, depth)
	a.calls[o]--
	if err != nil {
		return err
	}
	if !a.putOrGet(o) {
		return nil
	}
	return a.saveSteps(o, depth)
}

// enter notes that a call is being written. It may be within itself: something that it is made of leads back to it, by
// an object that is begun but not complete. The inner call is the one that counts. What it is made of has to be as it was when the
// call was made: an object that got nothing more after that, and is being written around the inner call, is
// forgotten, and written anew for it. One that did get more is taken as far as it is there, as Python did.
func (a *appender) enter(o *Object) {
	if a.calls == nil {
		a.calls = make(map[*Object]int)
	}
	a.calls[o]++
	if a.calls[o] == 1 {
		return
	}
	for i := len(a.path) - 2; a.path[i].o != o; i-- {
		if open := &a.path[i]; open.put && open.o.grown < o.Made.at {
			a.memo.forget(open.o)
			open.put = false
		}
	}
}

func (a *appender) callOps(kind Kind, m *Made, depth int) error {
	switch {
	case kind == Instance:
		return a.instance(m, depth)
	case kind == NewObj && a.proto < 2:
		// The opcode's meaning, as a function that all Pythons have.
		class := append([]*Object{m.Callable}, m.Args.Items...)
		return a.saveReduce(NewGlobal("copyreg", "__newobj__"), NewTuple(class...), depth)
	case kind == NewObjEx && a.proto < 4:
		return a.saveReduce(NewGlobal("copyreg", "__newobj_ex__"), NewTuple(m.Callable, m.Args, m.Kwargs), depth)
	case kind == Reduce:
		return a.saveReduce(m.Callable, m.Args, depth)
	}
	if err := a.save(m.Callable, depth); err != nil {
		return err
	}
	if err := a.save(m.Args, depth); err != nil {
		return err
	}
	if kind == NewObj {
		a.op(opNewObj)
		return nil
	}
	if err := a.save(m.Kwargs, depth); err != nil {
		return err
	}
	a.op(opNewObjEx)
	return nil
}

func (a *appender) saveReduce(callable, args *Object, depth int) error {
	if err := a.save(callable, depth); err != nil {
		return err
	}
	if err := a.save(args, depth); err != nil {
		return err
	}
	a.op(opReduce)
	return nil
}

// instance: INST, which has the name of the class in its lines, is the one that protocol 0 has.
func (a *appender) instance(m *Made, depth int) error {
	a.op(opMark)
	class := m.Callable
	if _, name := class.Global(); a.proto == 0 && name != "" && class.Made == nil && !strings.Contains(name, ".") {
		text, ok := toPython2(class.Text)
		if !ok {
			return &ValueError{"a class that below protocol 3 has the name of another one"}
		}
		if err := a.saveAll(m.Args.Items, depth); err != nil {
			return err
		}
		a.line(opInst, text)
		return nil
	}
	if err := a.save(class, depth); err != nil {
		return err
	}
	if err := a.saveAll(m.Args.Items, depth); err != nil {
		return err
	}
	a.op(opObj)
	return nil
}

// savePersistent: the text form is for an id that fits on a line.
func (a *appender) savePersistent(o *Object, depth int) error {
	if o.Made == nil || o.Made.Args == nil {
		return &ValueError{"a persistent object without an id"}
	}
	id := o.Made.Args
	if a.proto == 0 && id.Kind == Str && isASCII(id.Text) && !strings.Contains(id.Text, "\n") {
		a.line(opPersID, id.Text)
	} else {
		if err := a.save(id, depth); err != nil {
			return err
		}
		a.op(opBinPersID)
	}
	if !a.putOrGet(o) {
		return nil
	}
	return a.saveSteps(o, depth)
}
