package sqldialect

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// serverError is as go-sql-driver's: it has the number in a field.
type serverError struct {
	Number  uint16
	Message string
}

func (e *serverError) Error() string { return e.Message }

// TestHideKey tests that a key is in no text of an error, and that the error keeps its class.
func TestHideKey(t *testing.T) {
	const key = "akeythatnobodymaysee"
	original := &serverError{1146, "no table for " + key}
	for _, err := range []error{original, fmt.Errorf("%s: %w", key, original), fmt.Errorf("%w: %w", context.Canceled, original)} {
		hidden := HideKey(err, key, "akeyth…")
		for e := hidden; e != nil; e = errors.Unwrap(e) {
			if text := fmt.Sprintf("%v %+v %#v %q", e, e, e, e); strings.Contains(text, key) {
				t.Errorf("shows the key: %s", text)
			}
		}
		if !strings.Contains(hidden.Error(), "no table for akeyth…") || !errors.As(hidden, new(*serverError)) ||
			errors.Is(hidden, context.Canceled) != errors.Is(err, context.Canceled) {
			t.Errorf("%v: the error is not found in %v", err, hidden)
		}
		if got, want := MySQL.Classify(hidden), MySQL.Classify(err); got != want {
			t.Errorf("%v: class %v, want %v", err, got, want)
		}
	}
	if HideKey(original, "another", "x") != error(original) || HideKey(nil, key, "x") != nil {
		t.Error("an error without the key is changed")
	}
}
