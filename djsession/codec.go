package djsession

import (
	"bytes"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/djsess/djsess/internal/pybase64"
	"github.com/djsess/djsess/internal/secret"
	"github.com/djsess/djsess/internal/sniff"
	"github.com/djsess/djsess/signing"
)

// Codec encodes values as the payload that a store keeps, and decodes payloads. NewCodec
// returns the codec for the settings; most programs need no other.
type Codec interface {
	// Append appends the payload of v to dst.
	Append(dst []byte, v *Values) ([]byte, error)
	// Decode reads a payload. It neither keeps nor changes it. An error is a
	// *PayloadError.
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
	// Unsigned is a payload without a signature. The engines cache and cached_db keep the
	// serialized values in the cache, and a program that can write to the cache can write
	// sessions. No Codec reads or writes this form.
	Unsigned Form = "unsigned"
)

// formOf returns the form that a payload seems to have. Signed has two colons or more.
// Legacy is the base64 of a SHA-1 hash in hex, a colon and the data.
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

// Origin says how a payload was written.
type Origin struct {
	Form Form
	// Key is 0 for SecretKey, and i for the i-th of SecretKeyFallbacks,
	// counted from 1.
	Key int
	// Algorithm is the hash algorithm of the signature.
	Algorithm signing.Algorithm
	// SignedAt is the time of the signature, in whole seconds. It is zero in the legacy
	// form.
	SignedAt time.Time
	// Compressed is true if the serialized values were deflated.
	Compressed bool
	// Old is true if the store would write the session in another way now: in another form,
	// with another hash algorithm, or by another one of several serializers or compressors. It
	// does not tell of the key.
	Old bool
}

// Salts of the signature, before the name of the session class where it has one.
const (
	sessionSalt = "django.contrib.sessions."
	legacySalt  = "django.contrib.sessions" // Django has no dot here
	cookieSalt  = "django.contrib.sessions.backends.signed_cookies"
)

// NewCodec returns the codec of the engines db and file, and of the database of cached_db. It
// writes the form that the site's Django writes, and reads every form that this Django reads,
// and with Settings.ReadBothForms the other one, too.
func NewCodec(s *Settings) (Codec, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	legacy := newLegacyCodec(s)
	if !s.AtLeast(3, 1) && !s.ReadBothForms {
		return legacy, nil
	}
	signed, err := newSignedCodec(s, sessionSalt+s.SessionStoreClass, signing.NoMaxAge)
	if err != nil || s.AtLeast(4, 0) && !s.ReadBothForms {
		return signed, err
	}
	return transitionalCodec{signed: signed, legacy: legacy, writeLegacy: s.WritesForm() == Legacy}, nil
}

// WritesForm returns the form that the site's Django writes in the engines db, cached_db and file.
func (s *Settings) WritesForm() Form {
	if s.DefaultHashingAlgorithm == signing.SHA1 { // always before 3.1, never from 4.0 on
		return Legacy
	}
	return Signed
}

// NewCookieCodec returns the codec of the engine signed_cookies. The payload is the cookie,
// and it expires after SessionCookieAge.
func NewCookieCodec(s *Settings) (Codec, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	return newSignedCodec(s, cookieSalt, s.SessionCookieAge)
}

// NewLegacyCodec returns the codec of Django up to 3.0, regardless of DjangoVersion. It is
// for moving sessions between releases.
func NewLegacyCodec(s *Settings) (Codec, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	return newLegacyCodec(s), nil
}

// signedCodec is signing.dumps and signing.loads with compress=True.
type signedCodec struct {
	signer     *signing.TimestampSigner
	algorithm  signing.Algorithm // that signer writes
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
	if s.ReadBothForms && s.WritesForm() == Legacy && salt != cookieSalt { // this codec only reads
		o.Algorithm, o.LegacyAlgorithm = signing.SHA256, signing.SHA1
	}
	signer, err := signing.NewTimestampSigner(o)
	if err != nil {
		return nil, err
	}
	return &signedCodec{signer, o.Algorithm, maxAge, s.MaxPayloadSize, s.serializer()}, nil
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
	// Our deflate may compress values that Python's did not. Unchanged values must be
	// written back as they were read.
	compress := !v.plain || !v.unchanged()
	return c.signer.AppendObject(dst, data, compress), nil
}

// errTooMuch is the error for values that are too large to be read back.
func errTooMuch(limit int) error {
	return fmt.Errorf("session values of more than %d bytes: %w", limit, ErrTooLarge)
}

// payloadBound returns how long the payload of that much data may be. It leaves room for
// base64, the time, the signature and the bytes that Python skips.
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
	origin := Origin{Form: Signed, Key: signed.Key, Algorithm: signed.Algorithm, SignedAt: signed.SignedAt, Compressed: signed.Compressed}
	if err != nil {
		return nil, origin, &PayloadError{Err: err, Form: formOf(payload)}
	}
	*buf = data
	v, isOld, err := parsePayload(c.serializer, data)
	if err == nil {
		v.plain = !signed.Compressed
	}
	origin.Old = isOld || signed.Algorithm != c.algorithm
	return v, origin, err
}

