package signing

import (
	"errors"
	"math"
	"strings"
)

const base62Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// appendBase62 is Django's b62_encode.
func appendBase62(dst []byte, n int64) []byte {
	var digits [12]byte // 62^11 > 2^63
	at := len(digits)
	u := uint64(n)
	if n < 0 {
		dst = append(dst, '-')
		u = -u
	}
	for {
		at--
		digits[at] = base62Alphabet[u%62]
		u /= 62
		if u == 0 {
			return append(dst, digits[at:]...)
		}
	}
}

// parseBase62 is Django's b62_decode. Numbers beyond int64, which Python
// reads and no clock shows, end at its limits.
func parseBase62(text []byte) (int64, error) {
	digits, negative := text, false
	if len(text) > 0 && text[0] == '-' {
		digits, negative = text[1:], true
	}
	if len(text) == 0 {
		return 0, errors.New("empty base62 number")
	}
	// Counted down: the int64 furthest from zero is negative.
	var n int64
	for _, c := range digits {
		d := int64(strings.IndexByte(base62Alphabet, c))
		switch {
		case d < 0:
			return 0, errors.New("foreign character in a base62 number")
		case n < (math.MinInt64+d)/62:
			n = math.MinInt64
		default:
			n = n*62 - d
		}
	}
	switch {
	case negative:
		return n, nil
	case n == math.MinInt64:
		return math.MaxInt64, nil
	}
	return -n, nil
}
