package pickle_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/djsess/djsess/internal/pickle"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// hostile are pickles of a few kilobytes at most, as an attacker would send them.
var hostile = map[string]string{
	"length of 4 GB":            "\x80\x04X\xff\xff\xff\xff.",
	"length of 16 EB":           "\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff.",
	"length that is negative":   "T\xff\xff\xff\xffabc.",
	"bytearray of 8 EB":         "\x80\x05\x96\xff\xff\xff\xff\xff\xff\xff\x7f.",
	"integer of 2 GB":           "\x80\x02\x8b\xff\xff\xff\x7f\x01.",
	"frame of 16 EB":            "\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xff.",
	"memo number of 4 billion":  "\x80\x02]r\xff\xff\xff\xff.",
	"memo number in text":       "(lp99999999999999999999999\n.",
	"memo number below 0":       "(lp-1\n.",
	"memo number too large":     "\x80\x02]r\x00\x40\x00\x00.",
	"memo number not in use":    "\x80\x02h\x07.",
	"lists within lists":        strings.Repeat("]", 4000) + strings.Repeat("a", 3999) + ".",
	"tuples within tuples":      "N" + strings.Repeat("\x85", 4000) + ".",
	"marks":                     strings.Repeat("(", 4000) + strings.Repeat("t", 4000) + ".",
	"calls of calls":            "cm\nf\n" + strings.Repeat(")R", 2000) + ".",
	"lists, from the outermost": "]q\x00" + strings.Repeat("]q\x01a0h\x01", 1) + strings.Repeat("h\x01]q\x01a0", 1500) + "h\x00.",
	"digits":                    "I" + strings.Repeat("1", 4400) + "\n.",
	"digits with an L":          "L" + strings.Repeat("9", 4400) + "L\n.",
	"class with a line feed":    "\x80\x04\x8c\x03o\ns\x8c\x06system\x93.",
	"buffer beside the pickle":  "\x80\x05\x97.",
	"protocol 6":                "\x80\x06N.",
	"nothing on the stack":      "a.",
	"nothing above the mark":    "(](R.",
	"pop beyond the mark":       "](0(00.",
	"key without a value":       "}(Nu.",
	"key without value (DICT)":  "(Nd.",
	"call of a str":             "Vx\n)R.",
	"arguments that are a list": "cos\nsystem\n]R.",
	"state of None":             "NNb.",
	"surrogate in ASCII":        "\x80\x04\x8c\x01\x80.",
	"sets of one list":          "\x80\x03](" + strings.Repeat("K\x01", 1000) + "eq\x01cbuiltins\nset\nq\x00" + strings.Repeat("h\x00h\x01\x85R0", 500) + ".",
	"no STOP":                   "]",
	"nothing":                   "",
}

func TestHostilePicklesAreErrors(t *testing.T) {
	for name, data := range hostile {
		t.Run(name, func(t *testing.T) {
			o, err := pickle.Load([]byte(data), pickle.Limits{})
			var syntax *pickle.SyntaxError
			if !errors.As(err, &syntax) && !errors.Is(err, pickle.ErrDepth) && !errors.Is(err, pickle.ErrTooLarge) {
				t.Fatalf("%v, %v", o, err)
			}
			if syntax != nil && (syntax.Offset < 0 || syntax.Offset > len(data)) {
				t.Errorf("offset %d of %d", syntax.Offset, len(data))
			}
			checkAllocated(t, data)
		})
	}
}

