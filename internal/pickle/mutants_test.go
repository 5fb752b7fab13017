package pickle_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/djsess/djsess/internal/pickle"
)

// harmless has nothing in it that testdata/pickle_peer.py would not call.
func harmless() *pickle.Object {
	shared := pickle.NewList(pickle.NewStr("shared"), pickle.NewFloat(1.5))
	date := pickle.NewCall(pickle.NewGlobal("datetime", "date"), pickle.NewBytes("\x07\xe4\x01\x02"))
	ordered := pickle.NewCall(pickle.NewGlobal("collections", "OrderedDict"))
	ordered.Made.Steps = []pickle.Step{
		{Kind: pickle.SetItems, Items: []*pickle.Object{pickle.NewStr("a"), shared, pickle.NewStr("b"), date}},
		{Kind: pickle.Build, Items: []*pickle.Object{pickle.NewDict(pickle.NewStr("x"), pickle.NewInt(1))}},
	}
	root := pickle.NewDict(
		pickle.NewStr("numbers"), pickle.NewTuple(pickle.NewInt(1), pickle.NewInt(-300), pickle.NewInt(1<<40), pickle.NewBool(true), pickle.NewNone()),
		pickle.NewStr("bytes"), pickle.NewTuple(pickle.NewBytes("\x00\xff"), pickle.NewByteArray("\x80x")),
		pickle.NewStr("sets"), pickle.NewList(pickle.NewSet(pickle.NewInt(1), date), pickle.NewFrozenSet(pickle.NewStr("f\u00e4"))),
		pickle.NewStr("ordered"), ordered, pickle.NewStr("shared"), shared)
	root.Items = append(root.Items, pickle.NewStr("self"), root)
	return root
}

// mutant changes a few bytes: others, doubled, gone.
func mutant(rng *rand.Rand, data []byte) []byte {
	data = slices.Clone(data)
	for range 1 + rng.IntN(4) {
		i := rng.IntN(len(data) - 1)
		switch n := rng.IntN(min(20, len(data)-i)); rng.IntN(4) {
		case 0:
			data[i] = byte(rng.IntN(256))
		case 1:
			data[i] = data[rng.IntN(len(data))]
		case 2:
			data = slices.Insert(data, rng.IntN(len(data)), slices.Clone(data[i:i+n])...)
		case 3:
			data = slices.Delete(data, i, i+min(n, len(data)/8))
		}
	}
	return data
}

// strangeNumbers are what Go refuses and Python takes, for one reason or another, though no Python writes it: what C's functions
// make of text with a zero byte or spaces in it, gaps in the memo, and a memoryview.
var strangeNumbers = []string{
	"an integer that is none", "a float that is none", "a memo number that is none", "a memo number beyond what the pickle can hold",
	"a read-only view",
}

// But for those, whatever Python loads Go loads; and what Go writes of it Python loads again.
func TestWhatPythonLoadsGoLoads(t *testing.T) {
	p := startPython(t, "5.2", "loads")
	n := *seed
	if n == 0 {
		n = rand.Uint64()
	}
	t.Logf("-pickle.seed=%d", n)
	rng := rand.New(rand.NewPCG(n, 0))
	both, refused := 0, 0
	for i := range 2 * graphs() {
		protocol := i % 6
		data, err := pickle.Append(nil, harmless(), protocol)
		if err != nil {
			t.Fatal(err)
		}
		data = mutant(rng, data)
		p.send(data)
		python := string(p.receive())
		o, err := pickle.Load(data, pickle.Limits{})
		if python != "ok" {
			refused++
			continue
		}
		if err != nil {
			var syntax *pickle.SyntaxError
			if errors.As(err, &syntax) && slices.Contains(strangeNumbers, syntax.Msg) {
				continue
			}
			t.Fatalf("Python takes it, but %v:\n%q", err, data)
		}
		both++
		written, err := pickle.Append(nil, o, rng.IntN(6))
		if err == pickle.ErrChanged {
			continue // it is read, and never written
		}
		if err != nil {
			t.Fatalf("%v:\n%q", err, data)
		}
		p.send(written)
		if python := string(p.receive()); python != "ok" {
			t.Fatalf("%s:\n%q\nof\n%q", python, written, data)
		}
	}
	t.Logf("%d taken by both, %d refused by Python", both, refused)
	if both == 0 || refused == 0 {
		t.Error("nothing was tried")
	}
}
