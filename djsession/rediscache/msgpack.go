package rediscache

import (
	"bytes"
	"fmt"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/magic"
	"github.com/djsess/djsess/internal/pickle"
	"github.com/djsess/djsess/internal/pydict"
)

// MessagePackSerializer is django_redis.serializers.msgpack.MSGPackSerializer. Bytes
// stay bytes there; tuples are lists; extension types stay what they are. What has no
// form (datetimes, Decimals, sets, integers beyond 64 bits) is a djsession.ErrOpaque, and
// what would be over 32 MiB a djsession.ErrTooLarge.
type MessagePackSerializer struct{}

// Append writes MessagePack as msgpack.dumps does.
func (MessagePackSerializer) Append(dst []byte, v *djsession.Values) ([]byte, error) {
	dict, err := pydict.Of(v)
	if err != nil {
		return dst, err
	}
	b := bytes.NewBuffer(dst)
	p := packer{out: msgpack.NewEncoder(b)}
	if err := p.value(dict); err != nil {
		return dst, fmt.Errorf("session as MessagePack: %w", err)
	}
	return b.Bytes(), nil
}

// Parse reads MessagePack. What is none, or not a map, is a djsession.ErrMalformed
// that says what it is.
func (MessagePackSerializer) Parse(data []byte) (*djsession.Values, error) {
	u := unpacker{data: data}
	dict, err := u.value()
	switch {
	case err != nil:
	case len(u.data) > 0:
		err = fmt.Errorf("%d bytes are left", len(u.data))
	default:
		return valuesOf(dict)
	}
	return nil, fmt.Errorf("%w: %s in place of a map of MessagePack: %w", djsession.ErrMalformed, magic.Name(data), err)
}

func valuesOf(dict *pickle.Object) (*djsession.Values, error) {
	v, err := pydict.Values(dict)
	if err != nil {
		return nil, err
	}
	return v.(*djsession.Values), nil
}
