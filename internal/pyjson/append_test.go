package pyjson

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

type pythonType struct{ s string }

func (p pythonType) AppendPythonJSON(dst []byte) ([]byte, error) { return append(dst, p.s...), nil }
func (p *pythonType) UnmarshalPythonJSON(text string) error      { p.s = text; return nil }

type jsonType struct{ s string }

func (j *jsonType) MarshalJSON() ([]byte, error)    { return []byte(j.s), nil }
func (j *jsonType) UnmarshalJSON(text []byte) error { j.s = string(text); return nil }

type textType struct{ s string }

func (x textType) MarshalText() ([]byte, error) { return []byte("text " + x.s), nil }
func (x *textType) UnmarshalText(text []byte) error {
	x.s = strings.TrimPrefix(string(text), "text ")
	return nil
}

func TestAppend(t *testing.T) {
	east := time.FixedZone("", 5*3600+30*60)
	for _, test := range []struct {
		name  string
		value any
		want  string
	}{
		{"nil", nil, `null`},
		{"nil pointer", (*int)(nil), `null`},
		{"nil slice", []int(nil), `null`},
		{"nil map", map[string]int(nil), `null`},
		{"nil Object", Object(nil), `null`},
		{"nil list", []any(nil), `null`},
		{"nil big.Int", (*big.Int)(nil), `null`},
		{"nil time", (*time.Time)(nil), `null`},
		{"nil bytes", []byte(nil), `null`},
		{"nil python type", (*pythonType)(nil), `null`},
		{"bool", true, `true`},
		{"int", -1, `-1`},
		{"uint64", uint64(math.MaxUint64), `18446744073709551615`},
		{"big.Int", new(big.Int).Lsh(big.NewInt(1), 64), `18446744073709551616`},
		{"big.Int value", *big.NewInt(-5), `-5`},
		{"float", 1.0, `1.0`},
		{"float32", float32(0.1), `0.1`},
		{"float32 that rounds below", float32(0.0001), `0.0001`},
		{"duration", time.Second, `1000000000`},
		{"string", "a\"\\/<>&'\b\f\n\r\t\x00\x1f\x7fé€😀", `"a\"\\/<>&'\b\f\n\r\t\u0000\u001f\u007f\u00e9\u20ac\ud83d\ude00"`},
		{"WTF-8", "\xed\xa0\xbd.\xed\xb8\x80", `"\ud83d.\ude00"`},
		{"replacement character", "\ufffd", `"\ufffd"`},
		{"bytes", []byte{1, 2, 3, 4}, `"AQIDBA=="`},
		{"byte array", [2]byte{1, 2}, `[1,2]`},
		{"slice of itself", tree{{}, {{}}}, `[[],[[]]]`},
		{"slice", []string{"a", "b"}, `["a","b"]`},
		{"list", []any{1, 1.0, "1", nil, []any{}}, `[1,1.0,"1",null,[]]`},
		{"map", map[string]any{"b": 1, "a": 2, "é": 3}, `{"a":2,"b":1,"\u00e9":3}`},
		{"int keys", map[int8]int{-1: 1, 10: 2, 2: 3}, `{"-1":1,"10":2,"2":3}`},
		{"text keys", map[textType]int{{"b"}: 1, {"a"}: 2}, `{"text a":2,"text b":1}`},
		{"Object", Object{{"b", 1}, {"a", Object{}}}, `{"b":1,"a":{}}`},
		{"time", time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC), `"2031-02-03T04:05:06+00:00"`},
		{"time cut to microseconds", time.Date(2031, 2, 3, 4, 5, 6, 1999, east), `"2031-02-03T04:05:06.000001+05:30"`},
		{"time below a microsecond", time.Date(2031, 2, 3, 4, 5, 6, 999, time.UTC), `"2031-02-03T04:05:06+00:00"`},
		{"first year", time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), `"0001-01-01T00:00:00+00:00"`},
		{"offset with seconds", time.Date(1900, 1, 1, 0, 0, 0, 0, time.FixedZone("", -(3600+62))), `"1900-01-01T00:00:00-01:01:02"`},
		{"offset below a minute", time.Date(1900, 1, 1, 0, 0, 0, 0, time.FixedZone("", -30)), `"1900-01-01T00:00:00-00:00:30"`},
		{"pointer to time", new(time.Time), `"0001-01-01T00:00:00+00:00"`},
		{"json.Number", json.Number("1.50"), `1.5`},
		{"json.Number int", json.Number("-0"), `0`},
		{"json.Number zero", json.Number(""), `0`},
		{"json.RawMessage", json.RawMessage(` {"é": 1e2} `), `{"\u00e9":100.0}`},
		{"nil json.RawMessage", json.RawMessage(nil), `null`},
		{"python type", pythonType{"NaN"}, `NaN`},
		{"json type by pointer", &jsonType{`"é"`}, `"\u00e9"`},
		{"json type without address", jsonType{`1`}, `{}`},
		{"json types in a slice", []jsonType{{`1`}}, `[1]`},
		{"text type", textType{"é"}, `"text \u00e9"`},
		{"interfaces", []fmt.Stringer{nil, time.Second}, `[null,1000000000]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Append([]byte("x"), test.value)
			if err != nil || string(got) != "x"+test.want {
				t.Errorf("got %s, %v, want x%s", got, err, test.want)
			}
		})
	}
}

type loop *loop

type tree []tree

func nested(levels int) any {
	var v any = 1
	for range levels {
		v = []any{v}
	}
	return v
}

func TestAppendErrors(t *testing.T) {
	var self loop
	self = &self
	cycle := map[string]any{}
	cycle["a"] = cycle
	var inside any
	inside = &inside
	for _, test := range []struct {
		name  string
		value any
	}{
		{"chan", make(chan int)},
		{"func", func() {}},
		{"complex", 1i},
		{"invalid UTF-8", "\xe9"},
		{"cut short", "\xed\xa0"},
		{"invalid UTF-8 in a name", map[string]int{"\xff": 1}},
		{"year 0", time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)},
		{"year 10000", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
		{"offset of a day", time.Date(2000, 1, 1, 0, 0, 0, 0, time.FixedZone("", 86400))},
		{"too many digits", new(big.Int).Exp(big.NewInt(10), big.NewInt(4300), nil)},
		{"far too many digits", new(big.Int).Lsh(big.NewInt(1), 1<<20)},
		{"not a number", json.Number("1x")},
		{"space before a number", json.Number(" 1")},
		{"space after a number", json.Number("1 ")},
		{"text for a number", json.Number(`"1"`)},
		{"float keys", map[float64]int{1: 1}},
		{"name twice", Object{{"a", 1}, {"a", 2}}},
		{"keys written alike", map[*textType]int{{"a"}: 1, {"a"}: 2}},
		{"too deep", nested(MaxWriteDepth + 1)},
		{"map in itself", cycle},
		{"pointer to itself", self},
		{"interface to itself", inside},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Append([]byte("x"), test.value)
			var unsupported *UnsupportedError
			if !errors.As(err, &unsupported) || string(got) != "x" {
				t.Errorf("got %s, %v, want an UnsupportedError and dst unchanged", got, err)
			}
		})
	}
	if _, err := Append(nil, nested(MaxWriteDepth)); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	if _, err := Append(nil, []any{json.RawMessage(strings.Repeat("[", 500) + strings.Repeat("]", 500))}); !errors.Is(err, ErrDepth) {
		t.Errorf("got %v, want an error: the text of a Marshaler counts for the depth", err)
	}
	if _, err := Append(nil, &jsonType{`{`}); err == nil {
		t.Error("invalid JSON from a Marshaler was written")
	}
}

func TestAppendsWhatPythonWouldWrite(t *testing.T) {
	g := newGenerator(5)
	var texts []string
	for range 5000 {
		v := g.value(g.IntN(5))
		text, err := Append(nil, v)
		if err != nil {
			t.Fatalf("%#v: %v", v, err)
		}
		texts = append(texts, string(text))
		d := decoder{text: string(text)}
		if back := d.any(true); !same(back, v) {
			t.Fatalf("%#v is written as %s, which is read as %#v", v, text, back)
		}
	}
	for i, answer := range startPython(t).askTexts(t, "latin-1", texts) {
		if answer == nil || *answer != texts[i] {
			t.Errorf("Go writes %s, Python writes %s", texts[i], deref(answer))
		}
	}
}

// value makes a value of a type that decoding returns.
func (g generator) value(depth int) any {
	kind := g.IntN(9)
	if depth <= 0 {
		kind = g.IntN(7)
	}
	switch kind {
	case 0:
		return nil
	case 1:
		return g.IntN(2) == 0
	case 2:
		return int64(g.Uint64()) >> g.IntN(64)
	case 3:
		n, _ := new(big.Int).SetString(g.pick("", "-")+"1"+g.digits(20+g.IntN(30)), 10)
		return n
	case 4:
		return g.float()
	case 5, 6:
		return g.goString()
	case 7:
		list := []any{}
		for range g.IntN(4) {
			list = append(list, g.value(depth-1))
		}
		return list
	}
	o := Object{}
	for i := range g.IntN(4) {
		o = append(o, ObjectMember{strconv.Itoa(i) + g.goString(), g.value(depth - 1)})
	}
	return o
}

func (g generator) float() float64 {
	switch g.IntN(4) {
	case 0:
		return math.Float64frombits(g.Uint64())
	case 1:
		return float64(g.IntN(1000)) / 8
	case 2:
		return math.Pow10(g.IntN(40) - 20)
	}
	return float64(g.Int64())
}

func (g generator) goString() string {
	runes := make([]rune, g.IntN(8))
	for i := range runes {
		if runes[i] = rune(g.IntN(1 << (7 + g.IntN(14)))); runes[i] > 0x10ffff {
			runes[i] = '.'
		}
	}
	return string(runes) + g.pick("", "", "\xed\xa0\xbd", "\xed\xb8\x80.")
}

// same reports whether two values are equal. NaN equals NaN.
func same(a, b any) bool {
	switch a := a.(type) {
	case float64:
		b, ok := b.(float64)
		return ok && (math.Float64bits(a) == math.Float64bits(b) || a != a && b != b)
	case *big.Int:
		b, ok := b.(*big.Int)
		return ok && a.Cmp(b) == 0
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !same(a[i], b[i]) {
				return false
			}
		}
		return true
	case Object:
		b, ok := b.(Object)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if a[i].Name != b[i].Name || !same(a[i].Value, b[i].Value) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(a, b)
}

func deref(s *string) string {
	if s == nil {
		return "nothing"
	}
	return *s
}

func TestAppendFloat(t *testing.T) {
	for _, test := range []struct {
		f    float64
		bits int
		want string
	}{
		{1, 64, "1.0"}, {0, 64, "0.0"}, {math.Copysign(0, -1), 64, "-0.0"}, {1e16, 64, "1e+16"}, {-1e16, 64, "-1e+16"}, {9999999999999998, 64, "9999999999999998.0"},
		{1e-5, 64, "1e-05"}, {1e-4, 64, "0.0001"}, {1.5e300, 64, "1.5e+300"}, {5e-324, 64, "5e-324"}, {0.1, 64, "0.1"}, {123456.789, 64, "123456.789"},
		{math.NaN(), 64, "NaN"}, {math.Inf(1), 64, "Infinity"}, {math.Inf(-1), 64, "-Infinity"},
		{float64(float32(0.1)), 32, "0.1"}, {float64(float32(1e16)), 32, "1e+16"}, {float64(float32(1e-4)), 32, "0.0001"}, {16777216, 32, "16777216.0"},
	} {
		if got := string(AppendFloat(nil, test.f, test.bits)); got != test.want {
			t.Errorf("AppendFloat(%v, %d) = %s, want %s", test.f, test.bits, got, test.want)
		}
	}
}

func TestFloatsAsRepr(t *testing.T) {
	g := newGenerator(6)
	var floats []float64
	var args []any
	for len(floats) < 10000 {
		if f := g.float(); !math.IsNaN(f) && !math.IsInf(f, 0) {
			floats = append(floats, f)
			args = append(args, hex.EncodeToString(big.NewInt(0).SetUint64(math.Float64bits(f)).FillBytes(make([]byte, 8))))
		}
	}
	for i, answer := range startPython(t).ask(t, "repr", args) {
		if got := string(AppendFloat(nil, floats[i], 64)); got != deref(answer) {
			t.Errorf("%v: got %s, Python writes %s", floats[i], got, deref(answer))
		}
	}
}

func TestTimesAsIsoformat(t *testing.T) {
	g := newGenerator(7)
	var times []time.Time
	var args []any
	for range 2000 {
		// The years are 2 to 9998, so that no offset moves a time out of Python's range.
		seconds := g.Int64N(253370764800+62104060800) - 62104060800
		microseconds := int64(g.IntN(1000000)) * int64(g.IntN(2))
		offset := (g.IntN(2*23*60) - 23*60) * 60
		times = append(times, time.Unix(seconds, microseconds*1000+int64(g.IntN(1000))).In(time.FixedZone("", offset)))
		args = append(args, []int64{seconds, microseconds, int64(offset)})
	}
	for i, answer := range startPython(t).ask(t, "isoformat", args) {
		got, err := Append(nil, times[i])
		if err != nil || string(got) != `"`+deref(answer)+`"` {
			t.Errorf("got %s, %v, Python writes %q", got, err, deref(answer))
		}
		var back time.Time
		if err := Unmarshal(string(got), &back); err != nil || !back.Equal(times[i].Truncate(time.Microsecond)) {
			t.Errorf("%s is read as %v, %v", got, back, err)
		}
	}
}
