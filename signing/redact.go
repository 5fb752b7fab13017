package signing

import (
	"fmt"
	"log/slog"
)

// String shows the options without their keys, so that they can be printed.
func (o Options) String() string {
	return fmt.Sprintf("signing.Options{Salt: %q, Sep: %q, Algorithm: %q, %d keys}", o.Salt, o.Sep, o.Algorithm, 1+len(o.SecretKeyFallbacks))
}

// GoString is String: %#v shows no keys either.
func (o Options) GoString() string { return o.String() }

// LogValue is String, for log/slog.
func (o Options) LogValue() slog.Value { return slog.StringValue(o.String()) }
