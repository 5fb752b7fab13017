package djsession

import (
	"sync"
	"time"

	"github.com/djsess/djsess/signing"
)

// signedCodec is signing.dumps and signing.loads with compress=True.
type signedCodec struct {
	signer  *signing.TimestampSigner
	maxAge  time.Duration
	maxSize int
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
	if v := s.version(); v.atLeast(3, 1) && !v.atLeast(4, 0) {
		o.LegacyAlgorithm = signing.SHA1
	}
	signer, err := signing.NewTimestampSigner(o)
	if err != nil {
		return nil, err
	}
	return &signedCodec{signer, maxAge, s.MaxPayloadSize}, nil
}

func (c *signedCodec) Append(dst []byte, v *Values) ([]byte, error) {
	buf := getBuffer()
	defer putBuffer(buf)
	data, err := v.AppendPythonJSON((*buf)[:0])
	if err != nil {
		return dst, err
	}
	*buf = data
	if len(data) > c.maxSize {
		return dst, &PayloadError{Err: ErrTooLarge}
	}
	return c.signer.AppendObject(dst, data, true), nil
}

func (c *signedCodec) Decode(payload []byte) (*Values, Origin, error) {
	if len(payload) > c.maxSize {
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
	v, err := decodeJSON(data)
	return v, origin, err
}

// buffers hold the JSON between its text and the payload.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

func getBuffer() *[]byte { return buffers.Get().(*[]byte) }

// putBuffer keeps a buffer for the next payload, unless an odd one made it large.
func putBuffer(b *[]byte) {
	if cap(*b) <= 1<<20 {
		buffers.Put(b)
	}
}
