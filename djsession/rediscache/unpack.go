package rediscache

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/big"
	"unicode/utf8"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/pickle"
)

// unpackDepth is how deeply msgpack.loads nests at most.
const unpackDepth = 1024

// unpacker reads MessagePack as Python objects. No length is believed that the data
// have not the bytes for.
type unpacker struct {
	data    *bytes.Reader
	in      *msgpack.Decoder
	depth   int
	objects int
}

func (u *unpacker) value() (*pickle.Object, error) {
	if u.objects++; u.objects > pickle.DefaultObjects {
		return nil, fmt.Errorf("more than %d values: %w", pickle.DefaultObjects, djsession.ErrTooLarge)
	}
	c, err := u.in.PeekCode()
	if err != nil {
		return nil, ended(err)
	}
	switch {
	case msgpcode.IsFixedMap(c) || c == msgpcode.Map16 || c == msgpcode.Map32:
		return u.dict()
	case msgpcode.IsFixedArray(c) || c == msgpcode.Array16 || c == msgpcode.Array32:
		n, err := u.in.DecodeArrayLen()
		if err != nil {
			return nil, ended(err)
		}
		items, err := u.items(n)
		return pickle.NewList(items...), err
	case msgpcode.IsString(c):
		return u.str()
	case msgpcode.IsExt(c):
		return u.extension()
	}
	o, err := u.scalar(c)
	return o, ended(err)
}

func (u *unpacker) scalar(c byte) (*pickle.Object, error) {
	switch c {
	case msgpcode.Nil:
		return pickle.NewNone(), u.in.DecodeNil()
	case msgpcode.False, msgpcode.True:
		b, err := u.in.DecodeBool()
		return pickle.NewBool(b), err
	case msgpcode.Float, msgpcode.Double:
		f, err := u.in.DecodeFloat64()
		return pickle.NewFloat(f), err
	case msgpcode.Bin8, msgpcode.Bin16, msgpcode.Bin32:
		b, err := u.in.DecodeBytes()
		return pickle.NewBytes(string(b)), err
	case msgpcode.Uint64:
		n, err := u.in.DecodeUint64()
		return pickle.NewBigInt(new(big.Int).SetUint64(n)), err
	case 0xc1: // which is never used
		return nil, errors.New("byte 0xc1")
	}
	n, err := u.in.DecodeInt64()
	return pickle.NewInt(n), err
}

func (u *unpacker) str() (*pickle.Object, error) {
	s, err := u.in.DecodeString()
	if err == nil && !utf8.ValidString(s) {
		err = errors.New("text that is not UTF-8")
	}
	return pickle.NewStr(s), ended(err)
}

// dict reads a map. msgpack.loads takes only text and bytes for keys.
func (u *unpacker) dict() (*pickle.Object, error) {
	n, err := u.in.DecodeMapLen()
	if err != nil {
		return nil, ended(err)
	}
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

func (u *unpacker) items(n int) ([]*pickle.Object, error) {
	if n < 0 || n > u.data.Len() {
		return nil, ended(io.EOF)
	}
	if u.depth == unpackDepth {
		return nil, fmt.Errorf("nested more than %d deep", unpackDepth)
	}
	u.depth++
	defer func() { u.depth-- }()
	items := make([]*pickle.Object, 0, min(n, 1<<10)) // which may be too small for what is wrong further on
	for range n {
		item, err := u.value()
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

// extension reads what Python has an object of its own for.
func (u *unpacker) extension() (*pickle.Object, error) {
	code, n, err := u.in.DecodeExtHeader()
	if err != nil {
		return nil, ended(err)
	}
	if n < 0 || n > u.data.Len() {
		return nil, ended(io.EOF)
	}
	data := make([]byte, n)
	if err := u.in.ReadFull(data); err != nil {
		return nil, ended(err)
	}
	switch {
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

// ended makes an end of the data what it is here.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