// Hostile pickles that are valid are loaded as data, and nothing runs. A caller that follows such a graph must expect that it
// has no end.
func TestHostilePicklesThatAreData(t *testing.T) {
	laughs := "]q\x00"
	for i := range 60 {
		laughs += fmt.Sprintf("](%[1]s%[1]s%[1]s%[1]se%[2]s", "h"+string(rune(i)), "q"+string(rune(i+1)))
	}
	text := strings.Repeat("\xc3\xa9", 1000)
	for name, data := range map[string]string{
		"os.system":             "cos\nsystem\n(S'rm -rf /'\ntR.",
		"billion laughs":        "\x80\x02" + laughs + ".",
		"empty lists":           "(" + strings.Repeat("]", 8000) + "l.",
		"calls":                 "(" + strings.Repeat("cm\nf\n)R", 1000) + "l.",
		"calls of a call":       "cm\nf\nq\x00(" + strings.Repeat("h\x00)R", 2000) + "l.",
		"states":                "cm\nf\n)R" + strings.Repeat("Nb", 4000) + ".",
		"states dropped":        "cm\nf\n)Rq\x00" + strings.Repeat("h\x00h\x00\x85R0", 1000) + ".",
		"items of a call":       "cm\nf\n)R" + strings.Repeat("Na", 4000) + ".",
		"sets of one list":      "\x80\x03](" + strings.Repeat("K\x01", 1000) + "eq\x01cbuiltins\nset\nq\x00" + strings.Repeat("h\x00h\x01\x85R(N\x900", 5) + ".",
		"bytes of one text":     "\x80\x02X\xd0\x07\x00\x00" + text + "q\x01c_codecs\nencode\nq\x00U\x06latin1q\x02" + strings.Repeat("h\x00h\x01h\x02\x86R0", 700) + ".",
		"memo numbers downward": "]" + strings.Repeat("r\x00\x10\x00\x00", 1600) + ".",
		"halves of pairs":       "X\xb8\x0b\x00\x00" + strings.Repeat("\xed\xa0\x80", 1000) + ".",
		"tuples of one":         "(" + strings.Repeat("N", 1000) + "tq\x00" + strings.Repeat("h\x00\x85", 300) + ".",
	} {
		t.Run(name, func(t *testing.T) {
			o, err := pickle.Load([]byte(data), pickle.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := pickle.Append(nil, o, 5); err != nil {
				t.Error(err)
			}
			checkAllocated(t, data)
		})
	}
	t.Run("names of long names", func(t *testing.T) {
		name := strings.Repeat("x", 2000)
		data := "\x80\x04X\xd0\x07\x00\x00" + name + "q\x00" + strings.Repeat("h\x00h\x00\x930", 1000) + "N."
		if _, err := pickle.Load([]byte(data), pickle.Limits{}); !errors.Is(err, pickle.ErrTooLarge) {
			t.Error(err)
		}
		checkAllocated(t, data)
	})
}

// Many sets may be made of one list. To follow them would cost the number of sets times the number of items, so there is a
// limit.
func TestSetsOfOneListAreBounded(t *testing.T) {
	for _, class := range []string{"set", "frozenset"} {
		for _, n := range []int{10, 100, 1000, 10000, 100000} {
			data := "\x80\x03](" + strings.Repeat("K\x01", n) + "eq\x01cbuiltins\n" + class + "\nq\x00](" + strings.Repeat("h\x00h\x01\x85R", n) + "e."
			_, err := pickle.Load([]byte(data), pickle.Limits{})
			if n >= 100 && !errors.Is(err, pickle.ErrTooLarge) || n < 100 && err != nil {
				t.Errorf("%d: %v", n, err)
			}
			checkSteps(t, []byte(data))
		}
	}
}

// checkSteps checks that the depth check takes steps in proportion to the length of a pickle.
func checkSteps(t *testing.T, data []byte) {
	t.Helper()
	if n := pickle.Steps(data); n > 5*len(data)+1024 {
		t.Errorf("%d steps for %d bytes: %.100q", n, len(data), data)
	}
}

// A large memo number takes no memory for the numbers below it.
func TestMemoNumbersAreBounded(t *testing.T) {
	const size = 32 << 20
	data := []byte("]r")
	data = binary.LittleEndian.AppendUint32(data, size-1)
	data = append(data, 'j')
	data = binary.LittleEndian.AppendUint32(data, size-1)
	data = append(data, '.')
	data = append(data, make([]byte, size-len(data))...)
	many := []byte("]")
	for i := uint32(0); len(many) < size; i++ {
		many = binary.LittleEndian.AppendUint32(append(many, 'r'), i*7919%size)
	}
	for name, c := range map[string]struct {
		data []byte
		want error
		most uint64
	}{
		"one":  {data, nil, 1 << 20},
		"many": {many, pickle.ErrTooLarge, 200 << 20},
	} {
		text := string(c.data)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		o, err := pickle.LoadText(text, pickle.Limits{})
		runtime.ReadMemStats(&after)
		if !errors.Is(err, c.want) || err == nil && o.Kind != pickle.List {
			t.Errorf("%s: %v, %v", name, o, err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > c.most {
			t.Errorf("%s: %d MB were allocated", name, took>>20)
		}
	}
}

// Memo numbers may come in any order, and may be given twice. The last object counts.
func TestMemoNumbersInAnyOrder(t *testing.T) {
	var text strings.Builder
	text.WriteString("(")
	numbers := []int{900, 3, 0, 901, 1, 2, 700, 4, 5, 6, 7, 8, 9, 10, 700, 3, 902}
	for i, n := range numbers {
		fmt.Fprintf(&text, "Vv%d\np%d\n0", i, n)
	}
	for _, n := range numbers {
		fmt.Fprintf(&text, "g%d\n", n)
	}
	text.WriteString("l." + strings.Repeat(" ", 1000))
	o, err := pickle.Load([]byte(text.String()), pickle.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	last := map[int]int{}
	for i, n := range numbers {
		last[n] = i
	}
	for i, item := range o.Items {
		if want := fmt.Sprintf("v%d", last[numbers[i]]); item.Text != want {
			t.Errorf("number %d is %s, want %s", numbers[i], item.Text, want)
		}
	}
}

// checkAllocated checks that to load a pickle of a few kilobytes takes no more than 1 MB.
func checkAllocated(t *testing.T, data string) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	pickle.Load([]byte(data), pickle.Limits{})
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes allocated for %d", n, len(data))
	}
}

// Loading a repeated opcode takes memory in proportion to the length of the pickle. The test counts memory, since times vary.
func TestMemoryIsInProportion(t *testing.T) {
	djangotest.NotShort(t, "it takes more than a second")
	const size = 20000
	for op := range 256 {
		for _, before := range []string{"", "N", "]", "}", "(", "]q\x00", "cm\nf\n", "cm\nf\n)", "cm\nf\n)RN", "NN"} {
			unit := before + string([]byte{byte(op)})
			for _, argument := range []string{"", "\x00", "\x01", "\x01\x00", "\x01\x00\x00\x00", "1\n", "a\nb\n"} {
				data := strings.Repeat(unit+argument, size/len(unit+argument))
				var start, end runtime.MemStats
				runtime.ReadMemStats(&start)
				pickle.Load([]byte(data), pickle.Limits{})
				runtime.ReadMemStats(&end)
				if n := end.TotalAlloc - start.TotalAlloc; n > uint64(200*len(data)) {
					t.Errorf("%q repeated: %d bytes allocated for %d", unit+argument, n, len(data))
				}
			}
		}
	}
}

func TestLimits(t *testing.T) {
	list := func(n int) []byte { return []byte("(" + strings.Repeat("]", n) + "l.") }
	deep := func(n int) []byte { return []byte(strings.Repeat("]", n) + strings.Repeat("a", n-1) + ".") }
	for name, c := range map[string]struct {
		data   []byte
		limits pickle.Limits
		want   error
	}{
		"objects":             {list(9), pickle.Limits{Objects: 10}, nil},
		"one object too many": {list(10), pickle.Limits{Objects: 10}, pickle.ErrTooLarge},
		"default objects":     {list(pickle.DefaultObjects), pickle.Limits{}, pickle.ErrTooLarge},
		"depth":               {append([]byte("N"), deep(5)...), pickle.Limits{Depth: 5}, nil},
		"one level too many":  {deep(7), pickle.Limits{Depth: 5}, pickle.ErrDepth},
		"default depth":       {deep(pickle.DefaultDepth + 2), pickle.Limits{}, pickle.ErrDepth},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := pickle.Load(c.data, c.limits); !errors.Is(err, c.want) {
				t.Error(err)
			}
		})
	}
}

