package pyjson

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
