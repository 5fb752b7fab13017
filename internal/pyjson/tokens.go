package pyjson

import "iter"

// Kind is the kind of a [Token].
type Kind byte

const (
	BeginObject Kind = iota + 1
	EndObject
	BeginArray
	EndArray
	Name
	String
	Number // NaN, Infinity and -Infinity too
	True
	False
	Null
)

// A Token is a piece of a text: all of it but white space, commas and colons.
type Token struct {
	Kind Kind
	Text string // as written, strings with their quotes
}

// Tokens yields the tokens of a text that has been checked. On another text it may stop early, and what it yields
// means little.
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

// token returns the token at i, or kind 0 for what stands between tokens. A negative end says that there is neither.
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
		end, _ = stringEnd(text, i+1)
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

// TokenAt returns the token at i and the index behind it, or kind 0 for white space, a comma or a colon. A negative end
// says that there is neither.
func TokenAt(text string, i int) (kind Kind, end int) { return token(text, i) }
