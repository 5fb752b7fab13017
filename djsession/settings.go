package djsession

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/djsess/djsess/internal/pytime"
	"github.com/djsess/djsess/signing"
)

// Settings are the Django settings that decide how sessions are written, under Django's
// names in Go spelling. They must be the same as in the site's settings.py. SettingsFromFile
// reads them from a file that the command wrote in the site. NewSettings returns the defaults
// of a Django release; change the fields that the site changes.
type Settings struct {
	// DjangoVersion is the release that the site runs, such as "5.2", or its
	// django.get_version(). It decides which payload form and hash algorithm are written, and
	// which forms are read. A release newer than all that djsess knows counts as the newest
	// of them, and slog.Default is warned once.
	DjangoVersion string

	// SecretKey is SECRET_KEY, text or bytes.
	SecretKey string
	// SecretKeyFallbacks is SECRET_KEY_FALLBACKS (Django 4.1 and later):
	// older keys, whose sessions are still read.
	SecretKeyFallbacks []string

	// SessionCookieAge is SESSION_COOKIE_AGE: how long a session lives after
	// it was last saved. At zero or less it has ended at once, as in Django. Default: two weeks.
	SessionCookieAge time.Duration
	// SessionCookieName is SESSION_COOKIE_NAME. Default: "sessionid". The file
	// engine's file names begin with it.
	SessionCookieName string
	// SessionCookieDomain is SESSION_COOKIE_DOMAIN, a leading dot and all.
	// Default: "", which is Python's None: this host only.
	SessionCookieDomain string
	// SessionCookiePath is SESSION_COOKIE_PATH. Default: "/".
	SessionCookiePath string
	// SessionCookieSecure is SESSION_COOKIE_SECURE: HTTPS only. Default: off.
	SessionCookieSecure bool
	// SessionCookieHTTPOnly is SESSION_COOKIE_HTTPONLY: JavaScript cannot read it.
	// Default: on.
	SessionCookieHTTPOnly bool
	// SessionCookieSameSite is SESSION_COOKIE_SAMESITE: "Lax", the default,
	// "Strict", "None", or "" for Python's False, which leaves it out.
	SessionCookieSameSite string
	// SessionSaveEveryRequest is SESSION_SAVE_EVERY_REQUEST: every request
	// with a session moves its expiry. Default: off.
	SessionSaveEveryRequest bool
	// SessionExpireAtBrowserClose is SESSION_EXPIRE_AT_BROWSER_CLOSE: the cookie of a
	// session has no expiry, unless the session itself has one. Default: off.
	SessionExpireAtBrowserClose bool
	// SessionStoreClass is the name of the site's session class, which is part
	// of the signature's salt. Default: "SessionStore", as in all of Django's own
	// engines.
	SessionStoreClass string
	// DefaultHashingAlgorithm is DEFAULT_HASHING_ALGORITHM, which Django 3.1
	// and 3.2 have: "sha256", the default, or "sha1", which Django 3.0 can read.
	DefaultHashingAlgorithm signing.Algorithm

	// SessionSerializer is SESSION_SERIALIZER. Default: nil, which is
	// JSONSerializer. A PickleSerializer without a protocol writes the protocol of
	// Settings.PickleSerializer. Serializers read several kinds of sessions. The engine
	// cache does not use it.
	SessionSerializer Serializer

	// ReadBothForms also reads the form of payload that the site's Django does not read: the
	// legacy one with Django 4.0 and later; the signed one, with either hash algorithm, with
	// Django up to 3.0 and with DefaultHashingAlgorithm "sha1". What is written stays what the
	// site's Django writes. It is for sessions that move between releases: Django itself reads
	// both only in 3.1 and 3.2. Default: off.
	ReadBothForms bool

	// UseTZ is USE_TZ. Default: on since Django 5.0, off before.
	UseTZ bool
	// TimeZone is TIME_ZONE, the zone of the naive times that the database
	// holds when UseTZ is off. Default: "America/Chicago".
	TimeZone string

	// DefaultsConfirmed says that a setting which has Django's default here has it on the
	// site, too. While it is off, Manager.Check warns if SESSION_COOKIE_SECURE or
	// SESSION_EXPIRE_AT_BROWSER_CLOSE is off: then cookies of Go's may be less safe than
	// the site's. SettingsFromFile switches it on. Default: off.
	DefaultsConfirmed bool

	// AcceptNewKey lets djsess sign with SecretKey even if the newest sessions of
	// the store were signed with one of SecretKeyFallbacks. If it is off, such a
	// write is an ErrUnknownKey, since Django may not have the new key yet. Set it
	// if the site has just changed its SECRET_KEY and Django has not stored a
	// session since. Django has no such setting. Default: off.
	AcceptNewKey bool

	// MaxPayloadSize limits a stored payload and its inflated size, in bytes.
	// Default: 32 MiB. Django has no limit.
	MaxPayloadSize int

	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

// NewSettings returns the defaults of a Django release, such as
// "5.2", with the site's SECRET_KEY.
func NewSettings(djangoVersion, secretKey string) (*Settings, error) {
	s := &Settings{
		DjangoVersion:           djangoVersion,
		SecretKey:               secretKey,
		SessionCookieAge:        1209600 * time.Second,
		SessionCookieName:       "sessionid",
		SessionCookiePath:       "/",
		SessionCookieHTTPOnly:   true,
		SessionCookieSameSite:   "Lax",
		SessionStoreClass:       "SessionStore",
		DefaultHashingAlgorithm: signing.SHA256,
		TimeZone:                "America/Chicago",
		MaxPayloadSize:          signing.DefaultMaxSize,
		Now:                     time.Now,
	}
	s.UseTZ = s.AtLeast(5, 0)
	if !s.AtLeast(3, 1) {
		s.DefaultHashingAlgorithm = signing.SHA1
	}
	return s, s.Validate()
}

// Validate returns an error if the settings are not complete or not valid. Codecs and
// stores call it when they are made.
func (s *Settings) Validate() error {
	if _, err := s.release(); err != nil {
		return err
	}
	switch {
	case s.SecretKey == "":
		return errors.New("djsession: settings: SECRET_KEY is empty: it must be the site's")
	case len(s.SecretKeyFallbacks) > 0 && !s.AtLeast(4, 1):
		return fmt.Errorf("djsession: settings: SECRET_KEY_FALLBACKS: Django %s has none, they came with 4.1", s.DjangoVersion)
	case !validCookieName(s.SessionCookieName):
		return fmt.Errorf("djsession: settings: SESSION_COOKIE_NAME %q: not a name that a cookie can have", s.SessionCookieName)
	case strings.ContainsAny(s.SessionCookieDomain+s.SessionCookiePath, ";\r\n\x00"):
		return errors.New("djsession: settings: SESSION_COOKIE_DOMAIN and SESSION_COOKIE_PATH cannot hold a semicolon or a line break")
	case !validSameSite(s.SessionCookieSameSite):
		return fmt.Errorf("djsession: settings: SESSION_COOKIE_SAMESITE %q: want Lax, Strict, None or nothing", s.SessionCookieSameSite)
	case s.SessionStoreClass == "":
		return errors.New("djsession: settings: SessionStoreClass is empty: make Settings with NewSettings")
	case s.MaxPayloadSize <= 0:
		return errors.New("djsession: settings: MaxPayloadSize is not positive: make Settings with NewSettings")
	case s.Now == nil:
		return errors.New("djsession: settings: Now is nil: make Settings with NewSettings")
	}
	for _, key := range s.SecretKeyFallbacks {
		if key == "" {
			return errors.New("djsession: settings: SECRET_KEY_FALLBACKS holds an empty key, which everybody knows")
		}
	}
	want := []signing.Algorithm{signing.SHA256}
	switch {
	case !s.AtLeast(3, 1):
		want = []signing.Algorithm{signing.SHA1}
	case !s.AtLeast(4, 0):
		want = append(want, signing.SHA1)
	}
	if a := s.DefaultHashingAlgorithm; a != want[0] && a != want[len(want)-1] {
		return fmt.Errorf("djsession: settings: DEFAULT_HASHING_ALGORITHM %q: Django %s has %q", a, s.DjangoVersion, want)
	}
	if several, ok := s.SessionSerializer.(Serializers); ok {
		if err := several.check(); err != nil {
			return err
		}
	}
	if !s.UseTZ { // with UseTZ it hardly ever matters, and not every machine has zone files
		_, err := s.Location()
		return err
	}
	return nil
}

// unconfirmed returns the names of the security-relevant settings that are off and may be on at the
// site.
func (s *Settings) unconfirmed() (names []string) {
	if s.DefaultsConfirmed {
		return nil
	}
	if !s.SessionCookieSecure {
		names = append(names, "SESSION_COOKIE_SECURE")
	}
	if !s.SessionExpireAtBrowserClose {
		names = append(names, "SESSION_EXPIRE_AT_BROWSER_CLOSE")
	}
	return names
}

// validCookieName reports whether Python's http.cookies accepts a name.
func validCookieName(name string) bool {
	const others = "!#$%&'*+-.^_`|~:"
	for _, c := range []byte(name) {
		alphanumeric := c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
		if !alphanumeric && strings.IndexByte(others, c) < 0 {
			return false
		}
	}
	return name != ""
}

func validSameSite(value string) bool {
	switch strings.ToLower(value) {
	case "", "lax", "strict", "none":
		return true
	}
	return false
}

// MaxStoredSize returns how many bytes a stored payload may have under MaxPayloadSize. It
// leaves room for base64, the time, the signature and the bytes that Python skips. A store
// should not fetch a larger payload if it can avoid that.
func (s *Settings) MaxStoredSize() int { return payloadBound(s.MaxPayloadSize) }

// Location returns TimeZone as a time.Location.
func (s *Settings) Location() (*time.Location, error) {
	loc, err := pytime.Location(s.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("djsession: settings: TIME_ZONE: %w", err)
	}
	return loc, nil
}

// serializer returns SessionSerializer or its default.
func (s *Settings) serializer() Serializer { return s.withProtocol(s.SessionSerializer) }

// withProtocol gives a PickleSerializer without a protocol that of the site's release.
func (s *Settings) withProtocol(serializer Serializer) Serializer {
	switch serializer := serializer.(type) {
	case nil:
		return JSONSerializer{}
	case PickleSerializer:
		if serializer.Protocol == 0 {
			return s.PickleSerializer()
		}
	case Serializers:
		all := make(Serializers, len(serializer))
		for i, one := range serializer {
			all[i] = s.withProtocol(one)
		}
		return all
	}
	return serializer
}
