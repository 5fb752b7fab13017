package serializer

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"unicode/utf8"

	"github.com/vmihailenco/msgpack/v5/msgpcode"

	"github.com/djsess/djsess/internal/pickle"
	"github.com/djsess/djsess/signing"
)

// ParseMessagePack reads MessagePack as msgpack.loads does.
func ParseMessagePack(data []byte) (*pickle.Object, error) {
	u := unpacker{data: data}
	o, err := u.value()
	if err == nil && len(u.data) > 0 {
		err = fmt.Errorf("%d bytes are left", len(u.data))
	}
	return o, err
}

// unpackDepth is the depth up to which msgpack.loads reads nested containers.
const unpackDepth = 1024

// unpacker reads MessagePack as Python objects. Everything that has a length goes through take or items, which refuse a
// length that is larger than the rest of the data.
type unpacker struct {
	data    []byte // the rest of the data
	depth   int
	objects int
}

// take returns the next n bytes, without copying them.
func (u *unpacker) take(n uint64) ([]byte, error) {
	if n > uint64(len(u.data)) {
		return nil, io.ErrUnexpectedEOF
	}
	b := u.data[:n]
	u.data = u.data[n:]
	return b, nil
}

// uint reads a big-endian number of width bytes.
func (u *unpacker) uint(width uint64) (uint64, error) {
	b, err := u.take(width)
	var n uint64
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n, err
}

func (u *unpacker) value() (*pickle.Object, error) {
	if u.objects++; u.objects > pickle.DefaultObjects {
		return nil, fmt.Errorf("more than %d values: %w", pickle.DefaultObjects, signing.ErrTooLarge)
	}
	code, err := u.uint(1)
	if err != nil {
		return nil, err
	}
	switch c := byte(code); {
	case msgpcode.IsFixedNum(c):
		return pickle.NewInt(int64(int8(c))), nil
	case msgpcode.IsFixedMap(c):
		return u.dict(code & 0x0f)
	case msgpcode.IsFixedArray(c):
		return u.list(code & 0x0f)
	case msgpcode.IsFixedString(c):
		return u.str(code & 0x1f)
	case msgpcode.IsFixedExt(c):
		return u.extension(1 << (c - msgpcode.FixExt1))
	}
	kind, ok := kinds[byte(code)]
	if !ok { // the unused code 0xc1
		return nil, fmt.Errorf("byte %#x", code)
	}
	n, err := u.uint(kind.width)
	if err != nil {
		return nil, err
	}
	return kind.read(u, n)
}

// kinds are the types whose code is followed by a number: a length, or the value itself.
var kinds map[byte]unpackKind

type unpackKind struct {
	width uint64 // of the number, in bytes
	read  func(u *unpacker, n uint64) (*pickle.Object, error)
}

