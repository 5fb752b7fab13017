package djsession_test

import (
	"errors"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/testing/fixture"
)

func TestExpiryDate(t *testing.T) {
	now := time.Date(2026, 3, 25, 12, 0, 0, 123456789, time.UTC) // Berlin's clocks go forward on the 29th
	utc := func(day, hour, min, sec, micro int) time.Time {
		return time.Date(2026, 3, day, hour, min, sec, micro*1000, time.UTC)
	}
	for _, c := range []struct {
		name, version, json string
		useTZ               bool
		want                time.Time
		err                 bool
	}{
		{"default", "5.2", `{}`, true, utc(25+14, 12, 0, 0, 123456), false},
		{"null", "5.2", `{"_session_expiry":null}`, true, utc(25+14, 12, 0, 0, 123456), false},
		{"browser close", "5.2", `{"_session_expiry":0}`, true, utc(25+14, 12, 0, 0, 123456), false},
		{"empty list", "5.2", `{"_session_expiry":[]}`, true, utc(25+14, 12, 0, 0, 123456), false},
		{"empty text", "5.2", `{"_session_expiry":""}`, true, time.Time{}, true},
		{"seconds", "5.2", `{"_session_expiry":300}`, true, utc(25, 12, 5, 0, 123456), false},
		{"true", "5.2", `{"_session_expiry":true}`, true, utc(25, 12, 0, 1, 123456), false},
		{"float", "5.2", `{"_session_expiry":0.75}`, true, utc(25, 12, 0, 0, 873456), false},
		{"negative", "5.2", `{"_session_expiry":-5}`, true, utc(25, 11, 59, 55, 123456), false},
		{"negative float", "5.2", `{"_session_expiry":-0.5}`, true, utc(25, 11, 59, 59, 623456), false},
		{"instant", "5.2", `{"_session_expiry":"2026-03-30T04:05:06.789012+02:00"}`, true, utc(30, 2, 5, 6, 789012), false},
		{"naive instant", "5.2", `{"_session_expiry":"2026-03-30T04:05:06"}`, false, utc(30, 2, 5, 6, 0), false},
		{"wall clock", "5.2", `{}`, false, utc(25+14, 11, 0, 0, 123456), false},
		{"wall clock seconds", "5.2", `{"_session_expiry":432000}`, false, utc(30, 11, 0, 0, 123456), false},
		{"centuries", "5.2", `{"_session_expiry":100000000000}`, true, time.Unix(now.Unix()+100000000000, 123456000), false},
		{"naive where aware is expected", "5.2", `{"_session_expiry":"2026-03-30T04:05:06"}`, true, time.Time{}, true},
		{"aware where naive is expected", "5.2", `{"_session_expiry":"2026-03-30T04:05:06+00:00"}`, false, time.Time{}, true},
		{"instant in 4.0", "4.0", `{"_session_expiry":"2026-03-30T04:05:06+00:00"}`, true, time.Time{}, true},
		{"word", "5.2", `{"_session_expiry":"soon"}`, true, time.Time{}, true},
		{"year 10000", "5.2", `{"_session_expiry":300000000000}`, true, time.Time{}, true},
		{"infinity", "5.2", `{"_session_expiry":Infinity}`, true, time.Time{}, true},
		{"nan", "5.2", `{"_session_expiry":NaN}`, true, time.Time{}, true},
		{"huge", "5.2", `{"_session_expiry":100000000000000000000}`, true, time.Time{}, true},
		{"list", "5.2", `{"_session_expiry":[1]}`, true, time.Time{}, true},
		{"dict", "5.2", `{"_session_expiry":{"a":1}}`, true, time.Time{}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := djsession.NewSettings(c.version, "k")
			if err != nil {
				t.Fatal(err)
			}
			s.UseTZ, s.TimeZone = c.useTZ, "Europe/Berlin"
			got, err := s.ExpiryDate(fixture.Values(t, c.json), now)
			if !got.Equal(c.want) || (err != nil) != c.err || c.err && !errors.Is(err, djsession.ErrInvalidExpiry) {
				t.Errorf("%v, %v; want %v", got, err, c.want)
			}
		})
	}
}
