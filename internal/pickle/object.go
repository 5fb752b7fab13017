package pickle

import (
	"math"
	"math/big"
	"slices"
	"strings"
)

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

// BigInt is the value of an Int or Bool.
func (o *Object) BigInt() *big.Int {
	if o.Text == "" {
		return big.NewInt(o.Int)
	}
	n, ok := new(big.Int).SetString(o.Text, 0)
	if !ok {
		return new(big.Int)
	}
	return n
}

// HasDecimal tells whether Python would give the digits of this Int: it refuses to beyond 4300.
func (o *Object) HasDecimal() bool {
	return !strings.HasPrefix(strings.TrimPrefix(o.Text, "-"), "0x")
}

// Float is the value of a Float.
func (o *Object) Float() float64 {
	return math.Float64frombits(uint64(o.Int))
}

// Global is the module and the qualified name of a Global; for any other object both are empty.
func (o *Object) Global() (module, name string) {
	if o.Kind != Global {
		return "", ""
	}
	module, name, _ = strings.Cut(o.Text, "\n")
	return module, name
}

// Python has one of each of these, and so have we. They are never memoized, so that it does not matter.
var (
	none       = &Object{Kind: None}
	falseTrue  = [2]*Object{{Kind: Bool}, {Kind: Bool, Int: 1}}
	emptyTuple = &Object{Kind: Tuple}
	smallInts  = func() (ints [256]Object) {
		for i := range ints {
			ints[i] = Object{Kind: Int, Int: int64(i)}
		}
		return ints
	}()
)

func smallInt(n int64) *Object {
	if n < 0 || n >= int64(len(smallInts)) {
		return nil
	}
	return &smallInts[n]
}

// NewNone is None.
func NewNone() *Object { return none }

// NewBool is True or False.
func NewBool(b bool) *Object {
	if b {
		return falseTrue[1]
	}
	return falseTrue[0]
}

// NewInt is an int.
func NewInt(n int64) *Object {
	if o := smallInt(n); o != nil {
		return o
	}
	return &Object{Kind: Int, Int: n}
}

// NewBigInt is an int of any size.
func NewBigInt(n *big.Int) *Object {
	if n.IsInt64() {
		return NewInt(n.Int64())
	}
	return &Object{Kind: Int, Text: bigText(n)}
}

// pythonNaN has other bits than Go's.
var pythonNaN = math.Float64frombits(0x7ff8 << 48)

// NewFloat is a float.
func NewFloat(f float64) *Object {
	if math.IsNaN(f) {
		f = pythonNaN
	}
	return &Object{Kind: Float, Int: int64(math.Float64bits(f))}
}

// NewStr is a str; s is UTF-8, with halves of surrogate pairs as [Object] has them.
func NewStr(s string) *Object { return &Object{Kind: Str, Text: s} }

// NewBytes is a bytes object.
func NewBytes(s string) *Object { return &Object{Kind: Bytes, Text: s} }

// NewByteArray is a bytearray.
func NewByteArray(s string) *Object { return &Object{Kind: ByteArray, Text: s} }

// NewList is a list.
func NewList(items ...*Object) *Object { return &Object{Kind: List, Items: items} }

// NewTuple is a tuple.
func NewTuple(items ...*Object) *Object {
	if len(items) == 0 {
		return emptyTuple
	}
	return &Object{Kind: Tuple, Items: items}
}

// NewDict is a dict of keys and values in turn.
func NewDict(items ...*Object) *Object { return &Object{Kind: Dict, Items: items} }

// NewSet is a set.
func NewSet(items ...*Object) *Object { return &Object{Kind: Set, Items: items} }

// NewFrozenSet is a frozenset.
func NewFrozenSet(items ...*Object) *Object { return &Object{Kind: FrozenSet, Items: items} }

// NewGlobal is what a module has by a name, which may lead through classes: Outer.Inner.
func NewGlobal(module, name string) *Object {
	return &Object{Kind: Global, Text: module + "\n" + name}
}

// NewCall is what callable(*args) returns.
func NewCall(callable *Object, args ...*Object) *Object {
	return &Object{Kind: Reduce, Made: &Made{Callable: callable, Args: NewTuple(args...)}}
}

// bigText spells an integer in decimal, or where Python's str() refuses to, in hexadecimal: that takes no more than one pass.
func bigText(n *big.Int) string {
	// 10 digits take more than 33 bits and less than 34.
	if n.BitLen() <= maxIntDigits*33/10 {
		return n.String()
	}
	if n.BitLen() < maxIntDigits*34/10 {
		if s := n.String(); len(s)-max(-n.Sign(), 0) <= maxIntDigits {
			return s
		}
	}
	if n.Sign() < 0 {
		return "-0x" + new(big.Int).Neg(n).Text(16)
	}
	return "0x" + n.Text(16)
}

// fromTwosComplement reads bytes of which the lowest is the first.
func fromTwosComplement(s string) *big.Int {
	b := []byte(s)
	slices.Reverse(b)
	n := new(big.Int).SetBytes(b)
	if b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
}

// twosComplement is the shortest form of n that keeps its sign; that of 0 is empty, as in Python.
func twosComplement(n *big.Int) []byte {
	if n.Sign() == 0 {
		return nil
	}
	size := n.BitLen()/8 + 1
	if n.Sign() < 0 {
		// -128 fits where 128 does not.
		size = new(big.Int).Not(n).BitLen()/8 + 1
		n = new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), uint(8*size)))
	}
	b := n.FillBytes(make([]byte, size))
	slices.Reverse(b)
	return b
}
