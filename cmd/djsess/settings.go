package main

import (
	"crypto/rand"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/signing"
)

// defaultDjangoVersion is what a configuration that does not say means.
const defaultDjangoVersion = "5.2"

// settings are the site's, as far as flags, environment and configuration say. For
// a store without signatures they need no SECRET_KEY.
func (a *app) settings(c *config, unsigned bool) (*djsession.Settings, error) {
	key, fallbacks, err := a.secretKeys(c)
	switch {
	case errors.Is(err, errNoSecretKey) && unsigned:
		key = rand.Text() // Settings want one, and nothing is signed with it
	case err != nil:
		return nil, err
	}
	version := defaultDjangoVersion
	override(&version, c.djangoVersion)
	s, err := djsession.NewSettings(version, key)
	if err != nil {
		return nil, c.wrong(err)
	}
	s.SecretKeyFallbacks = fallbacks
	s.Now = a.now
	override(&s.UseTZ, c.useTZ)
	override(&s.TimeZone, c.timeZone)
	override(&s.SessionCookieName, c.sessionCookieName)
	override(&s.SessionStoreClass, c.sessionStoreClass)
	if c.sessionCookieAge != nil {
		seconds := *c.sessionCookieAge
		if seconds <= 0 || seconds > int64(100*365*day/time.Second) {
			return nil, configf("%s: settings.SESSION_COOKIE_AGE: want a positive number of seconds, of a century at most", c.file)
		}
		s.SessionCookieAge = time.Duration(seconds) * time.Second
	}
	if c.defaultHashingAlgorithm != nil {
		s.DefaultHashingAlgorithm = signing.Algorithm(*c.defaultHashingAlgorithm)
	}
	if c.sessionSerializer != nil {
		if s.SessionSerializer = serializers[*c.sessionSerializer]; s.SessionSerializer == nil {
			return nil, configf("%s: settings.SESSION_SERIALIZER: want one of Django's, %s; a serializer of the site's own is for programs: see djsession.Serializer",
				c.file, strings.Join(slices.Sorted(maps.Keys(serializers)), " or "))
		}
	}
	if err := s.Validate(); err != nil {
		return nil, c.wrong(err)
	}
	if _, err := s.Location(); err != nil { // a mistake, even if USE_TZ keeps it from mattering
		return nil, c.wrong(err)
	}
	return s, nil
}

// serializers are Django's, by their paths.
var serializers = map[string]djsession.Serializer{
	"django.contrib.sessions.serializers.JSONSerializer":   djsession.JSONSerializer{},
	"django.contrib.sessions.serializers.PickleSerializer": djsession.PickleSerializer{},
}

// wrong is a mistake in the settings, with the file that they are from.
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

// warnOfDefaultZone speaks up where the defaults of an older Django are the likely
// mistake: its own default is USE_TZ off and Chicago's clock, but every project
// that startproject made has USE_TZ on, and the times in the table are then UTC.
func (a *app) warnOfDefaultZone(c *config, p place, s *djsession.Settings) {
	if p.scheme.KeepsWallClock && !s.UseTZ && c.useTZ == nil && c.timeZone == nil {
		a.complain("warning: %s does not say USE_TZ, and the default of Django %s is off, in the zone %s: "+
			"if the site's settings.py has USE_TZ = True, say so under [settings], or all expiry times are off by hours",
			c.file, s.DjangoVersion, s.TimeZone)
	}
}
