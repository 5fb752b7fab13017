package djsession_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/pickle"
	"github.com/djsess/djsess/internal/testing/fixture"
)

// Names are found after any sequence of Set and Delete.
func TestDeleteAmongMany(t *testing.T) {
	const seed, many = 5, 1500
	random := rand.New(rand.NewPCG(seed, seed))
	root := dict()
	want := []string{}
	for i := range many {
		name := fmt.Sprint("n", i)
		want = append(want, name)
		root.Items = append(root.Items, pickle.NewStr(name), pickle.NewInt(int64(i)))
	}
	for kind, v := range map[string]*djsession.Values{
		"pickle": unpickle(t, pickled(t, root, 4)),
		"JSON":   fixture.Values(t, `{"`+strings.Join(want, `":0,"`)+`":0}`),
	} {
		left := slices.Clone(want)
		for step := range 4000 {
			var names []string
			for range random.IntN(3) {
				names = append(names, fmt.Sprint("n", random.IntN(many)))
			}
			before := len(left)
			left = slices.DeleteFunc(left, func(name string) bool { return slices.Contains(names, name) })
			if gone := v.Delete(names...); gone != before-len(left) {
				t.Fatalf("seed %d, step %d: %d of %q deleted, want %d", seed, step, gone, names, before-len(left))
			}
			for range random.IntN(3) {
				name := fmt.Sprint("n", random.IntN(many))
				if err := v.Set(name, step); err != nil {
					t.Fatal(err)
				}
				if !slices.Contains(left, name) {
					left = append(left, name)
				}
				var got int
				if err := v.Get(name, &got); err != nil || got != step {
					t.Fatalf("seed %d, step %d: %s is %d, %v", seed, step, name, got, err)
				}
			}
		}
		if got := slices.Collect(v.Names()); !slices.Equal(got, left) || len(got) != v.Len() {
			t.Errorf("%s: seed %d: %d names, want %d", kind, seed, len(got), len(left))
		}
	}
}

// Delete and Set among many values do not build an index each time.
func TestDeleteIsCheap(t *testing.T) {
	var v djsession.Values
	for i := range 20_000 {
		if err := v.Set(fmt.Sprint(i), 1); err != nil {
			t.Fatal(err)
		}
	}
	took := allocated(func() {
		for i := range 500 {
			v.Delete(fmt.Sprint(i * 7))
			if err := v.Set(fmt.Sprint("new", i), 1); err != nil {
				t.Fatal(err)
			}
		}
	})
	if took > 4<<20 {
		t.Errorf("%d bytes were allocated", took)
	}
}
