package djsession

import (
	"fmt"
	"log/slog"
)

// String shows the settings without their keys, so that they can be printed.
func (s Settings) String() string {
	return fmt.Sprintf("djsession.Settings{DjangoVersion: %q, UseTZ: %v, TimeZone: %q, SessionCookieAge: %v, %d keys}",
		s.DjangoVersion, s.UseTZ, s.TimeZone, s.SessionCookieAge, 1+len(s.SecretKeyFallbacks))
}

// GoString is String: %#v shows no keys either.
func (s Settings) GoString() string { return s.String() }

// LogValue is String, for log/slog.
func (s Settings) LogValue() slog.Value { return slog.StringValue(s.String()) }

// String shows which session it is, without its key and what it holds.
func (r Record) String() string {
	n := 0
	if r.Values != nil {
		n = r.Values.Len()
	}
	return fmt.Sprintf("session %s with %d values, until %v", ShortKey(r.Key), n, r.Expires)
}

// GoString is String: %#v shows no more.
func (r Record) GoString() string { return r.String() }

// LogValue is String, for log/slog.
func (r Record) LogValue() slog.Value { return slog.StringValue(r.String()) }
