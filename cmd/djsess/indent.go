package main

import (
	"bufio"
	"os"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-isatty"

	"github.com/djsess/djsess/internal/printable"
	"github.com/djsess/djsess/internal/pyjson"
)

// palette has the escape sequences that colour each kind of token. The zero palette has none.
type palette struct{ name, text, number, word, reset string }

var colours = palette{
	name:   "\x1b[34;1m",
	text:   "\x1b[32m",
	number: "\x1b[36m",
	word:   "\x1b[35m",
	reset:  "\x1b[0m",
}

// paletteFor returns colours for a terminal that can show them, unless $NO_COLOR is set.
func paletteFor(out any) palette {
	f, ok := out.(*os.File)
	if !ok || !isatty.IsTerminal(f.Fd()) || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return palette{}
	}
	return colours
}

func (p palette) of(kind pyjson.Kind) string {
	switch kind {
	case pyjson.Name:
		return p.name
	case pyjson.String:
		return p.text
	case pyjson.Number:
		return p.number
	case pyjson.True, pyjson.False, pyjson.Null:
		return p.word
	}
	return ""
}

// writeIndented writes valid JSON for people to read. The caller gets an error of the writer
// when it flushes.
func writeIndented(w *bufio.Writer, text string, p palette) {
	depth := 0
	var last pyjson.Kind // 0 at the start
	var buf []byte
	for token := range pyjson.Tokens(text) {
		opened := last == pyjson.BeginObject || last == pyjson.BeginArray
		switch closes := token.Kind == pyjson.EndObject || token.Kind == pyjson.EndArray; {
		case closes:
			depth--
			if !opened { // {} and [] stay on one line
				newline(w, depth)
			}
		case last == pyjson.Name:
			w.WriteString(": ")
		case opened:
			newline(w, depth)
		case last != 0:
			w.WriteByte(',')
			newline(w, depth)
		}
		colour := p.of(token.Kind)
		w.WriteString(colour)
		switch token.Kind {
		case pyjson.Name, pyjson.String:
			buf = appendString(buf[:0], token.Text)
			w.Write(buf)
		default:
			w.WriteString(token.Text)
		}
		if colour != "" {
			w.WriteString(p.reset)
		}
		if token.Kind == pyjson.BeginObject || token.Kind == pyjson.BeginArray {
			depth++
		}
		last = token.Kind
	}
	w.WriteByte('\n')
}

// deepest bounds the indentation: without it, thousands of nested brackets print megabytes
// of spaces.
const deepest = 60

func newline(w *bufio.Writer, depth int) {
	w.WriteByte('\n')
	for range min(depth, deepest) {
		w.WriteString("  ")
	}
}

// oneLine escapes a text from a session or a store, so that a terminal can show it as one line.
func oneLine(text string) string { return printable.Line(text) }

// appendString appends a stored JSON string for people to read. It escapes only characters
// that are not printable, and the result is valid JSON.
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

// decodeWTF8 is utf8.DecodeRuneInString for texts with lone surrogates, which Python's texts
// may have.
func decodeWTF8(s string) (rune, int) {
	r, size := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && size == 1 && len(s) >= 3 && s[0] == 0xed {
		return 0xd000 | rune(s[1]&0x3f)<<6 | rune(s[2]&0x3f), 3
	}
	return r, size
}
