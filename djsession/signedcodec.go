package djsession

import (
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/djsess/djsess/signing"
)

// signedCodec is signing.dumps and signing.loads with compress=True.
type signedCodec struct {
	signer     *signing.TimestampSigner
	maxAge     time.Duration
	maxSize    int
	serializer Serializer
}

func newSignedCodec(s *Settings, salt string, maxAge time.Duration) (*signedCodec, error) {
	o := signing.Options{
		SecretKey:          s.SecretKey,
		SecretKeyFallbacks: s.SecretKeyFallbacks,
		Salt:               salt,
		Algorithm:          s.DefaultHashingAlgorithm,
		MaxSize:            s.MaxPayloadSize,
		Now:                s.Now,
	}
	if s.AtLeast(3, 1) && !s.AtLeast(4, 0) {
		o.LegacyAlgorithm = signing.SHA1
	}
	signer, err := signing.NewTimestampSigner(o)
	if err != nil {
		return nil, err
	}
	return &signedCodec{signer, maxAge, s.MaxPayloadSize, s.serializer()}, nil
}

func (c *signedCodec) Append(dst []byte, v *Values) ([]byte, error) {
	buf := getBuffer()
	defer putBuffer(buf)
	data, err := c.serializer.Append((*buf)[:0], v)
	if err != nil {
		return dst, err
	}
	*buf = data
	if len(data) > c.maxSize {
		return dst, errTooMuch(c.maxSize)
	}
	// Another deflate than Python's may find it worth compressing what Python
	// did not. What nobody changed goes back as it came.
	compress := !v.plain || !v.unchanged()
	return c.signer.AppendObject(dst, data, compress), nil
}

// errTooMuch is for values that would be refused when they are read.
func errTooMuch(limit int) error {
	return fmt.Errorf("session values of more than %d bytes: %w", limit, ErrTooLarge)
}

// payloadBound is how long a payload of that much data may be: in base64, with
// more than enough for time, signature and what Python skips.
func payloadBound(maxSize int) int {
	const spare = 1024
	if maxSize > (math.MaxInt-spare)/4*3 {
		return math.MaxInt
	}
	return maxSize/3*4 + spare
}

func (c *signedCodec) Decode(payload []byte) (*Values, Origin, error) {
	if len(payload) > payloadBound(c.maxSize) {
		return nil, Origin{Form: Signed}, &PayloadError{Err: ErrTooLarge}
	}
	buf := getBuffer()
	defer putBuffer(buf)
	data, signed, err := c.signer.OpenObject((*buf)[:0], payload, c.maxAge)
	origin := Origin{Signed, signed.Key, signed.Algorithm, signed.SignedAt, signed.Compressed}
	if err != nil {
		return nil, origin, &PayloadError{Err: err, Form: formOf(payload)}
	}
	*buf = data
	v, err := parsePayload(c.serializer, data)
	if err == nil {
		v.plain = !signed.Compressed
	}
	return v, origin, err
}

// buffers hold what is serialized between the values and the payload.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

func getBuffer() *[]byte { return buffers.Get().(*[]byte) }

// putBuffer keeps a buffer for the next payload, unless an odd one made it large.
func putBuffer(b *[]byte) {
	if cap(*b) <= 1<<20 {
		buffers.Put(b)
	}
}
