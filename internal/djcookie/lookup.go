// Package djcookie reads and writes cookies as Django does. Package net/http differs: it refuses
// values that Django reads, does not decode the escapes of a quoted value, and returns the first
// of several cookies with the same name where Django returns the last.
package djcookie

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Lookup is request.COOKIES.get: it finds a cookie in the Cookie headers of a request.
func Lookup(lines []string, name string) (value string, found bool) {
	for _, line := range lines {
		for line != "" {
			var chunk string
			chunk, line, _ = strings.Cut(line, ";")
			key, val, ok := strings.Cut(chunk, "=")
			if !ok {
				continue // a value without a name
			}
			if strings.TrimFunc(key, isSpace) == name {
				value, found = val, true
			}
		}
	}
	if !found {
		return "", false
	}
	return unquote(strings.TrimFunc(value, isSpace)), true
}

// isSpace is str.isspace, which also includes ASCII's separators 0x1c to 0x1f.
func isSpace(r rune) bool {
	return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f
}

// unquote decodes a value in double quotes as http.cookies does: \ooo is the character with this
// octal number, and \ before any other character stands for that character.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != '\\' || i+1 == len(s) || s[i+1] == '\n':
			b.WriteByte(s[i])
		case isOctal(s[i+1:]):
			b.WriteRune(rune(s[i+1]-'0')<<6 | rune(s[i+2]-'0')<<3 | rune(s[i+3]-'0'))
			i += 3
		default:
			r, size := utf8.DecodeRuneInString(s[i+1:])
			if r == utf8.RuneError {
				b.WriteByte(s[i+1])
				size = 1
			} else {
				b.WriteRune(r)
			}
			i += size
		}
	}
	return b.String()
}

// isOctal reports whether s begins with an octal number from 000 to 377.
func isOctal(s string) bool {
	return len(s) >= 3 && s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' && s[2] >= '0' && s[2] <= '7'
}
