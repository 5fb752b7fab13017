package pyjson

import (
	"encoding/json"
	"math/big"
	"reflect"
	"strconv"
)

// More bits than this are more than 4300 digits, and too many to spell out just to count.
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
		return append(dst, '0'), nil // as encoding/json: the zero Number
	}
	if c := text[0]; c == '-' || c-'0' <= 9 || c == 'N' || c == 'I' {
		if Check(text, Limits{}) == nil && text[len(text)-1] > ' ' {
			return (&writer{}).any(dst, ParseNumber(text))
		}
	}
	return dst, &UnsupportedError{Type: reflect.TypeFor[json.Number](), Reason: "not a number"}
}

// ParseNumber reads a number that has been checked: an int64, a *big.Int when that is too small, or a float64.
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

// isInteger tells whether a number that has been checked is an int to Python.
func isInteger(text string) bool {
	for i := range len(text) {
		if c := text[i]; c-'0' > 9 && c != '-' {
			return false
		}
	}
	return true
}

// isStandard tells whether a number that has been checked is one to every reader of JSON.
func isStandard(text string) bool {
	return text[len(text)-1] <= '9'
}
