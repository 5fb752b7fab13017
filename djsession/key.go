package djsession

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/djsess/djsess/internal/randomtext"
)

const (
	minKeyLength = 8  // Django ignores shorter keys
	maxKeyLength = 40 // of the column in django_session

	newKeyLength   = 32
	newKeyAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
)

// NewKey returns a new session key as Django makes it: 32 characters of a-z0-9 from a
// secure source.
func NewKey() string {
	return randomtext.New(newKeyLength, newKeyAlphabet)
}

// ValidateKey returns an ErrInvalidKey for a key that no stored session can have. Django
// ignores keys under 8 characters, the column holds 40, and databases treat NUL and invalid
// UTF-8 in different ways.
func ValidateKey(key string) error {
	n := utf8.RuneCountInString(key)
	switch {
	case n < minKeyLength:
		return fmt.Errorf("%w: %d characters, and Django takes no key under %d", ErrInvalidKey, n, minKeyLength)
	case n > maxKeyLength:
		return fmt.Errorf("%w: %d characters, and the store holds at most %d", ErrInvalidKey, n, maxKeyLength)
	case strings.IndexByte(key, 0) >= 0:
		return fmt.Errorf("%w: it holds a NUL character", ErrInvalidKey)
	case !utf8.ValidString(key):
		return fmt.Errorf("%w: it is not valid UTF-8", ErrInvalidKey)
	}
	return nil
}

// couldBeKey reports whether a cookie's value could be a key that Django made. A value that is
// too short for any key counts, too.
func couldBeKey(value string) bool {
	if len(value) < minKeyLength {
		return true
	}
	for i := range len(value) {
		if c := value[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9') {
			return false
		}
	}
	return len(value) <= maxKeyLength
}

// ShortKey is how logs and errors show a session key: its first 6 characters, because the
// whole key gives access to the session. It ends before a character that is not printable
// (a control or bidirectional character, the end of a line), because any visitor can send
// a key and must not be able to forge a log.
func ShortKey(key string) string {
	runes := 0
	for i, r := range key {
		if runes == 6 {
			return key[:i] + "…"
		}
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return key[:i] + "…"
		}
		runes++
	}
	return key
}