func init() { // not in the declaration, since list and dict read values of any kind
	constant := func(o *pickle.Object) unpackKind {
		return unpackKind{0, func(*unpacker, uint64) (*pickle.Object, error) { return o, nil }}
	}
	number := func(width uint64, make func(n uint64) *pickle.Object) unpackKind {
		return unpackKind{width, func(_ *unpacker, n uint64) (*pickle.Object, error) { return make(n), nil }}
	}
	unsigned := func(n uint64) *pickle.Object { return pickle.NewBigInt(new(big.Int).SetUint64(n)) }
	kinds = map[byte]unpackKind{
		msgpcode.Nil:     constant(pickle.NewNone()),
		msgpcode.False:   constant(pickle.NewBool(false)),
		msgpcode.True:    constant(pickle.NewBool(true)),
		msgpcode.Float:   number(4, func(n uint64) *pickle.Object { return pickle.NewFloat(float64(math.Float32frombits(uint32(n)))) }),
		msgpcode.Double:  number(8, func(n uint64) *pickle.Object { return pickle.NewFloat(math.Float64frombits(n)) }),
		msgpcode.Uint8:   number(1, unsigned),
		msgpcode.Uint16:  number(2, unsigned),
		msgpcode.Uint32:  number(4, unsigned),
		msgpcode.Uint64:  number(8, unsigned),
		msgpcode.Int8:    number(1, func(n uint64) *pickle.Object { return pickle.NewInt(int64(int8(n))) }),
		msgpcode.Int16:   number(2, func(n uint64) *pickle.Object { return pickle.NewInt(int64(int16(n))) }),
		msgpcode.Int32:   number(4, func(n uint64) *pickle.Object { return pickle.NewInt(int64(int32(n))) }),
		msgpcode.Int64:   number(8, func(n uint64) *pickle.Object { return pickle.NewInt(int64(n)) }),
		msgpcode.Bin8:    {1, (*unpacker).bytes},
		msgpcode.Bin16:   {2, (*unpacker).bytes},
		msgpcode.Bin32:   {4, (*unpacker).bytes},
		msgpcode.Str8:    {1, (*unpacker).str},
		msgpcode.Str16:   {2, (*unpacker).str},
		msgpcode.Str32:   {4, (*unpacker).str},
		msgpcode.Ext8:    {1, (*unpacker).extension},
		msgpcode.Ext16:   {2, (*unpacker).extension},
		msgpcode.Ext32:   {4, (*unpacker).extension},
		msgpcode.Array16: {2, (*unpacker).list},
		msgpcode.Array32: {4, (*unpacker).list},
		msgpcode.Map16:   {2, (*unpacker).dict},
		msgpcode.Map32:   {4, (*unpacker).dict},
	}
}

func (u *unpacker) bytes(n uint64) (*pickle.Object, error) {
	b, err := u.take(n)
	return pickle.NewBytes(string(b)), err
}

func (u *unpacker) str(n uint64) (*pickle.Object, error) {
	b, err := u.take(n)
	if err == nil && !utf8.Valid(b) {
		err = errors.New("text that is not UTF-8")
	}
	return pickle.NewStr(string(b)), err
}

func (u *unpacker) list(n uint64) (*pickle.Object, error) {
	items, err := u.items(n)
	return pickle.NewList(items...), err
}

// dict reads a map. msgpack.loads takes only text and bytes for keys.
func (u *unpacker) dict(n uint64) (*pickle.Object, error) {
	items, err := u.items(2 * n)
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(items); i += 2 {
		if k := items[i].Kind; k != pickle.Str && k != pickle.Bytes {
			return nil, errors.New("a key that is neither text nor bytes")
		}
	}
	return pickle.NewDict(items...), nil
}

// items reads n values. Each takes at least one byte.
func (u *unpacker) items(n uint64) ([]*pickle.Object, error) {
	if n > uint64(len(u.data)) {
		return nil, io.ErrUnexpectedEOF
	}
	if u.depth == unpackDepth {
		return nil, fmt.Errorf("nested more than %d deep", unpackDepth)
	}
	u.depth++
	defer func() { u.depth-- }()
	// The capacity starts small, since nested containers may all claim the same bytes.
	items := make([]*pickle.Object, 0, min(n, 16))
	for range n {
		item, err := u.value()
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

// extension reads an extension type: its code, and n bytes.
func (u *unpacker) extension(n uint64) (*pickle.Object, error) {
	c, err := u.uint(1)
	if err != nil {
		return nil, err
	}
	data, err := u.take(n)
	code := int8(c)
	switch {
	case err != nil:
		return nil, err
	case code >= 0:
		return newExtension(code, data), nil
	case code != timestampCode:
		return nil, fmt.Errorf("extension type %d", code)
	}
	seconds, nanos, ok := parseTimestamp(data)
	if !ok {
		return nil, fmt.Errorf("a timestamp of %d bytes, or of more nanoseconds than a second has", len(data))
	}
	return newTimestamp(seconds, nanos), nil
}
