package cachestore

import (
	"fmt"

	"github.com/djsess/djsess/internal/secret"
)

// This file decides what fmt, log/slog and encoding/json show of types that hold keys and
// values.

// String shows neither the value nor the version, which often holds the value, too.
func (i Item) String() string {
	return fmt.Sprintf("item of %d bytes, until %v", len(i.Data), i.Expires)
}

// Format is String, whatever the verb.
func (i Item) Format(f fmt.State, verb rune) { secret.Format(f, verb, i) }

// MarshalText is String: JSON has no value either.
func (i Item) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// String shows the key as ShortKey does.
func (e Entry) String() string {
	key := ShortKey(e.Key)
	if e.Key == "" {
		key = e.Name
	}
	return fmt.Sprintf("%s: %v", key, e.Item)
}

// Format is String, whatever the verb.
func (e Entry) Format(f fmt.State, verb rune) { secret.Format(f, verb, e) }

// MarshalText is String: JSON has neither key nor value.
func (e Entry) MarshalText() ([]byte, error) { return []byte(e.String()), nil }
