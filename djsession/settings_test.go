package djsession_test

import (
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
)

func TestSettingsAreThoseOfTheVersion(t *testing.T) {
	for _, version := range []string{"2.2", "3.0", "3.1", "3.2", "4.0", "4.1", "4.2", "5.0", "5.1", "5.2", "6.0", "6.1", "5.2.19", "2.2.28"} {
		s, err := djsession.NewSettings(version, "k")
		if err != nil {
			t.Fatal(err)
		}
		if s.UseTZ != (version[0] >= '5') || s.TimeZone != "America/Chicago" || s.SessionCookieAge != 14*24*time.Hour {
			t.Errorf("%s: %+v", version, s)
		}
	}
	for _, version := range []string{"", "5", "1.11", "2.3", "99.0", "7.0", "5.2.x", "5.-2", "5.2.1.0", "latest"} {
		if _, err := djsession.NewSettings(version, "k"); err == nil {
			t.Errorf("version %q was accepted", version)
		}
	}
}

func TestWrongSettingsAreNamed(t *testing.T) {
	for name, change := range map[string]func(*djsession.Settings){
		"no secret key":      func(s *djsession.Settings) { s.SecretKey = "" },
		"fallbacks in 3.2":   func(s *djsession.Settings) { s.DjangoVersion, s.SecretKeyFallbacks = "3.2", []string{"k"} },
		"time zone":          func(s *djsession.Settings) { s.UseTZ, s.TimeZone = false, "Europe/Nowhere" },
		"empty time zone":    func(s *djsession.Settings) { s.UseTZ, s.TimeZone = false, "" },
		"local time zone":    func(s *djsession.Settings) { s.UseTZ, s.TimeZone = false, "Local" },
		"empty fallback":     func(s *djsession.Settings) { s.SecretKeyFallbacks = []string{""} },
		"sha1 in 5.2":        func(s *djsession.Settings) { s.DefaultHashingAlgorithm = "sha1" },
		"md5":                func(s *djsession.Settings) { s.DefaultHashingAlgorithm = "md5" },
		"no cookie age":      func(s *djsession.Settings) { s.SessionCookieAge = 0 },
		"no session class":   func(s *djsession.Settings) { s.SessionStoreClass = "" },
		"no size":            func(s *djsession.Settings) { s.MaxPayloadSize = 0 },
		"no clock":           func(s *djsession.Settings) { s.Now = nil },
		"not by NewSettings": func(s *djsession.Settings) { *s = djsession.Settings{SecretKey: "k"} },
	} {
		s, err := djsession.NewSettings("5.2", "k")
		if err != nil {
			t.Fatal(err)
		}
		change(s)
		if _, err := djsession.NewCodec(s); err == nil {
			t.Errorf("%s: NewCodec returned no error", name)
		}
	}
}
