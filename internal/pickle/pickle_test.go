package pickle_test

import (
	"bytes"
	"math"
	"math/big"
	"testing"

	"github.com/djsess/djsess/internal/pickle"
)

// everything returns a graph with an object of every kind, a shared object and a cycle.
func everything() *pickle.Object {
	shared := pickle.NewList(pickle.NewStr("shared"), pickle.NewStr("ä€😀\xed\xa0\x80\n\\"))
	class := pickle.NewGlobal("myapp.models", "Cart")
	call := pickle.NewCall(pickle.NewGlobal("datetime", "date"), pickle.NewBytes("\x07\xe4\x01\x02"))
	instance := &pickle.Object{Kind: pickle.NewObj, Call: &pickle.Call{Callable: class, Args: pickle.NewTuple()}}
	instance.Call.Steps = []pickle.Step{
		{Kind: pickle.AppendItems, Items: []*pickle.Object{pickle.NewInt(1), pickle.NewInt(2)}},
		{Kind: pickle.SetItems, Items: []*pickle.Object{pickle.NewStr("k"), instance}},
		{Kind: pickle.AddItems, Items: []*pickle.Object{pickle.NewInt(3)}},
		{Kind: pickle.Build, Items: []*pickle.Object{pickle.NewDict(pickle.NewStr("owner"), shared)}},
	}
	made := func(kind pickle.Kind) *pickle.Object {
		return &pickle.Object{Kind: kind, Call: &pickle.Call{Callable: class, Args: pickle.NewTuple(pickle.NewInt(7)), Kwargs: pickle.NewDict()}}
	}
	huge, _ := new(big.Int).SetString("-123456789012345678901234567890", 10)
	root := pickle.NewDict()
	root.Items = []*pickle.Object{
		pickle.NewStr("scalars"), pickle.NewTuple(pickle.NewNone(), pickle.NewBool(true), pickle.NewBool(false), pickle.NewInt(-1),
			pickle.NewInt(math.MaxInt64), pickle.NewBigInt(huge), pickle.NewFloat(-0.5), pickle.NewFloat(math.Inf(1))),
		pickle.NewStr("bytes"), pickle.NewTuple(pickle.NewBytes("\x00\xff"), pickle.NewByteArray("\x80x"), pickle.NewBytes(""), pickle.NewByteArray("")),
		pickle.NewStr("sets"), pickle.NewList(pickle.NewSet(pickle.NewInt(1), call), pickle.NewFrozenSet(pickle.NewStr("f")), pickle.NewSet()),
		pickle.NewStr("calls"), pickle.NewList(call, made(pickle.NewObjEx), made(pickle.Instance), instance),
		pickle.NewStr("others"), pickle.NewTuple(&pickle.Object{Kind: pickle.Extension, Int: 300},
			&pickle.Object{Kind: pickle.PersistentID, Call: &pickle.Call{Args: pickle.NewStr("id")}}),
		pickle.NewStr("shared"), shared,
		pickle.NewStr("self"), root,
	}
	return root
}

// A graph that is written and loaded is unchanged in protocols 4 and 5. The older protocols write
// some of its calls as other calls.
func TestEverythingComesBack(t *testing.T) {
	want, err := pickle.Append(nil, everything(), 5)
	if err != nil {
		t.Fatal(err)
	}
	for protocol := range 6 {
		data, err := pickle.Append(nil, everything(), protocol)
		if err != nil {
			t.Fatal(err)
		}
		o, err := pickle.Load(data, pickle.Limits{})
		if err != nil {
			t.Fatalf("protocol %d: %v", protocol, err)
		}
		again, err := pickle.Append(nil, o, protocol)
		if err != nil || !bytes.Equal(again, data) {
			t.Errorf("protocol %d: %v\n%q\n%q", protocol, err, data, again)
		}
		in5, err := pickle.Append(nil, o, 5)
		if err != nil {
			t.Fatal(err)
		}
		if protocol >= 4 && !bytes.Equal(in5, want) {
			t.Errorf("protocol %d in 5:\n%q\n%q", protocol, in5, want)
		}
	}
}

