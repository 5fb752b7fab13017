package djsession_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/pickle"
	"github.com/djsess/djsess/internal/pydict"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// allocated returns how many bytes a function allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Each level of a key inside a key would quote the text once more, and double its length.
func TestKeysInsideKeys(t *testing.T) {
	const n = 26
	for name, layer := range map[string]string{"tuples": "\x85Ns", "dicts": "Ns"} {
		v := unpickle(t, []byte("\x80\x04}\x8c\x01a"+strings.Repeat("}", n)+"K\x01K\x01s"+strings.Repeat(layer, n-1)+"s."))
		took := allocated(func() {
			if shown := v.AppendShown(nil); len(shown) > 1000 {
				t.Errorf("%s: shown in %d bytes", name, len(shown))
			}
			var x any
			if err := v.Get("a", &x); err != nil || len(fmt.Sprint(x)) > 1000 {
				t.Errorf("%s: %d characters, %v", name, len(fmt.Sprint(x)), err)
			}
			if _, err := v.AppendPythonJSON(nil); !errors.Is(err, djsession.ErrOpaque) {
				t.Errorf("%s as JSON: %v", name, err)
			}
		})
		if took > 1<<20 {
			t.Errorf("%s: %d bytes were allocated", name, took)
		}
	}
}

func TestKeysShown(t *testing.T) {
	one := pickle.NewInt(1)
	for want, key := range map[string]*pickle.Object{
		`"[1,\"x\"]"`:   pickle.NewTuple(one, pickle.NewStr("x")),
		`"a tuple"`:     pickle.NewTuple(pickle.NewTuple(one)),
		`"a list"`:      pickle.NewList(one),
		`"a dict"`:      dict("x", one),
		`"a set"`:       pickle.NewSet(one),
		`"a bytearray"`: {Kind: pickle.ByteArray, Text: "secret"},
	} {
		v := unpickle(t, pickled(t, dict("d", pickle.NewDict(key, one)), 5))
		if got := string(v.AppendShown(nil)); got != `{"d":{`+want+`:1}}` {
			t.Errorf("%s is shown as %s", want, got)
		}
		m := map[string]int{}
		if err := v.Get("d", &m); err != nil || len(m) != 1 {
			t.Errorf("%s: %v, %v", want, m, err)
		}
	}
}

// laughing returns a dict whose pickle has a few hundred bytes, and whose text would not fit into
// memory.
func laughing() *pickle.Object {
	laughs := dict("ha", pickle.NewStr("ha"))
	for range 40 {
		laughs = dict("a", laughs, "b", laughs)
	}
	return laughs
}

// The limit applies to all members together.
func TestManyLaughs(t *testing.T) {
	laughs, root := laughing(), dict()
	for i := range 200 {
		root.Items = append(root.Items, pickle.NewStr(fmt.Sprint(i)), laughs)
	}
	v := unpickle(t, pickled(t, root, 4))
	took := allocated(func() {
		if shown := v.AppendShown(nil); len(shown) > 8<<20 || !strings.Contains(string(shown), `"199":`) {
			t.Errorf("shown in %d bytes", len(shown))
		}
		if _, err := v.AppendPythonJSON(nil); !errors.Is(err, djsession.ErrTooLarge) {
			t.Errorf("as JSON: %v", err)
		}
		if text, err := v.MarshalJSON(); err != nil || len(text) > 8<<20 {
			t.Errorf("MarshalJSON: %d bytes, %v", len(text), err)
		}
	})
	if took > 128<<20 {
		t.Errorf("%d bytes were allocated", took)
	}
}

// Writing a list that holds itself by a long cycle, with many other items, ends at the limit.
func TestLongWayRound(t *testing.T) {
	list := pickle.NewList()
	root := list
	for range 100 {
		root = pickle.NewList(root)
	}
	list.Items = append(list.Items, list)
	for range 20_000 {
		list.Items = append(list.Items, pickle.NewInt(0))
	}
	v := unpickle(t, pickled(t, dict("l", root), 4))
	if shown := v.AppendShown(nil); len(shown) > 5<<20 {
		t.Errorf("shown in %d bytes", len(shown))
	}
}

