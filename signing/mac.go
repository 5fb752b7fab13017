package signing

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"hash"
	"sync"
)

// Algorithm is a hash, by its name in Python's hashlib.
type Algorithm string

// Django itself uses SHA256, its default since 3.1, and SHA1, its only algorithm before. The
// others are for a site's own Signer(algorithm=…).
const (
	MD5    Algorithm = "md5"
	SHA1   Algorithm = "sha1"
	SHA224 Algorithm = "sha224"
	SHA256 Algorithm = "sha256"
	SHA384 Algorithm = "sha384"
	SHA512 Algorithm = "sha512"
)

func (a Algorithm) hash() (func() hash.Hash, error) {
	switch a {
	case MD5:
		return md5.New, nil
	case SHA1:
		return sha1.New, nil
	case SHA224:
		return sha256.New224, nil
	case SHA256:
		return sha256.New, nil
	case SHA384:
		return sha512.New384, nil
	case SHA512:
		return sha512.New, nil
	}
	return nil, fmt.Errorf("signing: unknown algorithm %q", string(a))
}

// SaltedHMAC is django.utils.crypto.salted_hmac(key_salt, value, secret,
// algorithm).digest().
func SaltedHMAC(keySalt, value, secret string, algorithm Algorithm) ([]byte, error) {
	newHash, err := algorithm.hash()
	if err != nil {
		return nil, err
	}
	mac := hmac.New(newHash, derivedKey(newHash, keySalt, secret))
	mac.Write([]byte(value))
	return mac.Sum(nil), nil
}

// derivedKey returns the key of salted_hmac's HMAC. It is always a digest, even if salt and secret
// would fit into a block of the hash.
func derivedKey(newHash func() hash.Hash, salt, secret string) []byte {
	h := newHash()
	h.Write([]byte(salt))
	h.Write([]byte(secret))
	return h.Sum(nil)
}

// macKey makes the signatures of one secret, salt and algorithm. The key is derived once. The HMAC
// states are kept for reuse: their pads are hashed already, so they cost half of a new state.
type macKey struct {
	algorithm Algorithm
	textSize  int // of a signature in base64
	states    sync.Pool
}

type macState struct {
	mac  hash.Hash
	sum  [64]byte
	text [86]byte // 64 bytes in unpadded base64
}

func newMACKey(salt, secret string, algorithm Algorithm) (*macKey, error) {
	newHash, err := algorithm.hash()
	if err != nil {
		return nil, err
	}
	key := derivedKey(newHash, salt, secret)
	k := &macKey{algorithm: algorithm, textSize: base64.RawURLEncoding.EncodedLen(len(key))}
	k.states.New = func() any {
		return &macState{mac: hmac.New(newHash, key)}
	}
	return k, nil
}

// text returns the signature of value, in the memory of the state.
func (k *macKey) text(s *macState, value []byte) []byte {
	s.mac.Reset()
	s.mac.Write(value)
	sum := s.mac.Sum(s.sum[:0])
	text := s.text[:k.textSize]
	base64.RawURLEncoding.Encode(text, sum)
	return text
}

func (k *macKey) append(dst, value []byte) []byte {
	s := k.states.Get().(*macState)
	defer k.states.Put(s)
	return append(dst, k.text(s, value)...)
}

// verify compares the text of the signature, not its bytes: base64 has several spellings of the
// same bytes, and Django accepts only its own.
func (k *macKey) verify(value, signature []byte) bool {
	s := k.states.Get().(*macState)
	defer k.states.Put(s)
	return subtle.ConstantTimeCompare(k.text(s, value), signature) == 1
}
