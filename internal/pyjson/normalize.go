package pyjson

import (
	"strings"
	"unicode/utf8"
)

// Normalize reads UTF-8 JSON as json.loads would, and writes it as json.dumps(..., separators=(",", ":")) would:
//
//   - Names keep their order. If a name occurs twice, the last value counts, in the place of the first.
//   - Floats are written as by repr, and -0 as 0.
//   - The text is ASCII.
//
// Normalize does not change a text that it has written. Unlike the rest of the package, it reads bytes of 0x80 and more as
// UTF-8, and refuses a text that is not valid UTF-8.
func Normalize(utf8JSON string, lim Limits) (string, error) {
	v, err := parseUTF8(utf8JSON, lim.depth())
	if err != nil {
		return "", err
	}
	w := writer{maxDepth: noLimit}
	out, err := w.any(make([]byte, 0, len(utf8JSON)), v)
	if err != nil {
		return "", err
	}
	return string(out), nil
}

// parseUTF8 reads any value, with Objects in it.
func parseUTF8(text string, depth int) (any, error) {
	s := scanner{text: text, depth: depth}
	if i := s.value(skipSpace(text, 0)); i < 0 {
		return nil, s.err
	} else if err := s.end(i); err != nil {
		return nil, err
	}
	if bad := invalidUTF8(text); bad >= 0 {
		return nil, &SyntaxError{Offset: bad, Msg: "invalid UTF-8"}
	}
	d := decoder{text: escapeNonASCII(text)}
	return d.any(true), nil
}

// invalidUTF8 returns the index of the first byte that is not UTF-8, or -1.
func invalidUTF8(text string) int {
	if utf8.ValidString(text) {
		return -1
	}
	for i, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD") {
			return i
		}
	}
	return -1
}

// escapeNonASCII returns the same text in ASCII. The text has been checked, so the characters that it escapes are inside
// strings and not behind a backslash.
func escapeNonASCII(text string) string {
	first := strings.IndexFunc(text, func(r rune) bool { return r >= 0x80 })
	if first < 0 {
		return text
	}
	b := make([]byte, 0, 2*len(text))
	b = append(b, text[:first]...)
	for _, r := range text[first:] {
		if r < 0x80 {
			b = append(b, byte(r))
		} else {
			b = appendEscape(b, r)
		}
	}
	return string(b)
}

// AppendStandard appends a checked text as standard JSON, in ASCII and without white space. NaN, Infinity and -Infinity become
// the strings "NaN", "Infinity" and "-Infinity". The bytes from 0x7f up become \u007f to \u00ff, since some of them control a
// terminal. The rest stays as written. A text that has not been checked is appended up to its first error.
func AppendStandard(dst []byte, text string) []byte {
	for i := 0; i < len(text); {
		kind, end := token(text, i)
		if end < 0 {
			return dst
		}
		switch part := text[i:end]; {
		case kind == 0 && part != "," && part != ":":
			// white space
		case kind == Number && !isStandard(part):
			dst = append(dst, '"')
			dst = append(dst, part...)
			dst = append(dst, '"')
		case kind == Name || kind == String:
			dst = appendLatin1(dst, part)
		default:
			dst = append(dst, part...)
		}
		i = end
	}
	return dst
}

// IsStandard reports whether a checked text is what [AppendStandard] writes, but for spaces between its tokens. Such a text can
// stand in a line of JSON as it is.
func IsStandard(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c >= 0x7f {
			return false
		}
	}
	if !strings.Contains(text, "NaN") && !strings.Contains(text, "Infinity") {
		return true
	}
	for token := range Tokens(text) {
		if token.Kind == Number && !isStandard(token.Text) {
			return false
		}
	}
	return true
}

// appendLatin1 appends a string with an escape for every byte that is not printable ASCII.
func appendLatin1(dst []byte, s string) []byte {
	for {
		n := 0
		for n < len(s) && s[n] < 0x7f {
			n++
		}
		dst = append(dst, s[:n]...)
		if n == len(s) {
			return dst
		}
		dst = appendHex4(dst, rune(s[n]))
		s = s[n+1:]
	}
}
