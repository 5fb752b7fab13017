package signing

import (
	"encoding/base64"
	"fmt"
	"sync"
	"time"

	"github.com/djsess/djsess/internal/inflate"
	"github.com/djsess/djsess/internal/pybase64"
	"github.com/djsess/djsess/internal/pyjson"
)

// defaultObjectSalt is the salt of Django's dumps and loads.
const defaultObjectSalt = "django.core.signing"

// Dumps is django.core.signing.dumps: v as JSON, signed and stamped with the
// time, in characters that need no escaping in a URL. With compress it is
// deflated where that saves space.
//
// The JSON is what Python would write: ASCII, a float64 always as a float
// (1.0), an integer as an integer, structs by their json tags.
func Dumps(v any, compress bool, o Options) (string, error) {
	if o.Salt == "" {
		o.Salt = defaultObjectSalt
	}
	s, err := NewTimestampSigner(o)
	if err != nil {
		return "", err
	}
	return s.SignObject(v, compress)
}

// Loads is django.core.signing.loads: the reverse of Dumps, into the value
// that dst points to. The Origin tells which key opened the text.
func Loads(signed string, dst any, maxAge time.Duration, o Options) (Origin, error) {
	if o.Salt == "" {
		o.Salt = defaultObjectSalt
	}
	s, err := NewTimestampSigner(o)
	if err != nil {
		return Origin{}, err
	}
	return s.UnsignObject(signed, maxAge, dst)
}

func appendJSONObject(dst []byte, v any, compress bool) ([]byte, error) {
	data, err := pyjson.Append(nil, v)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	return appendObject(dst, data, compress), nil
}

func (r *keyring) readJSONObject(value []byte, origin Origin, dst any) (Origin, error) {
	data, origin, err := r.appendOpened(nil, value, origin)
	if err != nil {
		return origin, err
	}
	text := string(data)
	if err := pyjson.Check(text, pyjson.Limits{}); err != nil {
		return origin, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return origin, pyjson.Unmarshal(text, dst)
}

// appendObject appends data in base64, deflated when that is asked for and
// saves more than the dot that marks it.
func appendObject(dst, data []byte, compress bool) []byte {
	if compress {
		deflated(data, func(compressed []byte) {
			if len(compressed) < len(data)-1 {
				dst = base64.RawURLEncoding.AppendEncode(append(dst, '.'), compressed)
				data = nil
			}
		})
		if data == nil {
			return dst
		}
	}
	return base64.RawURLEncoding.AppendEncode(dst, data)
}

// streams are buffers for compressed objects, each a *[]byte.
var streams = sync.Pool{New: func() any { return new([]byte) }}

// appendOpened is the reverse of appendObject, bounded.
func (r *keyring) appendOpened(dst, value []byte, origin Origin) ([]byte, Origin, error) {
	origin.Compressed = len(value) > 0 && value[0] == '.'
	if !origin.Compressed {
		if base64.RawURLEncoding.DecodedLen(len(value)) > r.maxSize {
			return dst, origin, fmt.Errorf("more than %d bytes: %w", r.maxSize, ErrTooLarge)
		}
		out, err := pybase64.AppendURL(dst, value)
		if err != nil {
			return dst, origin, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		return out, origin, nil
	}
	buf := streams.Get().(*[]byte)
	defer func() {
		if cap(*buf) <= maxKept {
			streams.Put(buf)
		}
	}()
	stream, err := pybase64.AppendURL((*buf)[:0], value[1:])
	if err != nil {
		return dst, origin, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	*buf = stream
	out, err := inflate.Zlib(dst, stream, r.maxSize)
	switch {
	case err == ErrTooLarge:
		return dst, origin, fmt.Errorf("more than %d bytes inflated: %w", r.maxSize, err)
	case err != nil:
		return dst, origin, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return out, origin, nil
}
