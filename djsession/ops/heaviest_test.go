package ops

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// Of more names than there is room for, those with the largest weights are found, and no weight is further off than it says.
func TestHeaviest(t *testing.T) {
	h := newHeaviest(100)
	random := rand.New(rand.NewPCG(1, 2))
	weights := map[string]int64{}
	for range 200_000 {
		name := fmt.Sprintf("rare %d", random.IntN(50_000))
		if random.IntN(2) == 0 {
			name = fmt.Sprintf("often %d", random.IntN(5))
		}
		weight := int64(random.IntN(10) + 1)
		weights[name] += weight
		h.add(name, weight)
	}
	if !h.full || len(h.byName) != 100 || len(h.order) != 100 {
		t.Errorf("full %v, %d names, %d in the heap", h.full, len(h.byName), len(h.order))
	}
	for _, e := range h.top(5) {
		want := weights[e.name]
		if !strings.HasPrefix(e.name, "often") || e.weight < want || e.weight-e.over > want {
			t.Errorf("%+v, want %d", *e, want)
		}
	}
}

func TestHeaviestExact(t *testing.T) {
	h := newHeaviest(3)
	for _, name := range []string{"a", "b", "b", "c", "c", "c"} {
		h.add(name, 2)
	}
	var got []string
	for _, e := range h.top(2) {
		got = append(got, fmt.Sprintf("%s %d %d %d %d", e.name, e.weight, e.over, e.sessions, e.largest))
	}
	if want := "c 6 0 3 2|b 4 0 2 2"; strings.Join(got, "|") != want || h.full {
		t.Errorf("got %q, full %v", got, h.full)
	}
}

func TestShortened(t *testing.T) {
	for name, want := range map[string]string{
		"": "", strings.Repeat("é", 64): strings.Repeat("é", 64),
		strings.Repeat("é", 65):     strings.Repeat("é", 64) + "… (65 characters)",
		strings.Repeat("\xff", 200): strings.Repeat("\xff", 64) + "… (200 characters)",
	} {
		if got := shortened(name); got != want {
			t.Errorf("%q: %q", name, got)
		}
	}
}