// buffers hold the serialized values between Values and payload.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

func getBuffer() *[]byte { return buffers.Get().(*[]byte) }

// putBuffer keeps a buffer for the next payload, unless a rare payload made it large.
func putBuffer(b *[]byte) {
	if cap(*b) <= 1<<20 {
		buffers.Put(b)
	}
}

// legacyCodec reads and writes the form of Django up to 3.0: base64 of "hash:data", where the
// hash is an HMAC-SHA1 in hex.
type legacyCodec struct {
	salt       string
	keys       []secret.Text
	maxSize    int
	serializer Serializer
}

func newLegacyCodec(s *Settings) *legacyCodec {
	keys := []secret.Text{secret.New(s.SecretKey)}
	for _, key := range s.SecretKeyFallbacks {
		keys = append(keys, secret.New(key))
	}
	return &legacyCodec{legacySalt + s.SessionStoreClass, keys, s.MaxPayloadSize, s.serializer()}
}

func (c *legacyCodec) Append(dst []byte, v *Values) ([]byte, error) {
	data, err := c.serializer.Append(nil, v)
	if err != nil {
		return dst, err
	}
	if len(data) > c.maxSize {
		return dst, errTooMuch(c.maxSize)
	}
	hash, err := c.hash(data, c.keys[0])
	if err != nil {
		return dst, err
	}
	text := append(append(hash, ':'), data...)
	return base64.StdEncoding.AppendEncode(dst, text), nil
}

func (c *legacyCodec) Decode(payload []byte) (*Values, Origin, error) {
	origin := Origin{Form: Legacy, Algorithm: signing.SHA1}
	if len(payload) > payloadBound(c.maxSize) {
		return nil, origin, &PayloadError{Err: ErrTooLarge}
	}
	if i := bytes.IndexFunc(payload, func(r rune) bool { return r > 0x7f }); i >= 0 {
		// Python skips ASCII characters that are not base64, but not these.
		return nil, origin, &PayloadError{Err: fmt.Errorf("%w: not ASCII at byte %d", ErrBadSignature, i)}
	}
	text, err := pybase64.AppendStd(nil, payload)
	if err != nil {
		// There is no signature to verify, so the payload is not the site's.
		return nil, origin, &PayloadError{Err: fmt.Errorf("%w: %w", ErrBadSignature, err), Form: formOf(payload)}
	}
	hash, data, ok := bytes.Cut(text, []byte(":"))
	if !ok {
		return nil, origin, &PayloadError{Err: ErrBadSignature, Form: formOf(payload)}
	}
	for i, key := range c.keys {
		want, err := c.hash(data, key)
		if err != nil {
			return nil, origin, err
		}
		if subtle.ConstantTimeCompare(want, hash) == 1 {
			if len(data) > c.maxSize {
				return nil, origin, &PayloadError{Err: ErrTooLarge}
			}
			origin.Key = i
			v, isOld, err := parsePayload(c.serializer, data)
			origin.Old = isOld
			return v, origin, err
		}
	}
	return nil, origin, &PayloadError{Err: ErrBadSignature, Form: formOf(payload)}
}

func (c *legacyCodec) hash(data []byte, key secret.Text) ([]byte, error) {
	sum, err := signing.SaltedHMAC(c.salt, string(data), key.Reveal(), signing.SHA1)
	return hex.AppendEncode(nil, sum), err
}

// transitionalCodec reads both forms, as Django 3.1 and 3.2 do.
type transitionalCodec struct {
	signed      *signedCodec
	legacy      *legacyCodec
	writeLegacy bool
}

func (c transitionalCodec) Append(dst []byte, v *Values) ([]byte, error) {
	if c.writeLegacy {
		return c.legacy.Append(dst, v)
	}
	return c.signed.Append(dst, v)
}

func (c transitionalCodec) Decode(payload []byte) (*Values, Origin, error) {
	v, origin, err := c.signed.Decode(payload)
	if err == nil || errors.Is(err, ErrTooLarge) {
		origin.Old = origin.Old || c.writeLegacy
		return v, origin, err
	}
	v, legacy, legacyErr := c.legacy.Decode(payload)
	legacy.Old = legacy.Old || !c.writeLegacy
	if legacyErr == nil || !errors.Is(legacyErr, ErrBadSignature) || formOf(payload) == Legacy {
		return v, legacy, legacyErr
	}
	return nil, origin, err
}

// parsePayload parses serialized values whose signature is verified. isOld reports whether another
// serializer than the one that writes has read them.
func parsePayload(s Serializer, data []byte) (v *Values, isOld bool, err error) {
	if several, ok := s.(Serializers); ok {
		var by int
		v, by, err = several.ParseBy(data)
		isOld = by > 0
	} else {
		v, err = s.Parse(data)
	}
	if err == nil && v == nil {
		err = errors.New("the serializer returned no values")
	}
	if err == nil {
		return v, isOld, nil
	}
	if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrTooLarge) {
		err = fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil, false, &PayloadError{Err: err, Content: sniff.Name(data)}
}
