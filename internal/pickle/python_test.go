package pickle_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"

	"github.com/djsess/djsess/internal/pickle"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

var (
	seed  = flag.Uint64("pickle.seed", 0, "seed of the random graphs; 0: a new one in each run")
	count = flag.Int("pickle.graphs", 0, "number of graphs; 0: 10000 with make test-all, 3000 with CI=true, otherwise 1000")
)

func graphs() int {
	switch {
	case *count > 0:
		return *count
	case testing.Short():
		return 50
	case djangotest.Everything():
		return 10000
	case os.Getenv("CI") == "true":
		return 3000
	}
	return 1000
}

func seedText(t *testing.T) string {
	n := *seed
	if n == 0 {
		n = rand.Uint64()
	}
	t.Logf("-pickle.seed=%d", n)
	return strconv.FormatUint(n, 10)
}

// Go loads pickles that Python writes in every protocol. Python loads what Go writes from them, in the same protocol and in
// another, and gets an equal graph: types, values, order, sharing and cycles.
func TestGraphsThroughGoAreEqualInPython(t *testing.T) {
	for version, n := range map[string]int{djangotest.Newest: graphs(), "2.2": graphs()/20 + 1} {
		if !djangotest.Runs(version) {
			continue
		}
		t.Run("Django "+version, func(t *testing.T) {
			p := startPython(t, version, "graphs", seedText(t), strconv.Itoa(n), "012345")
			t.Logf("%d pickles went through Go", throughGo(t, p))
		})
	}
}

// Go writes plain data in the same bytes as Python's pickler, in every protocol.
func TestPlainDataIsWrittenAsPythonDoes(t *testing.T) {
	p := startPython(t, djangotest.Newest, "plain", seedText(t), strconv.Itoa(graphs()/5+1), "012345")
	t.Logf("%d pickles went through Go", throughGo(t, p))
}

// throughGo loads and writes every pickle that Python sends, and returns how many there were.
func throughGo(t *testing.T, p *python) (pickles int) {
	t.Helper()
	for {
		tag := p.byte()
		data := p.receive()
		if tag == 255 {
			if len(data) > 0 {
				t.Fatalf("%s", data)
			}
			return pickles
		}
		pickles++
		protocol := int(tag)
		if got := pickle.Protocol(data); got != protocol {
			t.Fatalf("protocol %d is recognized as %d: %.300q", protocol, got, data)
		}
		o, err := pickle.Load(data, pickle.Limits{})
		if err != nil {
			t.Fatalf("protocol %d: %v\n%.3000q", protocol, err, data)
		}
		other := (protocol + 1 + pickles%5) % 6
		answers := [][]byte{{byte(protocol), byte(other)}}
		for _, q := range []int{protocol, other} {
			written, err := pickle.Append(nil, o, q)
			if err != nil {
				t.Fatalf("protocol %d in %d: %v\n%.3000q", protocol, q, err, data)
			}
			answers = append(answers, written)
		}
		p.send(answers...)
	}
}

// harmless returns a graph with only such classes as testdata/pickle_peer.py allows.
func harmless() *pickle.Object {
	shared := pickle.NewList(pickle.NewStr("shared"), pickle.NewFloat(1.5))
	date := pickle.NewCall(pickle.NewGlobal("datetime", "date"), pickle.NewBytes("\x07\xe4\x01\x02"))
	ordered := pickle.NewCall(pickle.NewGlobal("collections", "OrderedDict"))
	ordered.Call.Steps = []pickle.Step{
		{Kind: pickle.SetItems, Items: []*pickle.Object{pickle.NewStr("a"), shared, pickle.NewStr("b"), date}},
		{Kind: pickle.Build, Items: []*pickle.Object{pickle.NewDict(pickle.NewStr("x"), pickle.NewInt(1))}},
	}
	root := pickle.NewDict(
		pickle.NewStr("numbers"), pickle.NewTuple(pickle.NewInt(1), pickle.NewInt(-300), pickle.NewInt(1<<40), pickle.NewBool(true), pickle.NewNone()),
		pickle.NewStr("bytes"), pickle.NewTuple(pickle.NewBytes("\x00\xff"), pickle.NewByteArray("\x80x")),
		pickle.NewStr("sets"), pickle.NewList(pickle.NewSet(pickle.NewInt(1), date), pickle.NewFrozenSet(pickle.NewStr("f\u00e4"))),
		pickle.NewStr("ordered"), ordered, pickle.NewStr("shared"), shared)
	root.Items = append(root.Items, pickle.NewStr("self"), root)
	return root
}

