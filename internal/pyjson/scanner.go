package pyjson

// A scanner checks a text as json.loads would. Its methods take the index where something begins and return the
// index behind it, or -1 with err set.
type scanner struct {
	text  string
	depth int // how many more containers may be open
	err   error
}

func (s *scanner) fail(offset int, msg string) int {
	s.err = &SyntaxError{Offset: offset, Msg: msg}
	return -1
}

// skipSpace knows the four characters that are white space in JSON; Python's scanner knows no others either.
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
func (s *scanner) str(i int) (end int, plain bool) {
	end, plain = stringEnd(s.text, i+1)
	if end < 0 {
		s.err = stringFault(s.text, ^end)
		return -1, false
	}
	return end, plain
}

// name checks the name that should begin at i, and the colon after it. It returns where the name ends and where
// the value begins.
func (s *scanner) name(i int) (end, value int, plain bool) {
	if i >= len(s.text) || s.text[i] != '"' {
		return -1, s.fail(i, "no name in quotes where one should be"), false
	}
	if end, plain = s.str(i); end < 0 {
		return -1, -1, false
	}
	value = skipSpace(s.text, end)
	if value >= len(s.text) || s.text[value] != ':' {
		return -1, s.fail(value, "no colon after a name"), false
	}
	return end, skipSpace(s.text, value+1), plain
}

// value checks the value that should begin at i, with all that is in it. It keeps its own stack, so the text decides
// nothing about ours.
//
// This is where the time goes, so what compact JSON is made of (short plain strings, single punctuation marks) is dealt
// with on the spot, and the rest by the functions that know all of it.
func (s *scanner) value(i int) int {
	text := s.text
	var open nesting
begin:
	if i >= len(text) {
		return s.fail(i, "unexpected end")
	}
	switch c := text[i]; c {
	case '"':
		end := shortStringEnd(text, i+1)
		if end < 0 {
			if end, _ = s.str(i); end < 0 {
				return -1
			}
		}
		i = end
	case '{', '[':
		if open.depth >= s.depth {
			s.err = depthError(i)
			return -1
		}
		open.push(c == '{')
		if i++; i < len(text) && text[i] <= ' ' {
			i = skipSpace(text, i)
		}
		if i < len(text) && text[i] == c+2 { // '{' and '}', '[' and ']' are two apart
			i++
			open.pop()
			break
		}
		if c == '{' {
			goto name
		}
		goto begin
	default:
		if i = s.scalar(i); i < 0 {
			return -1
		}
	}
	for open.depth > 0 {
		if i < len(text) && text[i] <= ' ' {
			i = skipSpace(text, i)
		}
		if i >= len(text) {
			return s.fail(i, "unexpected end")
		}
		switch c := text[i]; {
		case c == ',':
			if i++; i < len(text) && text[i] <= ' ' {
				i = skipSpace(text, i)
			}
			if open.inObject() {
				goto name
			}
			goto begin
		case c == '}' && open.inObject(), c == ']' && !open.inObject():
			open.pop()
			i++
		default:
			return s.fail(i, "no comma or closing bracket after a value")
		}
	}
	return i
name:
	if i < len(text) && text[i] == '"' {
		if end := shortStringEnd(text, i+1); end >= 0 && end < len(text) && text[end] == ':' {
			if i = end + 1; i < len(text) && text[i] <= ' ' {
				i = skipSpace(text, i)
			}
			goto begin
		}
	}
	if _, i, _ = s.name(i); i < 0 {
		return -1
	}
	goto begin
}

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
	return s.fail(i, "no value where one should be")
}

func (s *scanner) word(i int, word string) int {
	end := wordEnd(s.text, i, word)
	if end < 0 {
		return s.fail(i, "no value where one should be")
	}
	return end
}

// end checks that nothing but white space follows.
func (s *scanner) end(i int) error {
	if i = skipSpace(s.text, i); i < len(s.text) {
		s.fail(i, "something after the value")
	}
	return s.err
}
