// Package pytype has Go types for the Python types that Go lacks: Decimal, UUID, bytearray,
// tuple, set, frozenset, and the parts of datetime.
//
// A session that Django pickles holds such values. [djsession.Values.Get] decodes them into
// these types, and [djsession.Values.Set] writes these types as what their names say:
//
//	err := values.Set("price", pytype.Decimal("19.90"))
//	err = values.Set("colours", pytype.Set{"red", "green"})
//
//	var price pytype.Decimal
//	err = values.Get("price", &price)
//
// A session that is JSON has no form for them. There the scalars are text, as Python's str()
// and isoformat() write it, and the collections are lists. Get reads a scalar back from
// its text.
//
// Types that Go has need none of these: a datetime with an offset is a time.Time, a timedelta
// within 292 years is a time.Duration, bytes are a []byte.
//
// [djsession.Values.Get]: https://pkg.go.dev/github.com/djsess/djsess/djsession#Values.Get
// [djsession.Values.Set]: https://pkg.go.dev/github.com/djsess/djsess/djsession#Values.Set
package pytype

import (
	"encoding/hex"
	"errors"
	"strings"
)

// Python's collections.
type (
	// ByteArray is bytearray.
	ByteArray []byte
	// Tuple is tuple.
	Tuple []any
	// Set is set. Python requires that its elements are different and hashable: no lists,
	// maps or sets.
	Set []any
	// FrozenSet is frozenset. The same rules apply as for Set.
	FrozenSet []any
)

// Decimal is decimal.Decimal, as str() writes it: "1.10", "-1E+3", "NaN".
type Decimal string

var errNotDecimal = errors.New("not a Decimal as Python writes it")

// IsValid reports whether d is what str() returns for some Decimal that every Python can read.
// On some machines an exponent has at most 9 digits.
func (d Decimal) IsValid() bool {
	rest := strings.TrimPrefix(string(d), "-")
	if rest == "Infinity" {
		return true
	}
	for _, nan := range []string{"NaN", "sNaN"} {
		if digits, ok := strings.CutPrefix(rest, nan); ok {
			return areDigits(digits)
		}
	}
	mantissa, exponent, scientific := strings.Cut(rest, "E")
	if scientific {
		digits := strings.TrimLeft(exponent, "+-")
		if digits == "" || len(digits) > 9 || len(exponent)-len(digits) > 1 || !areDigits(digits) {
			return false
		}
	}
	whole, fraction, pointed := strings.Cut(mantissa, ".")
	return whole != "" && areDigits(whole+fraction) && pointed == (fraction != "")
}

func areDigits(text string) bool { return strings.Trim(text, "0123456789") == "" }

// MarshalText returns the number. An invalid one is an error.
func (d Decimal) MarshalText() ([]byte, error) {
	if !d.IsValid() {
		return nil, errNotDecimal
	}
	return []byte(d), nil
}

// UnmarshalText reads a number as Python writes it.
func (d *Decimal) UnmarshalText(text []byte) error {
	if !Decimal(text).IsValid() {
		return errNotDecimal
	}
	*d = Decimal(text)
	return nil
}

// UUID is uuid.UUID.
type UUID [16]byte

// ParseUUID reads 32 hexadecimal digits, with or without dashes.
func ParseUUID(text string) (UUID, error) {
	var id UUID
	digits := strings.ReplaceAll(text, "-", "")
	if len(digits) != 2*len(id) {
		return UUID{}, errNotUUID
	}
	if _, err := hex.Decode(id[:], []byte(digits)); err != nil {
		return UUID{}, errNotUUID
	}
	return id, nil
}

// The text may be a secret, so the error does not show it.
var errNotUUID = errors.New("not a UUID")

// String returns 32 digits and four dashes, as Python does.
func (u UUID) String() string {
	text := hex.EncodeToString(u[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

// MarshalText returns String.
func (u UUID) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText reads what ParseUUID reads.
func (u *UUID) UnmarshalText(text []byte) error {
	id, err := ParseUUID(string(text))
	if err != nil {
		return err
	}
	*u = id
	return nil
}
