// Package sniff guesses the format of a stored value by its first and last bytes. The guess is for errors: an operator
// can act on "a zlib stream in place of a pickled dict". No decision depends on it.
package sniff

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// Name returns the format that data seem to have, such as "a pickle" or "a zlib stream", or "unknown data".
func Name(data []byte) string {
	if len(data) == 0 {
		return "nothing"
	}
	if c := Compression(data); c != "" {
		return c
	}
	if name := pickleName(data); name != "" {
		return name
	}
	if printable(data) {
		return textName(data)
	}
	if isMessagePack(data) {
		return "MessagePack"
	}
	return "unknown data"
}

// Compression returns the compressed format that data seem to have, such as "a zlib stream", or "" if they do not seem to
// be compressed.
func Compression(data []byte) string {
	for _, m := range []struct{ begins, name string }{
		{"\x1f\x8b\x08", "a gzip stream"},
		{"\xfd7zXZ\x00", "an xz stream"},
		{"\x04\x22\x4d\x18", "an lz4 frame"},
		{"\x28\xb5\x2f\xfd", "a zstd frame"},
		{"BZh", "a bzip2 stream"},
	} {
		if bytes.HasPrefix(data, []byte(m.begins)) && !printable(data) {
			return m.name
		}
	}
	if isZlib(data) {
		return "a zlib stream"
	}
	return ""
}

// isZlib checks the two bytes of a zlib header: the method is deflate, the window size is a valid one, there is no preset
// dictionary, and the checksum is right.
func isZlib(data []byte) bool {
	return len(data) > 2 && data[0]&0x0f == 8 && data[0]>>4 <= 7 && data[1]&0x20 == 0 &&
		(int(data[0])<<8|int(data[1]))%31 == 0 && !printable(data)
}

// pickleName recognises protocols 2 to 5 by their first opcode, and the older protocols by their first and last bytes.
func pickleName(data []byte) string {
	const proto, highest, stop = 0x80, 5, '.'
	last := data[len(data)-1]
	switch {
	case data[0] == proto && len(data) > 1 && 2 <= data[1] && data[1] <= highest:
		if last != stop {
			return "a pickle, the end of which is missing"
		}
		return "a pickle"
	case last != stop || len(data) < 2:
	case data[0] == '}' || data[0] == ']' || data[0] == '(', // an empty dict, an empty list, what is in one or in a tuple
		data[0] == 'c' && bytes.Count(data, []byte("\n")) >= 2: // a class by module and name
		return "a pickle"
	}
	return ""
}

// printable reports whether data are text without control characters.
func printable(data []byte) bool {
	if !utf8.Valid(data) {
		return false
	}
	for _, b := range data {
		if b < ' ' && b != '\t' && b != '\n' && b != '\r' || b == 0x7f {
			return false
		}
	}
	return true
}

// isSigned reports whether text looks like what django.core.signing.dumps writes: payload, time and signature.
func isSigned(text []byte) bool {
	parts := bytes.SplitN(text, []byte(":"), 4)
	if len(parts) != 3 {
		return false
	}
	payload := bytes.TrimRight(bytes.TrimPrefix(parts[0], []byte(".")), "=")
	const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	return isOf(payload, alphanumeric+"-_", 1) && isOf(parts[1], alphanumeric, 1) && isOf(parts[2], alphanumeric+"-_", 20)
}

// isOf reports whether text consists of these characters and is at least so long.
func isOf(text []byte, characters string, least int) bool {
	return len(text) >= least && len(bytes.TrimLeft(text, characters)) == 0
}

// textName returns the format that text seems to have.
func textName(data []byte) string {
	text := bytes.TrimSpace(data)
	switch {
	case len(text) == 0:
		return "blank text"
	case IsInt(data):
		return "an integer"
	case text[0] == '{':
		return jsonName(text, '}', "a JSON object")
	case text[0] == '[':
		return jsonName(text, ']', "a JSON list")
	case text[0] == '"' && len(text) > 1:
		return jsonName(text, '"', "a JSON string")
	case isSigned(text):
		return "a signed value"
	}
	return "text"
}

