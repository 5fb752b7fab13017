package pyjson

// A scanner checks a text as json.loads would. Its methods take the index where a part of the text begins. They return the
// index after that part, or -1 with err set.
type scanner struct {
	text  string
	depth int // how many more containers may be open
	err   error
}

const noName = "want a name in double quotes"

func (s *scanner) fail(offset int, msg string) int {
	s.err = &SyntaxError{Offset: offset, Msg: msg}
	return -1
}

// skipSpace skips the four characters that are white space in JSON and for Python's scanner.
func skipSpace(text string, i int) int {
	for i < len(text) && text[i] <= ' ' {
		if c := text[i]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			break
		}
		i++
	}
	return i
}

// str checks the string that begins at i with its quote.
func (s *scanner) str(i int) (end int, plain bool) { return s.strRest(i + 1) }

// strRest checks the rest of a string, from i on.
func (s *scanner) strRest(i int) (end int, plain bool) {
	end, plain = stringEnd(s.text, i)
	if end < 0 {
		s.err = stringFault(s.text, ^end)
		return -1, false
	}
	return end, plain
}

// name checks the name that should begin at i, and the colon after it. It returns where the name ends and where the value
// begins.
func (s *scanner) name(i int) (end, value int, plain bool) {
	if i >= len(s.text) || s.text[i] != '"' {
		return -1, s.fail(i, noName), false
	}
	if end, plain = s.str(i); end < 0 {
		return -1, -1, false
	}
	if value = s.colon(end); value < 0 {
		return -1, -1, false
	}
	return end, value, plain
}

// colon checks the colon that should follow a name, and returns where the value begins.
func (s *scanner) colon(i int) int {
	i = skipSpace(s.text, i)
	if i >= len(s.text) || s.text[i] != ':' {
		return s.fail(i, "want a colon after a name")
	}
	return skipSpace(s.text, i+1)
}

// value checks the value that should begin at i, with everything in it. It keeps its own stack of containers, so a hostile
// text cannot exhaust Go's stack.
//
// Decoding a session spends most of its time here. So value itself checks the parts of compact JSON, and calls the other
// methods only for the rest. After a string it loads four bytes at once, since usually a comma or colon and a quote follow.
func (s *scanner) value(i int) int {
	b := bytesOf(s.text)
	var open nesting
	var outer outerNesting
	var end int
	var next uint32
begin:
	if i >= len(b) {
		return s.fail(i, "unexpected end")
	}
	switch c := b[i]; c {
	case '"':
		i++
		goto inString
	case '{', '[':
		if open.depth >= s.depth {
			s.err = depthError(i)
			return -1
		}
		open = open.push(&outer, c == '{')
		if i++; i < len(b) && b[i] <= ' ' {
			i = skipSpace(s.text, i)
		}
		if i < len(b) && b[i] == c+2 { // '{' and '}', '[' and ']' are two apart
			i++
			open = open.pop(&outer)
			goto after
		}
		if c == '{' {
			goto name
		}
		goto begin
	default:
		if end = plainIntEnd(b, i); end < 0 {
			if end = s.scalar(i); end < 0 {
				return -1
			}
		}
		i = end
		goto after
	}

inString: // i is after the quote that opens a string
	end = stringStop(b, i)
	next = fourBytes(b, end)
	if next&threeLow == quoteCommaQuote && open.inObject() {
		i = end + 3
		goto inName
	}
	if next == quoteBraceCommaQuote && open.inObject() {
		if open = open.pop(&outer); open.depth > 0 && open.inObject() {
			i = end + 4
			goto inName
		}
		i = end + 2
		goto after
	}
	if byte(next) == '"' {
		i = end + 1
	} else if i, _ = s.strRest(end); i < 0 {
		return -1
	}

after: // i is after a value
	for open.depth > 0 {
		if i < len(b) && b[i] <= ' ' {
			i = skipSpace(s.text, i)
		}
		if i >= len(b) {
			return s.fail(i, "unexpected end")
		}
		switch c := b[i]; {
		case c == ',':
			if i++; i < len(b) && b[i] <= ' ' {
				i = skipSpace(s.text, i)
			}
			if open.inObject() {
				goto name
			}
			goto begin
		case c == '}' && open.inObject(), c == ']' && !open.inObject():
			open = open.pop(&outer)
			i++
		default:
			return s.fail(i, "want a comma or closing bracket after a value")
		}
	}
	return i

name:
	if i >= len(b) || b[i] != '"' {
		return s.fail(i, noName)
	}
	i++

inName: // i is after the quote that opens a name
	end = stringStop(b, i)
	next = fourBytes(b, end)
	if next&threeLow == quoteColonQuote {
		i = end + 3
		goto inString
	}
	if next == quoteColonBraceQuote && open.depth < s.depth {
		open = open.push(&outer, true)
		i = end + 4
		goto inName
	}
	if byte(next) == '"' {
		i = end + 1
	} else if i, _ = s.strRest(end); i < 0 {
		return -1
	}
	if i+1 < len(b) && b[i] == ':' && b[i+1]-'0' <= 9 {
		if end = plainIntEnd(b, i+1); end >= 0 {
			if i = end; b[i] == ',' && i+1 < len(b) && b[i+1] == '"' {
				i += 2
				goto inName
			}
			goto after
		}
	}
	if i < len(b) && b[i] == ':' {
		if i++; i < len(b) && b[i] <= ' ' {
			i = skipSpace(s.text, i)
		}
		goto begin
	}
	if i = s.colon(i); i < 0 {
		return -1
	}
	goto begin
}

