package main

import (
	"crypto/rand"
	"errors"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/signing"
)

// defaultDjangoVersion is the release of Django if the configuration has none.
const defaultDjangoVersion = "5.2"

// settings returns the site's settings from the flags, the environment and the configuration. If
// unsigned is true, the store needs no SECRET_KEY.
func (a *app) settings(c *config, unsigned bool) (*djsession.Settings, error) {
	key, fallbacks, err := a.secretKeys(c, unsigned)
	switch {
	case errors.Is(err, errNoSecretKey) && unsigned:
		key = rand.Text() // Settings must have a key, and this one signs nothing
		a.noSecretKey = true
	case err != nil:
		return nil, err
	}
	s, err := c.baseSettings(key)
	if err != nil {
		return nil, err
	}
	s.SecretKeyFallbacks = fallbacks
	s.Now = a.now
	override(&s.UseTZ, c.useTZ)
	override(&s.TimeZone, c.timeZone)
	override(&s.SessionCookieName, c.sessionCookieName)
	override(&s.SessionStoreClass, c.sessionStoreClass)
	if c.sessionCookieAge != nil {
		seconds := *c.sessionCookieAge
		if century := int64(100 * 365 * day / time.Second); seconds < -century || seconds > century {
			return nil, configf("%s: settings.SESSION_COOKIE_AGE: want a number of seconds, of a century at most", c.file)
		}
		s.SessionCookieAge = time.Duration(seconds) * time.Second
	}
	if c.defaultHashingAlgorithm != nil {
		s.DefaultHashingAlgorithm = signing.Algorithm(*c.defaultHashingAlgorithm)
	}
	switch serializer, err := c.serializer(); {
	case err != nil:
		return nil, err
	case serializer != nil:
		s.SessionSerializer = serializer
	}
	if err := s.Validate(); err != nil {
		return nil, c.wrong(err)
	}
	if _, err := s.Location(); err != nil { // a wrong zone is a mistake even if USE_TZ is on
		return nil, c.wrong(err)
	}
	return s, nil
}

// baseSettings returns the settings that djsess.toml may override: those of the site's settings
// file, or the defaults of the release.
func (c *config) baseSettings(key string) (*djsession.Settings, error) {
	if c.settingsFile != "" {
		s, err := djsession.SettingsFromFile(c.settingsFile, key)
		if err != nil {
			return nil, &configError{err}
		}
		override(&s.DjangoVersion, c.djangoVersion)
		return s, nil
	}
	version := defaultDjangoVersion
	override(&version, c.djangoVersion)
	s, err := djsession.NewSettings(version, key)
	if err != nil {
		return nil, c.wrong(err)
	}
	return s, nil
}

// wrong returns an error about the settings with the name of their file.
func (c *config) wrong(err error) error {
	if c.file == "" {
		return &configError{err}
	}
	return configf("%s: %w", c.file, err)
}

func override[T any](value *T, by *T) {
	if by != nil {
		*value = *by
	}
}

// warnOfDefaultZone prints a warning if the configuration leaves out USE_TZ for an older Django.
// The default is then USE_TZ off, in the zone of Chicago. But startproject turns USE_TZ on, and
// the times in the table are then in UTC.
func (a *app) warnOfDefaultZone(c *config, p place, s *djsession.Settings) {
	if p.scheme.KeepsWallClock && !s.UseTZ && !s.DefaultsConfirmed && c.useTZ == nil && c.timeZone == nil {
		a.complain("warning: %s does not say USE_TZ, and the default of Django %s is off, in the zone %s: "+
			"if the site's settings.py has USE_TZ = True, say so under [settings], or all expiry times are off by hours",
			c.file, s.DjangoVersion, s.TimeZone)
	}
}
