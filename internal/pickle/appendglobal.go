package pickle

import (
	"math"
	"strings"
)

// Classes and functions are memoized by their names: Python has only one object of each, however often it occurs.

func (a *appender) saveGlobal(o *Object, depth int) error {
	if isChanged(o) {
		return errChanged
	}
	return a.global(o.Text, depth)
}

// errChanged is for a pickle that changes a class or a function, which Python's pickler never writes. Python would change
// its only object of that name, and it matters when: a pickle written from the graph could not say that.
var errChanged = &ValueError{"a class or a function that the pickle itself changes"}

func isChanged(o *Object) bool { return o.Made != nil && len(o.Made.Steps) > 0 }

// global appends the Text of a Global.
func (a *appender) global(text string, depth int) error {
	if n, ok := a.names[text]; ok {
		a.get(n)
		return nil
	}
	if depth <= 0 {
		return &ValueError{"a class within too many others"}
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
	// Before protocol 4 a name was an attribute of its module: one within a class is asked for by getattr.
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
			return &ValueError{"a class that below protocol 3 has the name of another one"}
		}
		text = renamed
	}
	a.line(opGlobal, text)
	return nil
}

// name appends the name of a class or function, which most of the time Python makes anew for every class.
func (a *appender) name(s string) error {
	a.betweenFrames()
	if err := a.str(s); err != nil {
		return err
	}
	a.put(nil)
	return nil
}

// constant appends a str that Python has only once, such as the name of a module.
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
