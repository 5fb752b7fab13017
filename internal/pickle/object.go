package pickle

// Kind is a kind of Python object.
type Kind uint8

const (
	None Kind = iota
	Bool
	Int
	Float
	Str
	Bytes
	ByteArray
	List
	Tuple
	Dict
	Set
	FrozenSet
	Global       // a class, a function or whatever else a module has by a name
	Reduce       // Callable(*Args)
	NewObj       // Callable.__new__(Callable, *Args)
	NewObjEx     // Callable.__new__(Callable, *Args, **Kwargs)
	Instance     // what INST and OBJ make: Callable(*Args), but without arguments an instance that was never initialized
	PersistentID // what the unpickler's persistent_load makes of Args
	Extension    // what copyreg's registry has under the code Int
)

// Object is a Python object as data: nothing is ever imported or called. Objects are
// told apart by their addresses, as Python's are by id(): what occurs in two
// places is one *Object, and a cycle leads back to it.
//
// An Object that was loaded or written must not be changed: many may hold it.
type Object struct {
	Kind Kind

	lent   bool   // Items are another object's: they must not grow
	walked bool   // for depthCheck
	grown  uint32 // where in its pickle something was last added to it

	// Int is the value of a Bool (0 or 1), of an Int without Text, and the code of
	// an Extension. It is the bits of a Float.
	Int int64
	// Text is the characters of a Str, in UTF-8 but that half a surrogate pair is
	// the three bytes ED A0 80 to ED BF BF; the bytes of a Bytes or ByteArray;
	// the digits of an Int that no int64 holds, in decimal, or after 0x where decimal
	// ones would be more than Python's str() of an int gives; module and qualified
	// name of a Global, with a line feed between them.
	Text string
	// Items are the elements of a List, Tuple, Set or FrozenSet; and the keys and
	// values of a Dict in turn, as they were set: one of equal keys counts, the last.
	Items []*Object
	// Made is set for what is made by a call, and for other kinds that had done
	// to them what their own opcodes do not do.
	Made *Made
}

// Made says how an object was made.
type Made struct {
	Callable *Object // of Reduce, NewObj, NewObjEx and Instance
	Args     *Object // a Tuple; of a PersistentID whatever it is
	Kwargs   *Object // of NewObjEx, a Dict
	Steps    []Step  // what was done to the object then, in order

	at uint32 // where in its pickle the call was made
}

// StepKind is what was done to an object.
type StepKind uint8

const (
	AppendItems StepKind = iota // APPEND, APPENDS: object.extend(Items)
	SetItems                    // SETITEM, SETITEMS: object[key] = value, for keys and values in turn
	AddItems                    // ADDITEMS: object.update(Items), of a set
	Build                       // BUILD: __setstate__, or an update of __dict__, by the one object in Items
	Discard                     // the one object in Items, a call that was given this one, was made and dropped (a state setter)
)

// Step is one thing that was done to an object.
type Step struct {
	Kind  StepKind
	Items []*Object
}
