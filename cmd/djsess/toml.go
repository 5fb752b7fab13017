package main

import "strings"

// deepestTOML is how many dots a name may have, and how many brackets may be open. Ours
// needs two. The TOML library takes a time that grows with the cube of either.
const deepestTOML = 8

// tooDeep returns the line of a TOML text where it nests too deep, or 0. What is no TOML is
// for the library to refuse.
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

// quoted is the length of the text in quotes that a TOML text begins with.
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
			return i // it has no end
		case strings.HasPrefix(text[i:], quote):
			return i + len(quote)
		}
	}
	return len(text)
}
