package signing

import (
	"bytes"
	"fmt"
	"time"
)

// TimestampSigner is Django's TimestampSigner: a value, when it was signed,
// and the signature of both. It is safe for use by several goroutines.
type TimestampSigner struct{ ring *keyring }

// NewTimestampSigner returns a TimestampSigner; it fails as NewSigner does.
func NewTimestampSigner(o Options) (*TimestampSigner, error) {
	r, err := newKeyring(o, "django.core.signing.TimestampSigner")
	if err != nil {
		return nil, err
	}
	return &TimestampSigner{r}, nil
}

// Sign returns value with the time, in whole seconds, and the signature
// behind it.
func (s *TimestampSigner) Sign(value string) string {
	dst := append(make([]byte, 0, len(value)+96), value...)
	return string(s.ring.appendStamp(dst, 0))
}

// Unsign returns the value of a text that Sign made, unless that was more
// than maxAge ago: then ErrSignatureExpired. NoMaxAge sets no limit.
func (s *TimestampSigner) Unsign(signed string, maxAge time.Duration) (string, Origin, error) {
	value, origin, err := s.ring.openStamped([]byte(signed), maxAge)
	return string(value), origin, err
}

// SignObject signs v as JSON, which is Django's sign_object. What v may be,
// and how it is written, is as for Dumps.
func (s *TimestampSigner) SignObject(v any, compress bool) (string, error) {
	text, err := appendJSONObject(nil, v, compress)
	if err != nil {
		return "", err
	}
	return string(s.ring.appendStamp(text, 0)), nil
}

// UnsignObject is the reverse of SignObject; see Loads for dst.
func (s *TimestampSigner) UnsignObject(signed string, maxAge time.Duration, dst any) (Origin, error) {
	value, origin, err := s.ring.openStamped([]byte(signed), maxAge)
	if err != nil {
		return origin, err
	}
	return s.ring.readJSONObject(value, origin, dst)
}

// AppendObject appends data, which a serializer has made already, as
// SignObject would sign it.
func (s *TimestampSigner) AppendObject(dst, data []byte, compress bool) []byte {
	start := len(dst)
	return s.ring.appendStamp(appendObject(dst, data, compress), start)
}

// OpenObject appends to dst the serialized data of a text that AppendObject
// or Django made. It neither keeps nor changes signed.
func (s *TimestampSigner) OpenObject(dst, signed []byte, maxAge time.Duration) ([]byte, Origin, error) {
	value, origin, err := s.ring.openStamped(signed, maxAge)
	if err != nil {
		return dst, origin, err
	}
	return s.ring.appendOpened(dst, value, origin)
}

// appendStamp adds the time and the signature to what dst holds from start on.
func (r *keyring) appendStamp(dst []byte, start int) []byte {
	dst = append(dst, r.sep...)
	dst = appendBase62(dst, r.now().Unix())
	return r.appendSignature(dst, start)
}

func (r *keyring) openStamped(signed []byte, maxAge time.Duration) ([]byte, Origin, error) {
	value, origin, err := r.open(signed)
	if err != nil {
		return nil, origin, err
	}
	i := bytes.LastIndex(value, []byte(r.sep))
	if i < 0 {
		return nil, origin, fmt.Errorf("no timestamp in the signed text: %w", ErrMalformed)
	}
	seconds, err := parseBase62(value[i+len(r.sep):])
	if err != nil {
		return nil, origin, fmt.Errorf("timestamp: %w: %w", ErrMalformed, err)
	}
	origin.SignedAt = time.Unix(seconds, 0)
	// Django holds the clock's fraction against the whole seconds signed.
	if maxAge != NoMaxAge && r.now().Sub(origin.SignedAt) > maxAge {
		return nil, origin, ErrSignatureExpired
	}
	return value[:i], origin, nil
}
