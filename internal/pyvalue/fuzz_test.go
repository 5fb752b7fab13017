package pyvalue

import (
	"errors"
	"runtime"
	"testing"

	"github.com/djsess/djsess/internal/pickle"
	"github.com/djsess/djsess/internal/pyjson"
)

// seeds are pickles of objects that Go has a type for, and of other objects.
func seeds(f *testing.F) (pickles [][]byte) {
	tz := pickle.NewCall(pickle.NewGlobal("datetime", "timezone"), pickle.NewCall(pickle.NewGlobal("datetime", "timedelta"), pickle.NewInt(0), pickle.NewInt(3600), pickle.NewInt(0)))
	state := pickle.NewDict(pickle.NewStr("int"), pickle.NewInt(5))
	for _, o := range []*pickle.Object{
		pickle.NewList(pickle.NewNone(), pickle.NewBool(true), pickle.NewInt(1<<40), pickle.NewFloat(-0.5), pickle.NewStr("é\"\n"), pickle.NewBytes("\x00"), pickle.NewByteArray("b")),
		pickle.NewDict(pickle.NewStr("a"), pickle.NewTuple(pickle.NewInt(1)), pickle.NewTuple(pickle.NewInt(1), pickle.NewStr("b")), pickle.NewSet(pickle.NewInt(1)), pickle.NewInt(2), pickle.NewFrozenSet()),
		pickle.NewCall(pickle.NewGlobal("datetime", "datetime"), pickle.NewBytes("\x07\xef\x02\x03\x0c\x00\x00\x00\x00\x00"), tz),
		pickle.NewCall(pickle.NewGlobal("datetime", "datetime"), pickle.NewBytes("\x07\xef\x82\x03\x0c\x00\x00\x00\x00\x00"), pickle.NewCall(pickle.NewGlobal("zoneinfo", "ZoneInfo"), pickle.NewStr("Europe/Berlin"))),
		pickle.NewCall(pickle.NewGlobal("datetime", "time"), pickle.NewBytes("\x0c\x00\x00\x00\x00\x00"), tz),
		pickle.NewCall(pickle.NewGlobal("decimal", "Decimal"), pickle.NewStr("1E+5")),
		pickle.NewCall(pickle.NewGlobal("collections", "OrderedDict"), pickle.NewList(pickle.NewTuple(pickle.NewStr("a"), pickle.NewNone()))),
		pickle.NewCall(pickle.NewGlobal("collections", "Counter"), pickle.NewDict(pickle.NewStr("a"), pickle.NewInt(1))),
		pickle.NewCall(pickle.NewGlobal("collections", "deque"), pickle.NewList(pickle.NewInt(1)), pickle.NewInt(9)),
		{Kind: pickle.Reduce, Call: &pickle.Call{Callable: pickle.NewGlobal("uuid", "UUID"), Args: pickle.NewTuple(), Steps: []pickle.Step{{Kind: pickle.Build, Items: []*pickle.Object{state}}}}},
		pickle.NewDict(pickle.NewCall(pickle.NewGlobal("shop", "Kind"), pickle.NewStr("a")), pickle.NewCall(pickle.NewGlobal("django.utils.safestring", "SafeString"), pickle.NewStr("<b>"))),
	} {
		for _, protocol := range []int{0, 2, 4} {
			data, err := pickle.Append(nil, o, protocol)
			if err != nil {
				f.Fatal(err)
			}
			pickles = append(pickles, data)
		}
	}
	return pickles
}

// The objects of any pickle are written within the limit, and with memory in proportion to the limit. Mode JSON writes valid
// JSON. Parse reads marked JSON, and its result has the same marked JSON.
func FuzzWriter(f *testing.F) {
	for _, data := range seeds(f) {
		f.Add(data)
	}
	const limit = 1 << 16
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := pickle.Load(data, pickle.Limits{})
		if err != nil {
			return
		}
		Describe(o)
		if items, ok := DictItems(o); ok {
			WithItems(o, items)
		}
		for _, mode := range []Mode{JSON, Show, Marked} {
			w := Writer{Mode: mode, Limit: limit}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			text, err := w.Append(nil, o)
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; took > 200*limit {
				t.Errorf("mode %d: %d bytes of memory for %d", mode, took, len(data))
			}
			switch {
			case err != nil && !errors.Is(err, ErrTooLarge) && !errors.Is(err, pyjson.ErrOpaque):
				t.Errorf("mode %d: %v", mode, err)
			case err != nil:
				continue
			case len(text) > 2*limit:
				t.Errorf("mode %d: %d bytes", mode, len(text))
			}
			if mode != Marked {
				if err := pyjson.Check(string(text), pyjson.Limits{Depth: 2 * maxDepth}); err != nil {
					t.Errorf("mode %d: %q: %v", mode, text, err)
				}
				continue
			}
			back, err := Parse(string(text), w.Opaque)
			if err != nil { // Python could not have loaded it, such as a list in a set
				continue
			}
			again := Writer{Limit: 2 * limit}
			if twice, err := again.Append(nil, back); err != nil || string(twice) != string(text) {
				t.Errorf("%q is written again as %q, %v", text, twice, err)
			}
		}
	})
}

// Parse reads all valid JSON.
func FuzzParse(f *testing.F) {
	for _, text := range []string{`{"a":[1,-0.5,NaN,"\ud800",null,true]}`, "[]", `{"a":1,"a":2}`, "1e400", `"x"`, "123456789012345678901234567890"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if pyjson.Check(text, pyjson.Limits{}) != nil {
			return
		}
		if _, err := Parse(text, nil); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	})
}
