// Package pyjson reads and writes JSON as Python's json module does, which differs from encoding/json.
//
// [Scan] checks a text once, as json.loads would, and indexes the members of its object without decoding them, so an
// unused value can be written back byte for byte. [Unmarshal] decodes one of those values into a Go value. [Append] writes
// a Go value as json.dumps(..., separators=(",", ":")) would. [Normalize] turns JSON from elsewhere into JSON as Python
// writes it. [AppendStandard] turns Python's JSON into JSON that any reader takes. Marked JSON also holds the Python types
// that JSON does not have: see [Mark].
//
// # Text
//
// Django decodes stored JSON as latin-1 before it parses it. So a byte of 0x80 or more inside a string is the character
// U+0080 to U+00FF and not a part of a UTF-8 sequence. All functions read their text in this way, except [Normalize], whose
// input is UTF-8.
//
// A Python string can hold half of a surrogate pair. The Go string for it is WTF-8: the half is the three bytes ED A0 80 to
// ED BF BF, which UTF-8 forbids. All other decoded strings are valid UTF-8. [AppendString] writes the half as an escape
// again.
//
// # What json.loads accepts
//
// It accepts NaN, Infinity and -Infinity, numbers beyond float64 (1e400 is infinite), integers of up to 4300 digits, lone
// surrogates, and duplicate names: the last value counts, in the place of the first. It refuses control characters in strings,
// a byte-order mark, -NaN, and everything that the JSON grammar refuses. Python stops at about 1000 levels of nesting. [Limits]
// has the limit of this package.
package pyjson

import (
	"errors"
	"fmt"
	"math"
)

// A Member is a member of an object: its name, and the text of its value.
type Member struct {
	Name    string // decoded
	RawName string // as written, with its quotes
	Raw     string // the value as written, without white space around it
}

// Scan checks the whole text, as json.loads would, and appends the members of its object to dst. The members are parts of
// text, not copies. If members have the same name, the last value counts, in the place and with the spelling of the first.
//
// The error is a [*SyntaxError], or wraps [ErrDepth], or wraps [ErrNotObject] for valid JSON that is not an object. dst is then
// returned as it was.
func Scan(text string, dst []Member, lim Limits) ([]Member, error) {
	s := scanner{text: text, depth: lim.depth() - 1}
	i := skipSpace(text, 0)
	if i < len(text) && text[i] != '{' {
		if err := Check(text, lim); err != nil {
			return dst, err
		}
		return dst, ErrNotObject
	}
	if s.depth < 0 {
		return dst, depthError(i)
	}
	members, i := s.members(i, dst)
	if i < 0 {
		return dst, s.err
	}
	if err := s.end(i); err != nil {
		return dst, err
	}
	return members, nil
}

// Check reports whether json.loads would take the text. The text may hold any kind of value. The error is a [*SyntaxError]
// or wraps [ErrDepth].
func Check(text string, lim Limits) error {
	s := scanner{text: text, depth: lim.depth()}
	i := s.value(skipSpace(text, 0))
	if i < 0 {
		return s.err
	}
	return s.end(i)
}

// Limits bound a text. The zero value means the defaults.
type Limits struct {
	// Depth is how deeply arrays and objects may nest. Default: [DefaultDepth].
	Depth int
}

func (l Limits) depth() int {
	if l.Depth == 0 {
		return DefaultDepth
	}
	return l.Depth
}

// DefaultDepth is the default of [Limits].Depth.
const DefaultDepth = 10000

// noLimit is the depth limit for a text that has been checked already.
const noLimit = math.MaxInt

// ErrNotObject is the error that [Scan] returns for valid JSON that is not an object.
var ErrNotObject = errors.New("not a JSON object")

// ErrDepth is the error for a text that nests deeper than its [Limits] allow.
var ErrDepth = errors.New("nested too deeply")

func depthError(offset int) error {
	return fmt.Errorf("%w at offset %d", ErrDepth, offset)
}

// A SyntaxError says where json.loads would refuse a text. It never quotes the text.
type SyntaxError struct {
	Offset int // in bytes
	Msg    string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s at offset %d", e.Msg, e.Offset)
}

// members appends the members of the object that begins at i.
func (s *scanner) members(i int, dst []Member) ([]Member, int) {
	text := s.text
	if i >= len(text) {
		return dst, s.fail(i, "unexpected end")
	}
	i = skipSpace(text, i+1)
	if i < len(text) && text[i] == '}' {
		return dst, i + 1
	}
	if cap(dst) == 0 {
		// A login with a cart has four members. A typical session should cost one allocation.
		dst = make([]Member, 0, 4)
	}
	seen := memberIndex{first: len(dst)}
	for {
		nameEnd, value, plain := s.name(i)
		if nameEnd < 0 {
			return dst, -1
		}
		m := Member{RawName: text[i:nameEnd]}
		m.Name = m.RawName[1 : len(m.RawName)-1]
		if !plain {
			m.Name = decodeString(m.Name)
		}
		if i = s.value(value); i < 0 {
			return dst, -1
		}
		m.Raw = text[value:i]
		if at := seen.find(dst, m.Name); at >= 0 {
			dst[at].Raw = m.Raw
		} else {
			dst = append(dst, m)
		}
		i = skipSpace(text, i)
		if i < len(text) && text[i] == '}' {
			return dst, i + 1
		}
		if i >= len(text) || text[i] != ',' {
			return dst, s.fail(i, "want a comma or closing bracket after a value")
		}
		i = skipSpace(text, i+1)
	}
}

// A memberIndex finds a member by name. It has a map if there are many members, and otherwise compares all names.
type memberIndex struct {
	first  int // members before this one belong to the caller
	byName map[string]int
}

func (x *memberIndex) find(members []Member, name string) int {
	if len(members)-x.first <= fewMembers {
		for i := x.first; i < len(members); i++ {
			if members[i].Name == name {
				return i
			}
		}
		return -1
	}
	if x.byName == nil {
		x.byName = make(map[string]int, 4*fewMembers)
	}
	for i := x.first + len(x.byName); i < len(members); i++ {
		x.byName[members[i].Name] = i
	}
	if at, ok := x.byName[name]; ok {
		return at
	}
	return -1
}

// fewMembers is how many members a memberIndex holds without a map.
const fewMembers = 16