// mutant returns a copy of data with a few bytes changed, repeated or removed.
func mutant(rng *rand.Rand, data []byte) []byte {
	data = slices.Clone(data)
	for range 1 + rng.IntN(4) {
		i := rng.IntN(len(data) - 1)
		switch n := rng.IntN(min(20, len(data)-i)); rng.IntN(4) {
		case 0:
			data[i] = byte(rng.IntN(256))
		case 1:
			data[i] = data[rng.IntN(len(data))]
		case 2:
			data = slices.Insert(data, rng.IntN(len(data)), slices.Clone(data[i:i+n])...)
		case 3:
			data = slices.Delete(data, i, i+min(n, len(data)/8))
		}
	}
	return data
}

// refusedByGoOnly are the errors for what Python loads and Go refuses. No Python writes it: numbers with a zero byte or with
// spaces, which C's functions accept, gaps in the memo, and a memoryview.
var refusedByGoOnly = []string{
	"not an integer", "not a float", "not a memo number", "a memo number that is larger than the pickle",
	"a read-only view",
}

// Go loads every pickle that Python loads, except for refusedByGoOnly. Python loads what Go writes from it.
func TestWhatPythonLoadsGoLoads(t *testing.T) {
	p := startPython(t, djangotest.Newest, "loads")
	n := *seed
	if n == 0 {
		n = rand.Uint64()
	}
	t.Logf("-pickle.seed=%d", n)
	rng := rand.New(rand.NewPCG(n, 0))
	both, refused := 0, 0
	for i := range 2 * graphs() {
		protocol := i % 6
		data, err := pickle.Append(nil, harmless(), protocol)
		if err != nil {
			t.Fatal(err)
		}
		data = mutant(rng, data)
		p.send(data)
		python := string(p.receive())
		o, err := pickle.Load(data, pickle.Limits{})
		if python != "ok" {
			refused++
			continue
		}
		if err != nil {
			var syntax *pickle.SyntaxError
			if errors.As(err, &syntax) && slices.Contains(refusedByGoOnly, syntax.Msg) {
				continue
			}
			t.Fatalf("Python loads it, Go returns %v:\n%q", err, data)
		}
		both++
		written, err := pickle.Append(nil, o, rng.IntN(6))
		if err == pickle.ErrChanged {
			continue // Go reads such a graph and does not write it
		}
		if err != nil {
			t.Fatalf("%v:\n%q", err, data)
		}
		p.send(written)
		if python := string(p.receive()); python != "ok" {
			t.Fatalf("%s:\n%q\nof\n%q", python, written, data)
		}
	}
	t.Logf("%d loaded by both, %d refused by Python", both, refused)
	if both == 0 || refused == 0 {
		t.Error("nothing was tried")
	}
}

// python is a running testdata/pickle_peer.py.
type python struct {
	t   testing.TB
	in  io.WriteCloser
	out *bufio.Reader
}

// startPython runs pickle_peer.py with the Python of a Django version until the test ends.
func startPython(t testing.TB, version string, args ...string) *python {
	t.Helper()
	args = append([]string{"-I", djangotest.Testdata(t, "pickle_peer.py")}, args...)
	cmd := exec.Command(djangotest.Python(t, version), args...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Process.Kill() // It may be writing what a failed test no longer reads.
		cmd.Wait()
	})
	return &python{t, in, bufio.NewReaderSize(out, 1<<20)}
}

func (p *python) byte() byte {
	p.t.Helper()
	b, err := p.out.ReadByte()
	if err != nil {
		p.t.Fatalf("python ended: %v", err)
	}
	return b
}

func (p *python) receive() []byte {
	p.t.Helper()
	var size [4]byte
	if _, err := io.ReadFull(p.out, size[:]); err != nil {
		p.t.Fatalf("python ended: %v", err)
	}
	data := make([]byte, binary.LittleEndian.Uint32(size[:]))
	if _, err := io.ReadFull(p.out, data); err != nil {
		p.t.Fatalf("python ended: %v", err)
	}
	return data
}

// send sends all texts in one write.
func (p *python) send(texts ...[]byte) {
	p.t.Helper()
	var all []byte
	for _, text := range texts {
		all = append(binary.LittleEndian.AppendUint32(all, uint32(len(text))), text...)
	}
	if _, err := p.in.Write(all); err != nil {
		p.t.Fatalf("python ended: %v", err)
	}
}
