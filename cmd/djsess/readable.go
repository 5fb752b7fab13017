package main

import (
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/djsess/djsess/internal/pyjson"
)

// printable is a text as a terminal may see it: everything in it that is not
// simply shown (control, bidirectional, unassigned characters, broken UTF-8)
// is escaped, so that what a session holds cannot drive the terminal.
func printable(text string) string {
	for _, r := range text {
		if !shows(r) {
			return string(appendPrintable(nil, text))
		}
	}
	return text
}

func shows(r rune) bool { return r != utf8.RuneError && (unicode.IsPrint(r) || r == '\n') }

func appendPrintable(dst []byte, text string) []byte {
	for i, r := range text {
		switch {
		case shows(r) || strings.HasPrefix(text[i:], "\uFFFD"):
			dst = utf8.AppendRune(dst, r)
		default:
			dst = appendEscape(dst, r)
		}
	}
	return dst
}

// appendString appends a JSON string, given as it is stored, for people to read:
// what shows as itself is not escaped. It is valid JSON still.
func appendString(dst []byte, raw string) []byte {
	text, err := pyjson.Text(raw)
	if err != nil {
		return append(dst, `"?"`...)
	}
	dst = append(dst, '"')
	for len(text) > 0 {
		r, size := decodeWTF8(text)
		text = text[size:]
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case unicode.IsPrint(r):
			dst = utf8.AppendRune(dst, r)
		default:
			dst = appendEscape(dst, r)
		}
	}
	return append(dst, '"')
}

// decodeWTF8 is utf8.DecodeRuneInString for texts that may hold lone
// surrogates, as Python's may.
func decodeWTF8(s string) (rune, int) {
	r, size := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && size == 1 && len(s) >= 3 && s[0] == 0xed {
		return 0xd000 | rune(s[1]&0x3f)<<6 | rune(s[2]&0x3f), 3
	}
	return r, size
}

// appendEscape appends \uXXXX, twice for what is above U+FFFF.
func appendEscape(dst []byte, r rune) []byte {
	if r > 0xffff {
		high, low := utf16.EncodeRune(r)
		return appendEscape(appendEscape(dst, high), low)
	}
	const digits = "0123456789abcdef"
	return append(dst, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}
