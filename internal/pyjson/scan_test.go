package pyjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestScan(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []Member
	}{
		{"empty", ` { } `, nil},
		{"raw values", `{"a": 1.50 ,"b":[1, 2],"c":{"d" : "e"}}`,
			[]Member{{"a", `"a"`, `1.50`}, {"b", `"b"`, `[1, 2]`}, {"c", `"c"`, `{"d" : "e"}`}}},
		{"escaped name", `{"\u0061\n":null}`, []Member{{"a\n", `"\u0061\n"`, `null`}}},
		{"latin-1 name", "{\"\xe9\":null}", []Member{{"é", "\"\xe9\"", `null`}}},
		{"half a pair", `{"\ud83d":null}`, []Member{{"\xed\xa0\xbd", `"\ud83d"`, `null`}}},
		{"last duplicate counts", `{"a":1,"b":2,"\u0061":3}`, []Member{{"a", `"a"`, `3`}, {"b", `"b"`, `2`}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Scan(test.text, nil, Limits{})
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
		})
	}
}

func TestScanAppends(t *testing.T) {
	before := []Member{{Name: "a", Raw: "0"}}
	got, err := Scan(`{"a":1}`, before, Limits{})
	if err != nil || len(got) != 2 || got[0].Raw != "0" || got[1].Raw != "1" {
		t.Errorf("got %q, %v: Scan must not merge with members that dst had before", got, err)
	}
	if got, err := Scan(`{"a":1,"b"}`, before, Limits{}); err == nil || len(got) != 1 {
		t.Errorf("got %q, %v, want dst unchanged", got, err)
	}
}

func TestScanFindsDuplicatesAmongMany(t *testing.T) {
	var b strings.Builder
	for round := range 2 {
		for i := range 1000 {
			fmt.Fprintf(&b, `,"name%d":%d`, i, round)
		}
	}
	members, err := Scan("{"+b.String()[1:]+"}", []Member{{Name: "name7"}}, Limits{})
	if err != nil || len(members) != 1001 {
		t.Fatalf("got %d members, %v", len(members), err)
	}
	for i, m := range members[1:] {
		if m.Name != fmt.Sprint("name", i) || m.Raw != "1" {
			t.Fatalf("member %d is %q", i, m)
		}
	}
}

