package pickle

import (
	"errors"
	"fmt"
)

// ErrTooLarge is wrapped by the error for a pickle that makes more objects than its [Limits] allow, or more text than one
// of its length has any reason to; and for a graph that would make a pickle out of all proportion.
var ErrTooLarge = errors.New("too large")

// ErrDepth is wrapped by the error for objects that nest deeper than allowed.
var ErrDepth = errors.New("nested too deeply")

// A SyntaxError tells where Python's unpickler would have refused a pickle, or would have failed for certain had
// it gone on. It never quotes the pickle.
type SyntaxError struct {
	Offset int // of the opcode, in bytes
	Msg    string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s at offset %d", e.Msg, e.Offset)
}

// A ValueError tells why a graph cannot be written. It never quotes it.
type ValueError struct{ Msg string }

func (e *ValueError) Error() string { return e.Msg }
