// Package secret keeps secrets out of logs. A [Text] holds a secret that package fmt never
// prints, also inside other types. [Format] is for types with secrets in their exported
// fields: fmt then prints only what their String method returns.
package secret

import "fmt"

// Text is a secret, such as a SECRET_KEY or a password. A closure holds it: for an unexported
// field fmt calls no methods and prints the content, but of a function it prints only the
// address.
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

// String returns "(secret)".
func (t Text) String() string { return "(secret)" }

// Format implements fmt.Formatter.
func (t Text) Format(f fmt.State, verb rune) { Format(f, verb, t) }

// MarshalText implements encoding.TextMarshaler, which encoding/json uses.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// Format prints v.String() for every verb. A type with secrets has a String method and these
// two, which log/slog and encoding/json also use:
//
//	func (t T) Format(f fmt.State, verb rune)  { secret.Format(f, verb, t) }
//	func (t T) MarshalText() ([]byte, error)   { return []byte(t.String()), nil }
func Format(f fmt.State, verb rune, v fmt.Stringer) {
	if verb != 'q' {
		verb = 's' // %#v and %d would print the fields
	}
	fmt.Fprintf(f, fmt.FormatString(f, verb), v.String())
}
