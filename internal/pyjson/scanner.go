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
func (s *scanner) value(i int) int {
	text := s.text
	var open nesting
begin:
	if i = s.scalarOrBracket(i); i < 0 {
		return -1
	}
	if c := text[i-1]; c == '{' || c == '[' {
		if open.depth >= s.depth {
			s.err = depthError(i - 1)
			return -1
		}
		open.push(c == '{')
		i = skipSpace(text, i)
		switch {
		case i < len(text) && text[i] == c+2: // '{' and '}', '[' and ']' are two apart
			i++
			open.pop()
		case c == '{':
			if _, i, _ = s.name(i); i < 0 {
				return -1
			}
			goto begin
		default:
			goto begin
		}
	}
	for open.depth > 0 {
		i = skipSpace(text, i)
		if i >= len(text) {
			return s.fail(i, "unexpected end")
		}
		switch c := text[i]; {
		case c == ',' && open.inObject():
			if _, i, _ = s.name(skipSpace(text, i+1)); i < 0 {
				return -1
			}
			goto begin
		case c == ',':
			i = skipSpace(text, i+1)
			goto begin
		case c == '}' && open.inObject(), c == ']' && !open.inObject():
			open.pop()
			i++
		default:
			return s.fail(i, "no comma or closing bracket after a value")
		}
	}
	return i
}

// scalarOrBracket checks what begins a value at i: all of a string, a number or a word, but only the opening bracket
// of a container. What it returns is behind a bracket exactly when the byte before is '{' or '['.
func (s *scanner) scalarOrBracket(i int) int {
	text := s.text
	if i >= len(text) {
		return s.fail(i, "unexpected end")
	}
	switch c := text[i]; c {
	case '"':
		end, _ := s.str(i)
		return end
	case '{', '[':
		return i + 1
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
