package pickle_test

import (
	"flag"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/djsess/djsess/internal/pickle"
)

var (
	seed  = flag.Uint64("pickle.seed", 0, "what the graphs are made from; 0: another one each time")
	count = flag.Int("pickle.graphs", 0, "how many graphs; 0: 10000 where CI=true, else 1000")
)

func graphs() int {
	switch {
	case *count > 0:
		return *count
	case os.Getenv("CI") == "true":
		return 10000
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

// What Python pickles in any protocol, Go loads; what Go then writes, in that and another one, Python loads to an equal
// graph: types, values, order, sharing and cycles.
func TestGraphsThroughGoAreEqualInPython(t *testing.T) {
	for version, n := range map[string]int{"5.2": graphs(), "2.2": graphs()/20 + 1} {
		t.Run("Django "+version, func(t *testing.T) {
			p := startPython(t, version, "graphs", seedText(t), strconv.Itoa(n), "012345")
			t.Logf("%d pickles came and went", throughGo(t, p))
		})
	}
}

// What is plain data comes out in the bytes of Python's own pickler, in every protocol.
func TestPlainDataIsWrittenAsPythonDoes(t *testing.T) {
	p := startPython(t, "5.2", "plain", seedText(t), strconv.Itoa(graphs()/5+1), "012345")
	t.Logf("%d pickles came and went", throughGo(t, p))
}

// throughGo loads and writes all that Python sends, and returns how much that was.
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
			t.Fatalf("protocol %d taken for %d: %.300q", protocol, got, data)
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
