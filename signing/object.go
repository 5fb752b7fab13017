package signing

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/adler32"
	"math"
	"sync"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zlib"

	"github.com/djsess/djsess/internal/inflate"
	"github.com/djsess/djsess/internal/pybase64"
	"github.com/djsess/djsess/internal/pyjson"
)

// defaultObjectSalt is the salt of Django's dumps and loads.
const defaultObjectSalt = "django.core.signing"

// Dumps is django.core.signing.dumps: it returns v as JSON, signed with the time, in characters that
// need no escaping in a URL. With compress the JSON is deflated if that saves space.
//
// The JSON is what Python would write: ASCII, a float64 always as a float (1.0), an integer as an
// integer, structs by their json tags.
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

// Loads is django.core.signing.loads, the reverse of Dumps. It decodes the value into the variable
// that dst points to. The Origin says which key opened the text.
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

// appendObject appends data in base64. With compress the data are deflated if that saves more than
// the dot that marks it.
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

// appendOpened is the reverse of appendObject. It appends at most maxSize bytes.
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
	z := inflate.NewZlibReader()
	defer z.Release()
	stream, err := pybase64.AppendURL(z.Buf[:0], value[1:])
	if err != nil {
		return dst, origin, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	z.Buf = stream
	out, err := z.Append(dst, stream, r.maxSize)
	switch {
	case err == ErrTooLarge:
		return dst, origin, fmt.Errorf("more than %d bytes inflated: %w", r.maxSize, err)
	case err != nil:
		return dst, origin, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return out, origin, nil
}

// maxKept bounds the buffer of a deflater that is kept for reuse.
const maxKept = 1 << 20

// There are three ways to deflate, chosen by length and result. Their sizes come close to those
// of C zlib at its default level, 6. Stateless deflation is for data the size of a login: its
// table is small, and the larger tables of the levels are seldom in the processor's cache. Very
// short data, and base64, need the thorough level, which is slower: the other two do not shrink
// them.
const (
	quickFrom      = 128
	statelessBelow = 256
	fastLevel      = 6
	thoroughLevel  = 7
)

// deflater is a zlib writer. Its tables are large, so it is kept for reuse.
type deflater struct {
	buf bytes.Buffer
	z   *zlib.Writer // nil for stateless deflation
}

func deflaters(level int) *sync.Pool {
	return &sync.Pool{New: func() any {
		d := new(deflater)
		if level > 0 {
			d.z, _ = zlib.NewWriterLevel(&d.buf, level) // fails only for an unknown level
		}
		return d
	}}
}

var stateless, fast, thorough = deflaters(0), deflaters(fastLevel), deflaters(thoroughLevel)

// deflated calls use with the compressed data. They are valid until use returns.
func deflated(data []byte, use func(compressed []byte)) {
	quick := fast
	if len(data) < statelessBelow {
		quick = stateless
	}
	if len(data) < quickFrom || !deflateWith(quick, data, len(data), use) {
		deflateWith(thorough, data, math.MaxInt, use)
	}
}

// deflateWith deflates data with a writer of the pool. It calls use if the result is shorter than
// limit.
func deflateWith(pool *sync.Pool, data []byte, limit int, use func(compressed []byte)) (used bool) {
	d := pool.Get().(*deflater)
	defer func() {
		if d.buf.Cap() <= maxKept {
			pool.Put(d)
		}
	}()
	d.buf.Reset()
	// Writing to a bytes.Buffer does not fail.
	if d.z != nil {
		d.z.Reset(&d.buf)
		d.z.Write(data)
		d.z.Close()
	} else {
		d.buf.WriteString("\x78\x9c") // zlib's header at its default level
		flate.StatelessDeflate(&d.buf, data, true, nil)
		d.buf.Write(binary.BigEndian.AppendUint32(d.buf.AvailableBuffer(), adler32.Checksum(data)))
	}
	if d.buf.Len() >= limit {
		return false
	}
	use(d.buf.Bytes())
	return true
}
