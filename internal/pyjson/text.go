package pyjson

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Text decodes one JSON string, given with its quotes and nothing around them. The result is UTF-8, or WTF-8 when the
// string holds half of a surrogate pair.
func Text(raw string) (string, error) {
	if raw == "" || raw[0] != '"' {
		return "", &SyntaxError{Offset: 0, Msg: "not a string"}
	}
	end, plain := stringEnd(raw, 1)
	if end < 0 {
		return "", stringFault(raw, ^end)
	}
	if end != len(raw) {
		return "", &SyntaxError{Offset: end, Msg: "something after the string"}
	}
	if plain {
		return raw[1 : end-1], nil
	}
	return decodeString(raw[1 : end-1]), nil
}

// decodeString decodes what stands between the quotes of a string that has been checked.
func decodeString(body string) string {
	var b strings.Builder
	b.Grow(len(body))
	for i := 0; i < len(body); {
		c := body[i]
		if c != '\\' {
			b.WriteRune(rune(c)) // latin-1
			i++
			continue
		}
		c = body[i+1]
		i += 2
		switch c {
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'u':
			r := hex4(body[i:])
			i += 4
			if strings.HasPrefix(body[i:], `\u`) {
				if pair := utf16.DecodeRune(r, hex4(body[i+2:])); pair != utf8.RuneError {
					r = pair
					i += 6
				}
			}
			if utf16.IsSurrogate(r) {
				b.Write([]byte{0xe0 | byte(r>>12), 0x80 | byte(r>>6)&0x3f, 0x80 | byte(r)&0x3f})
			} else {
				b.WriteRune(r)
			}
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// hex4 reads four hexadecimal digits that have been checked.
func hex4(s string) rune {
	var r rune
	for _, c := range []byte(s[:4]) {
		switch {
		case c <= '9':
			c -= '0'
		default:
			c = c | 0x20 - 'a' + 10
		}
		r = r<<4 | rune(c)
	}
	return r
}
