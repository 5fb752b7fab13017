package pyjson

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// rewrite is json.dumps(json.loads(text.decode("latin-1")), separators=(",", ":")). It returns an
// error if that raises one.
func rewrite(text string) (string, error) {
	if err := Check(text, Limits{}); err != nil {
		return "", err
	}
	d := decoder{text: text}
	w := writer{maxDepth: noLimit}
	out, err := w.any(nil, d.any(true))
	return string(out), err
}

// compare describes the difference between our result and Python's, or returns "".
func compare(ours string, err error, pythons *string) string {
	switch {
	case pythons == nil && err == nil:
		return "accepted, but Python refuses"
	case pythons != nil && *pythons == tooDeep:
		return ""
	case pythons != nil && err != nil:
		return fmt.Sprintf("%v, but Python accepts", err)
	case pythons != nil && *pythons != ours:
		return fmt.Sprintf("written as %q, by Python as %q", ours, *pythons)
	}
	return ""
}

// corners are corner cases that a generator would seldom make.
var corners = []string{
	``, ` `, "\xef\xbb\xbf{}", `{}`, `[]`, `{} x`, `{}{}`, `[1,]`, `{"a":1,}`, `{,}`, `[,]`, `{"a"}`, `{"a":}`, `{a:1}`, `{1:2}`, `{'a':1}`,
	`[1 2]`, `[1:2]`, `{"a":1]`, `[1}`, `[`, `{`, `{"a"`, `{"a":`, `{"a":1`, `[1`, `]`, `}`, `"`, `"a`, `"\`, `"\u`, `"\u123`, `"\u123"`,
	`"\u+123"`, `"\u 123"`, `"\u-123"`, `"\u0x12"`, `"\u1_23"`, `"\u12G4"`, `"\uABCD"`, `"\x41"`, `"\'"`, `"\U0041"`, `"\ud83d\u"`, `"\ud83d\u12"`,
	`"\ud83d\uzzzz"`, `"\ud83d\`, `"\ud83d`, `"\ud83d"`, `"\ude00\ud83d"`, `"\ud83d\ude00"`, "\"\x00\"", "\"\x1f\"", "\"\x7f\"", "\"\x80\"", "\"\n\"", "\"\t\"",
	`0`, `-0`, `-`, `+1`, `01`, `-01`, `00`, `1.`, `.5`, `-.5`, `1.5`, `1.50`, `1e`, `1e+`, `1e5`, `1E5`, `1e400`, `-1e400`, `1e-400`, `1.e5`, `0e0`, `0.0`,
	`-0.0`, `0x10`, `1_000`, `1e1_0`, `NaN`, `-NaN`, `+NaN`, `nan`, `NaNa`, `Na`, `Infinity`, `-Infinity`, `+Infinity`, `Infinit`, `-Infinit`, `infinity`, `-I`,
	`null`, `nul`, `nulll`, `None`, `true`, `True`, `false`, `tru`, "\xa01", "1\xa0", "\x851", "\v1", "\f1", "1\x00", "\x001", `//1`, `1#`,
	"\xb2", "1\xb2", "1e\xb2", `{"a":1,"a":2}`, `{"a":1,"b":2,"\u0061":3}`, `{"a":{"b":1,"b":2},"a":{"b":3}}`,
	`9223372036854775807`, `9223372036854775808`, `-9223372036854775808`, `-9223372036854775809`,
	strings.Repeat("1", 4300), strings.Repeat("1", 4301), "-" + strings.Repeat("1", 4300), "-" + strings.Repeat("1", 4301),
	strings.Repeat("1", 4301) + ".0", strings.Repeat("1", 4301) + "e1", "0." + strings.Repeat("1", 5000),
	"0." + strings.Repeat("0", 20000) + "1e20001", "1" + strings.Repeat("0", 120000) + "e-120000", "0." + strings.Repeat("0", 120000) + "1e119999", "1e99999999999999999999", "1e-99999999999999999999",
	"0e99999999999999999999", strings.Repeat("0", 100), "2." + strings.Repeat("2", 20000) + "e-3",
	"9007199254740993.0" + strings.Repeat("0", 20000) + "1",
	strings.Repeat("[", 200) + strings.Repeat("]", 200), strings.Repeat("[", 200) + strings.Repeat("]", 199), strings.Repeat(`{"":`, 130) + `1` + strings.Repeat(`}`, 130),
	strings.Repeat(`[{"a":`, 100) + `1` + strings.Repeat(`}]`, 100), strings.Repeat(`[{"a":`, 100) + `1` + strings.Repeat(`]}`, 100),
}

