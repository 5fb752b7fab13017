package signing

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// Signer is Django's Signer: it signs a value. It is safe for use by several goroutines.
type Signer struct{ ring *keyring }

// NewSigner returns a Signer. An empty SecretKey, an unsafe separator or an unknown algorithm is
// an error.
func NewSigner(o Options) (*Signer, error) {
	r, err := newKeyring(o, "django.core.signing.Signer")
	if err != nil {
		return nil, err
	}
	return &Signer{r}, nil
}

// Sign returns value followed by its signature.
func (s *Signer) Sign(value string) string {
	dst := append(make([]byte, 0, len(value)+96), value...)
	return string(s.ring.appendSignature(dst, 0))
}

// Unsign returns the value of a text that Sign or Django made. Any other text is an
// ErrBadSignature.
func (s *Signer) Unsign(signed string) (string, Origin, error) {
	value, origin, err := s.ring.open([]byte(signed))
	return string(value), origin, err
}

// SignObject is Django's sign_object: it signs v as JSON. Dumps says how v is written.
func (s *Signer) SignObject(v any, compress bool) (string, error) {
	text, err := appendJSONObject(nil, v, compress)
	if err != nil {
		return "", err
	}
	return string(s.ring.appendSignature(text, 0)), nil
}

// UnsignObject is Django's unsign_object: it decodes the value into the variable that dst points
// to.
func (s *Signer) UnsignObject(signed string, dst any) (Origin, error) {
	value, origin, err := s.ring.open([]byte(signed))
	if err != nil {
		return origin, err
	}
	return s.ring.readJSONObject(value, origin, dst)
}

// unsafeSep reports whether a character is unsafe in a separator. Django forbids a separator
// that has only unsafe characters: those of base64, and a few more in Python's range A-z.
func unsafeSep(r rune) bool {
	return r >= 'A' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '='
}

// keyring has the keys and the separator of a signer.
type keyring struct {
	sep     string
	keys    []ringKey // in the order in which they are tried; the first key signs
	maxSize int
	now     func() time.Time
}

type ringKey struct {
	*macKey
	index int // as in Origin.Key
}

func newKeyring(o Options, defaultSalt string) (*keyring, error) {
	if o.SecretKey == "" {
		return nil, ErrNoSecretKey
	}
	r := &keyring{sep: o.Sep, maxSize: o.MaxSize, now: o.Now}
	if r.sep == "" {
		r.sep = ":"
	}
	// Python's $ also matches before a final line feed.
	if strings.TrimLeftFunc(strings.TrimSuffix(r.sep, "\n"), unsafeSep) == "" {
		return nil, fmt.Errorf("signing: unsafe separator %q: it cannot consist of only A-z0-9-_=", o.Sep)
	}
	if r.maxSize == 0 {
		r.maxSize = DefaultMaxSize
	}
	if r.now == nil {
		r.now = time.Now
	}
	salt := o.Salt
	if salt == "" {
		salt = defaultSalt
	}
	algorithms := []Algorithm{o.Algorithm}
	if o.Algorithm == "" {
		algorithms[0] = SHA256
	}
	if o.LegacyAlgorithm != "" && o.LegacyAlgorithm != algorithms[0] {
		algorithms = append(algorithms, o.LegacyAlgorithm)
	}
	for i, secret := range append([]string{o.SecretKey}, o.SecretKeyFallbacks...) {
		if secret == "" {
			continue // everybody could sign with it; Django uses SECRET_KEY instead
		}
		for _, a := range algorithms {
			k, err := newMACKey(salt+"signer", secret, a)
			if err != nil {
				return nil, err
			}
			r.keys = append(r.keys, ringKey{k, i})
		}
	}
	return r, nil
}

// appendSignature signs dst[start:].
func (r *keyring) appendSignature(dst []byte, start int) []byte {
	signed := dst[start:]
	dst = append(dst, r.sep...)
	return r.keys[0].append(dst, signed)
}

// open verifies the signature and returns the value, which is a part of signed.
func (r *keyring) open(signed []byte) ([]byte, Origin, error) {
	// The last separator counts: a value may hold one, a signature does not.
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
