package djsession

import (
	"fmt"
	"time"

	"github.com/djsess/djsess/internal/sitefile"
	"github.com/djsess/djsess/signing"
)

// SettingsFromFile returns the site's settings from a file that "djsess settings" wrote in the
// site, with the site's SECRET_KEY, which is not in the file. SECRET_KEY_FALLBACKS are not in it
// either: set SecretKeyFallbacks.
//
// A file that is not whole, or of another version of the format, is an error, and so is one that
// holds a secret.
func SettingsFromFile(path, secretKey string) (*Settings, error) {
	file, err := sitefile.Read(path)
	if err != nil {
		return nil, fmt.Errorf("djsession: %w", err)
	}
	s, err := NewSettings(file.Django, secretKey)
	if err != nil {
		return nil, err
	}
	site := &file.Site
	serializer, ok := djangoSerializers[site.SessionSerializer]
	if !ok {
		serializer = missingSerializer{site.SessionSerializer}
	}
	s.UseTZ = site.UseTZ
	s.TimeZone = site.TimeZone
	s.SessionCookieAge = time.Duration(site.SessionCookieAge) * time.Second
	s.SessionCookieName = site.SessionCookieName
	s.SessionCookieDomain = site.SessionCookieDomain
	s.SessionCookiePath = site.SessionCookiePath
	s.SessionCookieSecure = site.SessionCookieSecure
	s.SessionCookieHTTPOnly = site.SessionCookieHTTPOnly
	s.SessionCookieSameSite = site.SessionCookieSameSite
	s.SessionSaveEveryRequest = site.SessionSaveEveryRequest
	s.SessionExpireAtBrowserClose = site.SessionExpireAtBrowserClose
	s.SessionStoreClass = site.SessionStoreClass
	s.SessionSerializer = serializer
	if site.DefaultHashingAlgorithm != "" {
		s.DefaultHashingAlgorithm = signing.Algorithm(site.DefaultHashingAlgorithm)
	}
	s.DefaultsConfirmed = true
	return s, s.Validate()
}

// djangoSerializers are Django's serializers by their paths.
var djangoSerializers = map[string]Serializer{
	"django.contrib.sessions.serializers.JSONSerializer":   JSONSerializer{},
	"django.contrib.sessions.serializers.PickleSerializer": PickleSerializer{},
}

// missingSerializer stands for a serializer of the site's own until the program sets
// Settings.SessionSerializer.
type missingSerializer struct{ path string }

func (m missingSerializer) err() error {
	return fmt.Errorf("SESSION_SERIALIZER %q is the site's own: set Settings.SessionSerializer", m.path)
}

func (m missingSerializer) Append([]byte, *Values) ([]byte, error) { return nil, m.err() }
func (m missingSerializer) Parse([]byte) (*Values, error)          { return nil, m.err() }
