package signing

import (
	"crypto/hmac"
	"crypto/subtle"
	"encoding/base64"
	"hash"
	"sync"
)

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

// derivedKey is what salted_hmac keys its HMAC with: always the digest, even
// when salt and secret would fit a block of the hash as they are.
func derivedKey(newHash func() hash.Hash, salt, secret string) []byte {
	h := newHash()
	h.Write([]byte(salt))
	h.Write([]byte(secret))
	return h.Sum(nil)
}

// macKey makes the signatures of one secret, salt and algorithm. The key is
// derived once, and the HMAC states are kept for reuse: with their pads
// already hashed they cost half of a new one.
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

// text returns the signature of value in the state's own memory.
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

// verify compares the signature's text, not its bytes: base64 has several
// spellings of the same bytes, and Django takes only its own.
func (k *macKey) verify(value, signature []byte) bool {
	s := k.states.Get().(*macState)
	defer k.states.Put(s)
	return subtle.ConstantTimeCompare(k.text(s, value), signature) == 1
}
