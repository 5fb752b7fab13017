package main

import "strings"

// deepestTOML bounds the dots in a name, and the brackets that are open at once. A
// djsess.toml needs two. The TOML library's time grows with the cube of either.
const deepestTOML = 8

// tooDeep returns the number of the first line that nests too deep, or 0. It checks nothing
// else: the TOML library reports wrong syntax.
func tooDeep(text string) int {
	line, open, dots := 1, 0, 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '\n':
			line, dots = line+1, 0
		case '#':
			end := strings.IndexByte(text[i:], '\n')
			if end < 0 {
				return 0
			}
			i += end - 1
		case '"', '\'':
			n := quoted(text[i:])
			line += strings.Count(text[i:i+n], "\n")
			i += n - 1
		case '[', '{':
			open, dots = open+1, 0
		case ']', '}':
			open = max(open-1, 0)
		case '=', ',':
			dots = 0
		case '.':
			dots++
		}
		if open > deepestTOML || dots > deepestTOML {
			return line
		}
	}
	return 0
}

// quoted returns the length of the quoted string at the beginning of text.
func quoted(text string) int {
	quote := text[:1]
	if strings.HasPrefix(text, quote+quote+quote) {
		quote = text[:3]
	}
	for i := len(quote); i < len(text); i++ {
		switch {
		case text[i] == '\\' && quote[0] == '"':
			i++
		case len(quote) == 1 && text[i] == '\n':
			return i // the string is not closed
		case strings.HasPrefix(text[i:], quote):
			return i + len(quote)
		}
	}
	return len(text)
}
