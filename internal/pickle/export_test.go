package pickle

// Steps is how many steps Load takes to check the depth of a pickle's graph.
func Steps(data []byte) int {
	_, steps, _ := load(string(data), Limits{})
	return steps
}

// ErrChanged is Append's error for a graph in which a class or a function is changed.
var ErrChanged error = errChanged
