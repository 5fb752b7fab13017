package signing

import (
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/djsess/djsess/internal/secret"
)

// CookieSalt says how the salt of a signed cookie is made of the cookie's name and the caller's
// salt.
type CookieSalt int

const (
	// CookieSaltLegacy is the name followed by the salt: Django up to 5.2.14 and 6.0.5.
	CookieSaltLegacy CookieSalt = iota
	// CookieSaltV2 separates name and salt ("django.http.cookies.v2:…"): Django 5.2.15, 6.0.6,
	// 6.1 and later.
	CookieSaltV2
)

// CookieSigner is response.set_signed_cookie and request.get_signed_cookie. It is not for the
// session cookie: see package djsession.
type CookieSigner struct {
	// Options are the options of any signer, but Salt is not used.
	Options Options
	// Salt is the form of the salt.
	Salt CookieSalt
	// LegacySaltFallback is SIGNED_COOKIE_LEGACY_SALT_FALLBACK: with CookieSaltV2, a cookie with
	// the legacy salt is read too. Django's default is on in 5.2 and off in 6.1.
	LegacySaltFallback bool
}

// Sign returns the signed text for a cookie with this name and value. salt is Django's argument of
// the same name, which is empty by default.
func (c CookieSigner) Sign(name, salt, value string) (string, error) {
	s, err := c.signer(c.Salt, name, salt)
	if err != nil {
		return "", err
	}
	return s.Sign(value), nil
}

// Unsign returns the value of a cookie that Sign or Django made. A cookie that is older than maxAge
// is an ErrSignatureExpired. NoMaxAge sets no limit.
func (c CookieSigner) Unsign(name, salt, cookie string, maxAge time.Duration) (string, Origin, error) {
	s, err := c.signer(c.Salt, name, salt)
	if err != nil {
		return "", Origin{}, err
	}
	value, origin, err := s.Unsign(cookie, maxAge)
	if c.Salt == CookieSaltLegacy || !c.LegacySaltFallback ||
		!errors.Is(err, ErrBadSignature) || errors.Is(err, ErrSignatureExpired) {
		return value, origin, err
	}
	if s, err = c.signer(CookieSaltLegacy, name, salt); err != nil {
		return "", Origin{}, err
	}
	return s.Unsign(cookie, maxAge)
}

func (c CookieSigner) signer(form CookieSalt, name, salt string) (*TimestampSigner, error) {
	o := c.Options
	if o.SecretKey == "" {
		return nil, ErrNoSecretKey // the prefix would hide it below
	}
	const prefix = "django.http.cookies"
	o.SecretKey = prefix + o.SecretKey
	o.SecretKeyFallbacks = make([]string, len(c.Options.SecretKeyFallbacks))
	for i, key := range c.Options.SecretKeyFallbacks {
		if key != "" {
			o.SecretKeyFallbacks[i] = prefix + key
		}
	}
	o.Salt = name + salt
	if form == CookieSaltV2 {
		length := strconv.Itoa(utf8.RuneCountInString(salt)) // Python's len
		o.Salt = prefix + ".v2:" + length + ":" + salt + name
	}
	return NewTimestampSigner(o)
}

// String returns the signer without its keys.
func (c CookieSigner) String() string {
	return fmt.Sprintf("signing.CookieSigner{Salt: %v, LegacySaltFallback: %v, Options: %v}", c.Salt, c.LegacySaltFallback, c.Options)
}

// Format prints String for every verb.
func (c CookieSigner) Format(f fmt.State, verb rune) { secret.Format(f, verb, c) }

// MarshalText returns String, so JSON has no keys either.
func (c CookieSigner) MarshalText() ([]byte, error) { return []byte(c.String()), nil }
