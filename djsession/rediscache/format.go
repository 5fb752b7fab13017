package rediscache

import (
	"fmt"
	"strings"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/rediscache/internal/compress"
	"github.com/djsess/djsess/djsession/rediscache/internal/serializer"
	"github.com/djsess/djsess/internal/pydict"
	"github.com/djsess/djsess/internal/sniff"
)

// Compressor is one of django-redis's compressors, by its module in django_redis.compressors. Each compressor stores short
// values uncompressed. If a value does not decompress, it is read as an uncompressed value.
type Compressor string

const (
	Uncompressed Compressor = ""     // IdentityCompressor
	Zlib         Compressor = "zlib" // ZlibCompressor, level 6
	Gzip         Compressor = "gzip" // GzipCompressor, since django-redis 5.5
	LZMA         Compressor = "lzma" // LzmaCompressor: xz, preset 4
	LZ4          Compressor = "lz4"  // Lz4Compressor: the frame format
	Zstd         Compressor = "zstd" // ZStdCompressor
)

// Compressors lists all compressors.
var Compressors = []Compressor{Uncompressed, Zlib, Gzip, LZMA, LZ4, Zstd}

func newCompressor(name Compressor, maxSize int) (compress.Compressor, error) {
	c, ok := compress.New(string(name), maxSize)
	if !ok {
		var known []string
		for _, k := range Compressors[1:] {
			known = append(known, string(k))
		}
		return c, fmt.Errorf("unknown compressor %q: want one of %s", name, strings.Join(known, ", "))
	}
	return c, nil
}

// JSONSerializer is django_redis.serializers.json.JSONSerializer. It writes as DjangoJSONEncoder does. Datetimes are
// truncated to milliseconds, and have a Z for UTC. When they are read again, datetimes, Decimals and UUIDs are text, and tuples
// are lists.
//
// For a value that has no JSON form (bytes, a set) the error is a djsession.ErrOpaque. For more than 32 MiB of JSON it is
// a djsession.ErrTooLarge.
type JSONSerializer struct{}

// Append writes JSON in ASCII, with ", " and ": ".
func (JSONSerializer) Append(dst []byte, v *djsession.Values) ([]byte, error) {
	dict, err := pydict.Of(v)
	if err != nil {
		return dst, err
	}
	out, err := serializer.AppendJSON(dst, dict)
	if err != nil {
		return dst, fmt.Errorf("session as JSON: %w", err)
	}
	return out, nil
}

// Parse reads JSON in UTF-8. If the data are not a JSON object, the error is a djsession.ErrMalformed that says what they
// are.
func (JSONSerializer) Parse(data []byte) (*djsession.Values, error) {
	text, err := serializer.JSONToASCII(data)
	if err != nil {
		return nil, malformed(data, "a JSON object", err)
	}
	v, err := djsession.JSONSerializer{}.Parse(text)
	if err != nil {
		return nil, malformed(data, "a JSON object", err)
	}
	return v, nil
}

// MessagePackSerializer is django_redis.serializers.msgpack.MSGPackSerializer. Bytes and extension types keep their type,
// and tuples become lists. For a value that has no MessagePack form (a datetime, a Decimal, a set, an integer of more than
// 64 bits) the error is a djsession.ErrOpaque. For more than 32 MiB it is a djsession.ErrTooLarge.
type MessagePackSerializer struct{}

// Append writes MessagePack as msgpack.dumps does.
func (MessagePackSerializer) Append(dst []byte, v *djsession.Values) ([]byte, error) {
	dict, err := pydict.Of(v)
	if err != nil {
		return dst, err
	}
	out, err := serializer.AppendMessagePack(dst, dict)
	if err != nil {
		return dst, fmt.Errorf("session as MessagePack: %w", err)
	}
	return out, nil
}

// Parse reads MessagePack. If the data are not a map, the error is a djsession.ErrMalformed that says what they are.
func (MessagePackSerializer) Parse(data []byte) (*djsession.Values, error) {
	dict, err := serializer.ParseMessagePack(data)
	if err != nil {
		return nil, malformed(data, "a map of MessagePack", err)
	}
	v, err := pydict.Values(dict)
	if err != nil {
		return nil, err
	}
	return v.(*djsession.Values), nil
}

func malformed(data []byte, want string, err error) error {
	return fmt.Errorf("%w: %s in place of %s: %w", djsession.ErrMalformed, sniff.Name(data), want, err)
}
