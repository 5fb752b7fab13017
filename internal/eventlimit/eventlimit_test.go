package eventlimit

import (
	"testing"
	"time"
)

func TestLimit(t *testing.T) {
	var l Limit[string]
	start := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, c := range []struct {
		kind  string
		after time.Duration
		want  int
	}{
		{"a", 0, 1},
		{"a", Every - 1, 0},
		{"b", Every - 1, 1},
		{"a", Every, 2}, // the one that was held back and this one
		{"a", Every, 0},
		{"a", 2 * Every, 2},
		{"a", time.Second, 1}, // the clock was set back
		{"a", 2 * time.Second, 0},
		{"b", time.Hour, 1},
	} {
		if n := l.Count(c.kind, start.Add(c.after)); n != c.want {
			t.Errorf("event %d, %s after %v: %d, want %d", i, c.kind, c.after, n, c.want)
		}
	}
}
