package serializer

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/djsess/djsess/internal/pickle"
	"github.com/djsess/djsess/internal/pyjson"
	"github.com/djsess/djsess/internal/pyvalue"
	"github.com/djsess/djsess/signing"
)

// AppendMessagePack appends a dict as msgpack.dumps writes it. For a value that has no MessagePack form the error is a
// pyjson.ErrOpaque, and for more than maxWritten bytes a signing.ErrTooLarge.
func AppendMessagePack(dst []byte, dict *pickle.Object) ([]byte, error) {
	b := bytes.NewBuffer(dst)
	p := packer{out: msgpack.NewEncoder(b)}
	if err := p.value(dict); err != nil {
		return dst, err
	}
	return b.Bytes(), nil
}

// packDepth is the depth up to which msgpack.dumps writes nested containers.
const packDepth = 511

// packer writes Python objects as MessagePack.
type packer struct {
	out   *msgpack.Encoder
	depth int
	size  int // a lower bound of the bytes written
}

func (p *packer) value(o *pickle.Object) error {
	text, isText := pyvalue.Str(o)
	if err := p.grow(1 + max(len(o.Text), len(text))); err != nil {
		return err
	}
	if isText {
		if !utf8.ValidString(text) {
			return fmt.Errorf("half a surrogate pair has no MessagePack form: %w", pyjson.ErrOpaque)
		}
		return p.out.EncodeString(text)
	}
	if items, ok := pyvalue.DictItems(o); ok {
		return p.container(len(items)/2, p.out.EncodeMapLen, items)
	}
	if o.Call != nil {
		return p.extension(o)
	}
	switch o.Kind {
	case pickle.None:
		return p.out.EncodeNil()
	case pickle.Bool:
		return p.out.EncodeBool(o.Int != 0)
	case pickle.Int:
		return p.integer(o)
	case pickle.Float:
		return p.out.EncodeFloat64(o.Float())
	case pickle.Bytes, pickle.ByteArray:
		return p.out.EncodeBytes([]byte(o.Text))
	case pickle.List, pickle.Tuple:
		return p.container(len(o.Items), p.out.EncodeArrayLen, o.Items)
	}
	return noForm(o)
}

// grow adds n to the size, or returns an error if the output would be too large.
func (p *packer) grow(n int) error {
	if p.size += n; p.size > maxWritten {
		return fmt.Errorf("more than %d bytes: %w", maxWritten, signing.ErrTooLarge)
	}
	return nil
}

func noForm(o *pickle.Object) error {
	return fmt.Errorf("%s has no MessagePack form: %w", pyvalue.Describe(o), pyjson.ErrOpaque)
}

func (p *packer) integer(o *pickle.Object) error {
	n := o.BigInt()
	switch {
	case n.IsInt64():
		return p.out.EncodeInt(n.Int64())
	case n.IsUint64():
		return p.out.EncodeUint(n.Uint64())
	}
	return fmt.Errorf("an integer of more than 64 bits has no MessagePack form: %w", pyjson.ErrOpaque)
}

// container writes the length of a container and then its items.
func (p *packer) container(n int, head func(int) error, items []*pickle.Object) error {
	if p.depth == packDepth {
		return fmt.Errorf("nested more than %d deep, or holds itself: %w", packDepth, pyjson.ErrOpaque)
	}
	p.depth++
	defer func() { p.depth-- }()
	if err := head(n); err != nil {
		return err
	}
	for _, item := range items {
		if err := p.value(item); err != nil {
			return err
		}
	}
	return nil
}

func (p *packer) extension(o *pickle.Object) error {
	var data []byte
	code, ok := int8(timestampCode), false
	if seconds, nanos, is := timestampOf(o); is {
		data, ok = timestamp(seconds, nanos), true
	} else {
		code, data, ok = extensionOf(o)
	}
	if !ok {
		return noForm(o)
	}
	if err := p.grow(len(data)); err != nil {
		return err
	}
	if err := p.out.EncodeExtHeader(code, len(data)); err != nil {
		return err
	}
	_, err := p.out.Writer().Write(data)
	return err
}
