package pyjson

import (
	"encoding/binary"
	"iter"
	"math/bits"
	"unsafe"
)

// Kind is the kind of a [Token].
type Kind byte

const (
	BeginObject Kind = iota + 1
	EndObject
	BeginArray
	EndArray
	Name
	String
	Number // also NaN, Infinity and -Infinity
	True
	False
	Null
)

// A Token is a part of a text. White space, commas and colons are not tokens.
type Token struct {
	Kind Kind
	Text string // as written; a string has its quotes
}

// Tokens yields the tokens of a text that has been checked. On another text it may stop early or yield wrong tokens.
func Tokens(text string) iter.Seq[Token] {
	return func(yield func(Token) bool) {
		for i := 0; i < len(text); {
			kind, end := token(text, i)
			if end < 0 {
				return
			}
			if kind != 0 && !yield(Token{kind, text[i:end]}) {
				return
			}
			i = end
		}
	}
}

// token returns the token at i, or kind 0 for white space, a comma or a colon. A negative end means that there is neither.
func token(text string, i int) (kind Kind, end int) {
	switch text[i] {
	case ' ', '\t', '\n', '\r', ',', ':':
		return 0, i + 1
	case '{':
		return BeginObject, i + 1
	case '}':
		return EndObject, i + 1
	case '[':
		return BeginArray, i + 1
	case ']':
		return EndArray, i + 1
	case 't':
		return True, wordEnd(text, i, "true")
	case 'f':
		return False, wordEnd(text, i, "false")
	case 'n':
		return Null, wordEnd(text, i, "null")
	case 'N':
		return Number, wordEnd(text, i, "NaN")
	case 'I':
		return Number, wordEnd(text, i, "Infinity")
	case '"':
		end, _ = markedStringEnd(text, i+1)
		if end < 0 {
			return 0, end
		}
		if colon := skipSpace(text, end); colon < len(text) && text[colon] == ':' {
			return Name, end
		}
		return String, end
	}
	end, _ = numberEnd(text, i)
	return Number, end
}

// TokenAt returns the token at i and the index after it, or kind 0 for white space, a comma or a colon. A negative end
// means that there is neither.
func TokenAt(text string, i int) (kind Kind, end int) { return token(text, i) }

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// stringStop returns the index of the first quote, backslash or control character from i on. Close to the end of the text it
// may return an earlier index. The string is correct up to that index.
func stringStop(b []byte, i int) int {
	for i+8 <= len(b) {
		if hits := stringStops(binary.LittleEndian.Uint64(b[i : i+8 : i+8])); hits != 0 {
			return i + bits.TrailingZeros64(hits)/8
		}
		i += 8
	}
	return i
}

// bytesOf returns the text as bytes, which must not be changed. The compiler loads several bytes of a slice in one
// instruction, but not of a string.
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

// stringStops returns the high bit of the first of eight bytes that is a quote, a backslash or a control character. Bits above
// it have no meaning, since a borrow can only change bytes above a real hit. If bit 2 is flipped, the quote is next to the
// control characters, and one comparison finds both.
func stringStops(x uint64) uint64 {
	return ((x ^ 0x02*lowBits - 0x21*lowBits) | (x ^ '\\'*lowBits - lowBits)) & ^x & highBits
}

// stringEnd checks the string whose first character, after the quote, is at i. It returns the index after the closing quote,
// and whether the string is plain: ASCII without escapes, so its text is its value. For a faulty string the index
// is negative: the complement of the index of the fault.
func stringEnd(text string, i int) (end int, plain bool) {
	var seen uint64 // all bytes so far, or'ed together; a backslash adds a high bit, since the string is not plain then
	for {
		// Skip eight bytes at a time up to the next quote, backslash or control character.
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
		// The last few bytes of the text are checked one by one.
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

// escapeEnd returns the index after the escape that begins at i, or the complement of i if there is no valid escape.
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

// stringFault returns the error for the place where stringEnd stopped.
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

// numberEnd checks the number that begins at i with a digit or a minus sign. It returns the index after it, and whether it is
// an integer. For a faulty number the index is negative: the complement of the index of the fault.
//
// Python's scanner reads "1." and "1e" as the integer 1 and then refuses the rest. numberEnd refuses them at once.
func numberEnd(text string, i int) (end int, integer bool) {
	if text[i] == '-' {
		i++
		if i < len(text) && text[i] == 'I' {
			return wordEnd(text, i, "Infinity"), false
		}
	}
	first := i
	i = digitsEnd(text, i)
	if i == first {
		return ^i, false
	}
	if text[first] == '0' && i > first+1 {
		return ^(first + 1), false
	}
	integer = true
	if i < len(text) && text[i] == '.' {
		integer = false
		fraction := i + 1
		if i = digitsEnd(text, fraction); i == fraction {
			return ^i, false
		}
	}
	if i < len(text) && text[i]|0x20 == 'e' {
		integer = false
		i++
		if i < len(text) && (text[i] == '+' || text[i] == '-') {
			i++
		}
		exponent := i
		if i = digitsEnd(text, exponent); i == exponent {
			return ^i, false
		}
	}
	if integer && i-first > maxIntDigits {
		return ^first, true
	}
	return i, integer
}

// plainIntEnd is numberEnd for the usual integers of compact JSON: digits with a comma or a bracket after them. For any other
// number, valid or not, it returns -1.
func plainIntEnd(b []byte, i int) int {
	end := i
	for end < len(b) && b[end]-'0' <= 9 {
		end++
	}
	digits := end - i
	if digits == 0 || digits > maxIntDigits || digits > 1 && b[i] == '0' || end == len(b) {
		return -1
	}
	if c := b[end]; c != ',' && c != '}' && c != ']' {
		return -1
	}
	return end
}

func digitsEnd(text string, i int) int {
	for i < len(text) && text[i]-'0' <= 9 {
		i++
	}
	return i
}

// wordEnd returns the index after the word at i, or the complement of i if the word is not there.
func wordEnd(text string, i int, word string) int {
	if len(text)-i >= len(word) && text[i:i+len(word)] == word {
		return i + len(word)
	}
	return ^i
}
