package djsession_test

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/pickle"
	"github.com/djsess/djsess/internal/pyjson"
)

// pickleSeeds are sessions with many kinds of values.
func pickleSeeds(t testing.TB) (seeds [][]byte) {
	for protocol := range 6 {
		seeds = append(seeds, pickled(t, dict("cart", aCart(), "t", pickle.NewTuple(pickle.NewFloat(1), pickle.NewBytes("x")), "d", dict(pickle.NewInt(1), pickle.NewSet()),
			"at", pickle.NewCall(pickle.NewGlobal("datetime", "datetime"), pickle.NewBytes("\x07\xef\x02\x03\x0c\x00\x00\x00\x00\x00"),
				pickle.NewCall(pickle.NewGlobal("pytz", "_UTC"))),
			"o", pickle.NewCall(pickle.NewGlobal("collections", "OrderedDict"), pickle.NewList(pickle.NewTuple(pickle.NewStr("a"), pickle.NewNone()))),
			"c", pickle.NewCall(pickle.NewGlobal("collections", "Counter"), dict("a", pickle.NewInt(1))),
			"_session_expiry", pickle.NewCall(pickle.NewGlobal("decimal", "Decimal"), pickle.NewStr("1")),
		), protocol))
	}
	return seeds
}

// Values that Parse returns can be shown, decoded, changed, written and read again.
func FuzzPickledSession(f *testing.F) {
	for _, seed := range pickleSeeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		useSession(t, data)
		runtime.ReadMemStats(&after)
		// The texts may be a few megabytes long, however small the pickle is.
		if took := after.TotalAlloc - before.TotalAlloc; took > uint64(1<<30+10000*len(data)) {
			t.Errorf("%d MB of memory for %d bytes", took>>20, len(data))
		}
	})
}

// The same as FuzzPickledSession, with bytes that are changed, repeated or removed.
func TestMutatedPickles(t *testing.T) {
	const seed = 11
	random := rand.New(rand.NewPCG(seed, seed))
	seeds := pickleSeeds(t)
	for i := range 20000 {
		data := append([]byte(nil), seeds[random.IntN(len(seeds))]...)
		for range 1 + random.IntN(4) {
			data[random.IntN(len(data))] = byte(random.IntN(256))
			if random.IntN(3) == 0 {
				from := random.IntN(len(data))
				to := random.IntN(len(data))
				data = append(data[:to:to], data[from:]...)
			}
		}
		if useSession(t, data); t.Failed() {
			t.Fatalf("seed %d, pickle %d", seed, i)
		}
	}
}

func useSession(t *testing.T, data []byte) {
	v, err := djsession.PickleSerializer{}.Parse(data)
	if err != nil {
		return
	}
	if err := pyjson.Check(string(v.AppendShown(nil)), pyjson.Limits{}); err != nil {
		t.Fatalf("%q shown: %v", data, err)
	}
	if text, err := v.AppendPythonJSON(nil); err == nil {
		if err := pyjson.Check(string(text), pyjson.Limits{}); err != nil {
			t.Fatalf("%q as JSON: %v", data, err)
		}
	}
	settings, err := djsession.NewSettings("5.2", "secret")
	if err != nil {
		t.Fatal(err)
	}
	settings.ExpiryDate(v, time.Now()) // which must not panic
	for name := range v.Names() {
		var x any
		var m map[string]any
		var s struct{ A, B any }
		var nested djsession.Values
		v.Get(name, &x)
		v.Get(name, &m)
		v.Get(name, &s)
		if v.Get(name, &nested) == nil {
			if err := v.Clone().Set("nested", nested); err != nil {
				t.Fatalf("%q: %q: a dict that Get returned cannot be set: %v", data, name, err)
			}
		}
	}
	if err := v.Set("new", 1); err != nil {
		t.Fatalf("%q: %v", data, err)
	}
	written, err := djsession.PickleSerializer{}.Append(nil, v)
	if err != nil {
		return // such as an object that no pickle can hold
	}
	back, err := djsession.PickleSerializer{}.Parse(written)
	if err != nil {
		t.Fatalf("%q is written as %q: %v", data, written, err)
	}
	if back.Len() != v.Len() {
		t.Fatalf("%q: %d values became %d in %q", data, v.Len(), back.Len(), written)
	}
}