func jsonName(text []byte, end byte, name string) string {
	if text[len(text)-1] != end {
		return name + ", the end of which is missing"
	}
	return name
}

// IsInt reports whether Python's int() reads data: digits, a sign before them, single underscores between them, white
// space around them.
func IsInt(data []byte) bool {
	const whiteSpace = " \t\n\r\v\f"
	if len(data) == 0 || data[0] > '9' || len(data) > maxInt {
		return false
	}
	text := bytes.Trim(data, whiteSpace)
	if len(text) > 0 && (text[0] == '+' || text[0] == '-') {
		text = text[1:]
	}
	digit := false // the character before
	for _, c := range text {
		switch {
		case '0' <= c && c <= '9':
			digit = true
		case c == '_' && digit:
			digit = false
		default:
			return false
		}
	}
	return digit
}

// maxInt is the number of digits that Python's int() reads, and some room for white space.
const maxInt = 4400

// isMessagePack reports whether data are one container of MessagePack: a lone number or string could be anything.
func isMessagePack(data []byte) bool {
	if c := data[0]; c < 0x80 || c > 0x9f && (c < 0xdc || c > 0xdf) {
		return false
	}
	wanted := uint64(1) // values
	for ; wanted > 0 && len(data) > 0; wanted-- {
		skip, values := messagePackHead(data)
		if left := uint64(len(data)); skip == 0 || skip > left || values > left {
			return false
		}
		data = data[skip:]
		wanted += values
	}
	return wanted == 0 && len(data) == 0
}

// messagePackHead returns how many bytes the first value takes without the values in it, and how many values are in it. It
// returns 0 bytes for no value of MessagePack.
func messagePackHead(data []byte) (skip, values uint64) {
	c := data[0]
	switch {
	case c < 0x80 || c >= 0xe0: // small integers
		return 1, 0
	case c <= 0x8f:
		return 1, 2 * uint64(c&0x0f)
	case c <= 0x9f:
		return 1, uint64(c & 0x0f)
	case c <= 0xbf: // short strings
		return 1 + uint64(c&0x1f), 0
	}
	h := messagePackTypes[c-0xc0]
	if h.fixed == 0 || uint64(len(data)) < 1+h.length {
		return 0, 0
	}
	var n uint64
	switch length := data[1:]; h.length {
	case 1:
		n = uint64(length[0])
	case 2:
		n = uint64(binary.BigEndian.Uint16(length))
	case 4:
		n = uint64(binary.BigEndian.Uint32(length))
	}
	if h.values > 0 {
		return h.fixed, n * h.values
	}
	return h.fixed + n, 0
}

// messagePackTypes are the types from 0xc0 to 0xdf: how many bytes they take at least, how many of these are a length, and
// how many values each unit of the length stands for. Zero values mean that the length counts bytes.
var messagePackTypes = [0x20]struct{ fixed, length, values uint64 }{
	{1, 0, 0}, {0, 0, 0}, {1, 0, 0}, {1, 0, 0}, // nil, unused, false, true
	{2, 1, 0}, {3, 2, 0}, {5, 4, 0}, // bin
	{3, 1, 0}, {4, 2, 0}, {6, 4, 0}, // ext
	{5, 0, 0}, {9, 0, 0}, // float
	{2, 0, 0}, {3, 0, 0}, {5, 0, 0}, {9, 0, 0}, // uint
	{2, 0, 0}, {3, 0, 0}, {5, 0, 0}, {9, 0, 0}, // int
	{3, 0, 0}, {4, 0, 0}, {6, 0, 0}, {10, 0, 0}, {18, 0, 0}, // fixext
	{2, 1, 0}, {3, 2, 0}, {5, 4, 0}, // str
	{3, 2, 1}, {5, 4, 1}, // array
	{3, 2, 2}, {5, 4, 2}, // map
}
