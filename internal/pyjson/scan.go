package pyjson

import (
	"errors"
	"fmt"
	"math"
)

// A Member is one member of an object: its name, and its value as it was written.
type Member struct {
	Name    string // decoded
	RawName string // as written, with its quotes
	Raw     string // the value as written, without white space around it
}

// Scan checks the whole text, as json.loads would, and appends the members of the one object it must hold to dst. The
// members are parts of text, not copies. Of members with one name only the last value counts, in the first
// one's place and under its spelling.
//
// The error is a [*SyntaxError], or wraps [ErrDepth], or wraps [ErrNotObject] when the text is valid but holds
// something else; dst is then returned as it was.
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

// Check tells whether json.loads would take the text, whatever kind of value it holds. The error is a [*SyntaxError]
// or wraps [ErrDepth].
func Check(text string, lim Limits) error {
	s := scanner{text: text, depth: lim.depth()}
	i := s.value(skipSpace(text, 0))
	if i < 0 {
		return s.err
	}
	return s.end(i)
}

// Limits bounds what a text may ask for.
type Limits struct {
	// Depth is the number of arrays and objects that may be open at once. 0 means [DefaultDepth].
	Depth int
}

func (l Limits) depth() int {
	if l.Depth == 0 {
		return DefaultDepth
	}
	return l.Depth
}

// DefaultDepth is how deeply arrays and objects may nest when [Limits] does not say.
const DefaultDepth = 10000

// noLimit is for text that has been checked already.
const noLimit = math.MaxInt

// ErrNotObject is wrapped by the error of [Scan] when the text is valid JSON but not an object.
var ErrNotObject = errors.New("not a JSON object")

// ErrDepth is wrapped by the error for a text that nests deeper than its [Limits] allow.
var ErrDepth = errors.New("nested too deeply")

func depthError(offset int) error {
	return fmt.Errorf("%w at offset %d", ErrDepth, offset)
}

// A SyntaxError tells where json.loads would have refused a text. It never quotes the text.
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
		// Four do for a login with a cart; one allocation is what typical sessions should cost.
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
			return dst, s.fail(i, "no comma or closing bracket after a value")
		}
		i = skipSpace(text, i+1)
	}
}

// A memberIndex finds a member by name: by looking at each while there are few, with a map when there are many.
type memberIndex struct {
	first  int // the members before are not ours
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

// Beyond this many members a duplicate name is looked for in a map.
const fewMembers = 16
