// Package printable escapes untrusted texts for logs and terminals.
package printable

import (
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Line escapes a text to be shown as one line. It escapes everything that is not printable
// (control, bidirectional and unassigned characters, ends of lines, broken UTF-8), so that
// the text can neither control a terminal nor look like another line of a log.
func Line(text string) string { return escaped(text, false) }

// Text escapes a text of several lines as Line does, but keeps the ends of lines.
func Text(text string) string { return escaped(text, true) }

func escaped(text string, lines bool) string {
	isShown := func(r rune) bool { return unicode.IsPrint(r) && r != utf8.RuneError || r == '\n' && lines }
	if strings.IndexFunc(text, func(r rune) bool { return !isShown(r) }) < 0 {
		return text
	}
	var dst []byte
	for i, r := range text {
		switch {
		case isShown(r) || strings.HasPrefix(text[i:], "\uFFFD"):
			dst = utf8.AppendRune(dst, r)
		case r == '\n':
			dst = append(dst, `\n`...)
		default:
			dst = AppendEscape(dst, r)
		}
	}
	return string(dst)
}

// AppendEscape appends r as a \u escape of four hexadecimal digits, or as a surrogate pair of two
// escapes if r is above U+FFFF.
func AppendEscape(dst []byte, r rune) []byte {
	if r > 0xffff {
		high, low := utf16.EncodeRune(r)
		return AppendEscape(AppendEscape(dst, high), low)
	}
	const digits = "0123456789abcdef"
	return append(dst, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}
