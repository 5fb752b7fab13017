package pyjson

import (
	"errors"
	"fmt"
	"reflect"
)

// ErrNotObject is wrapped by the error of [Scan] when the text is valid JSON but not an object.
var ErrNotObject = errors.New("not a JSON object")

// ErrDepth is wrapped by the error for a text that nests deeper than its [Limits] allow.
var ErrDepth = errors.New("nested too deeply")

// A SyntaxError tells where json.loads would have refused a text. It never quotes the text.
type SyntaxError struct {
	Offset int // in bytes
	Msg    string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s at offset %d", e.Msg, e.Offset)
}

func depthError(offset int) error {
	return fmt.Errorf("%w at offset %d", ErrDepth, offset)
}

// A TypeError tells that a value does not fit the Go value it was to be decoded into. It never quotes the value.
type TypeError struct {
	// Path leads from the decoded value to the one that does not fit: ".cart[3].price". It holds names of struct
	// fields only; a member of a map is "[*]", since its name is data. Empty means the decoded value itself.
	Path string
	Want reflect.Type
	// Got is what the text holds instead: "null", "bool", "int", "float", "string", "array", "object", or one of
	// these with the reason why it does not fit, "int out of range".
	Got string
}

func (e *TypeError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("%s does not fit %v", e.Got, e.Want)
	}
	return fmt.Sprintf("%s: %s does not fit %v", e.Path, e.Got, e.Want)
}

// within says in which part of its parent an error was met.
func within(step string, err error) error {
	if te, ok := err.(*TypeError); ok {
		te.Path = step + te.Path
	}
	return err
}

// An UnsupportedError tells that a Go value has no form that Python would read back. It never quotes the value.
type UnsupportedError struct {
	Type   reflect.Type
	Reason string
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("cannot write %v: %s", e.Type, e.Reason)
}
