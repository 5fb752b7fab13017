package pickle

import (
	"math"
	"strings"
)

func (a *appender) saveCall(o *Object, depth int) error {
	m := o.Call
	if m == nil || m.Callable == nil || m.Args == nil || m.Args.Kind != Tuple || o.Kind == NewObjEx && m.Kwargs == nil {
		return &ValueError{"a call without a callable or without its arguments"}
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

// enter records that a call is being written. A call can be inside itself: one of its parts is an object that is not complete
// yet and holds the call. The inner call is the one that makes the object, so its parts must be as they were when the call
// was made. Therefore the memo forgets each object between the two that did not grow after the call, and the object is
// written again for the inner call. An object that did grow is used as far as it is written, as in Python.
func (a *appender) enter(o *Object) {
	if a.calls == nil {
		a.calls = make(map[*Object]int)
	}
	a.calls[o]++
	if a.calls[o] == 1 {
		return
	}
	for i := len(a.path) - 2; a.path[i].o != o; i-- {
		if open := &a.path[i]; open.put && open.o.grown < o.Call.at {
			a.memo.forget(open.o)
			open.put = false
		}
	}
}

func (a *appender) callOps(kind Kind, m *Call, depth int) error {
	switch {
	case kind == Instance:
		return a.instance(m, depth)
	case kind == NewObj && a.proto < 2:
		// These protocols have no such opcode. All Pythons have this function, which does the same.
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

// instance writes OBJ. In protocol 0 it writes INST, whose argument is the name of the class.
func (a *appender) instance(m *Call, depth int) error {
	a.op(opMark)
	class := m.Callable
	if _, name := class.Global(); a.proto == 0 && name != "" && class.Call == nil && !strings.Contains(name, ".") {
		text, ok := toPython2(class.Text)
		if !ok {
			return &ValueError{"a class whose name means another class below protocol 3"}
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

// savePersistent writes PERSID in protocol 0 for an id that fits on a line, and BINPERSID for any other id.
func (a *appender) savePersistent(o *Object, depth int) error {
	if o.Call == nil || o.Call.Args == nil {
		return &ValueError{"a persistent object without an id"}
	}
	id := o.Call.Args
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

// saveSteps applies the steps of o to the object on top of the stack, which is in the memo.
func (a *appender) saveSteps(o *Object, depth int) error {
	if o.Call == nil {
		return nil
	}
	for _, step := range o.Call.Steps {
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
			return &ValueError{"a key without a value"}
		}
		return a.batches(step.Items, dictItems, false, depth)
	case AddItems:
		return a.batch(step.Items, opAddItems, depth)
	}
	if len(step.Items) != 1 {
		return &ValueError{"a step that needs exactly one object"}
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

// builtCall writes o as a call of a function. args pushes the arguments and returns how many there are. If args is nil, there
// are none.
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

// call calls the function on top of the stack with the arguments that args pushes.
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

// putOrGet enters o, which has just been made, into the memo. If a part of o leads back to o, then o was made before, while
// that part was written. In this case putOrGet drops the new object and pushes the earlier one. put reports whether the new
// object is used.
func (a *appender) putOrGet(o *Object) (put bool) {
	if n, ok := a.memo.find(o); ok {
		a.op(opPop)
		a.get(n)
		return false
	}
	a.put(o)
	return true
}

// Classes and functions are memoized by their names: Python has only one object of each, however often it occurs.

func (a *appender) saveGlobal(o *Object, depth int) error {
	if isChanged(o) {
		return errChanged
	}
	return a.global(o.Text, depth)
}

// errChanged is the error for a graph in which a class or a function is changed. Python's pickler never writes such a pickle.
// Python would change its only object of that name, and the effect depends on when the change happens. The graph does not
// hold that order.
var errChanged = &ValueError{"a class or a function that the pickle changes"}

func isChanged(o *Object) bool { return o.Call != nil && len(o.Call.Steps) > 0 }

// global appends the Text of a Global.
func (a *appender) global(text string, depth int) error {
	if n, ok := a.names[text]; ok {
		a.get(n)
		return nil
	}
	if depth <= 0 {
		return &ValueError{"a class that is nested too deeply in other classes"}
	}
	module, name, ok := strings.Cut(text, "\n")
	if !ok || strings.Contains(name, "\n") || !validText(text) {
		return &ValueError{"a class whose name cannot be written"}
	}
	if err := a.globalOps(module, name, depth); err != nil {
		return err
	}
	a.remember(text)
	return nil
}

func (a *appender) globalOps(module, name string, depth int) error {
	if a.proto >= 4 {
		if err := a.constant(module); err != nil {
			return err
		}
		if err := a.name(name); err != nil {
			return err
		}
		a.op(opStackGlobal)
		return nil
	}
	// Before protocol 4 a name is an attribute of its module. A class within a class is read by getattr.
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		if err := a.global("builtins\ngetattr", depth-1); err != nil {
			return err
		}
		return a.call(func() (int, error) {
			if err := a.global(module+"\n"+name[:dot], depth-1); err != nil {
				return 0, err
			}
			return 2, a.name(name[dot+1:])
		})
	}
	text := module + "\n" + name
	if a.proto < 3 {
		renamed, ok := toPython2(text)
		if !ok {
			return &ValueError{"a class whose name means another class below protocol 3"}
		}
		text = renamed
	}
	a.line(opGlobal, text)
	return nil
}

// name appends the name of a class or function. It is not looked up in the memo, since Python usually has a separate str
// object for each name.
func (a *appender) name(s string) error {
	a.betweenFrames()
	if err := a.str(s); err != nil {
		return err
	}
	a.put(nil)
	return nil
}

// constant appends a str of which Python has only one object, such as the name of a module.
func (a *appender) constant(s string) error {
	a.betweenFrames()
	if n, ok := a.names[s]; ok {
		a.get(n)
		return nil
	}
	if err := a.str(s); err != nil {
		return err
	}
	a.remember(s)
	return nil
}

func (a *appender) remember(s string) {
	if a.names == nil {
		a.names = make(map[string]uint32)
	}
	a.names[s] = a.put(nil)
}

func (a *appender) saveExtension(o *Object) error {
	switch n := o.Int; {
	case isChanged(o):
		return errChanged
	case n <= 0 || n > math.MaxInt32:
		return &ValueError{"an extension code that is out of range"}
	case n <= math.MaxUint8:
		a.op8(opExt1, int(n))
	case n <= math.MaxUint16:
		a.buf = append(a.buf, opExt2, byte(n), byte(n>>8))
	default:
		a.op32(opExt4, int(n))
	}
	return nil
}