// A pickle that ends too early is an error, wherever it ends. Bytes after the end are ignored.
func TestTruncatedPickles(t *testing.T) {
	for protocol := range 6 {
		data, err := pickle.Append(nil, everything(), protocol)
		if err != nil {
			t.Fatal(err)
		}
		for n := range data {
			var syntax *pickle.SyntaxError
			if _, err := pickle.Load(data[:n], pickle.Limits{}); !errors.As(err, &syntax) {
				t.Fatalf("protocol %d, %d of %d bytes: %v", protocol, n, len(data), err)
			}
		}
		if _, err := pickle.Load(append(data, "and more"...), pickle.Limits{}); err != nil {
			t.Errorf("with bytes after the end: %v", err)
		}
	}
}

// Append returns an error for a graph that Load would never return, or that the protocol has no form for.
func TestAppendRefuses(t *testing.T) {
	str := pickle.NewStr("x")
	tuple := pickle.NewTuple(str)
	tuple.Items[0] = tuple
	deep := pickle.NewList()
	for range 20000 {
		deep = pickle.NewList(deep)
	}
	huge := &pickle.Object{Kind: pickle.Int, Text: "0x" + strings.Repeat("f", 5000)}
	for name, c := range map[string]struct {
		o        *pickle.Object
		protocol int
	}{
		"protocol 6":            {str, 6},
		"protocol -1":           {str, -1},
		"nil":                   {pickle.NewList(nil), 5},
		"tuple in itself":       {tuple, 5},
		"too deep":              {deep, 5},
		"key without a value":   {pickle.NewDict(str), 5},
		"str that is not UTF-8": {pickle.NewStr("\xff"), 5},
		"class without name":    {&pickle.Object{Kind: pickle.Global, Text: "x"}, 5},
		"call without parts":    {&pickle.Object{Kind: pickle.Reduce}, 5},
		"unknown kind":          {&pickle.Object{Kind: 99}, 5},
		"extension 0":           {&pickle.Object{Kind: pickle.Extension}, 5},
		"integer as text":       {huge, 1},
		"name of another":       {pickle.NewGlobal("commands", "Cart"), 2},
		"class changed":         {changed(t, "cm\nC\n}(Vx\nI1\nub."), 5},
		"function given items":  {changed(t, "](cm\nf\ncm\nf\nNae."), 5},
		"extension changed":     {changed(t, "\x80\x02\x82\x05}b."), 5},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := pickle.Append([]byte("before"), c.o, c.protocol)
			var value *pickle.ValueError
			if !errors.As(err, &value) && !errors.Is(err, pickle.ErrDepth) && !errors.Is(err, pickle.ErrTooLarge) {
				t.Error(err)
			}
			if string(got) != "before" {
				t.Errorf("%d bytes", len(got))
			}
		})
	}
}

