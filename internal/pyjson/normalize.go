package pyjson

import (
	"strings"
	"unicode/utf8"
)

// Normalize reads UTF-8 JSON, or Python's own, as json.loads would, and writes it as json.dumps(...,
// separators=(",", ":")) would: order kept, of duplicate names the last value in the first one's place, floats by
// repr, -0 as 0, everything in ASCII. What it wrote it leaves as it is.
//
// Unlike the rest of the package it takes bytes of 0x80 and more for UTF-8, and refuses what is not.
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

// escapeNonASCII makes the same text in ASCII. What it escapes stands inside strings and not behind a backslash, since the
// text has been checked.
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
