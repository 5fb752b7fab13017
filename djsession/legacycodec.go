package djsession

import (
	"bytes"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/djsess/djsess/internal/pybase64"
	"github.com/djsess/djsess/internal/secret"
	"github.com/djsess/djsess/signing"
)

// legacyCodec is what Django wrote up to 3.0: base64 of "hash:data", the hash an
// HMAC-SHA1 in hex.
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
		// Foreign characters are skipped, but Django has no ASCII for these.
		return nil, origin, &PayloadError{Err: fmt.Errorf("%w: not ASCII at byte %d", ErrBadSignature, i)}
	}
	text, err := pybase64.AppendStd(nil, payload)
	if err != nil {
		// Nothing of it is signed, so nothing is known but that it is not ours.
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
			v, err := parsePayload(c.serializer, data)
			return v, origin, err
		}
	}
	return nil, origin, &PayloadError{Err: ErrBadSignature, Form: formOf(payload)}
}

func (c *legacyCodec) hash(data []byte, key secret.Text) ([]byte, error) {
	sum, err := signing.SaltedHMAC(c.salt, string(data), key.Reveal(), signing.SHA1)
	return hex.AppendEncode(nil, sum), err
}

// transitionalCodec is that of Django 3.1 and 3.2, which read both forms.
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
		return v, origin, err
	}
	if v, legacy, err := c.legacy.Decode(payload); err == nil || !errors.Is(err, ErrBadSignature) {
		return v, legacy, err
	}
	return nil, origin, err
}

// parsePayload reads the serialized data, which a good signature stands for.
func parsePayload(s Serializer, data []byte) (*Values, error) {
	v, err := s.Parse(data)
	if err == nil && v == nil {
		err = errors.New("the serializer returned no values")
	}
	if err == nil {
		return v, nil
	}
	if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrTooLarge) {
		err = fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil, &PayloadError{Err: err}
}
