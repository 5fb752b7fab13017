package signing

import (
	"fmt"

	"github.com/djsess/djsess/internal/secret"
)

// String shows the options without their keys, so that they can be printed.
func (o Options) String() string {
	return fmt.Sprintf("signing.Options{Salt: %q, Sep: %q, Algorithm: %q, %d keys}", o.Salt, o.Sep, o.Algorithm, 1+len(o.SecretKeyFallbacks))
}

// Format is String, whatever the verb.
func (o Options) Format(f fmt.State, verb rune) { secret.Format(f, verb, o) }

// MarshalText is String, so that JSON has no keys either.
func (o Options) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// String shows the signer without its keys.
func (c CookieSigner) String() string {
	return fmt.Sprintf("signing.CookieSigner{Salt: %v, LegacySaltFallback: %v, Options: %v}", c.Salt, c.LegacySaltFallback, c.Options)
}

// Format is String, whatever the verb.
func (c CookieSigner) Format(f fmt.State, verb rune) { secret.Format(f, verb, c) }

// MarshalText is String, so that JSON has no keys either.
func (c CookieSigner) MarshalText() ([]byte, error) { return []byte(c.String()), nil }
