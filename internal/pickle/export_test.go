package pickle

// Steps is how often Load comes to an object when it follows what a pickle made.
func Steps(data []byte) int {
	_, steps, _ := load(string(data), Limits{})
	return steps
}

// ErrChanged is Append's error about a class or a function that the pickle itself changes.
var ErrChanged error = errChanged
