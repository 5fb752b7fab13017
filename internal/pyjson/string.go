package pyjson

import (
	"reflect"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// MarkedText decodes one string of marked JSON, or of JSON that has been checked, with its quotes.
func MarkedText(raw string) string { return decodeString(raw[1 : len(raw)-1]) }

// Text decodes one JSON string with its quotes. The result is UTF-8, or WTF-8 if the string holds half of a surrogate pair.
func Text(raw string) (string, error) {
	if raw == "" || raw[0] != '"' {
		return "", &SyntaxError{Offset: 0, Msg: "not a string"}
	}
	end, plain := stringEnd(raw, 1)
	if end < 0 {
		return "", stringFault(raw, ^end)
	}
	if end != len(raw) {
		return "", &SyntaxError{Offset: end, Msg: "extra data after the string"}
	}
	if plain {
		return raw[1 : end-1], nil
	}
	return decodeString(raw[1 : end-1]), nil
}

// AppendString appends a string as json.dumps writes it, with quotes and in ASCII. A character above U+FFFF becomes two
// escapes, and a surrogate in WTF-8 one. Other invalid UTF-8 is an [*UnsupportedError].
func AppendString(dst []byte, s string) ([]byte, error) { return appendString(dst, s, "") }

// AppendMarkedString appends a string as marked JSON has it. Two surrogates that make a pair become one character in JSON,
// in Python too. In marked JSON they stay two, since the byte escape stands between them.
func AppendMarkedString(dst []byte, s string) ([]byte, error) {
	return appendString(dst, s, string(escape))
}

// appendString appends a string with a text between the halves of a pair of surrogates.
func appendString(dst []byte, s, between string) ([]byte, error) {
	dst = append(dst, '"')
	afterHigh := false // a surrogate that may begin a pair comes before s
	for {
		n := 0
		for n < len(s) && stringClass[s[n]]&written != 0 {
			n++
		}
		dst = append(dst, s[:n]...)
		if n == len(s) {
			return append(dst, '"'), nil
		}
		afterHigh = afterHigh && n == 0
		r, size := decodeWTF8(s[n:])
		if size == 0 {
			return dst, &UnsupportedError{Type: reflect.TypeFor[string](), Reason: "invalid UTF-8"}
		}
		if afterHigh && isLow(r) {
			dst = append(dst, between...)
		}
		dst = appendEscape(dst, r)
		s, afterHigh = s[n+size:], isHigh(r)
	}
}

func isHigh(r rune) bool { return r>>10 == 0xd800>>10 }
func isLow(r rune) bool  { return r>>10 == 0xdc00>>10 }

// holdsHalves reports whether a string in WTF-8 has two surrogates next to each other that would be one character in JSON.
func holdsHalves(s string) bool {
	for {
		high := strings.IndexByte(s, 0xed)
		if high < 0 {
			return false
		}
		s = s[high:]
		if r, size := decodeWTF8(s); size == 3 && isHigh(r) {
			if r, size := decodeWTF8(s[3:]); size == 3 && isLow(r) {
				return true
			}
		}
		s = s[1:]
	}
}

// decodeString decodes the text between the quotes of a string that has been checked.
func decodeString(body string) string {
	var b strings.Builder
	b.Grow(len(body))
	for i := 0; i < len(body); {
		c := body[i]
		if c != '\\' {
			if c != escape { // which marked JSON has between two surrogates
				b.WriteRune(rune(c)) // latin-1
			}
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

// decodeWTF8 decodes the first character. A size of 0 means that there is no valid character.
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
