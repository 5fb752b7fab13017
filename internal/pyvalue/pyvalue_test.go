package pyvalue_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/djsess/djsess/internal/pickle"
	"github.com/djsess/djsess/internal/pyjson"
	"github.com/djsess/djsess/internal/pyvalue"
)

func marked(t testing.TB, o *pickle.Object) (string, []any) {
	t.Helper()
	w := pyvalue.Writer{Limit: 1 << 20}
	text, err := w.Append(nil, o)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), w.Opaque
}

func call(module, name string, args ...*pickle.Object) *pickle.Object {
	return pickle.NewCall(pickle.NewGlobal(module, name), args...)
}

// An object that Parse made from marked JSON has the same marked JSON.
func TestRoundTrip(t *testing.T) {
	const seed = 7
	random := rand.New(rand.NewPCG(seed, seed))
	for i := range 2000 {
		o := anything(random, 5)
		text, opaque := marked(t, o)
		back, err := pyvalue.Parse(text, opaque)
		if err != nil {
			t.Fatalf("seed %d, object %d: %q: %v", seed, i, text, err)
		}
		if again, _ := marked(t, back); again != text {
			t.Fatalf("seed %d, object %d:\n%q\nbecomes\n%q", seed, i, text, again)
		}
		if err := pyjson.Check(pyjson.StripMarks(text), pyjson.Limits{}); err != nil {
			t.Fatalf("seed %d, object %d: %q without its marks: %v", seed, i, text, err)
		}
		for _, mode := range []pyvalue.Mode{pyvalue.JSON, pyvalue.Show} {
			w := pyvalue.Writer{Mode: mode, Limit: 1 << 20}
			json, err := w.Append(nil, o)
			if err == nil {
				err = pyjson.Check(string(json), pyjson.Limits{})
			} else if errors.Is(err, pyjson.ErrOpaque) && mode == pyvalue.JSON {
				err = nil
			}
			if err != nil {
				t.Fatalf("seed %d, object %d: %q in mode %d: %v", seed, i, text, mode, err)
			}
		}
	}
}

func anything(random *rand.Rand, depth int) *pickle.Object {
	many := func(one func() *pickle.Object) (items []*pickle.Object) {
		for range random.IntN(4) {
			items = append(items, one())
		}
		return items
	}
	any := func() *pickle.Object { return anything(random, depth-1) }
	scalars := []func() *pickle.Object{
		pickle.NewNone,
		func() *pickle.Object { return pickle.NewBool(random.IntN(2) == 0) },
		func() *pickle.Object { return pickle.NewInt(random.Int64() - random.Int64()) },
		func() *pickle.Object {
			return &pickle.Object{Kind: pickle.Int, Text: "-9" + strings.Repeat("8", 18+random.IntN(50))}
		},
		func() *pickle.Object { return pickle.NewFloat(random.NormFloat64()) },
		func() *pickle.Object {
			return pickle.NewStr([]string{"", "ż\x00\"\\\xed\xa0\x80", "a:b,c]}\x01k"}[random.IntN(3)])
		},
		func() *pickle.Object { return pickle.NewBytes("\x00\xff") },
		func() *pickle.Object { return call("datetime", "date", pickle.NewBytes("\x07\xef\x02\x03")) },
		func() *pickle.Object {
			return call("datetime", "datetime", pickle.NewBytes("\x07\xef\x02\x03\x04\x05\x06\x00\x00\x07"))
		},
		func() *pickle.Object { return call("datetime", "time", pickle.NewBytes("\x04\x05\x06\x00\x00\x07")) },
		func() *pickle.Object {
			return call("datetime", "timedelta", pickle.NewInt(-1), pickle.NewInt(0), pickle.NewInt(1))
		},
		func() *pickle.Object { return call("decimal", "Decimal", pickle.NewStr("1E+3")) },
		func() *pickle.Object { return call("uuid", "UUID", pickle.NewStr(strings.Repeat("0f", 16))) },
		func() *pickle.Object { return call("shop", "Cart", pickle.NewInt(1)) },
		func() *pickle.Object { return pickle.NewGlobal("shop", "Cart") },
	}
	scalar := func() *pickle.Object { return scalars[random.IntN(len(scalars))]() }
	if depth == 0 || random.IntN(3) == 0 {
		return scalar()
	}
	switch random.IntN(6) {
	case 0:
		return pickle.NewList(many(any)...)
	case 1:
		return pickle.NewTuple(many(any)...)
	case 2:
		return pickle.NewSet(many(scalar)...)
	case 3:
		return pickle.NewFrozenSet(many(scalar)...)
	case 4:
		o := call("collections", "OrderedDict")
		if items := many(any); len(items) > 0 {
			o.Call.Steps = []pickle.Step{{Kind: pickle.SetItems, Items: []*pickle.Object{pickle.NewStr("a"), items[0]}}}
		}
		return o
	}
	d := pickle.NewDict()
	for range random.IntN(4) {
		key := scalar()
		if random.IntN(5) == 0 {
			key = pickle.NewTuple(many(scalar)...)
		}
		d.Items = append(d.Items, key, any())
	}
	return d
}

