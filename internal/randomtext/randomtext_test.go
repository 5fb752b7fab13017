package randomtext_test

import (
	"strings"
	"testing"

	"github.com/djsess/djsess/internal/randomtext"
)

// A text has the length that was asked for, and every character of the alphabet is about equally
// likely.
func TestNew(t *testing.T) {
	const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	for _, length := range []int{0, 1, 32, 64, 65} {
		if text := randomtext.New(length, alphabet); len(text) != length {
			t.Errorf("%d characters, want %d", len(text), length)
		}
	}
	const each = 4000
	text := randomtext.New(each*len(alphabet), alphabet)
	if rest := strings.Trim(text, alphabet); rest != "" {
		t.Errorf("characters outside of the alphabet: %q", rest)
	}
	// Without the skipped bytes, the first eight characters would occur 4800 times. A fair count
	// is outside of these bounds once in 10^9 runs.
	for _, c := range alphabet {
		if n := strings.Count(text, string(c)); n < each-420 || n > each+420 {
			t.Errorf("%q occurs %d times in place of about %d", c, n, each)
		}
	}
}
