package pickle

import (
	"slices"
	"strings"
)

// call pushes the object that a call returns.
func (d *loader) call(kind Kind, callable, args, kwargs *Object) error {
	switch {
	case callable.Kind < Global:
		return d.fail("a call of an object that is not callable")
	case args.Kind != Tuple:
		return d.fail("a call whose arguments are not a tuple")
	case kwargs != nil && kwargs.Kind != Dict:
		return d.fail("a call whose keyword arguments are not a dict")
	}
	if kind == Reduce && callable.Kind == Global {
		if o := d.plain(callable.Text, args.Items); o != nil {
			return d.push(o)
		}
	}
	o := d.object(kind)
	o.Call = &Call{Callable: callable, Args: args, Kwargs: kwargs, at: d.now()}
	return d.push(o)
}

func (d *loader) reduce() error {
	top, err := d.top(2)
	if err != nil {
		return err
	}
	d.stack = d.stack[:len(d.stack)-2]
	return d.call(Reduce, top[0], top[1], nil)
}

func (d *loader) newObj() error {
	top, err := d.top(2)
	if err != nil {
		return err
	}
	d.stack = d.stack[:len(d.stack)-2]
	return d.call(NewObj, top[0], top[1], nil)
}

func (d *loader) newObjEx() error {
	top, err := d.top(3)
	if err != nil {
		return err
	}
	d.stack = d.stack[:len(d.stack)-3]
	return d.call(NewObjEx, top[0], top[1], top[2])
}

// inst is INST, whose argument is the name of the class. obj is OBJ, which has the class on the stack after the mark.
func (d *loader) inst() error {
	class, err := d.namedByLines()
	if err != nil {
		return err
	}
	args, err := d.popMark()
	if err != nil {
		return err
	}
	return d.instance(class, args)
}

func (d *loader) obj() error {
	items, err := d.popMark()
	if err != nil {
		return err
	}
	if len(items) == 0 {
		return d.fail("an instance without a class")
	}
	return d.instance(items[0], items[1:])
}

func (d *loader) instance(class *Object, args []*Object) error {
	tuple := emptyTuple
	if len(args) > 0 {
		tuple = d.object(Tuple)
		tuple.Items = slices.Clone(args)
	}
	return d.call(Instance, class, tuple, nil)
}

// plain recognizes the calls with which older protocols write bytes, bytearrays and sets. For any other call it returns nil.
//
// A set has the items that its list has now. It shares them with the list, which may grow later, and so is marked as lent.
func (d *loader) plain(callable string, args []*Object) *Object {
	switch callable {
	case "_codecs\nencode":
		if len(args) == 2 && isLatin1(args[1]) {
			return d.encoded(Bytes, args[0])
		}
	case "builtins\nbytes":
		if len(args) == 0 {
			return d.object(Bytes)
		}
	case "builtins\nbytearray":
		return d.plainByteArray(args)
	case "builtins\nset":
		return d.plainSet(Set, args)
	case "builtins\nfrozenset":
		return d.plainSet(FrozenSet, args)
	}
	return nil
}

// plainByteArray reads the arguments of bytearray(). Before Python 3.8 they are (str, 'latin-1') below protocol 3.
func (d *loader) plainByteArray(args []*Object) *Object {
	switch {
	case len(args) == 0:
		return d.object(ByteArray)
	case len(args) == 1 && args[0].Kind == Bytes:
		o := d.object(ByteArray)
		o.Text = args[0].Text
		return o
	case len(args) == 2 && isLatin1(args[1]):
		return d.encoded(ByteArray, args[0])
	}
	return nil
}

func (d *loader) plainSet(kind Kind, args []*Object) *Object {
	if len(args) == 0 {
		return d.object(kind)
	}
	if len(args) != 1 || args[0].Kind != List || args[0].Call != nil {
		return nil
	}
	items := args[0].Items
	d.refs -= int64(len(items)) // run checks that it is not negative
	o := d.object(kind)
	o.Items = items[:len(items):len(items)]
	o.lent = true
	return o
}

func isLatin1(o *Object) bool {
	return o.Kind == Str && (o.Text == "latin1" || o.Text == "latin-1")
}

// encoded returns the bytes of a Latin-1 text. Many calls may have the same text. If their bytes together would be far longer
// than the pickle, encoded returns nil, and the rest stay calls.
func (d *loader) encoded(kind Kind, text *Object) *Object {
	if text.Kind != Str || !isASCII(text.Text) && !d.mayCopy(len(text.Text)) {
		return nil
	}
	s, ok := toLatin1(text.Text)
	if !ok {
		return nil
	}
	o := d.object(kind)
	o.Text = s
	return o
}

// global is GLOBAL, whose argument is two lines: the module and the name.
func (d *loader) global() error {
	o, err := d.namedByLines()
	if err != nil {
		return err
	}
	return d.push(o)
}

// namedByLines reads the module and the name of GLOBAL and INST.
func (d *loader) namedByLines() (*Object, error) {
	start := d.i
	module, err := d.line()
	if err != nil {
		return nil, err
	}
	name, err := d.line()
	if err != nil {
		return nil, err
	}
	text := d.text[start : d.i-1]
	if !validText(text) {
		return nil, d.fail("a name that is not UTF-8")
	}
	return d.named(module, name, text)
}

// named makes a Global. text is module and name as Object.Text holds them.
func (d *loader) named(module, name, text string) (*Object, error) {
	if module == "" || strings.Contains("."+name+".", "..") {
		return nil, d.fail("a class without a name")
	}
	o := d.object(Global)
	o.Text = text
	if d.proto < 3 {
		o.Text = fromPython2(text)
	}
	return o, nil
}

func (d *loader) stackGlobal() error {
	names, err := d.top(2)
	if err != nil {
		return err
	}
	module, name := names[0], names[1]
	if module.Kind != Str || name.Kind != Str {
		return d.fail("a class whose name is not a str")
	}
	if strings.Contains(module.Text, "\n") || strings.Contains(name.Text, "\n") {
		return d.fail("a class whose name has a line feed")
	}
	if !d.mayCopy(len(module.Text) + 1 + len(name.Text)) {
		return d.tooMuchText()
	}
	o, err := d.named(module.Text, name.Text, module.Text+"\n"+name.Text)
	if err != nil {
		return err
	}
	d.stack = d.stack[:len(d.stack)-2]
	return d.push(o)
}

func (d *loader) extension(code uint64) error {
	// EXT4 is signed.
	n := int64(int32(code))
	if n <= 0 {
		return d.fail("an extension code that is not positive")
	}
	o := d.object(Extension)
	o.Int = n
	return d.push(o)
}

// persistentText is PERSID, whose argument is the id in a line.
func (d *loader) persistentText(s string) error {
	if !isASCII(s) {
		return d.fail("a persistent id that is not ASCII")
	}
	if err := d.pushText(Str, s); err != nil {
		return err
	}
	return d.persistent()
}

func (d *loader) persistent() error {
	id, err := d.pop()
	if err != nil {
		return err
	}
	o := d.object(PersistentID)
	o.Call = &Call{Args: id}
	return d.push(o)
}