// A call that resembles a datetime, a Decimal or a UUID but is not valid is opaque.
func TestInvalidCallsAreOpaque(t *testing.T) {
	b := pickle.NewBytes
	noon := "\x07\xef\x02\x03\x0c\x00\x00\x00\x00\x00"
	for name, o := range map[string]*pickle.Object{
		"no such month":      call("datetime", "date", b("\x07\xef\x0d\x03")),
		"no such day":        call("datetime", "date", b("\x07\xef\x02\x1e")),
		"year 0":             call("datetime", "date", b("\x00\x00\x02\x03")),
		"year 10000":         call("datetime", "date", b("\x27\x10\x02\x03")),
		"too short":          call("datetime", "datetime", b("\x07\xef\x02\x03")),
		"nothing":            call("datetime", "datetime"),
		"hour 24":            call("datetime", "datetime", b("\x07\xef\x02\x03\x18\x00\x00\x00\x00\x00")),
		"a million micros":   call("datetime", "time", b("\x00\x00\x00\x0f\x42\x40")),
		"another zone":       call("datetime", "datetime", b(noon), call("shop", "Zone")),
		"a zone's name":      call("datetime", "datetime", b(noon), pickle.NewStr("UTC")),
		"no such place":      call("datetime", "datetime", b(noon), call("zoneinfo", "ZoneInfo._unpickle", pickle.NewStr("../etc/passwd"), pickle.NewInt(1))),
		"an offset of a day": call("datetime", "datetime", b(noon), call("datetime", "timezone", call("datetime", "timedelta", pickle.NewInt(1)))),
		"a time in a place":  call("datetime", "time", b("\x00\x00\x00\x00\x00\x00"), call("zoneinfo", "ZoneInfo._unpickle", pickle.NewStr("Europe/Warsaw"), pickle.NewInt(1))),
		"days of text":       call("datetime", "timedelta", pickle.NewStr("1")),
		"too many days":      call("datetime", "timedelta", pickle.NewInt(1e9)),
		"days of 33 bits":    call("datetime", "timedelta", pickle.NewInt(1<<32)),
		"no number":          call("decimal", "Decimal", pickle.NewStr("1.")),
		"letters":            call("decimal", "Decimal", pickle.NewStr("12a")),
		"a large exponent":   call("decimal", "Decimal", pickle.NewStr("1E+1234567890")),
		"no UUID":            call("uuid", "UUID", pickle.NewStr("12")),
		"a UUID of nothing":  {Kind: pickle.NewObj, Call: &pickle.Call{Callable: pickle.NewGlobal("uuid", "UUID"), Args: pickle.NewTuple()}},
		"another module":     call("mydatetime", "datetime", b(noon)),
		"a dict with state": {Kind: pickle.Reduce, Call: &pickle.Call{Callable: pickle.NewGlobal("collections", "OrderedDict"), Args: pickle.NewTuple(),
			Steps: []pickle.Step{{Kind: pickle.Build, Items: []*pickle.Object{pickle.NewDict()}}}}},
		"called by no name": pickle.NewCall(pickle.NewNone()),
	} {
		if text, opaque := marked(t, o); len(opaque) != 1 || opaque[0] != o {
			t.Errorf("%s: %q", name, text)
		}
	}
}

// A name in a pickle may come from an attacker. A description escapes and truncates it.
func TestDescribe(t *testing.T) {
	for want, o := range map[string]*pickle.Object{
		"shop.Cart(…)":   call("shop", "Cart"),
		"shop.Cart.Item": pickle.NewGlobal("shop", "Cart.Item"),
		"len":            pickle.NewGlobal("builtins", "len"),
		"a?[31mb.?c(…)":  call("a\x1b[31mb", "\xffc"),
		"an object(…)":   pickle.NewCall(pickle.NewCall(pickle.NewNone())),
		"shop.Order(…)":  call("django.db.models.base", "model_unpickle", pickle.NewTuple(pickle.NewStr("shop"), pickle.NewStr("Order"))),
		"old.Cart(…)":    call("copyreg", "_reconstructor", pickle.NewGlobal("old", "Cart"), pickle.NewGlobal("builtins", "object"), pickle.NewNone()),
		"a list":         pickle.NewList(),
		"an integer":     pickle.NewInt(5),
		"m." + strings.Repeat("x", 198) + "…(…)": call("m", strings.Repeat("x", 500)),
	} {
		if got := pyvalue.Describe(o); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A set with an item that Python cannot hash is refused, since Python could not load it.
func TestUnhashable(t *testing.T) {
	for _, text := range []string{"\x01S[[]]", "\x01S[{}]", "\x01F[\x01T[1,[]]]", "\x01S[\x01S[]]", "\x01S[\x01B\"\"]", "{\x01k\x01T[[]]:1}", "\x01S[\x01o{}]", "\x01S[\x01q[]]"} {
		if _, err := pyvalue.Parse(text, nil); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
	for _, text := range []string{"\x01S[1,\"\",null,\x01T[],\x01F[]]", "{\x01k\x01T[1]:[]}"} {
		if _, err := pyvalue.Parse(text, nil); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestReplace(t *testing.T) {
	old := pickle.NewDict()
	list := pickle.NewList(old, pickle.NewStr("x"))
	old.Items = []*pickle.Object{pickle.NewStr("l"), list}
	root := pickle.NewDict(pickle.NewStr("l"), list, pickle.NewStr("again"), list, pickle.NewStr("c"), call("shop", "Cart", old))
	if !pyvalue.Reaches(root.Items, old) || pyvalue.Reaches([]*pickle.Object{pickle.NewList(pickle.NewStr("x"))}, old) {
		t.Error("Reaches returned the wrong result")
	}
	c := pyvalue.Replace(root, old)
	if c.Items[1].Items[0] != c || c.Items[3] != c.Items[1] || c.Items[5].Call.Args.Items[0] != c || c.Items[1].Items[1] != list.Items[1] {
		t.Error("the copy does not hold itself in place of the old object, or shares other objects than the original")
	}
	if list.Items[0] != old || root.Items[1] != list {
		t.Error("Replace changed its argument")
	}
}