// changed loads a pickle that changes a class, a function or an extension.
func changed(t *testing.T, data string) *pickle.Object {
	o, err := pickle.Load([]byte(data), pickle.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// Append begins a tuple again for each item that leads back to the tuple. The number of times is limited.
func TestAppendIsBounded(t *testing.T) {
	var text strings.Builder
	text.WriteString("(" + strings.Repeat("N", 20000))
	for i := range 900 {
		n := binary.LittleEndian.AppendUint32(nil, uint32(i))
		fmt.Fprintf(&text, "]r%s", n)
	}
	text.WriteString("tr\xff\xff\x00\x00")
	for i := range 900 {
		n := binary.LittleEndian.AppendUint32(nil, uint32(i))
		fmt.Fprintf(&text, "j%sj\xff\xff\x00\x00a0", n)
	}
	text.WriteString("." + strings.Repeat(" ", 1<<16))
	o, err := pickle.Load([]byte(text.String()), pickle.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pickle.Append(nil, o, 5); !errors.Is(err, pickle.ErrTooLarge) {
		t.Error(err)
	}
}

// READONLY_BUFFER leaves bytes as they are.
func TestReadonlyBuffer(t *testing.T) {
	o, err := pickle.Load([]byte("\x80\x05C\x02\x80x\x98."), pickle.Limits{})
	if err != nil || o.Kind != pickle.Bytes || o.Text != "\x80x" {
		t.Errorf("%v, %v", o, err)
	}
	if _, err := pickle.Load([]byte("\x80\x05K\x01\x98."), pickle.Limits{}); err == nil {
		t.Error("an integer was accepted as a buffer")
	}
}

// An opcode that makes no object also takes memory, so the number of references is limited. 32 MiB of such an opcode compress
// to a few KB.
func TestReferencesAreBounded(t *testing.T) {
	djangotest.NotShort(t, "it takes more than a second")
	const size = 32 << 20
	for name, data := range map[string][]byte{
		"marks":      bytes.Repeat([]byte("("), size),
		"nones":      bytes.Repeat([]byte("N"), size),
		"small ints": append([]byte("}("), bytes.Repeat([]byte("K\x01N"), size/3)...),
		"copies":     append([]byte("N"), bytes.Repeat([]byte("2"), size)...),
		"memo":       append([]byte("]\x94"), bytes.Repeat([]byte("h\x00"), size/2)...),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := pickle.Load(data, pickle.Limits{})
		runtime.ReadMemStats(&after)
		if !errors.Is(err, pickle.ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 10*size {
			t.Errorf("%s: %d MB were allocated", name, took>>20)
		}
	}
}