// These are results of fourBytes for the bytes between two strings. The first byte is the lowest.
const (
	threeLow        = 1<<24 - 1
	quoteCommaQuote = '"' | ','<<8 | '"'<<16
	quoteColonQuote = '"' | ':'<<8 | '"'<<16

	quoteColonBraceQuote = '"' | ':'<<8 | '{'<<16 | '"'<<24
	quoteBraceCommaQuote = '"' | '}'<<8 | ','<<16 | '"'<<24
)

// scalar checks the number or word that should begin at i.
func (s *scanner) scalar(i int) int {
	text := s.text
	switch c := text[i]; c {
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		end, integer := numberEnd(text, i)
		if end < 0 && integer {
			return s.fail(^end, "integer of more than 4300 digits")
		}
		if end < 0 {
			return s.fail(^end, "bad number")
		}
		return end
	case 'n':
		return s.word(i, "null")
	case 't':
		return s.word(i, "true")
	case 'f':
		return s.word(i, "false")
	case 'N':
		return s.word(i, "NaN")
	case 'I':
		return s.word(i, "Infinity")
	}
	return s.fail(i, "want a value")
}

func (s *scanner) word(i int, word string) int {
	end := wordEnd(s.text, i, word)
	if end < 0 {
		return s.fail(i, "want a value")
	}
	return end
}

// end checks that nothing but white space follows.
func (s *scanner) end(i int) error {
	if i = skipSpace(s.text, i); i < len(s.text) {
		s.fail(i, "extra data after the value")
	}
	return s.err
}

// nesting has one bit for each open container, which says whether it is an object. So a hostile text of ten thousand brackets
// costs about a kilobyte, and an ordinary text nothing. A nesting is two words and is passed by value, so it stays in
// registers.
type nesting struct {
	depth int
	word  uint64 // the bits of the innermost 64 containers, the last opened in the lowest bit
}

// outerNesting are the full words before the word of a nesting.
type outerNesting []uint64

func (n nesting) push(outer *outerNesting, object bool) nesting {
	if n.depth > 0 && n.depth%64 == 0 {
		*outer = append(*outer, n.word)
	}
	n.depth++
	n.word <<= 1
	if object {
		n.word |= 1
	}
	return n
}

func (n nesting) pop(outer *outerNesting) nesting {
	n.depth--
	n.word >>= 1
	if n.depth > 0 && n.depth%64 == 0 {
		last := len(*outer) - 1
		n.word, *outer = (*outer)[last], (*outer)[:last]
	}
	return n
}

// inObject reports whether the innermost open container is an object.
func (n nesting) inObject() bool { return n.word&1 == 1 }
