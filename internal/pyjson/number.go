package pyjson

import (
	"encoding/json"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"strings"
)

// ParseNumber reads a number that has been checked. It returns an int64, a *big.Int if the integer does not fit, or a float64.
func ParseNumber(text string) any {
	if !isInteger(text) {
		return parseFloat(text, 64)
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	n, _ := new(big.Int).SetString(text, 10)
	return n
}

// isInteger reports whether a number that has been checked is an int to Python.
func isInteger(text string) bool {
	for i := range len(text) {
		if c := text[i]; c-'0' > 9 && c != '-' {
			return false
		}
	}
	return true
}

// isStandard reports whether a number that has been checked is valid in standard JSON.
func isStandard(text string) bool {
	return text[len(text)-1] <= '9'
}

// AppendFloat appends a float as Python's repr writes it. It always has a point or an exponent. It has an exponent from 1e16 up
// and below 1e-4, of at least two digits. bits is 32 for the shortest text that identifies a float32, otherwise 64.
func AppendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	}
	small, large := 1e-4, 1e16
	if bits == 32 {
		// The float32 nearest to 1e-4 is below it, but is written as 0.0001.
		small, large = float64(float32(1e-4)), float64(float32(1e16))
	}
	if abs := math.Abs(f); abs != 0 && (abs < small || abs >= large) {
		return strconv.AppendFloat(dst, f, 'e', -1, bits)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, bits)
	for _, c := range dst[start:] {
		if c == '.' {
			return dst
		}
	}
	return append(dst, ".0"...)
}

// parseFloat reads a number that has been checked, as Python's float does: a number that is too large is infinite. bits is 32
// to round once to the nearest float32.
func parseFloat(text string, bits int) float64 {
	switch text {
	case "NaN":
		return math.NaN()
	case "Infinity":
		return math.Inf(1)
	case "-Infinity":
		return math.Inf(-1)
	}
	if len(text) > maxExactFloat {
		text = shortenFloat(text)
	}
	f, _ := strconv.ParseFloat(text, bits) // the only error left is a range error, which comes with an infinity
	return f
}

// strconv reads at most five digits of an exponent. A mantissa with more digits than maxExactFloat could balance a larger
// exponent, so such a text is shortened first.
const maxExactFloat = 9000

// shortenFloat rewrites a very long number with few digits and the exponent that keeps its value.
func shortenFloat(text string) string {
	mantissa, exponent := text, 0
	if e := strings.IndexAny(text, "eE"); e >= 0 {
		mantissa = text[:e]
		exponent, _ = strconv.Atoi(text[e+1:]) // out of range it is the largest int, which has the same effect
		exponent = min(max(exponent, -1<<30), 1<<30)
	}
	sign := ""
	if mantissa[0] == '-' {
		sign, mantissa = "-", mantissa[1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	exponent += len(digits) - len(fraction)
	// Fewer than 800 digits, and whether a digit that is not zero follows, decide a float64.
	if rest := strings.TrimRight(digits, "0"); len(rest) > 800 {
		digits = rest[:800] + "1"
	} else {
		digits = rest
	}
	if digits == "" {
		return sign + "0"
	}
	return sign + "0." + digits + "e" + strconv.Itoa(min(max(exponent, -9999), 9999))
}

// An integer of more bits than this has more than 4300 digits, which is Python's limit. To write the digits only to count them
// would be slow.
const maxIntBits = 14290

func appendBigInt(dst []byte, n *big.Int) ([]byte, error) {
	if n == nil {
		return append(dst, "null"...), nil
	}
	if n.IsInt64() {
		return strconv.AppendInt(dst, n.Int64(), 10), nil
	}
	start := len(dst)
	if n.BitLen() <= maxIntBits {
		dst = n.Append(dst, 10)
	}
	digits := len(dst) - start
	if n.Sign() < 0 {
		digits--
	}
	if digits <= 0 || digits > maxIntDigits {
		return dst[:start], &UnsupportedError{Type: reflect.TypeOf(n), Reason: "integer of more than 4300 digits"}
	}
	return dst, nil
}

// appendNumber writes a [json.Number], as the int or the float that Python would read.
func appendNumber(dst []byte, text string) ([]byte, error) {
	if text == "" {
		return append(dst, '0'), nil // the zero Number, as in encoding/json
	}
	if c := text[0]; c == '-' || c-'0' <= 9 || c == 'N' || c == 'I' {
		if Check(text, Limits{}) == nil && text[len(text)-1] > ' ' {
			return (&writer{}).any(dst, ParseNumber(text))
		}
	}
	return dst, &UnsupportedError{Type: reflect.TypeFor[json.Number](), Reason: "not a number"}
}

// maxIntDigits is Python's sys.get_int_max_str_digits: an integer with more digits does not load.
const maxIntDigits = 4300
