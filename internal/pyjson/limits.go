package pyjson

import "math"

// DefaultDepth is how deeply arrays and objects may nest when [Limits] does not say.
const DefaultDepth = 10000

// MaxWriteDepth is how deeply what [Append] writes may nest. Pythons before 3.12 stop reading near 1000 frames, and
// a web framework has used some of them when it comes to the session.
const MaxWriteDepth = 500

// maxIntDigits is Python's sys.get_int_max_str_digits: an integer with more digits does not load.
const maxIntDigits = 4300

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

// noLimit is for text that has been checked already.
const noLimit = math.MaxInt
