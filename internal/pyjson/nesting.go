package pyjson

// nesting remembers which of the open containers are objects, one bit each, so that a hostile text of ten thousand
// brackets costs about a kilobyte and an ordinary one nothing.
type nesting struct {
	depth int
	word  uint64   // the innermost 64, the last opened lowest
	outer []uint64 // the full words before it
}

func (n *nesting) push(object bool) {
	if n.depth > 0 && n.depth%64 == 0 {
		n.outer = append(n.outer, n.word)
	}
	n.depth++
	n.word <<= 1
	if object {
		n.word |= 1
	}
}

func (n *nesting) pop() {
	n.depth--
	n.word >>= 1
	if n.depth > 0 && n.depth%64 == 0 {
		last := len(n.outer) - 1
		n.word, n.outer = n.outer[last], n.outer[:last]
	}
}

func (n *nesting) inObject() bool { return n.word&1 == 1 }
