// Package secret keeps secrets out of logs. A [Text] is a secret that nothing
// prints, wherever it is. [Format] is for types that have secrets in their exported
// fields: they are shown by a text of their own, and by nothing else.
package secret

import "fmt"

// Text is a secret: a SECRET_KEY, a password. It is held by a closure, since fmt
// calls no method of an unexported field: it prints the field's own fields, and of a
// function only the address.
type Text struct{ reveal func() string }

// New makes a secret of a text.
func New(text string) Text { return Text{func() string { return text }} }

// Reveal returns the text.
func (t Text) Reveal() string {
	if t.reveal == nil {
		return ""
	}
	return t.reveal()
}

// String says that there is a secret.
func (t Text) String() string { return "(secret)" }

// Format is for package fmt.
func (t Text) Format(f fmt.State, verb rune) { Format(f, verb, t) }

// MarshalText is for package encoding/json and others.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// Format shows a value by its String, whatever the verb is. A type with secrets has
// these two methods beside its String; they also serve log/slog:
//
//	func (t T) Format(f fmt.State, verb rune)  { secret.Format(f, verb, t) }
//	func (t T) MarshalText() ([]byte, error)   { return []byte(t.String()), nil }
func Format(f fmt.State, verb rune, v fmt.Stringer) {
	if verb != 'q' {
		verb = 's' // %#v and %d are for the fields
	}
	fmt.Fprintf(f, fmt.FormatString(f, verb), v.String())
}
