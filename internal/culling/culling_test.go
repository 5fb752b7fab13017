package culling

import (
	"log/slog"
	"testing"
)

func TestEvicts(t *testing.T) {
	for maxEntries, want := range map[int]string{
		0:      "MAX_ENTRIES is not known here, and Django's default is 300",
		100000: "MAX_ENTRIES is 100000",
	} {
		p, err := New("somecache", slog.String("table", "t"), maxEntries, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Evicts(); got != want {
			t.Errorf("with MAX_ENTRIES %d: %q, want %q", maxEntries, got, want)
		}
	}
}
