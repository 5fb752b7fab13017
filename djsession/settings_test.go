package djsession_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
)

func TestSettingsAreThoseOfTheVersion(t *testing.T) {
	for _, version := range []string{"2.2", "3.0", "3.1", "3.2", "4.0", "4.1", "4.2", "5.0", "5.1", "5.2", "6.0", "6.1", "5.2.19", "2.2.28", "6.1a1", "5.2.dev20250101000000"} {
		s, err := djsession.NewSettings(version, "k")
		if err != nil {
			t.Fatal(err)
		}
		if s.UseTZ != (version[0] >= '5') || s.TimeZone != "America/Chicago" || s.SessionCookieAge != 14*24*time.Hour {
			t.Errorf("%s: %+v", version, s)
		}
	}
	for _, version := range []string{"", "5", "6", "1.11", "2.3", "5.3", "5.2.x", "5.-2", "5.2.1.0", "latest", "2028.", "2028.x", "v2028", "6.2a", "99999999999"} {
		if _, err := djsession.NewSettings(version, "k"); err == nil {
			t.Errorf("version %q was accepted", version)
		}
	}
}

// A release that djsess does not know yet counts as the newest that it knows, and is warned of once.
func TestNewerReleases(t *testing.T) {
	defer slog.SetDefault(slog.Default())
	for _, version := range []string{"6.2", "6.2a1", "6.2.dev20270110093000", "6.10", "10.0", "2028", "2028.1", "2028.1.3", "2029.1rc1"} {
		var log bytes.Buffer
		slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
		for range 2 {
			s, err := djsession.NewSettings(version, "k")
			if err != nil {
				t.Fatal(err)
			}
			if !s.UseTZ || !s.AtLeast(6, 1) || s.DjangoVersion != version {
				t.Errorf("%s: %+v", version, s)
			}
			if _, err := djsession.NewCodec(s); err != nil {
				t.Errorf("%s: %v", version, err)
			}
		}
		if n := strings.Count(log.String(), "level=WARN"); n != 1 || !strings.Contains(log.String(), "newer than 6.1") {
			t.Errorf("%s: %d warnings: %s", version, n, log.String())
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
