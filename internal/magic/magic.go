// Package magic tells by its first and last bytes what a stored value is, for
// errors: "want a pickle, found a zlib stream" is what an operator can act on. It is
// a guess, and nothing is decided by it.
package magic

import (
	"bytes"
	"unicode/utf8"
)

// Name says what data seems to be, such as "a pickle" or "a zlib stream", and
// "unknown data" when it cannot tell.
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

// Compression says how data is compressed, such as "a zlib stream", and "" when it
// does not seem to be.
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

// isZlib checks the two bytes of a zlib header: deflate, a window that there is, no
// preset dictionary, and their checksum.
func isZlib(data []byte) bool {
	return len(data) > 2 && data[0]&0x0f == 8 && data[0]>>4 <= 7 && data[1]&0x20 == 0 &&
		(int(data[0])<<8|int(data[1]))%31 == 0 && !printable(data)
}

// pickleName recognises protocols 2 to 5 by their first opcode, and the older ones by
// how they begin and end.
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

// printable tells whether data is text without control characters.
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
