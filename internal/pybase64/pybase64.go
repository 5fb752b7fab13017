// Package pybase64 decodes base64 as Python does: foreign characters are skipped, and the URL-safe reader takes both
// alphabets.
package pybase64

import (
	"encoding/base64"
	"errors"
	"slices"
)

// ErrPadding is Python's binascii.Error: the characters do not add up to bytes.
var ErrPadding = errors.New("incorrect base64 padding")

// AppendURL decodes src as django.core.signing's b64_decode does: URL-safe, with
// the padding missing.
func AppendURL(dst, src []byte) ([]byte, error) {
	enc := base64.RawURLEncoding
	want := enc.DecodedLen(len(src))
	start := len(dst)
	dst = slices.Grow(dst, want+3) // appendLenient may write one more group of three bytes
	n, err := enc.Decode(dst[start:start+want], src)
	// Go skips line ends as Python does, but does not count them for the padding. Such text is decoded below.
	if err == nil && n == want {
		return dst[:start+n], nil
	}
	// b64_decode adds padding by the length, which includes foreign characters.
	return appendLenient(dst[:start], src, -len(src)&3, true)
}

// AppendStd decodes src as base64.b64decode does: the standard alphabet, padded.
func AppendStd(dst, src []byte) ([]byte, error) {
	dst = slices.Grow(dst, base64.StdEncoding.DecodedLen(len(src)))
	return appendLenient(dst, src, 0, false)
}

// appendLenient is binascii.a2b_base64 of src, with padding more "=" at its end.
func appendLenient(dst, src []byte, padding int, urlSafe bool) ([]byte, error) {
	var quad, pads int
	var left byte
	for i := range len(src) + padding {
		c := byte('=')
		if i < len(src) {
			c = src[i]
		}
		if c == '=' {
			if quad >= 2 {
				pads++
				if quad+pads >= 4 {
					return dst, nil // Python reads no further
				}
			}
			continue
		}
		v, ok := value(c, urlSafe)
		if !ok {
			continue
		}
		pads = 0
		switch quad {
		case 1:
			dst = append(dst, left<<2|v>>4)
		case 2:
			dst = append(dst, left<<4|v>>2)
		case 3:
			dst = append(dst, left<<6|v)
		}
		left = v
		quad = (quad + 1) & 3
	}
	if quad != 0 {
		return nil, ErrPadding
	}
	return dst, nil
}

func value(c byte, urlSafe bool) (byte, bool) {
	switch {
	case c >= 'A' && c <= 'Z':
		return c - 'A', true
	case c >= 'a' && c <= 'z':
		return c - 'a' + 26, true
	case c >= '0' && c <= '9':
		return c - '0' + 52, true
	case c == '+', c == '-' && urlSafe:
		return 62, true
	case c == '/', c == '_' && urlSafe:
		return 63, true
	}
	return 0, false
}
