package pyjson

import (
	"reflect"
	"unicode/utf16"
	"unicode/utf8"
)

// AppendString appends a string as json.dumps writes it: with quotes, in ASCII, what is above U+FFFF as two
// escapes. A surrogate in WTF-8 is written as its escape; other invalid UTF-8 is an [*UnsupportedError].
func AppendString(dst []byte, s string) ([]byte, error) {
	dst = append(dst, '"')
	for {
		n := 0
		for n < len(s) && stringClass[s[n]]&written != 0 {
			n++
		}
		dst = append(dst, s[:n]...)
		if n == len(s) {
			return append(dst, '"'), nil
		}
		r, size := decodeWTF8(s[n:])
		if size == 0 {
			return dst, &UnsupportedError{Type: reflect.TypeFor[string](), Reason: "invalid UTF-8"}
		}
		dst = appendEscape(dst, r)
		s = s[n+size:]
	}
}

// decodeWTF8 decodes the first character; size 0 means that there is none.
func decodeWTF8(s string) (r rune, size int) {
	r, size = utf8.DecodeRuneInString(s)
	if r != utf8.RuneError || size > 1 {
		return r, size
	}
	if len(s) >= 3 && s[0] == 0xed && s[1]&0xe0 == 0xa0 && s[2]&0xc0 == 0x80 {
		return 0xd000 | rune(s[1]&0x3f)<<6 | rune(s[2]&0x3f), 3
	}
	return r, 0
}

func appendEscape(dst []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	if r > 0xffff {
		high, low := utf16.EncodeRune(r)
		return appendHex4(appendHex4(dst, high), low)
	}
	return appendHex4(dst, r)
}

func appendHex4(dst []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	return append(dst, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}
