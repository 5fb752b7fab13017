package djsession_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/pytype"
	"github.com/djsess/djsess/internal/pickle"
	"github.com/djsess/djsess/internal/pydict"
	"github.com/djsess/djsess/internal/testing/fixture"
)

func pickled(t testing.TB, root *pickle.Object, protocol int) []byte {
	t.Helper()
	data, err := pickle.Append(nil, root, protocol)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func unpickle(t testing.TB, data []byte) *djsession.Values {
	t.Helper()
	v, err := djsession.PickleSerializer{}.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// dict returns a dict with the names as keys.
func dict(items ...any) *pickle.Object {
	o := pickle.NewDict()
	for _, item := range items {
		if name, ok := item.(string); ok {
			o.Items = append(o.Items, pickle.NewStr(name))
		} else {
			o.Items = append(o.Items, item.(*pickle.Object))
		}
	}
	return o
}

// aCart is an instance of a class that Go does not know.
func aCart() *pickle.Object {
	return &pickle.Object{Kind: pickle.NewObj, Call: &pickle.Call{
		Callable: pickle.NewGlobal("myapp.models", "Cart"), Args: pickle.NewTuple(),
		Steps: []pickle.Step{{Kind: pickle.Build, Items: []*pickle.Object{dict("items", pickle.NewList())}}},
	}}
}

// Data that are not a pickle of a dict are refused, and the error says what they are.
func TestUnpickleRefuses(t *testing.T) {
	good := pickled(t, dict("a", pickle.NewInt(1)), 4)
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"list":      {pickled(t, pickle.NewList(), 4), "a list in place of a dict"},
		"integer":   {pickled(t, pickle.NewInt(7), 4), "an integer in place of a dict"},
		"text":      {pickled(t, pickle.NewStr("x"), 4), "text in place of a dict"},
		"none":      {pickled(t, pickle.NewNone(), 2), "None in place of a dict"},
		"instance":  {pickled(t, aCart(), 4), "myapp.models.Cart(…) in place of a dict"},
		"JSON":      {[]byte(`{"a":1}`), "JSON"},
		"zlib":      {[]byte("x\x9c\xabV*\xcd\xcd\xad\x05\x00"), "a zlib stream"},
		"nothing":   {nil, "nothing"},
		"truncated": {good[:len(good)-3], ""},
	} {
		_, err := djsession.PickleSerializer{}.Parse(c.data)
		if !errors.Is(err, djsession.ErrMalformed) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range good {
		if v, err := (djsession.PickleSerializer{}).Parse(good[:i]); err == nil {
			t.Errorf("the first %d bytes are read as a session of %d values", i, v.Len())
		}
	}
}

// A pickle that refers to one object many times takes a limited amount of memory when it is read or
// shown.
func TestBillionLaughs(t *testing.T) {
	laughs := pickle.NewList(pickle.NewStr("ha"))
	for range 30 {
		laughs = pickle.NewList(laughs, laughs, laughs)
	}
	v := unpickle(t, pickled(t, dict("laughs", laughs, "x", pickle.NewInt(1)), 4))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var x any
	if err := v.Get("laughs", &x); !errors.Is(err, djsession.ErrTooLarge) {
		t.Errorf("Get: %v", err)
	}
	if _, err := v.AppendPythonJSON(nil); err == nil {
		t.Error("AppendPythonJSON wrote it")
	}
	shown := v.AppendShown(nil)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 128<<20 {
		t.Errorf("%d bytes were allocated", took)
	}
	if !strings.HasSuffix(string(shown), `,"x":1}`) {
		t.Errorf("shown in %d bytes", len(shown))
	}
	// It is written back in its short form.
	if err := v.Set("y", 1); err != nil {
		t.Fatal(err)
	}
	data, err := djsession.PickleSerializer{}.Append(nil, v)
	if err != nil || len(data) > 1000 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}

func TestUnpickleIsCheap(t *testing.T) {
	huge := binary.LittleEndian.AppendUint64([]byte("\x80\x04\x8d"), 4<<30)
	for name, data := range map[string][]byte{
		"4 GB of text": huge,
		"deep":         []byte("\x80\x04" + strings.Repeat("]", 2000) + strings.Repeat("a", 1999) + "."),
		"os.system":    []byte("cos\nsystem\n(S'echo hi'\ntR."),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := djsession.PickleSerializer{}.Parse(data)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s was read as a session", name)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
			t.Errorf("%s: %d bytes were allocated", name, took)
		}
	}
}

func TestPickleStaysAsItWas(t *testing.T) {
	for protocol := range 6 {
		data := pickled(t, dict("b", aCart(), "a", pickle.NewInt(1)), protocol)
		v := unpickle(t, append(data, "what comes after a pickle does not count"...))
		if got, err := (djsession.PickleSerializer{}).Append(nil, v.Clone()); err != nil || !strings.HasPrefix(string(got), string(data)) {
			t.Errorf("protocol %d: %q, %v", protocol, got, err)
		}
		if err := v.Set("a", 2); err != nil {
			t.Fatal(err)
		}
		got, err := djsession.PickleSerializer{Protocol: 3}.Append(nil, v)
		if err != nil || pickle.Protocol(got) != max(3, pickle.Protocol(data)) {
			t.Errorf("protocol %d is now %d, %v", protocol, pickle.Protocol(got), err)
		}
	}
}

// A dict that holds itself still holds itself after a change.
func TestChangedDictThatHoldsItself(t *testing.T) {
	root := dict("a", pickle.NewInt(1))
	root.Items = append(root.Items, pickle.NewStr("me"), pickle.NewTuple(pickle.NewList(root)))
	v := unpickle(t, pickled(t, root, 4))
	if err := v.Set("new", 2); err != nil {
		t.Fatal(err)
	}
	data, err := djsession.PickleSerializer{}.Append(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	back, err := pickle.Load(data, pickle.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if me := back.Items[3].Items[0].Items[0]; me != back || len(back.Items) != 6 {
		t.Errorf("it holds %v with %d items", me.Kind, len(me.Items))
	}
}

func TestKeysThatAreNoStrings(t *testing.T) {
	v := unpickle(t, pickled(t, dict(pickle.NewInt(5), pickle.NewInt(1), "5", pickle.NewInt(2), pickle.NewTuple(pickle.NewInt(1)), pickle.NewNone()), 4))
	if v.Len() != 3 || !slices.Equal(slices.Collect(v.Names()), []string{"5"}) || v.Has("") {
		t.Errorf("%d values, names %q", v.Len(), slices.Collect(v.Names()))
	}
	var n int
	if err := v.Get("5", &n); err != nil || n != 2 {
		t.Errorf("5: %d, %v", n, err)
	}
	v.Delete("5", "")
	if got := string(v.AppendShown(nil)); got != `{"5":1,"[1]":null}` {
		t.Errorf("shown as %s", got)
	}
	if err := v.Set("", true); err != nil {
		t.Fatal(err)
	}
	data, err := djsession.PickleSerializer{}.Append(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(unpickle(t, data).AppendShown(nil)); got != `{"5":1,"[1]":null,"":true}` {
		t.Errorf("read back: %s", got)
	}
}

func TestManyPickledValues(t *testing.T) {
	var v djsession.Values
	for i := range 300 {
		if err := v.Set(strings.Repeat("x", i), i); err != nil {
			t.Fatal(err)
		}
	}
	data, err := djsession.PickleSerializer{}.Append(nil, &v)
	if err != nil {
		t.Fatal(err)
	}
	// If a name occurs twice, the last value counts, in the place of the first.
	root, err := pickle.Load(data, pickle.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	twice := dict()
	twice.Items = append(append(twice.Items, root.Items...), pickle.NewStr("x"), pickle.NewStr("again"))
	read, err := pydict.Values(twice)
	if err != nil {
		t.Fatal(err)
	}
	back := read.(*djsession.Values)
	if back.Len() != 300 || back.GetString("x") != "again" {
		t.Errorf("%d values, x is %q", back.Len(), back.GetString("x"))
	}
	back.Delete("xx")
	if back.Has("xx") || !back.Has("xxx") || back.Len() != 299 {
		t.Error("Delete did not remove every xx")
	}
}

// A struct takes the values that it has fields for, even if other values are opaque.
func TestOpaqueBesideFields(t *testing.T) {
	v := unpickle(t, pickled(t, dict("user", dict("name", pickle.NewStr("ann"), "cart", aCart(), "tags", pickle.NewTuple(pickle.NewStr("x")))), 4))
	var user struct {
		Name string
		Tags []string
	}
	if err := v.Get("user", &user); err != nil || user.Name != "ann" || len(user.Tags) != 1 {
		t.Errorf("%+v, %v", user, err)
	}
	var all struct{ Cart any }
	if err := v.Get("user", &all); !errors.Is(err, djsession.ErrOpaque) || !strings.Contains(err.Error(), "myapp.models.Cart(…)") {
		t.Errorf("%v", err)
	}
	var m map[string]any
	if err := v.Get("user", &m); !errors.Is(err, djsession.ErrOpaque) {
		t.Errorf("%v", err)
	}
	// Values keep an opaque object, also inside a struct.
	var nested struct{ Users []djsession.Values }
	w := unpickle(t, pickled(t, dict("site", dict("Users", pickle.NewList(dict("cart", aCart())))), 4))
	if err := w.Get("site", &nested); err != nil {
		t.Fatal(err)
	}
	if err := nested.Users[0].Set("name", "ann"); err != nil {
		t.Fatal(err)
	}
	if err := w.Set("site", nested); err != nil {
		t.Fatal(err)
	}
	data, err := djsession.PickleSerializer{}.Append(nil, w)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(unpickle(t, data).AppendShown(nil)); got != `{"site":{"Users":[{"cart":"myapp.models.Cart(\u2026)","name":"ann"}]}}` {
		t.Errorf("%s", got)
	}
	if _, err := w.AppendPythonJSON(nil); !errors.Is(err, djsession.ErrOpaque) {
		t.Errorf("as JSON: %v", err)
	}
}

// A session can move between serializers. JSON has the values in the form that json.dumps writes.
func TestPickleToJSONAndBack(t *testing.T) {
	v := fixture.Values(t, oddJSON)
	data, err := djsession.PickleSerializer{}.Append(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	back := unpickle(t, data)
	if got := fixture.JSON(t, back); got != oddJSON {
		t.Errorf("got  %s\nwant %s", got, oddJSON)
	}
	if err := back.Set("at", noonPlus); err != nil {
		t.Fatal(err)
	}
	// A time that Go set is a text in JSON, and keeps its offset in both formats.
	var at time.Time
	if err := back.Get("at", &at); err != nil || !at.Equal(noonPlus) {
		t.Errorf("at: %v, %v", at, err)
	}
	if raw, _ := back.Raw("at"); raw != `"2031-07-02T12:00:00.000001+02:00"` {
		t.Errorf("at: %s", raw)
	}
}

// If Go sets a time in a JSON session, all other values keep their bytes.
func TestPythonTypesInJSON(t *testing.T) {
	v := fixture.Values(t, "{ \"\xe9\" : 1.50 , \"\\u00E9x\":2 }")
	if err := v.Set("at", noonPlus); err != nil {
		t.Fatal(err)
	}
	if err := v.Set("n", map[int]any{2: time.Second, 1: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	want := "{\"\xe9\":1.50,\"\\u00E9x\":2,\"at\":\"2031-07-02T12:00:00.000001+02:00\",\"n\":{\"1\":\"eA==\",\"2\":1000000000}}"
	if got := fixture.JSON(t, v); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	var x any
	if err := v.Get("at", &x); err != nil || x != "2031-07-02T12:00:00.000001+02:00" {
		t.Errorf("at is %#v, %v", x, err)
	}
	clone := v.Clone()
	v.Delete("at")
	if got := string(v.AppendShown(nil)); strings.Contains(got, "2031") || clone.Len() != 4 || !clone.Has("at") {
		t.Errorf("%s", got)
	}
	v.Clear()
	if err := v.Set("a", 1); err != nil || fixture.JSON(t, v) != `{"a":1}` {
		t.Errorf("%s, %v", fixture.JSON(t, v), err)
	}
}

// Set refuses a value that Python could not load.
func TestSetRefusesUnhashable(t *testing.T) {
	v := unpickle(t, pickled(t, dict("a", pickle.NewInt(1)), 4))
	for _, value := range []any{
		pytype.Set{[]int{1}}, pytype.FrozenSet{pytype.Tuple{map[string]int{}}}, map[string]any{"x": pytype.Set{pytype.Set{}}},
		pytype.Decimal("1,5"), pytype.Decimal(""), pytype.Date{Year: 2031, Month: 2, Day: 30}, pytype.TimeOfDay{Hour: 24}, pytype.Timedelta{Days: 1e9},
		pytype.NaiveTime(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)),
	} {
		if err := v.Set("a", value); err == nil {
			t.Errorf("%#v was accepted", value)
		}
	}
	if got := string(v.AppendShown(nil)); got != `{"a":1}` {
		t.Errorf("now %s", got)
	}
}

// Get also decodes a value into other types that can hold it.
func TestGetPickledIntoTypes(t *testing.T) {
	v := unpickle(t, pickled(t, dict(
		"decimal", pickle.NewCall(pickle.NewGlobal("decimal", "Decimal"), pickle.NewStr("1.50")),
		"delta", pickle.NewCall(pickle.NewGlobal("datetime", "timedelta"), pickle.NewInt(1), pickle.NewInt(0), pickle.NewInt(0)),
		"ages", pickle.NewCall(pickle.NewGlobal("datetime", "timedelta"), pickle.NewInt(400000), pickle.NewInt(0), pickle.NewInt(0)),
		"ints", dict(pickle.NewInt(1), pickle.NewTuple(pickle.NewFloat(2), pickle.NewInt(3))),
		"ordered", &pickle.Object{Kind: pickle.Reduce, Call: &pickle.Call{Callable: pickle.NewGlobal("collections", "OrderedDict"), Args: pickle.NewTuple(),
			Steps: []pickle.Step{{Kind: pickle.SetItems, Items: dict("z", pickle.NewInt(1), "a", pickle.NewInt(2)).Items}}}},
		"date", pickle.NewCall(pickle.NewGlobal("datetime", "date"), pickle.NewBytes("\x07\xef\x02\x03")),
		"bytes", pickle.NewBytes("\x00\xff"),
	), 4))
	for _, c := range []struct {
		name string
		into any
		want any
	}{
		{"decimal", new(float64), 1.5},
		{"decimal", new(string), "1.50"},
		{"delta", new(time.Duration), 24 * time.Hour},
		{"delta", new(pytype.Timedelta), pytype.Timedelta{Days: 1, Seconds: 0, Microseconds: 0}},
		{"delta", new(string), "1 day, 0:00:00"},
		{"ints", new(map[int][]float64), map[int][]float64{1: {2, 3}}},
		{"ints", new(map[string]any), map[string]any{"1": pytype.Tuple{2.0, int64(3)}}},
		{"ordered", new(map[string]int), map[string]int{"z": 1, "a": 2}},
		{"date", new(time.Time), time.Date(2031, 2, 3, 0, 0, 0, 0, time.UTC)},
		{"date", new(string), "2031-02-03"},
		{"bytes", new([]byte), []byte{0, 255}},
		{"bytes", new([2]byte), nil},
		{"ages", new(time.Duration), nil},
		{"decimal", new(int), nil},
	} {
		err := v.Get(c.name, c.into)
		if got := reflect.ValueOf(c.into).Elem().Interface(); c.want != nil && (err != nil || !reflect.DeepEqual(got, c.want)) {
			t.Errorf("%s into %T: %#v, %v", c.name, c.into, got, err)
		} else if c.want == nil && err == nil {
			t.Errorf("%s was decoded into %T: %#v", c.name, c.into, got)
		}
	}
	var ordered djsession.Values
	if err := v.Get("ordered", &ordered); err != nil || !slices.Equal(slices.Collect(ordered.Names()), []string{"z", "a"}) {
		t.Errorf("ordered: %v", err)
	}
	// It is still an OrderedDict after a change.
	if err := errors.Join(ordered.Set("m", 3), v.Set("ordered", ordered)); err != nil {
		t.Fatal(err)
	}
	data, err := djsession.PickleSerializer{}.Append(nil, v)
	if err != nil || !strings.Contains(string(data), "OrderedDict") {
		t.Errorf("%q, %v", data, err)
	}
	var again any
	if err := unpickle(t, data).Get("ordered", &again); err != nil || again.(*djsession.Values).Len() != 3 {
		t.Errorf("%v, %v", again, err)
	}
}

// upper is a site's own serializer.
type upper struct{ fail error }

func (s upper) Append(dst []byte, v *djsession.Values) ([]byte, error) {
	text, err := v.AppendPythonJSON(nil)
	return append(dst, strings.ToUpper(string(text))...), err
}

func (s upper) Parse(data []byte) (*djsession.Values, error) {
	if s.fail != nil {
		return nil, s.fail
	}
	v := new(djsession.Values)
	return v, v.UnmarshalPythonJSON(strings.ToLower(string(data)))
}

func TestSerializerOfTheSite(t *testing.T) {
	for _, version := range []string{"2.2", "3.2", "5.2"} {
		for _, newCodec := range []func(*djsession.Settings) (djsession.Codec, error){djsession.NewCodec, djsession.NewCookieCodec, djsession.NewLegacyCodec} {
			s, err := djsession.NewSettings(version, "secret")
			if err != nil {
				t.Fatal(err)
			}
			s.SessionSerializer = upper{}
			codec, err := newCodec(s)
			if err != nil {
				t.Fatal(err)
			}
			payload, err := codec.Append(nil, fixture.Values(t, `{"a":"x"}`))
			if err != nil {
				t.Fatal(err)
			}
			if v, _, err := codec.Decode(payload); err != nil || v.GetString("a") != "x" {
				t.Errorf("%s: %v", version, err)
			}
			s.SessionSerializer = upper{errors.New("what a site says")}
			if codec, err = newCodec(s); err != nil {
				t.Fatal(err)
			}
			var bad *djsession.PayloadError
			if _, _, err := codec.Decode(payload); !errors.As(err, &bad) || !errors.Is(err, djsession.ErrMalformed) || !strings.Contains(err.Error(), "what a site says") {
				t.Errorf("%s: %v", version, err)
			}
		}
	}
}

// A popped value stays if another writer changed an object in it that Go cannot read.
func TestPopOfObjects(t *testing.T) {
	session := func(n int) *djsession.Values {
		v, err := djsession.PickleSerializer{}.Parse(fmt.Appendf(nil, "(dVx\n(dVn\nI1\nsVo\ncsite\nCart\n(I%d\ntRssVy\nI1\ns.", n))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for name, c := range map[string]struct {
		theirs *djsession.Values
		stays  bool
	}{
		"changed":               {session(2), true},
		"another value changed": {session(1), false},
	} {
		t.Run(name, func(t *testing.T) {
			settings := mustSettings(t)
			settings.SessionSerializer = djsession.PickleSerializer{}
			store := newStore(t, settings)
			m := newManager(t, store, settings)
			r, err := store.Create(t.Context(), "", session(1), time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			s, err := m.Load(t.Context(), r.Key)
			if err != nil {
				t.Fatal(err)
			}
			var x struct{ N int }
			if err := s.Pop("x", &x); err != nil || x.N != 1 {
				t.Fatal(x, err)
			}
			c.theirs.Set("y", 2)
			if _, err := store.Replace(t.Context(), r, c.theirs, time.Time{}); err != nil {
				t.Fatal(err)
			}
			if err := s.Save(t.Context()); err != nil {
				t.Fatal(err)
			}
			r, err = store.Load(t.Context(), r.Key)
			if err != nil || r.Values.Has("x") != c.stays {
				t.Errorf("it has x: %v, %v", r.Values.Has("x"), err)
			}
			if y, err := djsession.GetOr(r.Values, "y", 0); y != 2 || err != nil {
				t.Errorf("y is %d, %v", y, err)
			}
		})
	}
}