func TestReadsLikePython(t *testing.T) {
	texts := append(newGenerator(1).texts(20000), corners...)
	accepted := 0
	for i, answer := range startPython(t).askTexts(t, "latin-1", texts) {
		ours, err := rewrite(texts[i])
		if d := compare(ours, err, answer); d != "" {
			t.Errorf("%.200q: %s", texts[i], d)
		}
		if err == nil {
			accepted++
		}
		members, scanErr := Scan(texts[i], nil, Limits{})
		if isObject := strings.HasPrefix(ours, "{"); (scanErr == nil) != isObject {
			t.Errorf("%.200q: Scan returns %v", texts[i], scanErr)
		} else if isObject {
			if joined := joinMembers(t, members); joined != ours {
				t.Errorf("%.200q: Scan finds %.200q", texts[i], joined)
			}
		} else if errors.Is(scanErr, ErrNotObject) != (err == nil) {
			t.Errorf("%.200q: Scan returns %v, Check returns %v", texts[i], scanErr, err)
		}
	}
	if accepted < len(texts)/4 || accepted > len(texts)*3/4 {
		t.Errorf("%d of %d texts were accepted: the test is out of balance", accepted, len(texts))
	}
}

// joinMembers writes an object from its scanned members.
func joinMembers(t *testing.T, members []Member) string {
	t.Helper()
	var o Object
	for _, m := range members {
		if name, err := Text(m.RawName); err != nil || name != m.Name {
			t.Errorf("Text(%q) = %q, %v; Scan decoded %q", m.RawName, name, err, m.Name)
		}
		d := decoder{text: m.Raw}
		o = append(o, ObjectMember{m.Name, d.any(true)})
	}
	if o == nil {
		o = Object{}
	}
	w := writer{maxDepth: noLimit}
	out, err := w.any(nil, o)
	if err != nil {
		t.Error(err)
	}
	return string(out)
}

func TestNormalizeLikePython(t *testing.T) {
	texts := append(newGenerator(2).texts(10000), corners...)
	for i, text := range texts {
		if i%2 == 0 {
			texts[i] = strings.ToValidUTF8(text, "\u00e9\u20ac\U0001f600\ufffd")
		}
	}
	for i, answer := range startPython(t).askTexts(t, "utf-8", texts) {
		ours, err := Normalize(texts[i], Limits{})
		if d := compare(ours, err, answer); d != "" {
			t.Errorf("%.200q: %s", texts[i], d)
		}
	}
}

// FuzzPython searches for a text that we and Python read in different ways.
func FuzzPython(f *testing.F) {
	for _, text := range append(newGenerator(3).texts(50), corners...) {
		f.Add(text)
	}
	p := startPython(f)
	f.Fuzz(func(t *testing.T, text string) {
		ours, err := rewrite(text)
		if d := compare(ours, err, p.askTexts(t, "latin-1", []string{text})[0]); d != "" {
			t.Errorf("%q: %s", text, d)
		}
		ours, err = Normalize(text, Limits{})
		if d := compare(ours, err, p.askTexts(t, "utf-8", []string{text})[0]); d != "" {
			t.Errorf("%q in UTF-8: %s", text, d)
		}
	})
}

// FuzzScan compares the functions of this package with each other. None panics, and Normalize does
// not change its own output.
func FuzzScan(f *testing.F) {
	for _, text := range append(newGenerator(4).texts(50), corners...) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		members, scanErr := Scan(text, nil, Limits{})
		checkErr := Check(text, Limits{})
		if scanErr == nil && checkErr != nil || checkErr == nil && scanErr != nil && !errors.Is(scanErr, ErrNotObject) {
			t.Fatalf("Scan returns %v, Check returns %v", scanErr, checkErr)
		}
		if scanErr != nil && len(members) != 0 {
			t.Fatal("Scan returned members of a text that it refused")
		}
		Text(text)
		for range Tokens(text) {
		}
		standard := string(AppendStandard(nil, text))
		var targets struct {
			Any    any
			Object Object
			Struct struct{ A, B *int }
			Map    map[string]*string
			List   []float32
		}
		for _, target := range []any{&targets.Any, &targets.Object, &targets.Struct, &targets.Map, &targets.List} {
			if err := Unmarshal(text, target); err == nil && checkErr != nil {
				t.Fatalf("Unmarshal accepts a text that Check refuses: %v", checkErr)
			}
		}
		if checkErr != nil {
			return
		}
		if !isASCII(standard) {
			t.Fatalf("AppendStandard writes %q", standard)
		}
		once, err := rewrite(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, again := range []func(string) (string, error){rewrite, func(s string) (string, error) { return Normalize(s, Limits{}) }} {
			if twice, err := again(once); err != nil || twice != once {
				t.Fatalf("%q becomes %q, %v", once, twice, err)
			}
		}
		if utf8.ValidString(text) {
			if _, err := Normalize(text, Limits{}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}
