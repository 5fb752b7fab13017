package pickle

import (
	"math"
	"math/big"
)

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
