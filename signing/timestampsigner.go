package signing

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// TimestampSigner is Django's TimestampSigner: it signs a value and the time. It is safe for use
// by several goroutines.
type TimestampSigner struct{ ring *keyring }

// NewTimestampSigner returns a TimestampSigner. The errors are those of NewSigner.
func NewTimestampSigner(o Options) (*TimestampSigner, error) {
	r, err := newKeyring(o, "django.core.signing.TimestampSigner")
	if err != nil {
		return nil, err
	}
	return &TimestampSigner{r}, nil
}

// Sign returns value followed by the time, in whole seconds, and the signature.
func (s *TimestampSigner) Sign(value string) string {
	dst := append(make([]byte, 0, len(value)+96), value...)
	return string(s.ring.appendStamp(dst, 0))
}

// Unsign returns the value of a text that Sign or Django made. A text that is older than maxAge is
// an ErrSignatureExpired. NoMaxAge sets no limit.
func (s *TimestampSigner) Unsign(signed string, maxAge time.Duration) (string, Origin, error) {
	value, origin, err := s.ring.openStamped([]byte(signed), maxAge)
	return string(value), origin, err
}

// SignObject is Django's sign_object: it signs v as JSON. Dumps says how v is written.
func (s *TimestampSigner) SignObject(v any, compress bool) (string, error) {
	text, err := appendJSONObject(nil, v, compress)
	if err != nil {
		return "", err
	}
	return string(s.ring.appendStamp(text, 0)), nil
}

// UnsignObject is Django's unsign_object: it decodes the value into the variable that dst points
// to.
func (s *TimestampSigner) UnsignObject(signed string, maxAge time.Duration, dst any) (Origin, error) {
	value, origin, err := s.ring.openStamped([]byte(signed), maxAge)
	if err != nil {
		return origin, err
	}
	return s.ring.readJSONObject(value, origin, dst)
}

// AppendObject appends data, which are serialized already, as SignObject would sign them.
func (s *TimestampSigner) AppendObject(dst, data []byte, compress bool) []byte {
	start := len(dst)
	return s.ring.appendStamp(appendObject(dst, data, compress), start)
}

// OpenObject appends to dst the serialized data of a text that AppendObject or Django made. It
// neither keeps nor changes signed.
func (s *TimestampSigner) OpenObject(dst, signed []byte, maxAge time.Duration) ([]byte, Origin, error) {
	value, origin, err := s.ring.openStamped(signed, maxAge)
	if err != nil {
		return dst, origin, err
	}
	return s.ring.appendOpened(dst, value, origin)
}

// appendStamp appends the time and the signature of dst[start:].
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
	// As in Django the clock's fraction counts, though whole seconds were signed.
	if maxAge != NoMaxAge && r.now().Sub(origin.SignedAt) > maxAge {
		return nil, origin, ErrSignatureExpired
	}
	return value[:i], origin, nil
}

const base62Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// appendBase62 is Django's b62_encode.
func appendBase62(dst []byte, n int64) []byte {
	var digits [12]byte // 62^11 > 2^63
	at := len(digits)
	u := uint64(n)
	if n < 0 {
		dst = append(dst, '-')
		u = -u
	}
	for {
		at--
		digits[at] = base62Alphabet[u%62]
		u /= 62
		if u == 0 {
			return append(dst, digits[at:]...)
		}
	}
}

// parseBase62 is Django's b62_decode. Python reads numbers beyond int64, which no clock shows.
// Here they are the largest or smallest int64.
func parseBase62(text []byte) (int64, error) {
	digits, negative := text, false
	if len(text) > 0 && text[0] == '-' {
		digits, negative = text[1:], true
	}
	if len(text) == 0 {
		return 0, errors.New("empty base62 number")
	}
	// n counts down, since the int64 furthest from zero is negative.
	var n int64
	for _, c := range digits {
		d := int64(strings.IndexByte(base62Alphabet, c))
		switch {
		case d < 0:
			return 0, errors.New("foreign character in a base62 number")
		case n < (math.MinInt64+d)/62:
			n = math.MinInt64
		default:
			n = n*62 - d
		}
	}
	switch {
	case negative:
		return n, nil
	case n == math.MinInt64:
		return math.MaxInt64, nil
	}
	return -n, nil
}
