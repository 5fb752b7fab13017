package djsession_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/testing/fixture"
)

// Values that were not changed keep their bytes, with all their oddities.
func TestSetLeavesTheRestAsItWas(t *testing.T) {
	const odd = `{"f":1.0,"n":NaN,"s":"\ud800","big":123456789012345678901234567890,"cart":{"b":1E5,"a":-0}`
	v := fixture.Values(t, odd+`,"x":1}`)
	if err := v.Set("x", 2); err != nil {
		t.Fatal(err)
	}
	if err := v.Set("é\x00", "new"); err != nil {
		t.Fatal(err)
	}
	if got, want := fixture.JSON(t, v), odd+`,"x":2,"\u00e9\u0000":"new"}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if v.Delete("f", "missing", "n") != 2 {
		t.Error("Delete does not count the deleted values")
	}
	if !slices.Equal(slices.Collect(v.Names()), []string{"s", "big", "cart", "x", "é\x00"}) {
		t.Errorf("names %q", slices.Collect(v.Names()))
	}
}

func TestUnchangedTextComesBackWhole(t *testing.T) {
	const text = "{ \"a\" : 1 ,\n\"a\":2, \"b\":\"\xe9\" }"
	v := fixture.Values(t, text)
	if got := fixture.JSON(t, v); got != text {
		t.Errorf("got %q", got)
	}
	if got := fixture.JSON(t, v.Clone()); got != text {
		t.Errorf("clone: %q", got)
	}
	if err := v.Set("c", 1); err != nil {
		t.Fatal(err)
	}
	if got, want := fixture.JSON(t, v), "{\"a\":2,\"b\":\"\xe9\",\"c\":1}"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if v.GetString("b") != "é" {
		t.Errorf("b is %q", v.GetString("b"))
	}
}

func TestSetWritesWhatPythonWould(t *testing.T) {
	type item struct {
		Qty   int     `json:"qty"`
		Price float64 `json:"price"`
		Note  *string `json:"note"`
		Skip  string  `json:"-"`
	}
	madrid := time.FixedZone("", 3600)
	for name, c := range map[string]struct {
		value any
		want  string
	}{
		"float":    {1.0, "1.0"},
		"zero":     {math.Copysign(0, -1), "-0.0"},
		"large":    {1e16, "1e+16"},
		"small":    {5e-324, "5e-324"},
		"infinity": {math.Inf(-1), "-Infinity"},
		"int":      {int64(math.MinInt64), "-9223372036854775808"},
		"uint":     {uint64(math.MaxUint64), "18446744073709551615"},
		"big":      {new(big.Int).Lsh(big.NewInt(1), 200), "1606938044258990275541962092341162602522202993782792835301376"},
		"text":     {"é\U0001f600</script>\x7f", `"\u00e9\ud83d\ude00</script>\u007f"`},
		"nil":      {nil, "null"},
		"time":     {time.Date(2031, 2, 3, 4, 5, 6, 789012999, madrid), `"2031-02-03T04:05:06.789012+01:00"`},
		"whole":    {time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC), `"2031-02-03T04:05:06+00:00"`},
		"struct":   {item{2, 3, nil, "x"}, `{"qty":2,"price":3.0,"note":null}`},
		"nested":   {fixture.Values(t, `{"b":1.0,"a":NaN}`), `{"b":1.0,"a":NaN}`},
		"bool":     {true, "true"},
		"list":     {[]any{1, 1.5, "x", nil, []int{}}, `[1,1.5,"x",null,[]]`},
	} {
		var v djsession.Values
		if err := v.Set("x", c.value); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if raw, _ := v.Raw("x"); raw != c.want {
			t.Errorf("%s: %s, want %s", name, raw, c.want)
		}
	}
}

func TestSetRefusesAndChangesNothing(t *testing.T) {
	v := fixture.Values(t, `{"x":1}`)
	loop := map[string]any{}
	loop["self"] = loop
	for name, value := range map[string]any{
		"channel": make(chan int), "broken": "\xff", "year": time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), "loop": loop,
	} {
		if err := v.Set("x", value); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	for _, name := range []string{"\xff", "a\xc3"} {
		if err := v.Set(name, 1); err == nil {
			t.Errorf("name %q was accepted", name)
		}
	}
	for _, json := range []string{"", "{", "01", "'x'", "1 2", "\xff"} {
		if err := v.SetJSON("x", json); err == nil {
			t.Errorf("JSON %q was accepted", json)
		}
	}
	if got := fixture.JSON(t, v); got != `{"x":1}` {
		t.Errorf("now %s", got)
	}
}

func TestGet(t *testing.T) {
	v := fixture.Values(t, `{"i":1,"f":1.0,"big":18446744073709551616,"t":"2031-02-03T04:05:06+01:00","cart":{"z":[1,{"a":1.0}]},"n":null,"nan":NaN}`)
	var anything any
	for name, want := range map[string]any{"i": int64(1), "f": 1.0, "n": nil} {
		if err := v.Get(name, &anything); err != nil || anything != want {
			t.Errorf("%s: %#v, %v", name, anything, err)
		}
	}
	if err := v.Get("big", &anything); err != nil || anything.(*big.Int).String() != "18446744073709551616" {
		t.Errorf("big: %v, %v", anything, err)
	}
	var at time.Time
	if err := v.Get("t", &at); err != nil || !at.Equal(time.Date(2031, 2, 3, 3, 5, 6, 0, time.UTC)) {
		t.Errorf("t: %v, %v", at, err)
	}
	var i int
	if err := v.Get("f", &i); err == nil {
		t.Error("1.0 was decoded into an int")
	}
	if err := v.Get("missing", &i); !errors.Is(err, djsession.ErrNoValue) {
		t.Errorf("missing: %v", err)
	}
	if got := v.GetString("i") + v.GetString("missing"); got != "" {
		t.Errorf("GetString: %q", got)
	}
	var nested djsession.Values
	if err := v.Get("cart", &nested); err != nil {
		t.Fatal(err)
	}
	if raw, _ := nested.Raw("z"); raw != `[1,{"a":1.0}]` {
		t.Errorf("z: %s", raw)
	}
}

func TestManyValues(t *testing.T) {
	var v djsession.Values
	for i := range 1000 {
		if err := v.Set(strconv.Itoa(i), i); err != nil {
			t.Fatal(err)
		}
	}
	for i := 0; i < 1000; i += 2 {
		v.Delete(strconv.Itoa(i))
	}
	if err := v.Set("0", "again"); err != nil {
		t.Fatal(err)
	}
	v = *fixture.Values(t, fixture.JSON(t, &v))
	if v.Len() != 501 || v.Has("2") || !v.Has("3") || v.GetString("0") != "again" {
		t.Errorf("%d values", v.Len())
	}
	clone := v.Clone()
	clone.Clear()
	if v.Len() != 501 || clone.Len() != 0 || fixture.JSON(t, clone) != "{}" {
		t.Error("a change of a clone changes the original")
	}
}

func TestStandardJSON(t *testing.T) {
	v := fixture.Values(t, "{\"n\":[NaN,-Infinity,1.0],\"s\":\"\xe9\\ud800\"}")
	got, err := json.Marshal(v)
	if err != nil || string(got) != `{"n":["NaN","-Infinity",1.0],"s":"\u00e9\ud800"}` {
		t.Errorf("%s, %v", got, err)
	}
	var back djsession.Values
	if err := json.Unmarshal([]byte(`{"é":1.50,"b":[1, 2]}`), &back); err != nil || fixture.JSON(t, &back) != `{"\u00e9":1.5,"b":[1,2]}` {
		t.Errorf("%s, %v", fixture.JSON(t, &back), err)
	}
	if err := back.UnmarshalJSON([]byte(`[1]`)); err == nil {
		t.Error("a list was accepted as values")
	}
}

func TestKeys(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		key := djsession.NewKey()
		if len(key) != 32 || strings.Trim(key, "abcdefghijklmnopqrstuvwxyz0123456789") != "" || seen[key] {
			t.Fatalf("key %q", key)
		}
		seen[key] = true
	}
	for key, ok := range map[string]bool{
		"": false, "1234567": false, "12345678": true, strings.Repeat("x", 40): true, strings.Repeat("x", 41): false,
		"éééééééé": true, "12345678\x00": false, "12345678\xff": false,
	} {
		if err := djsession.ValidateKey(key); (err == nil) != ok || err != nil && !errors.Is(err, djsession.ErrInvalidKey) {
			t.Errorf("%q: %v", key, err)
		}
	}
	for key, want := range map[string]string{
		"9f3c1a2b4d": "9f3c1a…", "9f3c1a": "9f3c1a", "éééééééé": "éééééé…", "ab\x1b[31mcd": "ab…", "": "", "ab\xffcdefgh": "ab…",
	} {
		if got := djsession.ShortKey(key); got != want {
			t.Errorf("ShortKey(%q) = %q", key, got)
		}
	}
}

func TestSizes(t *testing.T) {
	sizes := func(v *djsession.Values) (text string) {
		for name, size := range v.Sizes() {
			text += fmt.Sprintf("%.8s:%d ", name, size)
		}
		return text
	}
	v := new(djsession.Values)
	if err := v.UnmarshalPythonJSON(`{"a": [1, 2],"b":1.50,"":"\u00e9"}`); err != nil {
		t.Fatal(err)
	}
	if got, want := sizes(v), "a:6 b:4 :8 "; got != want {
		t.Errorf("JSON: %q, want %q", got, want)
	}
	// {"a": x, "b": x, 3: x} with one list x. The name 3 is no str.
	v, err := djsession.PickleSerializer{}.Parse([]byte("\x80\x04}\x94(\x8c\x01a\x94]\x94(K\x01K\x02e\x8c\x01b\x94h\x02K\x03h\x02u."))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := sizes(v), "a:5 b:5 "; got != want {
		t.Errorf("pickle: %q, want %q", got, want)
	}
}

// A hostile pickle has 20,000 names for one text of a megabyte. That must not take 20 GB of work.
func TestSizesOfSharedObjects(t *testing.T) {
	const large = 1 << 20
	var b strings.Builder
	b.WriteString("\x80\x04}\x94(\x8c\x01x\x94X")
	b.Write(binary.LittleEndian.AppendUint32(nil, large))
	b.WriteString(strings.Repeat("y", large) + "\x94")
	for i := range 20_000 {
		fmt.Fprintf(&b, "\x8c\x05%05dh\x02", i)
	}
	b.WriteString("u.")
	v, err := djsession.PickleSerializer{}.Parse([]byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	names, bytes := 0, 0
	for _, size := range v.Sizes() {
		names++
		bytes += size
	}
	if names != 20_001 || bytes < large || bytes > 256<<20 {
		t.Errorf("%d names, %d bytes", names, bytes)
	}
}
