package main

import (
	"unicode"
	"unicode/utf8"

	"github.com/djsess/djsess/internal/printable"
	"github.com/djsess/djsess/internal/pyjson"
)

// oneLine escapes a text from a session or a store, so that a terminal can show it as one line.
func oneLine(text string) string { return printable.Line(text) }

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
			dst = printable.AppendEscape(dst, r)
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
