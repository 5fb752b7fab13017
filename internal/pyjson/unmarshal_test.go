package pyjson

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestUnmarshal(t *testing.T) {
	huge, _ := new(big.Int).SetString("-9223372036854775809", 10)
	one := 1
	for _, test := range []struct {
		name, text string
		want       any
	}{
		{"bool", `true`, true},
		{"int", ` -5 `, -5},
		{"negative zero", `-0`, 0},
		{"unsigned negative zero", `-0`, uint8(0)},
		{"largest int8", `127`, int8(127)},
		{"largest uint64", `18446744073709551615`, uint64(math.MaxUint64)},
		{"float", `1.5`, 1.5},
		{"float from an int", `3`, 3.0},
		{"infinite", `-Infinity`, math.Inf(-1)},
		{"too large is infinite", `1e400`, math.Inf(1)},
		{"too large is infinite in 32 bits too", `1e400`, float32(math.Inf(1))},
		{"float32 rounded once", `1.00000017881393432617187499`, float32(1.0000001)},
		{"string", `"caf\u00e9"`, "café"},
		{"bytes", `"AQIDBA=="`, []byte{1, 2, 3, 4}},
		{"bytes from a list", `[1,2]`, []byte{1, 2}},
		{"null bytes", `null`, []byte(nil)},
		{"big.Int", `-9223372036854775809`, *huge},
		{"pointer to big.Int", `-9223372036854775809`, huge},
		{"json.Number", `1.50`, json.Number("1.50")},
		{"json.Number of Python's", `NaN`, json.Number("NaN")},
		{"json.RawMessage", "[ 1.50, \"\xe9\" ]", json.RawMessage(`[1.50,"\u00e9"]`)},
		{"slice", `[1, 2]`, []int{1, 2}},
		{"empty slice", `[]`, []int{}},
		{"null slice", `null`, []int(nil)},
		{"array too long", `[1]`, [2]int{1, 0}},
		{"array too short", `[1, {"a":[]}]`, [1]int{1}},
		{"map", `{"a":1,"b":2,"a":3}`, map[string]int{"a": 3, "b": 2}},
		{"int keys", `{"-1":1}`, map[int]int{-1: 1}},
		{"uint keys", `{"1":1}`, map[uint]int{1: 1}},
		{"text keys", `{"text a":1}`, map[textType]int{{"a"}: 1}},
		{"pointer", `1`, &one},
		{"null pointer", `null`, (*int)(nil)},
		{"null leaves an int alone", `null`, 0},
		{"python type", `{"a": NaN}`, pythonType{`{"a": NaN}`}},
		{"python types in a slice", `[ 1 , null]`, []pythonType{{`1`}, {`null`}}},
		{"json type", "{ \"\xe9\": 1}", jsonType{`{"\u00e9":1}`}},
		{"text type", `"text \u00e9"`, textType{"é"}},
		{"Object", `{"b":{"c":1},"a":[{"x":2,"x":3}],"b":null}`, Object{{"b", nil}, {"a", []any{Object{{"x", int64(3)}}}}}},
		{"empty Object", `{}`, Object{}},
		{"null Object", `null`, Object(nil)},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := reflect.New(reflect.TypeOf(test.want))
			if err := Unmarshal(test.text, got.Interface()); err != nil || !reflect.DeepEqual(got.Elem().Interface(), test.want) {
				t.Errorf("got %#v, %v, want %#v", got.Elem(), err, test.want)
			}
		})
	}
}

func TestUnmarshalAny(t *testing.T) {
	var got any
	text := `[null,true,1,9223372036854775808,1.0,"a",[],{"b":{},"b":{"c":2}}]`
	want := []any{nil, true, int64(1), new(big.Int).SetUint64(1 << 63), 1.0, "a", []any{}, map[string]any{"b": map[string]any{"c": int64(2)}}}
	if err := Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, %v, want %#v", got, err, want)
	}
	if err := Unmarshal(`null`, &got); err != nil || got != nil {
		t.Errorf("got %#v, %v, want nil", got, err)
	}
	var nan any
	if err := Unmarshal(`NaN`, &nan); err != nil || !math.IsNaN(nan.(float64)) {
		t.Errorf("got %#v, %v, want NaN", nan, err)
	}
}