// Values inside Values share the limit of the outer Values. To set them needs no text.
func TestNestedLaughs(t *testing.T) {
	djangotest.NotShort(t, "it takes more than a second")
	v := unpickle(t, pickled(t, dict("cart", dict("laughs", laughing())), 4))
	took := allocated(func() {
		cart, err := djsession.GetOr(v, "cart", djsession.Values{})
		if err == nil {
			var x any
			if err := cart.Get("laughs", &x); !errors.Is(err, djsession.ErrTooLarge) {
				t.Errorf("Get: %v", err)
			}
			if shown := cart.AppendShown(nil); len(shown) > 8<<20 {
				t.Errorf("shown in %d bytes", len(shown))
			}
			err = errors.Join(cart.Set("n", 1), v.Set("cart", cart))
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := djsession.PickleSerializer{}.Append(nil, v)
		if err != nil || len(data) > 2000 {
			t.Errorf("%d bytes, %v", len(data), err)
		}
		// Values that were not pickled take them, too, but then have no JSON.
		var nested djsession.Values
		if err := v.Get("cart", &nested); err != nil {
			t.Fatal(err)
		}
		var other djsession.Values
		if err := other.Set("cart", nested); err != nil {
			t.Fatal(err)
		}
		if _, err := other.AppendPythonJSON(nil); !errors.Is(err, djsession.ErrTooLarge) {
			t.Errorf("as JSON: %v", err)
		}
		if data, err = (djsession.PickleSerializer{}).Append(nil, &other); err != nil || len(data) > 2000 {
			t.Errorf("%d bytes, %v", len(data), err)
		}
	})
	if took > 512<<20 {
		t.Errorf("%d bytes were allocated", took)
	}
}

func newObject(class, text string) *pickle.Object {
	return &pickle.Object{Kind: pickle.NewObj, Call: &pickle.Call{
		Callable: pickle.NewGlobal("shop", class), Args: pickle.NewTuple(pickle.NewStr(text)),
		Steps: []pickle.Step{{Kind: pickle.Build, Items: []*pickle.Object{pickle.NewDict()}}},
	}}
}

// A key that equals a str in Python is found by that str: session[Keys.CART] is session["cart"].
func TestKeysThatAreStrings(t *testing.T) {
	for name, key := range map[string]*pickle.Object{
		"an Enum":          pickle.NewCall(pickle.NewGlobal("shop", "Keys"), pickle.NewStr("cart")),
		"a str's subclass": newObject("Name", "cart"),
		"a SafeString":     pickle.NewCall(pickle.NewGlobal("django.utils.safestring", "SafeString"), pickle.NewStr("cart")),
		"an Enum of one":   pickle.NewCall(pickle.NewGlobal("shop", "Keys"), pickle.NewCall(pickle.NewGlobal("django.utils.safestring", "SafeText"), pickle.NewStr("cart"))),
	} {
		const want = "cart"
		load := func() *djsession.Values {
			root := pickle.NewDict(pickle.NewStr("a"), pickle.NewInt(1), key, pickle.NewInt(2))
			return unpickle(t, pickled(t, root, 4))
		}
		v := load()
		var n int
		if err := v.Get(want, &n); err != nil || n != 2 || !v.Has(want) {
			t.Errorf("%s: %d, %v", name, n, err)
		}
		if got := string(v.AppendShown(nil)); got != `{"a":1,"cart":2}` {
			t.Errorf("%s is shown as %s", name, got)
		}
		if err := v.SetDefault(want, 7); err != nil || v.Len() != 2 {
			t.Errorf("%s: SetDefault: %v, %s", name, err, v.AppendShown(nil))
		}
		if err := v.Set(want, 3); err != nil {
			t.Fatal(err)
		}
		root, err := pydict.Of(v)
		if err != nil {
			t.Fatal(err)
		}
		if len(root.Items) != 4 || root.Items[2].Kind != key.Kind || root.Items[2].Call == nil || root.Items[3].Int != 3 {
			t.Errorf("%s: the key was replaced, or the value was not: %d items", name, len(root.Items))
		}
		if v = load(); v.Delete(want) != 1 || v.Has(want) || v.Len() != 1 {
			t.Errorf("%s: the value is still there: %s", name, v.AppendShown(nil))
		}

		inside := unpickle(t, pickled(t, dict("d", pickle.NewDict(key, pickle.NewInt(2))), 4))
		m := map[string]int{}
		if err := inside.Get("d", &m); err != nil || m["cart"] != 2 {
			t.Errorf("%s in a dict: %v, %v", name, m, err)
		}
	}
}

// If a dict also has the str itself as a key, the other key does not equal it. Both keys stay.
func TestKeysThatOnlyLookLikeStrings(t *testing.T) {
	color := pickle.NewCall(pickle.NewGlobal("shop", "Color"), pickle.NewStr("red"))
	red := pickle.NewStr("red")
	for _, many := range []int{0, 100} {
		for _, keys := range [][]*pickle.Object{{color, red}, {red, color}} {
			root := dict()
			for i := range many {
				root.Items = append(root.Items, pickle.NewStr(fmt.Sprint(i)), pickle.NewInt(0))
			}
			for _, key := range keys {
				value := 1
				if key == red {
					value = 2
				}
				root.Items = append(root.Items, key, pickle.NewInt(int64(value)))
			}
			v := unpickle(t, pickled(t, root, 4))
			var n int
			if err := v.Get("red", &n); err != nil || n != 2 || v.Len() != many+2 {
				t.Errorf("%d, %v, %d values", n, err, v.Len())
			}
			if v.Delete("red") != 1 || v.Has("red") || v.Len() != many+1 {
				t.Error("Delete removed the other key, or both keys")
			}
		}
	}
	for _, o := range []*pickle.Object{
		pickle.NewCall(pickle.NewGlobal("decimal", "Decimal"), pickle.NewStr("1")),
		pickle.NewCall(pickle.NewGlobal("pathlib", "PosixPath"), pickle.NewStr("1")),
		pickle.NewCall(pickle.NewGlobal("shop", "Pair"), pickle.NewStr("1"), pickle.NewStr("2")),
		pickle.NewBytes("1"), pickle.NewInt(1), pickle.NewTuple(pickle.NewStr("1")),
	} {
		if v := unpickle(t, pickled(t, pickle.NewDict(o, pickle.NewNone()), 4)); v.Has("1") {
			t.Errorf("%s is found as a str", v.AppendShown(nil))
		}
	}
}

// A wall clock that was skipped has the offset from after the gap with fold=1.
func TestFoldInAGap(t *testing.T) {
	berlin := pickle.NewCall(pickle.NewGlobal("zoneinfo", "ZoneInfo._unpickle"), pickle.NewStr("Europe/Berlin"), pickle.NewInt(1))
	for fields, want := range map[string]string{
		"\x07\xe5\x03\x1c\x02\x1e\x00\x00\x00\x00": "2021-03-28T02:30:00+01:00",
		"\x07\xe5\x83\x1c\x02\x1e\x00\x00\x00\x00": "2021-03-28T02:30:00+02:00",
		"\x07\xe5\x0a\x1f\x02\x1e\x00\x00\x00\x00": "2021-10-31T02:30:00+02:00",
		"\x07\xe5\x8a\x1f\x02\x1e\x00\x00\x00\x00": "2021-10-31T02:30:00+01:00",
		"\x07\xe5\x87\x1c\x02\x1e\x00\x00\x00\x00": "2021-07-28T02:30:00+02:00",
	} {
		at := pickle.NewCall(pickle.NewGlobal("datetime", "datetime"), pickle.NewBytes(fields), berlin)
		v := unpickle(t, pickled(t, dict("t", at), 4))
		var got time.Time
		if err := v.Get("t", &got); err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("%v, %v, want %s", got, err, want)
		}
	}
}
