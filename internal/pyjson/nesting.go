package pyjson

// nesting remembers which of the open containers are objects, one bit each, so that a hostile text of ten thousand
// brackets costs about a kilobyte and an ordinary one nothing. It is two words and handed around by value: that keeps it
// in registers.
type nesting struct {
	depth int
	word  uint64 // the innermost 64, the last opened lowest
}

// outerNesting is the full words before the one in the nesting.
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

// inObject tells whether the innermost container is an object; when none is open it is not.
func (n nesting) inObject() bool { return n.word&1 == 1 }