func TestUnmarshalErrors(t *testing.T) {
	type item struct {
		Price int `json:"price"`
	}
	for _, test := range []struct {
		name, text string
		dst        any
		want       string
	}{
		{"float for an int", `1.0`, new(int), "float does not fit int"},
		{"exponent for an int", `1e2`, new(int), "float does not fit int"},
		{"NaN for an int", `NaN`, new(int), "float does not fit int"},
		{"int too large", `128`, new(int8), "int out of range does not fit int8"},
		{"int far too large", `9223372036854775808`, new(int64), "int out of range does not fit int64"},
		{"negative", `-1`, new(uint), "int out of range does not fit uint"},
		{"float32 too large", `1e39`, new(float32), "float out of range does not fit float32"},
		{"int beyond float64", "1" + strings.Repeat("0", 400), new(float64), "int out of range does not fit float64"},
		{"string for an int", `"secret"`, new(int), "string does not fit int"},
		{"string for a json.Number", `"1"`, new(json.Number), "string does not fit json.Number"},
		{"int for a string", `1`, new(string), "int does not fit string"},
		{"list for a map", `[]`, new(map[string]int), "array does not fit map[string]int"},
		{"dict for a list", `{}`, new([]int), "object does not fit []int"},
		{"list for an Object", `[]`, new(Object), "array does not fit pyjson.Object"},
		{"bool for a float", `true`, new(float64), "bool does not fit float64"},
		{"not base64", `"a"`, new([]byte), "string that is not base64 does not fit []uint8"},
		{"float for a big.Int", `1.0`, new(big.Int), "float does not fit big.Int"},
		{"not a time", `"secret"`, new(time.Time), "string that is not from isoformat() does not fit time.Time"},
		{"int for a time", `1`, new(time.Time), "int does not fit time.Time"},
		{"NaN for a json.RawMessage", `[NaN]`, new(json.RawMessage), "float that only Python has does not fit json.RawMessage"},
		{"interface with methods", `1`, new(error), "int does not fit error"},
		{"chan", `1`, new(chan int), "int does not fit chan int"},
		{"path", `{"cart":{"secret":[{"price":1},{"price":"secret"}]}}`, new(struct {
			Cart map[string][]item `json:"cart"`
		}), ".cart[*][1].price: string does not fit int"},
		{"key", `{"secret":1}`, new(map[int]int), "[*]: name of a member does not fit int"},
		{"key too large", `{"256":1}`, new(map[uint8]int), "[*]: int out of range does not fit uint8"},
		{"string without JSON in it", `{"A":"secret"}`, new(struct {
			A int `json:",string"`
		}), ".A: string without JSON in it does not fit int"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := Unmarshal(test.text, test.dst)
			var typeError *TypeError
			if !errors.As(err, &typeError) || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	for _, dst := range []any{nil, 1, (*int)(nil)} {
		if err := Unmarshal(`1`, dst); err == nil {
			t.Errorf("Unmarshal into %#v returns no error", dst)
		}
	}
	deep := strings.Repeat("[", DefaultDepth+1) + strings.Repeat("]", DefaultDepth+1)
	if err := Unmarshal(deep, new(any)); !errors.Is(err, ErrDepth) {
		t.Errorf("got %v, want %v", err, ErrDepth)
	}
	if err := Unmarshal(deep[1:len(deep)-1], new(any)); err != nil {
		t.Errorf("at the limit: %v", err)
	}
}

func TestUnmarshalTime(t *testing.T) {
	utc := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2031-02-03T04:05:06":                        utc,
		"2031-02-03 04:05:06":                        utc,
		"2031-02-03T04:05:06Z":                       utc,
		"2031-02-03T04:05:06+00:00":                  utc,
		"2031-02-03T04:05:06-00:00":                  utc,
		"2031-02-03T04:05:06.789012+00:00":           utc.Add(789012 * time.Microsecond),
		"2031-02-03T04:05:06.789":                    utc.Add(789 * time.Millisecond),
		"2031-02-03T04:05:06.123456789":              utc.Add(123456789),
		"2031-02-03T04:05:06.1234567890":             utc.Add(123456789),
		"2031-02-03T04:05:06,789":                    utc.Add(789 * time.Millisecond),
		"2031-02-03t04:05:06":                        utc,
		"2031-02-03_04:05:06":                        utc,
		"2031-02-03T04:05:06 +00:00":                 utc,
		"2031-W06-1T04:05:06":                        utc,
		"2031-02-03T09:35:06+05:30":                  utc,
		"2031-02-03T04:05:00-00:00:06":               utc,
		"2031-02-03T04:05:07.000001+00:00:01":        utc.Add(time.Microsecond),
		"2031-02-03T04:05:06.000001+00:00:00.000001": utc,
		"20310203T040506+0000":                       utc,
		"2031-02-03T04":                              time.Date(2031, 2, 3, 4, 0, 0, 0, time.UTC),
		"20310203":                                   time.Date(2031, 2, 3, 0, 0, 0, 0, time.UTC),
		"2031-02-03":                                 time.Date(2031, 2, 3, 0, 0, 0, 0, time.UTC),
		"2032-02-29":                                 time.Date(2032, 2, 29, 0, 0, 0, 0, time.UTC),
		"9999-12-31T23:59:59.999999":                 time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
	} {
		var got time.Time
		if err := Unmarshal(`"`+text+`"`, &got); err != nil || !got.Equal(want) {
			t.Errorf("%s is read as %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "2031", "2031-02", "2031-2-3", "2031-02-30", "2031-13-01", "2031-00-01", "2031-01-00", "0000-01-01", "203102-03",
		"2031-02-03T", "2031-02-03T0", "2031-02-03T04:05:", "2031-02-03T24:00:00", "2031-02-03T04:60:00", "2031-02-03T04:05:60",
		"2031-02-03T04:05:06.", "2031-02-03T04:05:06+", "2031-02-03T04:05:06+000", "2031-02-03T04:05:06+24:00",
		"2031-02-03T04:05:06+00:60", "2031-02-03T04:05:06z", "2031-02-03T04:05:06Z ", " 2031-02-03",
		"2031-02-03T+4:05:06", "2031-02-03T04:05:06+00:00+00:00", "+031-02-03"} {
		var got time.Time
		if err := Unmarshal(`"`+text+`"`, &got); err == nil {
			t.Errorf("%q is read as %v, want an error", text, got)
		}
	}
}

func TestUnmarshalKeepsWhatIsThere(t *testing.T) {
	dst := struct {
		A int
		M map[string]int
		P *int
	}{A: 1, M: map[string]int{"x": 1}, P: new(int)}
	p := dst.P
	if err := Unmarshal(`{"A":null,"M":{"y":2},"P":3,"unknown":[1,{"a":2}]}`, &dst); err != nil {
		t.Fatal(err)
	}
	if dst.A != 1 || len(dst.M) != 2 || dst.P != p || *p != 3 {
		t.Errorf("got %+v", dst)
	}
}
