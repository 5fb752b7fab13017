package pyjson

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// stringStop returns the index of the first quote, backslash or control character from i on; where the text ends before
// the next eight bytes it may return an index before that, and the string is faultless up to there.
func stringStop(b []byte, i int) int {
	for i+8 <= len(b) {
		if hits := stringStops(binary.LittleEndian.Uint64(b[i : i+8 : i+8])); hits != 0 {
			return i + bits.TrailingZeros64(hits)/8
		}
		i += 8
	}
	return i
}

// bytesOf is the text as bytes, which must not be written to: the compiler makes one instruction of a load of several
// bytes, which it does not for a string.
func bytesOf(text string) []byte { return unsafe.Slice(unsafe.StringData(text), len(text)) }

// fourBytes returns the bytes from i on, the first lowest, or 0 close to the end of the text.
func fourBytes(b []byte, i int) uint32 {
	if i > len(b)-4 {
		return 0
	}
	return binary.LittleEndian.Uint32(b[i : i+4 : i+4])
}

// eightBytes returns the bytes from i on, the first lowest.
func eightBytes(text string, i int) uint64 {
	return binary.LittleEndian.Uint64(bytesOf(text)[i:])
}

// stringStops has a high bit at each of the eight bytes that is a quote, a backslash or a control character, as far up
// as the first: a borrow can only spoil bytes above a real hit. To flip the bit 2 puts the quote next to the control
// characters, so that one comparison finds both.
func stringStops(x uint64) uint64 {
	return ((x ^ 0x02*lowBits - 0x21*lowBits) | (x ^ '\\'*lowBits - lowBits)) & ^x & highBits
}

// stringEnd walks the string whose first character, after the quote, is at i. It returns the index behind the
// closing quote, and whether the string is plain: ASCII without escapes, so that it stands for itself. When
// the string is faulty the index is negative, the complement of where the fault is.
func stringEnd(text string, i int) (end int, plain bool) {
	var seen uint64 // all bytes so far, or'ed together; a backslash adds a high bit, since it is not plain either
	for {
		// Eight bytes at a time to the next quote, backslash or control character.
		for i+8 <= len(text) {
			x := eightBytes(text, i)
			hits := stringStops(x)
			if hits != 0 {
				seen |= x & (hits&-hits - 1)
				i += bits.TrailingZeros64(hits) / 8
				goto hit
			}
			seen |= x
			i += 8
		}
		// The last few bytes of the text one by one.
		for i < len(text) && stringClass[text[i]]&ordinary != 0 {
			seen |= uint64(text[i])
			i++
		}
		if i >= len(text) {
			return ^len(text), false
		}
	hit:
		if text[i] == '"' {
			return i + 1, seen&highBits == 0
		}
		if text[i] != '\\' {
			return ^i, false
		}
		seen |= highBits
		if i = escapeEnd(text, i); i < 0 {
			return i, false
		}
	}
}

// escapeEnd returns the index behind the escape that begins at i, or the complement of i when it is none.
func escapeEnd(text string, i int) int {
	if i+1 >= len(text) {
		return ^len(text)
	}
	c := text[i+1]
	if stringClass[c]&escapes == 0 {
		return ^i
	}
	if c != 'u' {
		return i + 2
	}
	if i+6 > len(text) {
		return ^i
	}
	h := text[i+2 : i+6]
	if stringClass[h[0]]&stringClass[h[1]]&stringClass[h[2]]&stringClass[h[3]]&hexDigit == 0 {
		return ^i
	}
	return i + 6
}

// stringFault says what is wrong where stringEnd stopped.
func stringFault(text string, offset int) error {
	msg := "unterminated string"
	if offset < len(text) {
		msg = "control character in a string"
		if text[offset] == '\\' {
			msg = "bad escape in a string"
		}
	}
	return &SyntaxError{Offset: offset, Msg: msg}
}

const (
	ordinary = 1 << iota // stands for itself in a string read by json.loads
	escapes              // may follow a backslash
	hexDigit
	written // stands for itself in a string written by json.dumps
)

var stringClass = func() (class [256]byte) {
	for c := ' '; c < 256; c++ {
		if c != '"' && c != '\\' {
			class[c] |= ordinary
			if c < 0x7f {
				class[c] |= written
			}
		}
	}
	for _, c := range `"\/bfnrtu` {
		class[c] |= escapes
	}
	for _, c := range "0123456789abcdefABCDEF" {
		class[c] |= hexDigit
	}
	return class
}()
