package pickle_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/djsess/djsess/internal/testing/djangotest"
)

// python is a running testdata/pickle_peer.py.
type python struct {
	t   testing.TB
	in  io.WriteCloser
	out *bufio.Reader
}

// startPython runs it with the Python of a Django version until the test ends.
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

// send sends all in one write.
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
