package pyvalue

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/djsess/djsess/internal/pickle"
)

// Thousands of objects may share a part. The part is visited for each of them, so each visit counts
// towards the limit, even if little of it is written.
func TestVisitsCount(t *testing.T) {
	const objects, parts = 3000, 3000
	const limit = objects * parts / 8
	many := func(o *pickle.Object) []*pickle.Object {
		items := make([]*pickle.Object, objects)
		for i := range items {
			items[i] = o
		}
		return items
	}
	each := func(make func() *pickle.Object) *pickle.Object {
		list := pickle.NewList()
		for range objects {
			list.Items = append(list.Items, make())
		}
		return list
	}
	nones := make([]*pickle.Object, parts)
	pairs := make([]*pickle.Object, parts)
	for i := range nones {
		nones[i] = pickle.NewNone()
		pairs[i] = pickle.NewTuple(pickle.NewStr("k"), pickle.NewNone())
	}
	list := pickle.NewList(nones...)
	almost := pickle.NewList(append(pairs, pickle.NewNone())...)
	digits := pickle.NewStr(strings.Repeat("1", parts) + "x1")
	keys := func(key func() *pickle.Object) *pickle.Object {
		dict := pickle.NewDict()
		for range objects {
			dict.Items = append(dict.Items, key(), pickle.NewNone())
		}
		return dict
	}
	set := pickle.Step{Kind: pickle.SetItems, Items: nones[:parts/2*2]}
	for name, o := range map[string]*pickle.Object{
		"pairs of a call": pickle.NewList(many(pickle.NewCall(pickle.NewGlobal("collections", "OrderedDict"), almost))...),
		"pairs of calls":  each(func() *pickle.Object { return pickle.NewCall(pickle.NewGlobal("collections", "OrderedDict"), almost) }),
		"a deque with a state": each(func() *pickle.Object {
			return &pickle.Object{Kind: pickle.Reduce, Call: &pickle.Call{Callable: pickle.NewGlobal("collections", "deque"), Args: pickle.NewTuple(list),
				Steps: []pickle.Step{{Kind: pickle.Build, Items: nones[:1]}}}}
		}),
		"a dict with a state": each(func() *pickle.Object {
			return &pickle.Object{Kind: pickle.Reduce, Call: &pickle.Call{Callable: pickle.NewGlobal("collections", "defaultdict"), Args: pickle.NewTuple(),
				Steps: []pickle.Step{set, {Kind: pickle.Build, Items: nones[:1]}}}}
		}),
		"digits": each(func() *pickle.Object { return pickle.NewCall(pickle.NewGlobal("decimal", "Decimal"), digits) }),
		"dashes": each(func() *pickle.Object {
			return pickle.NewCall(pickle.NewGlobal("uuid", "UUID"), pickle.NewStr(strings.Repeat("-", parts)))
		}),
		"fields of a date":         each(func() *pickle.Object { return pickle.NewCall(pickle.NewGlobal("datetime", "date"), digits) }),
		"tuples that are keys":     keys(func() *pickle.Object { return pickle.NewTuple(append(nones[:parts:parts], list)...) }),
		"frozensets that are keys": keys(func() *pickle.Object { return pickle.NewFrozenSet(append(nones[:parts:parts], list)...) }),
	} {
		t.Run(name, func(t *testing.T) {
			w := Writer{Limit: limit}
			if out, err := w.Append(nil, o); !errors.Is(err, ErrTooLarge) {
				t.Errorf("%d bytes written, %v", len(out), err)
			}
			w = Writer{Mode: Show, Limit: limit}
			out, err := w.Append(nil, o)
			if err != nil || !bytes.Contains(out[len(out)-min(len(out), 20):], []byte(`\u2026`)) {
				t.Errorf("%d bytes shown, %v", len(out), err)
			}
			if len(out) > limit {
				t.Errorf("%d bytes shown", len(out))
			}
		})
	}
}

// Only the part of a name that can be shown is read.
func TestLongNames(t *testing.T) {
	const objects = 3000
	long := strings.Repeat("x", 1<<20)
	class := pickle.NewGlobal(long, long)
	model := pickle.NewCall(pickle.NewGlobal("django.db.models.base", "model_unpickle"), pickle.NewTuple(pickle.NewStr(long), pickle.NewStr(long)))
	zone := pickle.NewCall(pickle.NewGlobal("zoneinfo", "ZoneInfo"), pickle.NewStr(long))
	at := pickle.NewCall(pickle.NewGlobal("datetime", "datetime"), pickle.NewBytes("\x07\xef\x02\x03\x0c\x00\x00\x00\x00\x00"), zone)
	list := pickle.NewList()
	for range objects {
		list.Items = append(list.Items, class, pickle.NewCall(class), model, at)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, mode := range []Mode{Marked, Show} {
		w := Writer{Mode: mode, Limit: 32 << 20}
		if _, err := w.Append(nil, list); err != nil {
			t.Error(err)
		}
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 100<<20 {
		t.Errorf("%d MB were allocated", took>>20)
	}
}

// The number of failed searches for a time zone is limited, because each is a search through files.
func TestUnknownZones(t *testing.T) {
	list := pickle.NewList()
	for i := range 10 * mostUnknown {
		zone := pickle.NewCall(pickle.NewGlobal("zoneinfo", "ZoneInfo"), pickle.NewStr(fmt.Sprint("No/Where", i)))
		at := pickle.NewCall(pickle.NewGlobal("datetime", "datetime"), pickle.NewBytes("\x07\xef\x02\x03\x0c\x00\x00\x00\x00\x00"), zone)
		list.Items = append(list.Items, at, at)
	}
	w := Writer{Limit: 1 << 20}
	if _, err := w.Append(nil, list); err != nil || len(w.Opaque) != len(list.Items) || len(w.zones.unknown) != mostUnknown {
		t.Errorf("%d are opaque, %d unknown zones were searched for: %v", len(w.Opaque), len(w.zones.unknown), err)
	}
}

// The loader limits the depth only along the path that it follows. Along another path a graph may
// be as deep as it has objects.
func TestReachesAndReplaceAtAnyDepth(t *testing.T) {
	old := pickle.NewDict()
	root := pickle.NewDict()
	deep := pickle.NewList(old)
	for range 1 << 18 {
		deep = pickle.NewList(deep)
	}
	root.Items = []*pickle.Object{pickle.NewStr("a"), deep}
	if !Reaches(root.Items, old) {
		t.Error("Reaches does not find the object")
	}
	o := Replace(root, old).Items[1]
	for len(o.Items) == 1 {
		o = o.Items[0]
	}
	if o.Kind != pickle.Dict || len(o.Items) != 2 {
		t.Errorf("the innermost object: %v", o)
	}
}