func TestScanErrors(t *testing.T) {
	deep := strings.Repeat("[", 10000) + strings.Repeat("]", 10000)
	for _, test := range []struct {
		name, text string
		lim        Limits
		want       error
	}{
		{"not an object", `[1]`, Limits{}, ErrNotObject},
		{"neither object nor JSON", `[1`, Limits{}, &SyntaxError{2, "unexpected end"}},
		{"nothing", ``, Limits{}, &SyntaxError{0, "unexpected end"}},
		{"byte-order mark", "\xef\xbb\xbf{}", Limits{}, &SyntaxError{0, "want a value"}},
		{"no closing quote", `{"a":"b`, Limits{}, &SyntaxError{7, "unterminated string"}},
		{"bad escape", `{"a":"b\x"}`, Limits{}, &SyntaxError{7, "bad escape in a string"}},
		{"control character", "{\"a\":\"b\n\"}", Limits{}, &SyntaxError{7, "control character in a string"}},
		{"trailing comma", `{"a":1,}`, Limits{}, &SyntaxError{7, "want a name in double quotes"}},
		{"no colon", `{"a" 1}`, Limits{}, &SyntaxError{5, "want a colon after a name"}},
		{"no comma", `{"a":1 "b":2}`, Limits{}, &SyntaxError{7, "want a comma or closing bracket after a value"}},
		{"leading zero", `{"a":01}`, Limits{}, &SyntaxError{6, "bad number"}},
		{"too many digits", `{"a":-` + strings.Repeat("1", 4301) + `}`, Limits{}, &SyntaxError{6, "integer of more than 4300 digits"}},
		{"something after", `{} {}`, Limits{}, &SyntaxError{3, "extra data after the value"}},
		{"at the limit", `{"a":[[]]}`, Limits{Depth: 3}, nil},
		{"beyond the limit", `{"a":[[]]}`, Limits{Depth: 2}, ErrDepth},
		{"no nesting at all", `{}`, Limits{Depth: 1}, nil},
		{"default limit", `{"a":` + deep + `}`, Limits{}, ErrDepth},
		{"higher limit", `{"a":` + deep + `}`, Limits{Depth: 10001}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Scan(test.text, nil, test.lim)
			var syntax *SyntaxError
			if errors.As(test.want, &syntax) {
				if got := new(SyntaxError); !errors.As(err, &got) || *got != *syntax {
					t.Errorf("got %v, want %v", err, test.want)
				}
			} else if !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

// A text that nests deeper than the limit is refused before it costs time or memory.
func TestScanDepthIsCheap(t *testing.T) {
	text := `{"a":` + strings.Repeat("[", 9999) + strings.Repeat("]", 9999) + "}"
	const times = 100
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range times {
		if _, err := Scan(text, nil, Limits{}); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if allocated := (after.TotalAlloc - before.TotalAlloc) / times; allocated > 8<<10 {
		t.Errorf("ten thousand brackets took %d bytes", allocated)
	}
}

func TestScanAllocations(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { Scan(loginSession, nil, Limits{}) }); n > 1 {
		t.Errorf("%v allocations without capacity, want at most 1", n)
	}
	dst := make([]Member, 0, 3)
	if n := testing.AllocsPerRun(100, func() { Scan(loginSession, dst, Limits{}) }); n != 0 {
		t.Errorf("%v allocations with capacity, want none", n)
	}
}

func TestText(t *testing.T) {
	for _, test := range []struct{ name, raw, want string }{
		{"plain", `"abc"`, "abc"},
		{"empty", `""`, ""},
		{"short escapes", `"\"\\\/\b\f\n\r\t"`, "\"\\/\b\f\n\r\t"},
		{"latin-1", "\"caf\xc3\xa9\"", "cafÃ©"},
		{"unicode", `"\u20aC\u0000"`, "€\x00"},
		{"pair", `"\ud83d\ude00"`, "😀"},
		{"high half", `"\ud83d."`, "\xed\xa0\xbd."},
		{"low half", `"\ude00"`, "\xed\xb8\x80"},
		{"halves in the wrong order", `"\ude00\ud83d"`, "\xed\xb8\x80\xed\xa0\xbd"},
		{"high before a pair", `"\ud83d\ud83d\ude00"`, "\xed\xa0\xbd😀"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Text(test.raw)
			if err != nil || got != test.want {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
			again, err := AppendString(nil, got)
			if back, _ := Text(string(again)); err != nil || back != got {
				t.Errorf("written as %s, %v, which is read as %q", again, err, back)
			}
		})
	}
	for _, raw := range []string{``, `a`, `"`, `"a`, `"a"b`, `"\`, `"\"`, ` "a"`, `"a" `, `"\u12"`} {
		if got, err := Text(raw); err == nil {
			t.Errorf("Text(%q) = %q, want an error", raw, got)
		}
	}
}

func TestTokens(t *testing.T) {
	var got []Token
	for token := range Tokens(` {"a" : [1, -Infinity, NaN,"b"], "c":{"d":null,"e":true,"f":false}} `) {
		got = append(got, token)
	}
	want := []Token{{BeginObject, `{`}, {Name, `"a"`}, {BeginArray, `[`}, {Number, `1`}, {Number, `-Infinity`}, {Number, `NaN`}, {String, `"b"`},
		{EndArray, `]`}, {Name, `"c"`}, {BeginObject, `{`}, {Name, `"d"`}, {Null, `null`}, {Name, `"e"`}, {True, `true`}, {Name, `"f"`},
		{False, `false`}, {EndObject, `}`}, {EndObject, `}`}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for range Tokens(`[1,2]`) {
		break // a caller may leave the loop early
	}
}

func TestAppendStandard(t *testing.T) {
	text := " { \"caf\xe9\" : [ NaN , -Infinity, Infinity , 1.50 ] ,\"NaN\":\" \\ud800 \\/ \x7f\"} "
	want := `x{"caf\u00e9":["NaN","-Infinity","Infinity",1.50],"NaN":" \ud800 \/ \u007f"}`
	if got := string(AppendStandard([]byte("x"), text)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestIsStandard(t *testing.T) {
	for text, want := range map[string]bool{
		`{"a": [1, 2.50, 1e400, 123456789012345678901234567890]}`: true,
		`{"NaN":"-Infinity \ud800 \n"}`:                           true,
		`[NaN]`:                                                   false,
		`{"a":-Infinity}`:                                         false,
		"[1,\n2]":                                                 false,
		"[1,\t2]":                                                 false,
		"[\"caf\xe9\"]":                                           false,
		"[\"\x7f\"]":                                              false,
	} {
		if got := IsStandard(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestNormalize(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"white space", " { \"a\" : [ 1 , 2 ] } ", `{"a":[1,2]}`},
		{"UTF-8", `"é€😀"`, `"\u00e9\u20ac\ud83d\ude00"`},
		{"needless escapes", `"\/\u0041\u00E9\u000a"`, `"/A\u00e9\n"`},
		{"halves", `"\ud83d"`, `"\ud83d"`},
		{"floats", `[1.50,1e5,1e400,-1E400,0.0001,0.00001,1e16,-0.0,1e-400]`, `[1.5,100000.0,Infinity,-Infinity,0.0001,1e-05,1e+16,-0.0,0.0]`},
		{"ints", `[-0,12345678901234567890123]`, `[0,12345678901234567890123]`},
		{"duplicates", `{"a":1,"b":{"c":1,"c":2},"a":3}`, `{"a":3,"b":{"c":2}}`},
		{"empty containers", `[{},[],""]`, `[{},[],""]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, err := Normalize(test.text, Limits{}); err != nil || got != test.want {
				t.Errorf("got %s, %v, want %s", got, err, test.want)
			}
		})
	}
	for _, test := range []struct {
		name, text string
		offset     int
	}{
		{"invalid UTF-8", "\"é\xe9\"", 3},
		{"raw surrogate", "\"\ufffd\xed\xa0\xbd\"", 4},
		{"byte-order mark", "\ufeff1", 0},
		{"escaped letter outside ASCII", `"\é"`, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			var syntax *SyntaxError
			if got, err := Normalize(test.text, Limits{}); !errors.As(err, &syntax) || syntax.Offset != test.offset {
				t.Errorf("got %s, %v, want an error at offset %d", got, err, test.offset)
			}
		})
	}
	if _, err := Normalize(`[[]]`, Limits{Depth: 1}); !errors.Is(err, ErrDepth) {
		t.Errorf("got %v, want %v", err, ErrDepth)
	}
}

// checkPrefixes compares with encoding/json for a text of plain ASCII and for each beginning of it. There encoding/json agrees
// with Python.
func checkPrefixes(t *testing.T, text string) {
	t.Helper()
	for end := range len(text) + 1 {
		err := Check(text[:end], Limits{})
		if valid := json.Valid([]byte(text[:end])); (err == nil) != valid {
			t.Errorf("%q: %v, encoding/json returns %v", text[:end], err, valid)
		}
	}
}

// A string is checked several bytes at a time. A byte that ends the string or makes it invalid must be found at every place
// among these bytes.
func TestCheckStringsOfEveryLength(t *testing.T) {
	for _, around := range []string{`"%"`, `["%","%"]`, `{"%":"%","%":1}`, `{"a":"%","%":"b"}`, `{"a":["%"],"%" : {}}`} {
		for length := range 18 {
			for at := range length {
				for _, c := range []string{"a", `"`, `""`, `"#`, `"##`, `\"`, `\\`, `\`, `\]`, "\x00", "\x01", "\n", "\x1f", " ", "!", "#", "]", "\x7f"} {
					s := strings.Repeat("x", at) + c + strings.Repeat("x", length-at-1)
					checkPrefixes(t, strings.ReplaceAll(around, "%", s))
				}
			}
		}
	}
}

func TestCheckPunctuation(t *testing.T) {
	tokens := []string{`"a"`, `"a","b"`, `"a":"b"`, `1`, `0`, `01`, `10`, `-1`, `1.5`, `1e5`, `1.`, `,`, `:`, `{`, `}`, `[`, `]`, ` `}
	for _, a := range tokens {
		for _, b := range tokens {
			for _, c := range tokens {
				for _, around := range []string{`[%]`, `{%}`, `{"a":%}`, `[{"a":%}]`, `{"a":[%]}`, `%`} {
					checkPrefixes(t, strings.ReplaceAll(around, "%", a+b+c))
				}
			}
		}
	}
}
