package pickle

// DefaultObjects is how many objects a pickle may make when [Limits] does not say.
const DefaultObjects = 1 << 20

// DefaultDepth is how deeply objects may nest when [Limits] does not say: Python's pickler gives up at
// its recursion limit, which is 1000.
const DefaultDepth = 1000

// Limits bounds what a pickle may ask for. The zero value has the defaults.
type Limits struct {
	// Objects is how many objects may be made, those dropped again included. 0 means [DefaultObjects]. There
	// may be four references for each of them, but no more than four for each byte of the pickle.
	Objects int
	// Depth is how many objects may be within each other. 0 means [DefaultDepth].
	Depth int
}

func (l Limits) objects() int {
	if l.Objects == 0 {
		return DefaultObjects
	}
	return l.Objects
}

func (l Limits) depth() int {
	if l.Depth == 0 {
		return DefaultDepth
	}
	return l.Depth
}

// maxIntDigits is Python's sys.get_int_max_str_digits: it reads no decimal integer that has more, and writes none.
const maxIntDigits = 4300
