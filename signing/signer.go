package signing

import (
	"bytes"
	"fmt"
	"time"
)

// Origin tells how a text was signed.
type Origin struct {
	// Key is 0 for the SecretKey, and i for the i-th of SecretKeyFallbacks,
	// counted from 1.
	Key int
	// Algorithm is what the signature was made with.
	Algorithm Algorithm
	// SignedAt is when, in whole seconds; zero from a Signer, which does not
	// note it.
	SignedAt time.Time
	// Compressed is true for an object that was deflated.
	Compressed bool
}

// appendSignature signs what dst holds from start on.
func (r *keyring) appendSignature(dst []byte, start int) []byte {
	signed := dst[start:]
	dst = append(dst, r.sep...)
	return r.keys[0].append(dst, signed)
}

// open checks the signature and returns what was signed, as part of signed.
func (r *keyring) open(signed []byte) ([]byte, Origin, error) {
	// The last separator counts: values may hold it, signatures do not.
	i := bytes.LastIndex(signed, []byte(r.sep))
	if i < 0 {
		return nil, Origin{}, fmt.Errorf("no separator in the signed text: %w", ErrBadSignature)
	}
	value, signature := signed[:i], signed[i+len(r.sep):]
	for _, k := range r.keys {
		if k.verify(value, signature) {
			return value, Origin{Key: k.index, Algorithm: k.algorithm}, nil
		}
	}
	return nil, Origin{}, ErrBadSignature
}

// Signer is Django's Signer: a value and its signature. It is safe for use by
// several goroutines.
type Signer struct{ ring *keyring }

// NewSigner returns a Signer; it fails for an empty SecretKey, an unsafe
// separator and an unknown algorithm.
func NewSigner(o Options) (*Signer, error) {
	r, err := newKeyring(o, "django.core.signing.Signer")
	if err != nil {
		return nil, err
	}
	return &Signer{r}, nil
}

// Sign returns value with its signature behind it.
func (s *Signer) Sign(value string) string {
	dst := append(make([]byte, 0, len(value)+96), value...)
	return string(s.ring.appendSignature(dst, 0))
}

// Unsign returns the value of a text that Sign made, and ErrBadSignature for
// any other.
func (s *Signer) Unsign(signed string) (string, Origin, error) {
	value, origin, err := s.ring.open([]byte(signed))
	return string(value), origin, err
}

// SignObject signs v as JSON, which is Django's sign_object. What v may be,
// and how it is written, is as for Dumps.
func (s *Signer) SignObject(v any, compress bool) (string, error) {
	text, err := appendJSONObject(nil, v, compress)
	if err != nil {
		return "", err
	}
	return string(s.ring.appendSignature(text, 0)), nil
}

// UnsignObject is the reverse of SignObject; see Loads for dst.
func (s *Signer) UnsignObject(signed string, dst any) (Origin, error) {
	value, origin, err := s.ring.open([]byte(signed))
	if err != nil {
		return origin, err
	}
	return s.ring.readJSONObject(value, origin, dst)
}
