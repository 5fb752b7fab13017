package djsession

import (
	"fmt"
	"log/slog"

	"github.com/djsess/djsess/internal/secret"
)

// This file has the methods by which fmt, log/slog and encoding/json print types that hold
// keys or values. A test of package internal/secret checks every exported type.

// String shows the settings without their keys, so that they can be printed.
func (s Settings) String() string {
	return fmt.Sprintf("djsession.Settings{DjangoVersion: %q, UseTZ: %v, TimeZone: %q, SessionCookieAge: %v, %d keys}",
		s.DjangoVersion, s.UseTZ, s.TimeZone, s.SessionCookieAge, 1+len(s.SecretKeyFallbacks))
}

// Format is String, whatever the verb.
func (s Settings) Format(f fmt.State, verb rune) { secret.Format(f, verb, s) }

// MarshalText is String, so that JSON has no keys either.
func (s Settings) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String shows which session it is, without its key and its values.
func (r Record) String() string {
	key := ShortKey(r.Key)
	if r.Key == "" {
		key = r.Name
	}
	return fmt.Sprintf("session %s with %s, until %v", key, r.Values.String(), r.Expires)
}

// Format is String, whatever the verb.
func (r Record) Format(f fmt.State, verb rune) { secret.Format(f, verb, r) }

// MarshalText is String: JSON has neither the key nor the values.
func (r Record) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// String shows which session it is, without its key and its values.
func (r Replacement) String() string {
	return fmt.Sprintf("%v in place of %v, until %v", r.Values.String(), r.Old, r.Expires)
}

// Format is String, whatever the verb.
func (r Replacement) Format(f fmt.State, verb rune) { secret.Format(f, verb, r) }

// MarshalText is String: JSON has neither the key nor the values.
func (r Replacement) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// String shows which session it is, without its key and its values.
func (s Session) String() string {
	switch {
	case s.record != nil:
		return fmt.Sprintf("session %s with %s", ShortKey(s.record.Key), s.values.String())
	case s.cookieValue != "":
		return fmt.Sprintf("new session with %s, in place of %s, which is not stored", s.values.String(), ShortKey(s.cookieValue))
	}
	return fmt.Sprintf("new session with %s", s.values.String())
}

// Format is String, whatever the verb.
func (s Session) Format(f fmt.State, verb rune) { secret.Format(f, verb, s) }

// MarshalText is String: JSON has neither the key nor the values.
func (s Session) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String says how many values there are. MarshalJSON has the values.
func (v *Values) String() string {
	if v == nil {
		return "no values"
	}
	return fmt.Sprintf("%d values", v.Len())
}

// Format is String, whatever the verb.
func (v Values) Format(f fmt.State, verb rune) { secret.Format(f, verb, &v) }

// LogValue is String: a log must not hold the values of a session.
func (v Values) LogValue() slog.Value { return slog.StringValue(v.String()) }

// String shows the beginning of the prefix, which may be a whole key.
func (r Range) String() string {
	return fmt.Sprintf("sessions whose keys begin with %q, expired ones too: %v", ShortKey(r.Prefix), r.Expired)
}

// Format is String, whatever the verb.
func (r Range) Format(f fmt.State, verb rune) { secret.Format(f, verb, r) }

// MarshalText is String.
func (r Range) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
