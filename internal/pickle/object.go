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
	Global       // a class, a function or another attribute of a module
	Reduce       // Callable(*Args)
	NewObj       // Callable.__new__(Callable, *Args)
	NewObjEx     // Callable.__new__(Callable, *Args, **Kwargs)
	Instance     // INST and OBJ: Callable(*Args), but without arguments an instance that is never initialized
	PersistentID // the result of the unpickler's persistent_load(Args)
	Extension    // the entry of copyreg's registry under the code Int
)

// Object is a Python object as data. The address of an Object is its identity, like Python's id(): an object that occurs in
// two places is one *Object, and a cycle leads back to it.
//
// An Object that was loaded or written must not be changed, since others may hold it.
type Object struct {
	Kind Kind

	lent   bool   // Items belong to another object and must not grow
	walked bool   // depthCheck has followed the object
	grown  uint32 // the offset in the pickle where the object last changed

	// Int is the value of a Bool (0 or 1) or of an Int without Text, the code of an Extension, or the bits of a Float.
	Int int64
	// Text depends on the kind:
	//   - Str: the characters in UTF-8. Half a surrogate pair is the three bytes ED A0 80 to ED BF BF.
	//   - Bytes, ByteArray: the bytes.
	//   - Int: the digits of an integer beyond int64, in decimal. They are hexadecimal after 0x if there are too many
	//     decimal digits for Python's str().
	//   - Global: module and qualified name, with a line feed between them.
	Text string
	// Items are the elements of a List, Tuple, Set or FrozenSet, or the keys and values of a Dict in turn, in the order
	// in which they were set. If keys are equal, the last one counts.
	Items []*Object
	// Call is set for an object that a call makes. It is also set for any other object with changes that Items cannot
	// hold: then only its Steps count.
	Call *Call
}

// Call is the call that makes an object.
type Call struct {
	Callable *Object // of Reduce, NewObj, NewObjEx and Instance
	Args     *Object // a Tuple; of a PersistentID any object
	Kwargs   *Object // of NewObjEx, a Dict
	Steps    []Step  // the changes of the object after the call, in order

	at uint32 // the offset of the call in its pickle
}

// StepKind is a kind of change of an object.
type StepKind uint8

const (
	AppendItems StepKind = iota // APPEND, APPENDS: object.extend(Items)
	SetItems                    // SETITEM, SETITEMS: object[key] = value, for keys and values in turn
	AddItems                    // ADDITEMS: object.update(Items), of a set
	Build                       // BUILD: __setstate__, or an update of __dict__, by the one object in Items
	Discard                     // the one object in Items is a call with this object as an argument, whose result is dropped (a state setter)
)

// Step is a change of an object.
type Step struct {
	Kind  StepKind
	Items []*Object
}

// BigInt returns the value of an Int or Bool.
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

// HasDecimal reports whether Python's str() returns the digits of this Int. It refuses more than 4300 digits.
func (o *Object) HasDecimal() bool {
	return !strings.HasPrefix(strings.TrimPrefix(o.Text, "-"), "0x")
}

// Float returns the value of a Float.
func (o *Object) Float() float64 {
	return math.Float64frombits(uint64(o.Int))
}

// Global returns the module and the qualified name of a Global. For any other object both are empty.
func (o *Object) Global() (module, name string) {
	if o.Kind != Global {
		return "", ""
	}
	module, name, _ = strings.Cut(o.Text, "\n")
	return module, name
}

// Python has one object of each of these. They are never memoized, so sharing them does not matter.
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

// pythonNaN is Python's NaN, which has other bits than Go's.
var pythonNaN = math.Float64frombits(0x7ff8 << 48)

// NewFloat is a float.
func NewFloat(f float64) *Object {
	if math.IsNaN(f) {
		f = pythonNaN
	}
	return &Object{Kind: Float, Int: int64(math.Float64bits(f))}
}

// NewStr is a str. s is UTF-8, with halves of surrogate pairs as in Object.Text.
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

// NewGlobal is an attribute of a module. Its name may lead through classes: Outer.Inner.
func NewGlobal(module, name string) *Object {
	return &Object{Kind: Global, Text: module + "\n" + name}
}

// NewCall is the result of callable(*args).
func NewCall(callable *Object, args ...*Object) *Object {
	return &Object{Kind: Reduce, Call: &Call{Callable: callable, Args: NewTuple(args...)}}
}

// bigText returns an integer in decimal. If it has too many digits for Python's str(), the text is hexadecimal, which takes
// only one pass.
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

// fromTwosComplement reads two's complement, the lowest byte first.
func fromTwosComplement(s string) *big.Int {
	b := []byte(s)
	slices.Reverse(b)
	n := new(big.Int).SetBytes(b)
	if b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
}

// twosComplement returns the shortest form of n that keeps its sign. As in Python the form of 0 is empty.
func twosComplement(n *big.Int) []byte {
	if n.Sign() == 0 {
		return nil
	}
	size := n.BitLen()/8 + 1
	if n.Sign() < 0 {
		// One byte holds -128, but not 128.
		size = new(big.Int).Not(n).BitLen()/8 + 1
		n = new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), uint(8*size)))
	}
	b := n.FillBytes(make([]byte, size))
	slices.Reverse(b)
	return b
}