func TestScalars(t *testing.T) {
	for name, c := range map[string]struct {
		data string
		kind pickle.Kind
		n    int64
		text string
	}{
		"False of protocol 0":     {"I00\n.", pickle.Bool, 0, ""},
		"True of protocol 0":      {"I01\n.", pickle.Bool, 1, ""},
		"int of protocol 0":       {"I1\n.", pickle.Int, 1, ""},
		"int beyond 64 bits":      {"I9223372036854775808\n.", pickle.Int, 0, "9223372036854775808"},
		"long":                    {"L-5L\n.", pickle.Int, -5, ""},
		"long without L":          {"L-5\n.", pickle.Int, -5, ""},
		"hexadecimal":             {"L0x10L\n.", pickle.Int, 16, ""},
		"binary long":             {"\x80\x02\x8a\x02\x00\x80.", pickle.Int, -32768, ""},
		"binary long of 0":        {"\x80\x02\x8a\x00.", pickle.Int, 0, ""},
		"binary long of 9 bytes":  {"\x80\x02\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x80\xff.", pickle.Int, math.MinInt64, ""},
		"binary long, positive":   {"\x80\x02\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x80\x00.", pickle.Int, 0, "9223372036854775808"},
		"4 bytes":                 {"J\xff\xff\xff\xff.", pickle.Int, -1, ""},
		"float":                   {"F1.5\n.", pickle.Float, int64(math.Float64bits(1.5)), ""},
		"float that is nan":       {"Fnan\n.", pickle.Float, 0x7ff8 << 48, ""},
		"float that is -inf":      {"F-inf\n.", pickle.Float, math.MinInt64 | 0x7ff<<52, ""},
		"str of Python 2":         {"S'a\\x41\\n\\'\\101\\\n.", pickle.Str, 0, "?"},
		"str of Python 2, quoted": {"S'a\\x41\\n\\'\\101'\n.", pickle.Str, 0, "aA\n'A"},
		"escapes":                 {"V\\u20ac\\U0001f600\\x\xe4\\ud83d\\ude00\n.", pickle.Str, 0, "€😀\\xä\xed\xa0\xbd\xed\xb8\x80"},
		"bytes below 3":           {"\x80\x02c_codecs\nencode\nX\x02\x00\x00\x00\xc3\xbfU\x06latin1\x86R.", pickle.Bytes, 0, "\xff"},
		"bytes of Python 2":       {"c__builtin__\nbytes\n)R.", pickle.Bytes, 0, ""},
		"bytearray of 3.7":        {"\x80\x02c__builtin__\nbytearray\nX\x02\x00\x00\x00\xc3\xbfX\x07\x00\x00\x00latin-1\x86R.", pickle.ByteArray, 0, "\xff"},
		"class of Python 2":       {"c__builtin__\nunicode\n.", pickle.Global, 0, "builtins\nstr"},
		"module of Python 2":      {"cCookie\nMorsel\n.", pickle.Global, 0, "http.cookies\nMorsel"},
		"that module in 3":        {"\x80\x03cCookie\nMorsel\n.", pickle.Global, 0, "Cookie\nMorsel"},
		"exception of Python 2":   {"cexceptions\nStandardError\n.", pickle.Global, 0, "builtins\nException"},
		"extension":               {"\x80\x02\x84\x00\x00\x00\x01.", pickle.Extension, 1 << 24, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := pickle.Load([]byte(c.data), pickle.Limits{})
			if c.text == "?" {
				if err == nil {
					t.Error("no error")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if o.Kind != c.kind || o.Int != c.n || o.Text != c.text {
				t.Errorf("kind %d, %d, %q", o.Kind, o.Int, o.Text)
			}
		})
	}
}

// An integer with more digits than Python prints is kept.
func TestHugeInteger(t *testing.T) {
	for _, bits := range []uint{14283, 14284, 14285, 14290, 30000} {
		n := new(big.Int).Lsh(big.NewInt(-1), bits)
		o := pickle.NewBigInt(n)
		if o.HasDecimal() != (len(n.String())-1 <= 4300) {
			t.Errorf("%d bits: %v", bits, o.HasDecimal())
		}
		data, err := pickle.Append(nil, o, 2)
		if err != nil {
			t.Fatal(err)
		}
		back, err := pickle.Load(data, pickle.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if back.BigInt().Cmp(n) != 0 || back.Text != o.Text {
			t.Errorf("%d bits came back as another number", bits)
		}
	}
}

// A login that was made in Go has the same bytes as Python's pickle.dumps.
func TestLoginInPythonsBytes(t *testing.T) {
	o := pickle.NewDict(pickle.NewStr("_auth_user_id"), pickle.NewStr("1"))
	for protocol, want := range []string{
		"(dp0\nV_auth_user_id\np1\nV1\np2\ns.",
		"}q\x00X\r\x00\x00\x00_auth_user_idq\x01X\x01\x00\x00\x001q\x02s.",
		"\x80\x02}q\x00X\r\x00\x00\x00_auth_user_idq\x01X\x01\x00\x00\x001q\x02s.",
		"\x80\x03}q\x00X\r\x00\x00\x00_auth_user_idq\x01X\x01\x00\x00\x001q\x02s.",
		"\x80\x04\x95\x18\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\r_auth_user_id\x94\x8c\x011\x94s.",
		"\x80\x05\x95\x18\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\r_auth_user_id\x94\x8c\x011\x94s.",
	} {
		got, err := pickle.Append(nil, o, protocol)
		if err != nil || string(got) != want {
			t.Errorf("protocol %d: %v\n%q\n%q", protocol, err, got, want)
		}
		if p := pickle.Protocol(got); p != protocol {
			t.Errorf("protocol %d is recognized as %d", protocol, p)
		}
	}
}
