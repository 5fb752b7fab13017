package signing

import (
	"errors"
	"strconv"
	"time"
	"unicode/utf8"
)

// CookieSalt is how a signed cookie's salt is made of its name and the
// caller's own salt.
type CookieSalt int

const (
	// CookieSaltLegacy is the name followed by the salt: Django up to 5.2.14
	// and 6.0.5.
	CookieSaltLegacy CookieSalt = iota
	// CookieSaltV2 tells name and salt apart ("django.http.cookies.v2:…"):
	// Django 5.2.15, 6.0.6, 6.1 and later.
	CookieSaltV2
)

// CookieSigner signs and opens single cookies: response.set_signed_cookie and
// request.get_signed_cookie. Cookies of a session are another thing; see
// package djsession.
type CookieSigner struct {
	// Options are as for any signer; Salt is not used.
	Options Options
	// Salt is which of the two salts is written, and read.
	Salt CookieSalt
	// LegacySaltFallback is SIGNED_COOKIE_LEGACY_SALT_FALLBACK: with
	// CookieSaltV2, read a cookie of the older salt too. Django's default is
	// on in 5.2, and off in 6.1.
	LegacySaltFallback bool
}

// Sign returns what a cookie of this name should hold for value. Salt is the
// argument of the same name in Django, empty unless the site says otherwise.
func (c CookieSigner) Sign(name, salt, value string) (string, error) {
	s, err := c.signer(c.Salt, name, salt)
	if err != nil {
		return "", err
	}
	return s.Sign(value), nil
}

// Unsign returns the value of a cookie that Sign or Django made, no more than
// maxAge ago; NoMaxAge sets no limit.
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
		return nil, ErrNoSecretKey // before the prefix would hide it
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
