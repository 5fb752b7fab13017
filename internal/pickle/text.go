package pickle

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// validText reports whether s is UTF-8 in which halves of surrogate pairs are allowed: Python's "utf-8" with "surrogatepass".
func validText(s string) bool {
	for !utf8.ValidString(s) {
		// Cut off the text up to and including the first half of a pair.
		half := strings.IndexByte(s, 0xed)
		for half >= 0 && !startsWithHalf(s[half:]) {
			next := strings.IndexByte(s[half+1:], 0xed)
			if next < 0 {
				return false
			}
			half += 1 + next
		}
		if half < 0 || !utf8.ValidString(s[:half]) {
			return false
		}
		s = s[half+3:]
	}
	return true
}

// startsWithHalf reports whether s begins with half a surrogate pair.
func startsWithHalf(s string) bool {
	return len(s) >= 3 && s[0] == 0xed && s[1] >= 0xa0 && s[1] <= 0xbf && s[2] >= 0x80 && s[2] <= 0xbf
}

// appendChar appends a character, which may be half a surrogate pair.
func appendChar(dst []byte, r rune) []byte {
	if r >= 0xd800 && r < 0xe000 {
		return append(dst, 0xed, 0x80|byte(r>>6)&0x3f, 0x80|byte(r)&0x3f)
	}
	return utf8.AppendRune(dst, r)
}

// nextChar returns the first character of s, and how many bytes it takes. s is validText.
func nextChar(s string) (rune, int) {
	if startsWithHalf(s) {
		return 0xd000 | rune(s[1]&0x3f)<<6 | rune(s[2]&0x3f), 3
	}
	return utf8.DecodeRuneInString(s)
}

// decodeRawEscapes reads Python's "raw-unicode-escape": Latin-1 in which \u and \U stand for other characters. Any other
// backslash stands for itself. The result is at most twice as long as s.
func decodeRawEscapes(s string) (string, bool) {
	plain := 0
	for plain < len(s) && s[plain] < 0x80 && s[plain] != '\\' {
		plain++
	}
	if plain == len(s) {
		return s, true
	}
	b := append(make([]byte, 0, len(s)+len(s)/8), s[:plain]...)
	for i := plain; i < len(s); {
		c := s[i]
		i++
		if c != '\\' || i == len(s) {
			b = utf8.AppendRune(b, rune(c))
			continue
		}
		digits := 0
		switch s[i] {
		case 'u':
			digits = 4
		case 'U':
			digits = 8
		}
		if digits == 0 {
			b = append(b, '\\')
			b = utf8.AppendRune(b, rune(s[i]))
			i++
			continue
		}
		i++
		if len(s)-i < digits {
			return "", false
		}
		r, err := strconv.ParseUint(s[i:i+digits], 16, 32)
		if err != nil || r > utf8.MaxRune {
			return "", false
		}
		b = appendChar(b, rune(r))
		i += digits
	}
	return string(b), true
}

// toLatin1 is Python's str.encode("latin1").
func toLatin1(s string) (string, bool) {
	if isASCII(s) {
		return s, true
	}
	b := make([]byte, 0, len(s))
	for len(s) > 0 {
		r, n := nextChar(s)
		if r > 0xff {
			return "", false
		}
		b = append(b, byte(r))
		s = s[n:]
	}
	return string(b), true
}

// fromLatin1 is Python's bytes.decode("latin1").
func fromLatin1(s string) string {
	if isASCII(s) {
		return s
	}
	b := make([]byte, 0, len(s)+len(s)/2)
	for _, c := range []byte(s) {
		b = utf8.AppendRune(b, rune(c))
	}
	return string(b)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// appendRawEscapes appends a str as Latin-1. It escapes all other characters, and those that end a line on some system.
func appendRawEscapes(dst []byte, s string) []byte {
	for len(s) > 0 {
		r, n := nextChar(s)
		s = s[n:]
		switch {
		case r > 0xffff:
			dst = fmt.Appendf(dst, `\U%08x`, r)
		case r > 0xff, r == '\\', r == 0, r == '\n', r == '\r', r == 0x1a:
			dst = fmt.Appendf(dst, `\u%04x`, r)
		default:
			dst = append(dst, byte(r))
		}
	}
	return dst
}

// unescapeBytes decodes the escapes between the quotes of a literal of Python 2.
func unescapeBytes(s string) (string, bool) {
	if !strings.Contains(s, `\`) {
		return s, true
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		c := s[i]
		i++
		if c != '\\' {
			b = append(b, c)
			continue
		}
		if i == len(s) {
			return "", false
		}
		c = s[i]
		i++
		switch c {
		case '\n': // the literal continues on the next line
		case '\\', '\'', '"':
			b = append(b, c)
		case 'a', 'b', 'f', 'n', 'r', 't', 'v':
			b = append(b, "\a\b\f\n\r\t\v"[strings.IndexByte("abfnrtv", c)])
		case 'x':
			if len(s)-i < 2 {
				return "", false
			}
			n, err := strconv.ParseUint(s[i:i+2], 16, 8)
			if err != nil {
				return "", false
			}
			b = append(b, byte(n))
			i += 2
		case '0', '1', '2', '3', '4', '5', '6', '7':
			n := int(c - '0')
			for k := 0; k < 2 && i < len(s) && s[i] >= '0' && s[i] <= '7'; k++ {
				n = n<<3 | int(s[i]-'0')
				i++
			}
			b = append(b, byte(n))
		default:
			b = append(b, '\\', c)
		}
	}
	return string(b), true
}
