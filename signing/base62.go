package signing

import (
	"fmt"
	"math"
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
		return 0, fmt.Errorf("empty base62 number")
	}
	var n int64
	for _, c := range digits {
		var d int64
		switch {
		case c >= '0' && c <= '9':
			d = int64(c - '0')
		case c >= 'A' && c <= 'Z':
			d = int64(c-'A') + 10
		case c >= 'a' && c <= 'z':
			d = int64(c-'a') + 36
		default:
			return 0, fmt.Errorf("a base62 number holds a foreign character")
		}
		if n > (math.MaxInt64-d)/62 {
			n = math.MaxInt64
			continue
		}
		n = n*62 + d
	}
	if negative {
		n = -n
	}
	return n, nil
}
