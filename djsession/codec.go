package djsession

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"time"

	"github.com/djsess/djsess/signing"
)

// Codec turns values into what a store keeps, and back. NewCodec returns the one
// that the settings call for; most users need no other.
type Codec interface {
	// Append appends the payload of v to dst.
	Append(dst []byte, v *Values) ([]byte, error)
	// Decode reads a payload, which it neither keeps nor changes. Its error
	// is a *PayloadError.
	Decode(payload []byte) (*Values, Origin, error)
}

// Form is how a payload is written.
type Form string

const (
	// Signed is signing.dumps: Django 3.1 and later.
	Signed Form = "signed"
	// Legacy is base64 of a hash and the data: Django up to 3.0, and 3.1 and
	// 3.2 with DEFAULT_HASHING_ALGORITHM = "sha1".
	Legacy Form = "legacy"
	// Unsigned is what no signature protects: the engines cache and cached_db
	// keep the serialized values themselves, and whoever can write to the cache
	// can write sessions. No Codec reads or writes it.
	Unsigned Form = "unsigned"
)

// formOf tells which form a payload seems to be in: base64 of a SHA-1 hash in hex
// and a colon; or base64 itself and then a colon, twice at least.
func formOf(payload []byte) Form {
	if bytes.Count(payload, []byte(":")) >= 2 {
		return Signed
	}
	const head = (2*sha1.Size + 1 + 2) / 3 * 4 // of hash and colon, in base64
	if len(payload) < head {
		return ""
	}
	// With padding among them these characters decode to less than the hash and its colon.
	text, err := base64.StdEncoding.AppendDecode(nil, payload[:head])
	hash, _, ok := bytes.Cut(text, []byte(":"))
	if err != nil || !ok || len(hash) != 2*sha1.Size {
		return ""
	}
	if _, err := hex.Decode(hash, hash); err != nil {
		return ""
	}
	return Legacy
}

// Origin tells how a payload was written.
type Origin struct {
	Form Form
	// Key is 0 for SecretKey, and i for the i-th of SecretKeyFallbacks,
	// counted from 1.
	Key int
	// Algorithm is what the signature was made with.
	Algorithm signing.Algorithm
	// SignedAt is when, in whole seconds; zero in the legacy form.
	SignedAt time.Time
	// Compressed is true when the serialized values were deflated.
	Compressed bool
}

// Salts of the signature, before the name of the session class where it has one.
const (
	sessionSalt = "django.contrib.sessions."
	legacySalt  = "django.contrib.sessions" // Django has no dot here
	cookieSalt  = "django.contrib.sessions.backends.signed_cookies"
)

// NewCodec returns the codec of the engines db, file and what builds on them: it
// writes the form that the site's Django writes, and reads every form that
// this Django reads.
func NewCodec(s *Settings) (Codec, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if !s.AtLeast(3, 1) {
		return newLegacyCodec(s), nil
	}
	signed, err := newSignedCodec(s, sessionSalt+s.SessionStoreClass, signing.NoMaxAge)
	if err != nil || s.AtLeast(4, 0) {
		return signed, err
	}
	both := transitionalCodec{signed: signed, legacy: newLegacyCodec(s)}
	both.writeLegacy = s.DefaultHashingAlgorithm == signing.SHA1
	return both, nil
}

// NewCookieCodec returns the codec of the engine signed_cookies, whose payload
// is the cookie itself and no older than SessionCookieAge.
func NewCookieCodec(s *Settings) (Codec, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	return newSignedCodec(s, cookieSalt, s.SessionCookieAge)
}

// NewLegacyCodec returns the codec of Django up to 3.0, whatever DjangoVersion
// says: for moving sessions between releases.
func NewLegacyCodec(s *Settings) (Codec, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	return newLegacyCodec(s), nil
}
